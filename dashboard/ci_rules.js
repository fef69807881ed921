// Trust rules: whose CI jobs get a token. The calls to the API, and what it says in people's words. Pasted job tokens are
// not kept here.

import { call } from "./api.js";
import { EVERY_TOKEN, words } from "./policies.js";

/** What a job may do besides attesting where nobody says more. Attesting itself asks for no policy. */
export const ATTEST = ["cas_artifact:create", "workflow:read", "workflow_contract:read", "workflow_run:read"];

export const LIVES = [["5m", "5 minutes"], ["15m", "15 minutes"], ["30m", "30 minutes"], ["1h", "1 hour"]];
export const USUAL_LIFE = "15m";

const PATH = "/org/trust-rules";

export const list = () => call("GET", PATH);
export const add = (body) => call("POST", PATH, { body });
export const remove = (rule) => call("DELETE", `${PATH}/${encodeURIComponent(rule.id)}`);
export async function find(issuer, named) {
  const { repository, repository_id, repository_owner_id, project_id, namespace_id } = await call("POST", `${PATH}/find`, { body: { issuer, repository: named } });
  return { repository, repository_id, repository_owner_id, project_id, namespace_id };
}
export const test = (token) => call("POST", `${PATH}/test`, { body: { token } });

/** `github`, `gitlab` or `other`: whose claims the tokens of an issuer have. */
export function forgeOf(issuer = "") {
  return /^(github|gitlab)(=|$)/.exec(issuer)?.[1] ?? "other";
}

/** The URL that an issuer signs as. */
export function urlOf(issuer = "") {
  const known = { github: "https://token.actions.githubusercontent.com", gitlab: "https://gitlab.com" }[issuer];
  return known ?? issuer.replace(/^(github|gitlab)=/, "");
}

/** `GitHub Actions`, `GitLab at gitlab.example.com`. */
export function issuerWords(issuer = "") {
  const place = urlOf(issuer).replace(/^https?:\/\//, "");
  const forge = { github: "GitHub Actions", gitlab: "GitLab" }[forgeOf(issuer)];
  if (!forge) return place;
  return issuer.includes("=") ? `${forge} at ${place}` : { GitLab: "GitLab.com" }[forge] ?? forge;
}

/** `branch main`, `tag v1`, or the reference as it is. */
export function refWords(ref) {
  const [, kind, name] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  return kind ? `${kind === "heads" ? "branch" : "tag"} ${name}` : ref;
}

/** What a rule asks besides the repository, one text for each condition. */
export function conditionWords(conditions = {}) {
  const { workflow, reusable_workflow: reusable, environment, ref, events = [] } = conditions;
  return [
    workflow && `workflow ${workflow.replace(/^\.github\/workflows\//, "")}`,
    reusable && `reusable workflow ${reusable}`,
    environment && `environment ${environment}`,
    conditions.protected_environment && "protected environments only",
    ref && refWords(ref),
    conditions.protected_ref && "protected branches and tags only",
    events.length > 0 && `${events.length === 1 ? "event" : "events"} ${events.join(", ")}`,
  ].filter(Boolean);
}

const same = (one, other) => one.length === other.length && one.every((policy) => other.includes(policy));

/** What policies allow, in a few words; the whole list is for whoever asks. */
export function allowed(policies) {
  if (same(policies, ATTEST)) return "attest";
  if (same(policies, Object.keys(EVERY_TOKEN))) return "all that a project token may do";
  return policies.length <= 2 ? `attest, ${policies.map(words).join(", ")}` : `attest, and ${policies.length} policies`;
}

/** `shop / release`, or the project alone. */
export const placeOf = ({ project, workflow }) => (workflow ? `${project.name} / ${workflow.name}` : project.name);

/** What a rule is about, by the name that it had when the rule was added. */
export const aboutOf = (rule) => rule.repository ?? rule.subject ?? `repository ${rule.repository_id ?? rule.project_id}`;

/** The ids that a repository is known by, as `[term, id]`; for other issuers the subject. */
export function pins(of) {
  return [
    ["repository id", of.repository_id], ["owner id", of.repository_owner_id],
    ["project id", of.project_id], ["namespace id", of.namespace_id], ["subject", of.subject],
  ].filter(([, id]) => id !== undefined && id !== null && id !== "");
}

const UNMET = {
  issuer: "CI system", workflow: "workflow file", reusable_workflow: "reusable workflow", unprotected_environment: "protected environment",
  ref: "branch or tag", unprotected_ref: "protected branch or tag",
};

/** Why a rule is not met: the first condition that fails, what the rule asks and what the token says. */
export function unmetWords({ unmet, asks, says }) {
  const told = says === null || says === undefined || says === "" ? "nothing" : says;
  if (unmet === "outside_event") {
    return `event: the token says ${told}, which counts only where a rule names it, as people without write access may begin such runs`;
  }
  return `${UNMET[unmet] ?? String(unmet).replaceAll("_", " ")}: ${asks ? `the rule asks ${asks}, ` : ""}the token says ${told}`;
}
