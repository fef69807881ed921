// Credentials for the origin: what the API says of one, and which one counts. The credential itself only ever goes out,
// in a request's body; nothing here keeps it.

import { call } from "./api.js";
import { number } from "./dom.js";
import { state } from "./state.js";

export const MAX_LENGTH = 8_192;
/** For how long running attestations keep a replaced credential, in seconds; the gateway takes up to a day. */
export const KEEP = [["0", "Not at all: they fail"], ["1800", "30 minutes"], ["7200", "2 hours"], ["28800", "8 hours"], ["86400", "24 hours"]];
export const USUAL_KEEP = "7200";

/** Names as the gateway has them; anything else could make another path. */
export const isName = (text) => /^[a-z0-9-]{1,63}$/.test(text);

/** `scope` is `{}`, `{ project }` or `{ project, workflow }`. */
function path({ project, workflow }) {
  const parts = [["projects", project], ["workflows", workflow]].filter(([, name]) => name !== undefined);
  return ["/org", ...parts.map(([kind, name]) => `${kind}/${encodeURIComponent(name)}`), "upstream"].join("/");
}

/** What it is for, in words: `the organization acme`, `shop`, `shop / release`. */
export function words({ project, workflow }) {
  if (project) return workflow ? `${project} / ${workflow}` : project;
  return ["the organization", state.who?.organization].filter(Boolean).join(" ");
}

/** None is set; the other 404s have the code of what does not exist, or none, where a proxy has answered. */
const isUnset = ({ status, code }) => status === 404 && code !== "not_found" && code !== "unreadable";

/**
 * What there is: `set` with the answer, `none`, `denied` where the caller may not see it, `unknown` where the project or
 * the workflow is not there for the caller, or `failed`; the last three with the refusal.
 */
export async function look(scope) {
  try {
    return { kind: "set", answer: await call("GET", path(scope)) };
  } catch (refused) {
    if (refused.status === 403) return { kind: "denied", refused };
    if (isUnset(refused)) return { kind: "none" };
    return { kind: refused.status === 404 && refused.code === "not_found" ? "unknown" : "failed", refused };
  }
}

export const put = (scope, credential, keep) =>
  call("PUT", path(scope), { body: { credential, keep_replaced_seconds: keep } });

/** True once there is none, also where somebody else has cleared it. */
export async function clear(scope) {
  try {
    await call("DELETE", path(scope));
  } catch (refused) {
    if (!isUnset(refused)) throw refused;
  }
  return true;
}

/** What is wrong with a pasted credential, in words; undefined where nothing is. */
export function fault(text) {
  if (text === "") return "Paste the credential.";
  if (/^bearer\s/i.test(text)) return "Leave out “Bearer”: the gateway adds it.";
  if (/[^\x21-\x7e]/.test(text)) return "It has spaces, line ends or special characters. Paste the credential alone, on one line.";
  if (text.length > MAX_LENGTH) return `It is longer than ${number(MAX_LENGTH)} characters. Paste the credential alone.`;
  return undefined;
}

/** What counts where none is set. */
export function inherited({ project, workflow }) {
  if (workflow) return "The project’s counts, or else the organization’s, if it is set.";
  return project ? "The organization’s counts, if it is set." : "Only calls for projects and workflows with a credential of their own are sent with one.";
}

/** Which calls go out with it, once it is set. */
export function gain({ project, workflow }) {
  if (workflow) return "";
  return project ? ", unless their workflow has its own" : ", unless their project or workflow has its own";
}

/** What stops when it is cleared. */
export function loss({ project, workflow }) {
  if (workflow) return "New calls for this workflow are sent with the credential of its project, or else of the organization. If neither has one, they are refused.";
  if (project) return "New calls for this project are sent with the credential of the organization. If it has none, they are refused. Workflows with a credential of their own go on.";
  return "Calls are refused until you set another one, except those for projects and workflows with a credential of their own.";
}
