// Why calls are refused, in words: the codes of docs/API.md that a call for the origin can have, and what to do about each.

const CREDENTIAL = "The call had no credential that is accepted. If the token was revoked, its user needs another one.";

/** Code: what it says in a few words, and what to look at. */
const REASONS = {
  token_expired: ["Token expired", "Rotate the token, or create a new one, and give it to its user."],
  token_stale: ["Token of another deployment", "It was not issued here, or signed with a key that was retired."],
  credential_missing: ["No credential", CREDENTIAL],
  credential_malformed: ["Malformed credential", "It was cut, or something was added to it, when it was copied or stored."],
  credential_refused: ["Credential refused", CREDENTIAL],
  token_revoked: ["Token revoked", "Its user needs another token. Its page says when it was revoked."],
  token_quarantined: ["Token quarantined", "It was found in public. Restore it if that was a mistake, or revoke it."],
  job_token_refused: ["Job token refused", "“Test a job token” under “CI jobs” says which rule it does not meet."],
  operation_not_allowed: ["Not among its policies", "The token lacks a policy that this operation needs."],
  address_not_allowed: ["Address not allowed", "The token is for other addresses. If its user has moved, create a token for the new ones."],
  calls_exceeded: ["Too many calls", "The token has a limit of calls per minute. Create one with a higher limit if its user needs it."],
  not_confined: ["No project or workflow named", "The call has to name the project and, for the token of a workflow, the workflow."],
  other_project: ["Another project", "The token is for one project, and the call names another one."],
  other_workflow: ["Another workflow", "The token is for one workflow, and the call is about another one."],
  other_organization: ["Another organization", "The call names another organization than the token’s."],
  organization_paused: ["Organization paused", "Somebody has paused the organization: an administrator can resume it under “Settings”."],
  unknown_run: ["Unknown workflow run", "There is no such run in the organization of the token."],
  workflow_replaced: ["Workflow was deleted", "The workflow of the token was deleted. One of the same name is a new one: create a token for it."],
  origin_tokens: ["Origin’s own tokens", "They are not managed through the gateway."],
  upstream_missing: ["No credential for the origin", "Set one under “Settings”, for the organization, the project or the workflow."],
  upstream_refused: ["Origin refused the gateway", "Set another credential for the origin under “Settings”."],
  origin_unavailable: ["Origin did not answer", "The origin was down, or could not be reached."],
  deadline_exceeded: ["Origin too slow", "The deadline of the call passed before the origin answered."],
  people_denied: ["Token of a person", "User tokens of the control plane are not accepted here."],
  unavailable: ["Dependency not available", "“Status” shows which part of the gateway is down."],
  body_too_large: ["Call too large", "It is larger than the gateway reads."],
  mint_rate_exceeded: ["Too many created", "The address has created as many tokens in an hour as one may. Revoking is not limited."],
  minter_rate_exceeded: ["Too many created", "The creator has created as many tokens in an hour as one may. Revoking is not limited."],
  mint_ceiling_reached: ["Token limit reached", "The organization has as many active tokens as it may have."],
  name_taken: ["Name taken", "Another active token has this name."],
  policy_not_held: ["Would grant more than it has", "A token gives no other one what it does not hold itself."],
  native_grpc: ["Native gRPC", "The client has to call through “postern bridge”."],
};

const words = (code) => code.charAt(0).toUpperCase() + code.slice(1).replaceAll("_", " ");

/** `Another project`. */
export const reasonTitle = (code) => REASONS[code]?.[0] ?? words(code);

/** Whether policies or scope decided, so that it helps to know what the operation needs. */
export const byPolicy = (code) => ["operation_not_allowed", "not_confined", "other_project", "other_workflow", "project_required"].includes(code);

/** What to do about it; undefined where nothing is known. */
export const reasonAdvice = (code) => REASONS[code]?.[1];
