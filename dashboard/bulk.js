// Revoking many: what a dry run says is shown first, and revoked is what the same criteria then match.

import { call } from "./api.js";
import { field, h, named, openDialog, say } from "./dom.js";
import { attempt } from "./refusals.js";
import { scopeOf } from "./tokens.js";

const MOST_SHOWN = 200;
const iso = (local) => (local ? new Date(local).toISOString() : undefined);
const plural = (count) => `${count.toLocaleString("en")} ${count === 1 ? "token" : "tokens"}`;

/**
 * Opens the dialog.
 * @param selector what was selected in the list, or undefined for a form of criteria
 * @param known rows of the list, to show names in place of ids
 */
export function bulkDialog(selector, known, changed) {
  let done = false;
  openDialog(
    "Revoke many tokens",
    (close, dialog) => {
      const place = h("div", {});
      const body = h("div", {});
      const cancel = () => h("button", { type: "button", onclick: close }, "Cancel");
      const preview = (criteria) => call("POST", "/org/tokens/revoke", { body: { ...criteria, dry_run: true } });

      function showPreview(criteria, found, back) {
        place.replaceChildren();
        const button = h("button", { type: "button", class: "danger solid" }, `Revoke ${plural(found.matched)}`);
        button.addEventListener("click", async () => {
          const answer = await attempt(button, place, () => call("POST", "/org/tokens/revoke", { body: criteria }), "Revoking…");
          if (answer) showDone(answer);
        });
        const none = found.matched === 0;
        body.replaceChildren(
          h("p", { class: none ? "note" : "note bad", id: "preview", tabindex: "-1" },
            h("strong", {}, none ? "No token matches." : `${plural(found.matched)} would be revoked.`),
            none ? "" : ` ${found.used_in_last_day === 0 ? "None of them was" : `${plural(found.used_in_last_day)} of them ${found.used_in_last_day === 1 ? "was" : "were"}`} used in the last day. Nothing has been revoked yet.`),
          none ? "" : matches(found.ids, known),
          place,
          h("div", { class: "buttons" }, cancel(), back ? h("button", { type: "button", onclick: back }, "Back") : null, none ? null : button));
        body.querySelector("#preview").focus();
      }

      function showDone(answer) {
        done = true;
        dialog.querySelector("h2").textContent = "Revoked";
        const when = answer.revoked_at ? ` at ${answer.revoked_at.replace("T", " ").slice(0, 19)} UTC` : "";
        const text = answer.matched === 0 ? "No token matches any more." : `${plural(answer.matched)} revoked${when}.`;
        const shut = h("button", { type: "button", class: "primary", onclick: close }, "Done");
        body.replaceChildren(h("p", { class: "note good", id: "final" }, text), h("div", { class: "buttons" }, shut));
        say(text);
        shut.focus();
      }

      function showForm() {
        place.replaceChildren();
        body.replaceChildren(criteriaForm(cancel(), place, async (criteria) => showPreview(criteria, await preview(criteria), showForm)));
        body.querySelector("input").focus();
      }

      if (selector) {
        body.append(h("p", { role: "status" }, "Looking up the tokens…"));
        const button = h("button", { type: "button" }, "Try again");
        const ask = async () => {
          const found = await attempt(button, place, () => preview(selector));
          if (found) showPreview(selector, found);
          else body.replaceChildren(place, h("div", { class: "buttons" }, cancel(), button));
        };
        button.addEventListener("click", ask);
        ask();
      } else {
        queueMicrotask(showForm);
      }
      return body;
    },
    { wide: true, closed: () => done && changed() },
  );
}

function criteriaForm(cancel, place, submit) {
  const text = (properties = {}) => h("input", { type: "text", autocomplete: "off", spellcheck: "false", ...properties });
  const project = text({ list: "project-names" });
  const minter = text({ placeholder: "token id" });
  const address = text({ placeholder: "192.0.2.7" });
  const after = h("input", { type: "datetime-local" });
  const before = h("input", { type: "datetime-local" });
  const unused = h("input", { type: "checkbox", id: "never-used" });
  const button = h("button", { type: "submit", class: "primary" }, "Show what would be revoked");
  const form = h(
    "form",
    { novalidate: true },
    h("p", {}, "Matches the active tokens that meet every condition below. You review the list before anything is revoked."),
    h("div", { class: "columns" },
      field("Project", project, "With its workflows."),
      field("Created by", minter, "And the tokens that those created, at every level."),
      field("Created after", after), field("Created before", before),
      field("Created from address", address),
      h("div", { class: "tick" }, unused, h("label", { for: unused.id }, "Never used"))),
    place,
    h("div", { class: "buttons" }, cancel, button),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await attempt(button, place, () =>
      submit({
        project: project.value.trim() || undefined,
        minted_by: minter.value.trim() || undefined,
        created_after: iso(after.value),
        created_before: iso(before.value),
        created_from: address.value.trim() || undefined,
        never_used: unused.checked || undefined,
      }));
  });
  return form;
}

function matches(ids, known) {
  const rows = new Map(known.map((token) => [token.id, token]));
  const items = ids.slice(0, MOST_SHOWN).map((id) => {
    const token = rows.get(id);
    return token
      ? h("li", {}, named(token.name), " ", h("code", {}, token.prefix), ` ${scopeOf(token)}`)
      : h("li", {}, h("code", {}, id));
  });
  if (ids.length > MOST_SHOWN) items.push(h("li", {}, `and ${(ids.length - MOST_SHOWN).toLocaleString("en")} more`));
  return h("ul", { class: "matches", tabindex: "0", "aria-label": "Tokens that match" }, items);
}
