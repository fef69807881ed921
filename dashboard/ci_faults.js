// Which field of the form a refusal of a trust rule is about, in people's words: the API speaks of its own members.

import { words } from "./policies.js";
import { sentence } from "./refusals.js";

/** The members of a rule: the field in the form, and what to do. */
const MEMBERS = {
  issuer: ["issuer", "This gateway does not trust this CI system."],
  repository: ["who", "The name cannot be shown. Find the repository again, or paste a job token."],
  repository_id: ["who", "Find the repository, paste a job token, or enter the ids of repository and owner."],
  repository_owner_id: ["who", "Find the repository, paste a job token, or enter the ids of repository and owner."],
  project_id: ["who", "Find the repository, paste a job token, or enter the ids of project and namespace."],
  namespace_id: ["who", "Find the repository, paste a job token, or enter the ids of project and namespace."],
  subject: ["who", "Give the whole subject: at most 255 visible characters, without wildcards."],
  reusable_workflow: ["reusable", "Give repository, file and version, such as acme/pipelines/.github/workflows/build.yml@refs/tags/v1, without wildcards."],
  environment: ["environment", "Give the environment’s name, without wildcards."],
  protected_environment: ["environment", "Tokens of this CI system do not say whether an environment is protected."],
  ref: ["ref", "Give the branch or tag in full, such as refs/heads/main or refs/tags/v1, without wildcards."],
  protected_ref: ["ref", "Name the branch, tag or environment too: GitHub calls every branch protected that a ruleset is about."],
  events: ["events", "Give at most 16 events, of lower case letters, digits and _."],
  project: ["project", "Choose a project that exists."],
  policies: ["policies", "Tick at least one, and none that you do not hold."],
  longest_life: ["life", "Choose from 1 minute to 1 hour."],
};
const FILE = "Give the file alone, such as release.yml, or at GitLab its path. It ends in .yml or .yaml and has no wildcards.";

/** Words for members in a sentence that is shown as it is. */
const NAMES = { repository_id: "repository id", repository_owner_id: "owner id", project_id: "project id", namespace_id: "namespace id",
  reusable_workflow: "reusable workflow", longest_life: "longest life", protected_ref: "protected branches and tags only",
  protected_environment: "protected environments only", ref: "branch or tag", issuer: "CI system", trust_rules: "trust rules" };

/** The API's sentence with its members in words. */
export function wordsOf(detail) {
  return detail.replace(/`(?:conditions\.)?([^`]*)`/g, (_, name) => NAMES[name] ?? name);
}

/** `{ field, text }` for a refusal that is about one field; undefined for others. */
export function fieldOf({ status, code, detail = "" }) {
  if (code === "policy_not_held") {
    const policy = /`([^`]+)`/.exec(detail)?.[1];
    return { field: "policies", text: `You cannot give what you do not hold yourself${policy ? `: ${words(policy)}` : ""}.` };
  }
  if (code === "not_found" || code === "not_registered") {
    return { field: /workflow/.test(detail) ? "workflow" : "project", text: sentence(wordsOf(detail)) };
  }
  if (![400, 409, 422].includes(status)) return undefined;
  const [, inside, member] = /^\W*`(conditions\.)?([a-z_]+)`/.exec(detail) ?? [];
  const untold = /leave it out/.test(detail) ? "Tokens of this CI system do not say this: leave it empty." : undefined;
  if (member === "workflow") {
    return inside || untold || /file|\.yml/.test(detail) ? { field: "file", text: untold ?? FILE } : { field: "workflow", text: "Choose a workflow of the project." };
  }
  const [field, text] = MEMBERS[member] ?? [];
  return field && { field, text: (["reusable", "environment", "ref", "events"].includes(field) && untold) || text };
}
