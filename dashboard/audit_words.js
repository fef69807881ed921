// The audit log in words: actions, actors, what an event is about, and what changed.

import { number } from "./dom.js";

/** The log's actions; docs/STORAGE.md lists them. */
export const ACTIONS = {
  "token.mint": "Token created",
  "token.mint_refused": "Creation refused",
  "token.mint_abandoned": "Creation abandoned",
  "token.adopt": "Token adopted",
  "token.edit": "Token changed",
  "token.rotate": "Token rotated",
  "token.revoke": "Token revoked",
  "token.revoke_idle": "Idle token revoked",
  "token.revoke_leaked": "Leaked token revoked",
  "token.quarantine": "Token quarantined",
  "token.release": "Token restored",
  "token.origin_revoke_failed": "Not revoked at the origin",
  "organization.create": "Organization created",
  "organization.update": "Organization changed",
  "organization.pause": "Organization paused",
  "organization.resume": "Organization resumed",
  "project.create": "Project created",
  "workflow.create": "Workflow created",
  "trust_rule.add": "Trust rule added",
  "trust_rule.remove": "Trust rule removed",
  "upstream.set": "Credential for the origin set",
  "upstream.clear": "Credential for the origin cleared",
  "artifact_credential.issue": "Artifact credential handed out",
  "ledger.rebuild": "Ledger rebuilt from D1",
};

export const actionWords = (action) => ACTIONS[action] ?? action.replaceAll(/[._]/g, " ");

/** Whether an event takes something away, or was refused. */
export const isGrave = ({ action, outcome }) => outcome !== "ok" || action.startsWith("token.revoke") || action === "token.quarantine" || action === "organization.pause";

const TIERS = {
  admin: "administrator key", session: "browser session", token: "token", bootstrap: "none, while the gateway was open for a first token",
  workflow_read: "token of a workflow", open: "none",
};
export const tierWords = (tier) => TIERS[tier] ?? tier;

/** Who did it: `administrator key ops`, `kim (session)`, `ci-bootstrap`, `a leak report`. */
export function actorWords({ actor, actor_name: name }) {
  const at = actor.indexOf(":");
  const [kind, rest] = at < 0 ? [actor, ""] : [actor.slice(0, at), actor.slice(at + 1)];
  switch (kind) {
    case "admin-token": return rest ? `administrator key ${rest}` : "administrator key";
    case "org-token": return name ?? rest;
    case "session": return `${rest} (session)`;
    case "person": return `person ${rest}`;
    case "trust-rule": return `trust rule ${rest.slice(0, 8)}`;
    case "leak-report": return "a leak report";
    case "idle-sweep": return "the idle sweep";
    case "ledger": return "the gateway";
    case "bootstrap": return "nobody signed in";
    default: return actor;
  }
}

/** What an event is about: `shop / release`, `organization`; empty where nothing says so. */
export function scopeWords({ token_name: known, token_project: project, token_workflow: workflow, target, changes, action }) {
  if (known) return [project, workflow].filter(Boolean).join(" / ") || "organization";
  const [kind, name = ""] = (target ?? "").split(/:(.*)/s);
  if (kind === "project" || kind === "workflow") return name.replace("/", " / ");
  if (kind === "trust-rule") return [changes?.project, changes?.workflow].filter(Boolean).join(" / ");
  return kind === "organization" || (!target && !action.startsWith("token.")) ? "organization" : "";
}

const KEYS = {
  mint_ceiling: "limit of active tokens", max_idle_days: "idle days", on_leak: "when leaked", federated_only: "CI jobs only", max_lifetime_days: "longest life (days)",
  default_expires_in: "usual life", trusted_issuers: "trusted CI systems",
  digest: "fingerprint", replaces: "in place of", keep_replaced_seconds: "former one kept for (s)", revoked_tokens: "tokens revoked",
  expires_at: "expires", is_system: "system token", address_ranges: "usable from", calls_per_minute: "calls per minute",
  longest_life_seconds: "longest life (s)", call: "call", keeps_active: "active tokens kept", last_sequence: "last row of D1",
  ledger_sequence: "last row of the Ledger", undelivered: "not delivered to D1", run_id: "run", run_attempt: "attempt",
  repository_id: "repository id", repository_owner_id: "owner id", namespace_id: "namespace id", project_id: "project id", job_workflow: "reusable workflow",
};
const keyWords = (key) => KEYS[key] ?? key.replace(/^conditions\./, "condition ").replaceAll(/[._]/g, " ");

const NOTHING = { expires_at: "never", address_ranges: "everywhere", calls_per_minute: "no limit" };

function valueWords(key, value) {
  if (key === "mint_ceiling") return value === null ? "the default" : value === 0 ? "none" : number(value);
  if (/^max_.*_days$/.test(key) && value === 0) return "no limit";
  if (value === null) return NOTHING[key] ?? "none";
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

/** Changes with each value whole: one that is too long for one text stands in `policies`, `policies.2` and so on. */
function whole(changes) {
  const all = {};
  for (const [key, value] of Object.entries(changes)) {
    const [, name] = /^(.+)\.\d+$/.exec(key) ?? [];
    if (name in changes) continue;
    all[key] = value;
    for (let part = 2; `${key}.${part}` in changes; part += 1) all[key] += changes[`${key}.${part}`];
  }
  return all;
}

/** `[what, value]` rows: `["when leaked", "revoke → quarantine"]`. */
export function changeWords({ changes: told }) {
  if (!told) return [];
  const changes = whole(told);
  return Object.entries(changes).filter(([key]) => !key.endsWith(".before")).map(([key, value]) => {
    const before = changes[`${key}.before`];
    return [keyWords(key), `${before === undefined ? "" : `${valueWords(key, before)} → `}${valueWords(key, value)}`];
  });
}

/** What changed, in one line, for events whose changes are the point. */
export function changeLine(event) {
  if (event.action === "organization.update" || event.action === "token.edit") return changeWords(event).map((row) => row.join(": ")).join(", ");
  if (event.action === "trust_rule.remove") return `${event.changes?.revoked_tokens ?? 0} tokens revoked`;
  return "";
}
