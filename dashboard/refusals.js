// What a refusal means for the person in front of it: what to do, and when to try again.

import { exact, h, span } from "./dom.js";

/** The gateway's sentences where they speak of the API's fields rather than of what is on the page. */
const WORDS = {
  name_invalid: "This name cannot be used: it is too long, or has characters that cannot be seen.",
  description_invalid: "This description cannot be used: it is too long, or has characters that cannot be seen.",
  expires_at_invalid: "This is not a time at which a token can expire.",
  token_id_invalid: "There is no token with this id.",
  minted_by_invalid: "There is no token with this id.",
  moment_invalid: "A date is not complete.",
  address_invalid: "This is not an IP address.",
  selector_empty: "Say which tokens.",
  search_invalid: "Type words with letters or digits, or at least 4 characters behind pst_ or jwt_.",
  cursor_invalid: "The list has changed meanwhile: load it again.",
  secret_in_query: "This is a whole token, which does not belong into an address.",
  origin_tokens: "The origin’s own tokens cannot be managed here.",
  federated_only: "This organization gives tokens to CI jobs only.",
  credential_malformed: "This is not a whole key or token. Copy it again, from its first to its last character.",
  request_id_invalid: "A request id has 32 digits. Open a row to copy it.",
  issuer_not_trusted: "This organization does not trust this CI system.",
  default_expires_in_invalid: "The usual life must be a span such as 90d, and not longer than the longest life.",
  audit_keys_not_set: "This gateway has no keys for public checkpoints, so the log can be verified with its own keys only.",
  audit_tree_behind: "The gateway is still reading the older events of this log. Verify again later.",
};

const ADVICE = {
  mint_rate_exceeded: "Creating tokens is rate limited by network address. Revoking is not.",
  minter_rate_exceeded: "You have created as many tokens as the rate limit allows for now. Revoking is not limited.",
  mint_ceiling_reached: "Revoke a token that nobody uses (filter by status, look at “last used”), or ask an administrator to raise the limit.",
  name_taken: "Choose another name, or leave the name empty to generate one.",
  name_invalid: "Choose another name.",
  policy_not_held: "Untick the policies that you do not hold yourself, or ask somebody who does.",
  lifetime_exceeded: "Choose an earlier expiry: a token cannot outlive its creator.",
  operation_not_allowed: "You are not allowed to do this. Sign in with another credential, or ask an administrator.",
  project_required: "Choose a project: you are not allowed to create tokens for the whole organization.",
  organization_token: "This is an organization-level token: only holders of the org_api_token policies can manage it.",
  federated_only: "Add a trust rule under “CI jobs” instead: jobs then need no stored token.",
  organization_paused: "Somebody paused it under “Settings”, where an administrator can resume it.",
  lifetime_too_long: "Choose an earlier expiry.",
  expiry_required: "Choose an expiry.",
  token_not_live: "It is expired, revoked, quarantined or already being rotated out. Reload the list.",
  adopted_token: "It was created at the origin: create a new one here instead, then revoke it.",
  overlap_too_long: "Choose an overlap that ends before the token expires.",
  expiry_in_the_past: "Choose a moment in the future.",
  selector_empty: "Give at least one criterion.",
  selector_too_wide: "Narrow it down, or revoke in parts.",
  organization_required: "Choose an organization first.",
  organization_not_found: "Check the name of the organization.",
  not_a_member: "Check the name of the organization, or sign in as a member of it.",
  unavailable: "Try again in a moment; the view “Status” shows which part is down.",
  unreachable: "Check your connection. The change may or may not have been made: reload before you repeat it.",
  slow: "The change may or may not have been made: reload before you repeat it.",
};

/** The refusal as a box: what the gateway says, what to do, when to try again. */
export function refusalBox(refused) {
  const advice = ADVICE[refused.code];
  const retry = refused.retryAfter;
  return h(
    "div",
    { class: "note bad", role: "alert", dataset: { code: refused.code ?? "fault" } },
    h("p", { class: "strong" }, told(refused)),
    advice && h("p", {}, advice),
    retry !== null && retry !== undefined &&
      h("p", {}, `Try again in ${span(retry)}, at ${clock(refused.at + retry * 1_000)}.`),
    // To look a failure up by; what was typed wrongly is in no log.
    (refused.status >= 500 || refused.status === 429) && refused.requestId && h("p", { class: "below" }, "Request id ", h("code", {}, refused.requestId)),
  );
}

/** What the gateway says, in words for people. */
export const told = ({ code, detail, message }) => WORDS[code] ?? sentence((detail ?? message).replaceAll("`", ""));

const clock = (moment) => exact(moment).split(", ").pop();

export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/**
 * Runs `work` for a button: held down meanwhile, with `busy` on it, and a refusal shown in `place`.
 * @returns the result, or undefined when it was refused
 */
export async function attempt(button, place, work, busy = `${button.textContent}…`) {
  if (button.getAttribute("aria-disabled") === "true") return undefined;
  const label = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = busy;
  place.replaceChildren();
  try {
    return await work();
  } catch (refused) {
    place.replaceChildren(refusalBox(refused));
    return undefined;
  } finally {
    button.removeAttribute("aria-disabled");
    button.textContent = label;
  }
}
