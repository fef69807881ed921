// What a refusal means for the person in front of it: what to do, and when to try again.

import { exact, h, span } from "./dom.js";

const ADVICE = {
  mint_rate_exceeded: "Mints from your network address are limited. Revoking is not.",
  minter_rate_exceeded: "This minter has used up its mints for now. Revoking is not limited.",
  mint_ceiling_reached: "Revoke a token that nobody uses (filter by status, look at “last used”), or have an administrator raise the ceiling.",
  name_taken: "Choose another name, or leave the name empty for one made from the id.",
  name_invalid: "Choose another name.",
  policy_not_held: "Untick the policies that you do not hold yourself, or ask somebody who does.",
  lifetime_exceeded: "Choose an earlier end: nothing that you mint can outlive you.",
  operation_not_allowed: "You may not do this. Sign in with another credential, or ask an administrator.",
  project_required: "Choose a project: you may not mint tokens for the whole organization.",
  organization_token: "This token is organization-level: only who holds the org_api_token policies can touch it.",
  token_not_live: "It has ended, is held back, or is being rotated out already. Reload the list.",
  adopted_token: "It was minted at the origin: mint a new one here instead, then revoke it.",
  overlap_too_long: "Choose an overlap that ends before the token itself does.",
  expiry_in_the_past: "Choose a moment in the future.",
  selector_empty: "Give at least one criterion.",
  selector_too_wide: "Narrow it down, and do it in parts.",
  organization_required: "Choose an organization first.",
  organization_not_found: "Check the name of the organization.",
  not_a_member: "Check the name of the organization, or sign in as a member of it.",
  unavailable: "Nothing was done by this answer. Try again; the view “Gate” shows which part is down.",
  unreachable: "Check your connection. What you asked for may or may not have been done: reload before you repeat it.",
  slow: "What you asked for may or may not have been done: reload before you repeat it.",
};

/** The refusal as a box: what the gate says, what to do, when to try again. */
export function refusalBox(refused) {
  const advice = ADVICE[refused.code];
  const retry = refused.retryAfter;
  return h(
    "div",
    { class: "note bad", role: "alert", dataset: { code: refused.code ?? "fault" } },
    h("p", { class: "strong" }, sentence(refused.detail ?? refused.message)),
    advice && h("p", {}, advice),
    retry !== null && retry !== undefined &&
      h("p", {}, `Try again in ${span(retry)}, at ${clock(refused.at + retry * 1_000)}.`),
    refused.requestId && h("p", { class: "below" }, "Request id ", h("code", {}, refused.requestId)),
  );
}

const clock = (moment) => exact(moment).split(", ").pop();

function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/**
 * Runs `work` for a button: held down meanwhile, and a refusal shown in `place`.
 * @returns the result, or undefined when it was refused
 */
export async function attempt(button, place, work) {
  if (button.getAttribute("aria-disabled") === "true") return undefined;
  const label = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = `${label}…`;
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
