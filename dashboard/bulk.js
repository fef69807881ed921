// Revoking many: a dry run tells what would be revoked, used ones first. Of these, revoked are those that still match; what came
// meanwhile is reviewed too.

import { call } from "./api.js";
import { csv } from "./csv.js";
import { h, named, number, openDialog, saveFile, textInput } from "./dom.js";
import { faultField, faults } from "./fields.js";
import { utcTime } from "./lifecycle.js";
import { attempt, told } from "./refusals.js";
import { projects } from "./registry.js";
import { brief, creatorOf, scopeOf } from "./token.js";
import { tokensNamed } from "./token_name.js";

const MOST_SHOWN = 200;
/** Most ids of one call. */
const MOST_AT_ONCE = 1_000;
const plural = (count) => `${number(count)} ${count === 1 ? "token" : "tokens"}`;

/**
 * Opens the dialog.
 * @param selector what was selected in the list, or undefined for a form of criteria
 * @param changed called with the ids of what was revoked, and with what was done, in words
 */
export function bulkDialog(selector, changed) {
  openDialog(
    "Revoke many tokens",
    (close) => {
      const place = h("div", {});
      const body = h("div", {});
      const cancel = () => h("button", { type: "button", onclick: close }, "Cancel");
      const preview = (criteria) => call("POST", "/org/tokens/revoke", { body: { ...criteria, dry_run: true } });

      function showPreview(criteria, found, back, before) {
        place.replaceChildren();
        const { matched, used_in_last_day: used } = found;
        const button = h("button", { type: "button", class: "danger solid" }, `Revoke ${plural(matched)}`);
        button.addEventListener("click", async () => {
          const revoked = [];
          let at;
          const all = await attempt(button, place, async () => {
            for (let from = 0; from < found.ids.length; from += MOST_AT_ONCE) {
              const answer = await call("POST", "/org/tokens/revoke", { body: { ...criteria, ids: found.ids.slice(from, from + MOST_AT_ONCE) } });
              revoked.push(...answer.ids);
              at = answer.revoked_at;
            }
            return true;
          }, "Revoking…");
          if (revoked.length > 0) changed(revoked, h("strong", {}, `${plural(revoked.length)} revoked at ${utcTime(at)}.`), " All further requests using them are refused.");
          if (!all) {
            if (revoked.length > 0) place.append(h("p", { role: "status" }, `${plural(revoked.length)} of ${number(matched)} revoked before that.`));
            return;
          }
          const more = criteria.ids ? null : await preview(criteria).catch(() => null);
          if (more?.matched > 0) return showPreview(criteria, more, back, `${plural(revoked.length)} revoked. More have been created since you reviewed them. `);
          close();
          if (revoked.length === 0) changed([], "No token was revoked: none matches any more.");
        });
        const none = matched === 0;
        const last = used === 0 ? "None of them was" : `${number(used)} of them ${used === 1 ? "was" : "were"}`;
        body.replaceChildren(
          h("p", { class: none ? "note" : "note bad", id: "preview", tabindex: "-1" },
            before, h("strong", {}, none ? "No active token matches." : `${plural(matched)} would be revoked.`),
            none ? "" : ` ${last} used in the last day. Nothing has been revoked yet.`),
          ...(none ? [] : review(found)),
          place,
          h("div", { class: "buttons" }, cancel(), back ? h("button", { type: "button", onclick: back }, "Back") : null, none ? null : button));
        body.querySelector("#preview").focus();
      }

      const form = criteriaForm(cancel, place, async (criteria) => showPreview(criteria, await preview(criteria), showForm));
      function showForm() {
        place.replaceChildren();
        body.replaceChildren(form);
        form.querySelector("input").focus();
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
    { wide: true },
  );
}

/** What a dry run tells: how many in each project, and the tokens, those first that were used most. */
function review({ ids, tokens, projects: counts }) {
  if (!tokens) {
    return [h("p", { class: "note" }, "D1 does not answer, so only the ids of the tokens are known now."),
      h("div", { class: "matches", tabindex: "0", role: "region", "aria-label": "Tokens that match" }, h("ul", {}, ids.slice(0, MOST_SHOWN).map((id) => h("li", {}, h("code", {}, id)))))];
  }
  const unknown = ids.length - tokens.length;
  const shown = tokens.slice(0, MOST_SHOWN);
  const row = (token) => h("tr", {},
    h("th", { scope: "row" }, named(token.name)), h("td", {}, h("code", {}, token.prefix)), h("td", {}, scopeOf(token)),
    h("td", {}, named(creatorOf(token))), h("td", {}, brief(token.last_used_at)), h("td", { class: "number" }, number(token.uses_since_yesterday)));
  const out = (kind, text) => h("button", { type: "button", class: "small", onclick: () => saveFile(`tokens-to-revoke.${kind}`, new Blob([text()])) }, `Save as ${kind.toUpperCase()}`);
  return [
    h("p", { id: "by-project" }, counts.flatMap(({ name, count }, index) => [index ? " · " : "", name === null ? "whole organization" : named(name), ` ${number(count)}`])),
    h("div", { class: "matches", tabindex: "0", role: "region", "aria-label": "Tokens that match" },
      h("table", { "aria-label": "Tokens that match" },
        h("thead", {}, h("tr", {}, ["Name", "Prefix", "Scope", "Created by", "Last used", "Uses since yesterday"].map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, shown.map(row))),
      tokens.length > shown.length ? h("p", { class: "quiet" }, `And ${plural(tokens.length - shown.length)} used less. The saved file has all of them.`) : null,
      unknown > 0 ? h("p", { class: "quiet" }, `And ${plural(unknown)} that D1 does not have yet.`) : null),
    h("div", { class: "buttons start" }, out("csv", () => csv(tokens, { uses_since_yesterday: (token) => token.uses_since_yesterday })), out("ndjson", () => tokens.map((token) => `${JSON.stringify(token)}\n`).join(""))),
  ];
}

function criteriaForm(cancel, place, submit) {
  const known = h("datalist", { id: "project-names" });
  const project = faultField("Project", textInput({ list: known.id }), "With its workflows.");
  const creator = faultField("Created by", textInput({ placeholder: "name, prefix or id of a token" }), "And the tokens that those created, at every level.");
  const address = faultField("Created from address", textInput({ placeholder: "192.0.2.7" }));
  const after = faultField("Created after", h("input", { type: "datetime-local" }));
  const before = faultField("Created before", h("input", { type: "datetime-local" }));
  const unused = h("input", { type: "checkbox", id: "never-used" });
  const button = h("button", { type: "submit", class: "primary" }, "Review the tokens");
  const form = h(
    "form",
    { novalidate: true },
    h("p", {}, "Matches the active tokens that meet every condition below. You review the list before anything is revoked."),
    known,
    h("div", { class: "columns" }, project.element, creator.element, after.element, before.element, address.element,
      h("div", { class: "tick" }, unused, h("label", { for: unused.id }, "Never used"))),
    place,
    h("div", { class: "buttons" }, cancel(), button),
  );
  projects().then((names) => known.append(...(names ?? []).map((name) => h("option", { value: name }))), () => {});

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [from, to] = [moment(after.input), moment(before.input)];
    const incomplete = "Give the date and the time.";
    const named = { project: project.input.value.trim(), minted_by: creator.input.value.trim(), created_from: address.input.value.trim() };
    const any = Object.values(named).some(Boolean) || from.text || to.text || unused.checked;
    if (faults([
      [project, any ? undefined : "Give at least one condition."],
      [after, from.bad ? incomplete : undefined],
      [before, to.bad ? incomplete : from.text && to.text && to.text <= from.text ? "This is not after “Created after”." : undefined],
    ])) return;
    await attempt(button, place, async () => {
      const minters = named.minted_by ? await tokensNamed(named.minted_by) : [undefined];
      if (minters.length === 0) return creator.wrong("No token has this name, prefix or id.");
      if (minters.length > 1) return creator.wrong(`${minters.length} tokens match: give the id of one.`);
      const [minter] = minters;
      await submit({
        project: named.project || undefined, minted_by: minter?.id, created_after: from.text, created_before: to.text,
        created_from: named.created_from || undefined, never_used: unused.checked || undefined,
      }).catch((refused) => {
        if (refused.code === "address_invalid") return address.wrong(told(refused));
        if (refused.status === 404 && named.project) return project.wrong("There is no project of this name.");
        throw refused;
      });
    }, "Looking up…");
  });
  return form;
}

/** What a date field says, as the gateway takes it; `bad` where it is half filled in. */
const moment = (input) => ({ text: input.value ? new Date(input.value).toISOString() : undefined, bad: input.validity.badInput });
