// Trust rules: whose CI jobs get a token. The calls to the API, and what it says in people's words. Pasted job tokens are
// not kept here.

import { call } from "./api.js";
import { h } from "./dom.js";
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

/** Where a forge is: `GitHub`, `GitLab.com`, `gitlab.example.com`. */
const hostOf = (issuer = "") => ({ github: "GitHub", gitlab: "GitLab.com" })[issuer] ?? urlOf(issuer).replace(/^https?:\/\//, "");

/** Whether the gateway can look repositories up by name for certain: at GitHub and GitLab by their public names. */
export const looksUp = (issuer) => issuer === "github" || issuer === "gitlab";

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

/** Events that people without write access can cause, of runs that have the rights of the repository itself. */
const RISKY = ["pull_request_target", "workflow_run"];

/** What to know about the conditions of a rule before one relies on it, in a sentence; undefined where there is nothing. */
export function warning(forge, conditions = {}) {
  const risky = RISKY.filter((event) => conditions.events?.includes(event));
  if (risky.length) return `People without write access can start runs of ${risky.join(" and ")}, and such runs have the repository’s own rights: they get tokens by this rule.`;
  if (forge === "other" || conditionWords(conditions).length) return undefined;
  return "Every job of the repository gets tokens by this rule, so whoever can push a branch there can get one.";
}

const same = (one, other) => one.length === other.length && one.every((policy) => other.includes(policy));

/** Those that have nothing to do with attesting. */
const besides = (policies) => policies.filter((policy) => !ATTEST.includes(policy));

/** What policies allow, in a few words; the whole list is for whoever asks. Those for attesting are not counted again. */
export function allowed(policies) {
  const more = besides(policies);
  if (more.length === 0) return "attest";
  if (same(policies, Object.keys(EVERY_TOKEN))) return "all that a project token may do";
  return `attest, and ${more.length <= 2 ? more.map(words).join(", ") : `${more.length} other things`}`;
}

/** The whole list: those for attesting, then the others. */
export function policyList(policies) {
  const more = besides(policies);
  const list = (some) => h("ul", {}, some.map((policy) => h("li", {}, words(policy), " ", h("code", {}, policy))));
  const attest = policies.filter((policy) => ATTEST.includes(policy));
  return h("div", {}, attest.length > 0 && [h("p", { class: "below" }, "Attest, and for that"), list(attest)],
    more.length > 0 && [h("p", { class: "below" }, attest.length ? "And besides" : "Attest, and besides"), list(more)]);
}

/** `shop / release`, or the project alone. */
export const placeOf = ({ project, workflow }) => (workflow ? `${project.name} / ${workflow.name}` : project.name);

/** What a rule is about: the name that it had when the rule was added, or `repository 74 at GitHub`. */
export const aboutOf = ({ issuer, repository, subject, repository_id: id, project_id: project }) =>
  repository ?? subject ?? `${id ? "repository" : "project"} ${id ?? project} at ${hostOf(issuer)}`;

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
  if (unmet === "outside_event" && told === "nothing") return "event: the token does not say what started the run";
  if (unmet === "outside_event") {
    return `event: the token says ${told}, which counts only where a rule names it, as people without write access can start such runs. If such runs may have tokens, add a rule with ${told} under “Events”; otherwise run the job by a push, a release or a schedule`;
  }
  return `${UNMET[unmet] ?? String(unmet).replaceAll("_", " ")}: ${asks ? `the rule asks ${asks}, ` : ""}the token says ${told}`;
}
