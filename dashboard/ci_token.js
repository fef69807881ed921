// What a pasted job token says of itself, read in the browser. Nothing here is checked or sent: the gateway checks it when
// a job shows it.

import { forgeOf, urlOf } from "./ci_rules.js";

/** The gateway reads no longer ones. */
export const MAX_TOKEN = 16_384;

/** What is wrong with a pasted token, in words; undefined where nothing is. `whole`: with its signature. */
export function fault(text, whole) {
  if (text === "") return "Paste a job token.";
  if (text.length > MAX_TOKEN) return "This is longer than any job token. Paste the token alone.";
  if (/^bearer\s/i.test(text)) return "Leave out “Bearer”.";
  if (!/^[\w-]+\.[\w-]+(\.[\w-]*)?$/.test(text)) return "This is not a job token: three parts with dots between them.";
  if (whole && !/\.[\w-]+\.[\w-]+$/.test(text)) return "The signature is missing: paste the whole token, with the part behind the second dot.";
  return undefined;
}

/** The claims of a token, or null where they cannot be read. */
export function claims(text) {
  try {
    const bytes = atob(text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    const read = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))));
    return typeof read === "object" && !Array.isArray(read) ? read : null;
  } catch {
    return null;
  }
}

/** For whom a token says that it was made. */
export function audiencesOf(token) {
  return [claims(token)?.aud ?? []].flat().map(text).filter(Boolean);
}

const text = (claim) => (typeof claim === "string" || typeof claim === "number" ? String(claim) : "");
const id = (claim) => (/^[1-9]\d{0,15}$/.test(text(claim)) ? text(claim) : undefined);

/** The file that a run began with, of `acme/shop/.github/workflows/release.yml@…` or `gitlab.com/acme/shop//.gitlab-ci.yml@…`. */
function fileOf(forge, claimed) {
  const pattern = forge === "github" ? /\/\.github\/workflows\/([^/@]+)@/ : /\/\/([^@]+)@/;
  return pattern.exec(claimed)?.[1] ?? "";
}

/**
 * Whose job it is, and how it ran: `{ who, ran }` with the members of a rule and of its conditions, or `{ fault }`.
 * `issuers` are those that the gateway trusts.
 */
export function jobOf(token, issuers) {
  const said = claims(token);
  if (!said) return { fault: "This cannot be read as a job token. Paste it whole and unchanged." };
  const issuer = issuers.find((one) => urlOf(one) === said.iss);
  if (!issuer) return { fault: `The token is of ${text(said.iss) || "no issuer"}, which this gateway does not trust.` };
  const forge = forgeOf(issuer);
  const who = { issuer };
  if (forge === "github") Object.assign(who, { repository: text(said.repository), repository_id: id(said.repository_id), repository_owner_id: id(said.repository_owner_id) });
  else if (forge === "gitlab") Object.assign(who, { repository: text(said.project_path), project_id: id(said.project_id), namespace_id: id(said.namespace_id) });
  else if (text(said.sub)) who.subject = text(said.sub);
  const lacks = forge === "other" ? !who.subject : Object.values(who).some((value) => !value);
  if (lacks) return { fault: `The token does not say which ${forge === "other" ? "job" : "repository"} it is of.` };
  if (forge === "other") return { who, ran: {} };
  const ref = text(said.ref);
  return { who, ran: {
    workflow: fileOf(forge, text(said.workflow_ref ?? said.ci_config_ref_uri)),
    environment: text(said.environment),
    ref: forge === "github" || !ref ? ref : `refs/${said.ref_type === "tag" ? "tags" : "heads"}/${ref}`,
    event: text(said.event_name ?? said.pipeline_source),
  } };
}
