// What can happen to one token: revoking, rotating, restoring it from quarantine; and where one reads more about it.

import { call } from "./api.js";
import { bulkDialog } from "./bulk.js";
import { ago, choice, exact, facts, field, h, lastRow, named, number, openDialog } from "./dom.js";
import { editDialog } from "./edit.js";
import { attempt } from "./refusals.js";
import { go } from "./route.js";
import { secretDialog } from "./secret.js";
import { renewed, state } from "./state.js";
import { canRotate, creatorOf, isOver, scopeOf } from "./token.js";

export const pathOf = (id) => `/org/tokens/${encodeURIComponent(id)}`;

/** The second of an instant in UTC, for what is final. */
export const utcTime = (moment) => `${new Date(moment).toISOString().slice(11, 19)} UTC`;

/**
 * Rows of `[text, what it does, whether it is dangerous]` for what one can do with a token. `changed` is called after a
 * change, with what was done in words.
 */
export function actionsOf(token, changed) {
  return [
    canRotate(token) && ["Rotate…", () => rotateDialog(token, changed)],
    !isOver(token) && ["Change…", () => editDialog(token, pathOf(token.id), changed)],
    token.quarantined_at && !isOver(token) && ["Restore…", () => restoreDialog(token, changed)],
    ["Tokens it created", () => go("tokens", null, { minted_by: token.id, status: "all" })],
    ["Audit events", () => go("audit", null, { token: token.id })],
    !isOver(token) && ["Revoke…", () => revokeDialog(token, changed), true],
  ].filter(Boolean);
}

/** A place for what was done last: it stays until it is dismissed. `tell` puts words there. */
export function doneNote() {
  const place = h("div", { role: "status", class: "done-place" });
  const tell = (...words) => {
    const dismiss = h("button", { type: "button", class: "quiet-button", "aria-label": "Dismiss", onclick: () => place.replaceChildren() }, "✕");
    place.replaceChildren(h("div", { class: "note good done" }, h("p", { id: "final" }, words), dismiss));
  };
  return { place, tell };
}

const about = (token) => [
  ["Token", named(token.name), " ", h("code", {}, token.prefix)],
  ["Scope", scopeOf(token)],
  ["Created by", named(creatorOf(token))],
  ["Last used", token.last_used_at ? `${ago(token.last_used_at)}, ${exact(token.last_used_at)}` : "never", ` (${number(token.uses)} uses)`],
];

/** A dialog that asks once. `work` makes the change and gives what was done, in words. */
function confirmDialog(title, token, { told, verb, busy, danger, work, changed }) {
  openDialog(title, (close) => {
    const place = h("div", {});
    const button = h("button", { type: "button", class: danger ? "danger solid" : "primary" }, verb);
    button.addEventListener("click", async () => {
      const done = await attempt(button, place, work, busy);
      if (!done) return;
      close();
      changed(...done);
    });
    return [
      facts(about(token)),
      h("p", {}, told),
      place,
      lastRow(close, button, true),
    ];
  });
}

export function revokeDialog(token, changed) {
  const told = h("span", {});
  let below = 0;
  const selector = { minted_by: token.id };
  call("POST", "/org/tokens/revoke", { body: { ...selector, dry_run: true }, quiet: true }).then(({ matched }) => {
    below = matched;
    if (below > 0) told.textContent = ` It created ${number(below)} ${below === 1 ? "token, which stays" : "tokens, which stay"} active: you can revoke ${below === 1 ? "it" : "them"} next.`;
  }, () => {});
  confirmDialog("Revoke this token?", token, {
    told: ["Requests using this token will fail immediately. This can’t be undone.", told],
    verb: "Revoke token",
    busy: "Revoking…",
    danger: true,
    // The answer comes when it is final.
    work: async () => {
      const { revoked_at: at } = await call("DELETE", pathOf(token.id));
      return [h("strong", {}, named(token.name), ` revoked at ${utcTime(at)}.`), " All further requests are refused.",
        below > 0 && [" ", h("button", { type: "button", class: "link", onclick: () => bulkDialog(selector, (ids, ...words) => changed(...words)) },
          `Review ${below === 1 ? "the token" : `the ${number(below)} tokens`} that it created…`)]].flat().filter(Boolean);
    },
    changed,
  });
}

function restoreDialog(token, changed) {
  confirmDialog("Restore this token?", token, {
    told: `It was quarantined ${ago(token.quarantined_at)}, after a report that it was found in public. If that is true, revoke it instead: whoever has found it can use it again.`,
    verb: "Restore token",
    busy: "Restoring…",
    work: async () => {
      await call("POST", `${pathOf(token.id)}/release`);
      return [h("strong", {}, named(token.name), " restored."), " Requests using it are accepted again."];
    },
    changed,
  });
}

const OVERLAPS = [["0", "None: the old token is revoked at once"], ["10m", "10 minutes"], ["1h", "1 hour"], ["1d", "1 day"], ["7d", "7 days"]];

/** A successor, and how long the old token works beside it. */
function rotateDialog(token, changed) {
  openDialog("Rotate this token", (close) => {
    const place = h("div", {});
    const overlap = choice(OVERLAPS, "1h", { autofocus: true });
    const expiry = choice([["", "As the old token"], ["30d", "30 days"], ["90d", "90 days"], ["365d", "1 year"]], "");
    const button = h("button", { type: "button", class: "primary" }, "Rotate");
    button.addEventListener("click", async () => {
      const body = { overlap: overlap.value };
      if (expiry.value) body.expires_in = expiry.value;
      const answer = await attempt(button, place, () => call("POST", `${pathOf(token.id)}/rotate`, { body }), "Rotating…");
      if (!answer) return;
      close();
      // Whoever rotates what they signed in with goes on with the new one.
      if (token.id === state.who?.id) renewed(answer);
      const until = overlap.value === "0"
        ? "is revoked."
        : `is revoked in ${overlap.selectedOptions[0].textContent}; you can revoke it sooner.`;
      const { prefix } = answer;
      secretDialog("Token rotated", answer, {
        note: h("p", {}, "The old token ", h("code", {}, token.prefix), ` ${until}`),
        closed: () => changed(h("strong", {}, named(token.name), " rotated."), " The new token is ", h("code", {}, prefix), ". The old one ", h("code", {}, token.prefix), ` ${until}`),
      });
    });
    return [
      facts([...about(token), ["Expires", token.expires_at ? exact(token.expires_at) : "never"]]),
      h("p", {}, "The new token has the same name, scope, format and policies, and a new secret."),
      h("div", { class: "columns" }, field("Both work for", overlap), field("The new one expires", expiry)),
      place,
      lastRow(close, button),
    ];
  });
}
