// What can happen to one token: looking at it, revoking, rotating, restoring it from quarantine.

import { call } from "./api.js";
import { jobFacts, ruleName } from "./ci_job.js";
import { ago, choice, exact, facts, field, h, named, openDialog, say, when } from "./dom.js";
import { words } from "./policies.js";
import { attempt } from "./refusals.js";
import { secretDialog } from "./secret.js";
import { state } from "./state.js";
import { isOver, scopeOf, standing } from "./tokens.js";

const pathOf = (token) => `/org/tokens/${encodeURIComponent(token.id)}`;

const lastUse = (token) =>
  token.last_used_at ? `${ago(token.last_used_at)}, ${exact(token.last_used_at)}` : "never";

/** The second of an instant in UTC, for what is final. */
const moment = (text) => `${new Date(text).toISOString().replace("T", " ").slice(0, 19)} UTC`;

/** The time of day from which on it is final, as a whole second that is not too early. */
const finalTime = (text) => {
  const seconds = Math.ceil(new Date(text).getTime() / 1_000);
  return `${new Date(seconds * 1_000).toISOString().slice(11, 19)} UTC`;
};

/** One confirmation, then the answer with the times at which the token was revoked and that was final. */
export function revokeDialog(token, changed) {
  let done = false;
  openDialog(
    "Revoke this token?",
    (close, dialog) => {
      const place = h("div", {});
      const button = h("button", { type: "button", class: "danger solid" }, "Revoke token");
      const body = h("div", {},
        facts([
          ["Token", named(token.name), " ", h("code", {}, token.prefix)],
          ["Scope", scopeOf(token)],
          ["Last used", lastUse(token), ` (${token.uses.toLocaleString("en")} uses)`],
        ]),
        h("p", {}, "Requests that use this token fail once the revoke is final, which takes a moment. This cannot be undone."),
        place,
        // The focus begins where a key that is held down does no harm.
        h("div", { class: "buttons" }, h("button", { type: "button", autofocus: true, onclick: close }, "Cancel"), button));
      button.addEventListener("click", async () => {
        const answer = await attempt(button, place, () => call("DELETE", pathOf(token)), "Revoking…");
        if (!answer) return;
        done = true;
        dialog.querySelector("h2").textContent = "Revoked";
        const shut = h("button", { type: "button", class: "primary", onclick: close }, "Done");
        body.replaceChildren(
          h("p", { class: "note good", id: "final" }, h("strong", {}, named(token.name), ` was revoked at ${moment(answer.revoked_at)}, final at ${finalTime(answer.final_at)}. `),
            "No request that starts now with this token is accepted anywhere."),
          h("div", { class: "buttons" }, shut));
        say(`Revoked, final at ${finalTime(answer.final_at)}.`);
        shut.focus();
      });
      return body;
    },
    { closed: () => done && changed() },
  );
}

const OVERLAPS = [["0", "None: the old token is revoked at once"], ["10m", "10 minutes"], ["1h", "1 hour"], ["1d", "1 day"], ["7d", "7 days"]];

/** A successor, and how long the old token works beside it. */
export function rotateDialog(token, changed) {
  openDialog("Rotate this token", (close) => {
    const place = h("div", {});
    const overlap = choice(OVERLAPS, "1h", { autofocus: true });
    const expiry = choice([["", "As the old token"], ["30d", "30 days"], ["90d", "90 days"], ["365d", "1 year"]], "");
    const button = h("button", { type: "button", class: "primary" }, "Rotate");
    button.addEventListener("click", async () => {
      const body = { overlap: overlap.value };
      if (expiry.value) body.expires_in = expiry.value;
      const answer = await attempt(button, place, () => call("POST", `${pathOf(token)}/rotate`, { body }));
      if (!answer) return;
      close();
      const until = overlap.value === "0"
        ? "is revoked."
        : `is revoked in ${overlap.selectedOptions[0].textContent}; you can revoke it sooner.`;
      secretDialog("Token rotated", answer, { closed: changed, note: h("p", {}, "The old token ", h("code", {}, token.prefix), ` ${until}`) });
    });
    return [
      facts([
        ["Token", named(token.name), " ", h("code", {}, token.prefix)],
        ["Scope", scopeOf(token)],
        ["Last used", lastUse(token)],
        ["Expires", token.expires_at ? exact(token.expires_at) : "never"],
      ]),
      h("p", {}, "The new token has the same name, scope, format and policies, and a new secret."),
      h("div", { class: "columns" }, field("Both work for", overlap), field("The new one expires", expiry)),
      place,
      h("div", { class: "buttons" }, h("button", { type: "button", onclick: close }, "Cancel"), button),
    ];
  });
}

/** Everything that the API tells about a token. */
export function detailsDialog(token, changed, byMinter) {
  const [word, kind] = standing(token);
  openDialog(
    "Token",
    (close) => {
      const place = h("div", {});
      const then = (open) => () => {
        close();
        open(token, changed);
      };
      const release = h("button", { type: "button" }, "Restore");
      release.addEventListener("click", async () => {
        if (!(await attempt(release, place, () => call("POST", `${pathOf(token)}/release`)))) return;
        close();
        changed();
      });
      const minted = h("button", { type: "button", onclick: () => { close(); byMinter(token.id); } }, "Tokens it created");
      const history = h("button", { type: "button", onclick: () => {
        close();
        state.focusToken = { id: token.id, prefix: token.prefix };
        location.hash = "#audit";
      } }, "History");
      return [
        facts([
          ["Name", named(token.name)],
          token.description && ["Description", named(token.description)],
          ["Prefix", h("code", {}, token.prefix)],
          ["Id", h("code", {}, token.id)],
          ["Status", h("span", { class: "badge", dataset: { kind } }, word)],
          ["Scope", scopeOf(token)],
          ["Format", token.format, token.adopted ? ", created at the origin" : "", token.is_system ? ", system token" : ""],
          ["Created", when(token.created_at), " by ", token.ci_job ? ruleName(token.ci_job) : named(token.created_by)],
          ...(token.ci_job ? jobFacts(token.ci_job) : []),
          ["Expires", when(token.expires_at)],
          token.revoked_at && ["Revoked", when(token.revoked_at)],
          token.quarantined_at && ["Quarantined", when(token.quarantined_at), " after a report that it was found in public"],
          ["Last used", when(token.last_used_at), ` (${token.uses.toLocaleString("en")} uses)`],
        ]),
        h("details", { class: "policies" }, h("summary", {}, `${token.policies.length} policies`),
          h("ul", {}, token.policies.map((policy) => h("li", {}, words(policy), " ", h("code", {}, policy))))),
        place,
        h("div", { class: "buttons" },
          isOver(token) ? null : h("button", { type: "button", class: "danger", onclick: then(revokeDialog) }, "Revoke"),
          isOver(token) || token.ci_job ? null : h("button", { type: "button", onclick: then(rotateDialog) }, "Rotate"),
          token.quarantined_at && !isOver(token) ? release : null,
          minted, history,
          h("button", { type: "button", onclick: close }, "Close")),
      ];
    },
    { wide: true },
  );
}
