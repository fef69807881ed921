// Changing a token: its name and description, and narrower conditions. Nothing here makes a token wider.

import { call } from "./api.js";
import { conditionFields } from "./conditions.js";
import { choice, exact, h, lastRow, named, openDialog } from "./dom.js";
import { faultField, faults, textField } from "./fields.js";
import { attempt, told } from "./refusals.js";

const EXPIRIES = [["", "As it is"], ["1d", "In 1 day"], ["7d", "In 7 days"], ["30d", "In 30 days"], ["90d", "In 90 days"]];

/** Opens the form. `changed` is told what was done, in words. */
export function editDialog(token, path, changed) {
  openDialog("Change this token", (close) => {
    const place = h("div", {});
    const name = textField("Name", 100, "Shown in lists and in the audit log.", { autofocus: true, spellcheck: "false", value: token.name });
    const description = textField("Description", 500, "Optional: what it is for, and who looks after it.", { value: token.description ?? "" });
    const expiry = faultField("Expires", choice(EXPIRIES, ""), `Now: ${token.expires_at ? exact(token.expires_at) : "never"}. It can only become earlier.`);
    const conditions = conditionFields(token, "They can only become narrower. To allow more, create another token.");
    const button = h("button", { type: "submit", class: "primary" }, "Change token");
    const form = h("form", { novalidate: true }, h("div", { class: "columns" }, name.element, description.element), expiry.element, conditions.element, place, lastRow(close, button));
    const wrong = (refused) => ({
      name_taken: [name, "An active token already has this name. Choose another."],
      name_invalid: [name, told(refused)],
      description_invalid: [description, told(refused)],
      edit_widens: refused.detail?.includes("expires_at") ? [expiry, "It ends before that already. Choose an earlier end."] : undefined,
    })[refused.code] ?? conditions.wrong(refused);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = name.input.value.trim();
      if (faults([[name, text === "" ? "Give the token a name." : undefined], ...conditions.lacking()])) return;
      const body = {
        name: text === token.name ? undefined : text,
        description: description.input.value === (token.description ?? "") ? undefined : description.input.value,
        expires_in: expiry.input.value || undefined,
        ...conditions.value(),
      };
      if (Object.values(body).every((value) => value === undefined)) return close();
      const answer = await attempt(button, place, () => call("PATCH", path, { body }).catch((refused) => {
        const at = wrong(refused);
        if (!at) throw refused;
        at[0].wrong(at[1]);
      }), "Changing…");
      if (!answer) return;
      close();
      changed(h("strong", {}, named(answer.name), " changed."), " Every request from now on goes by it.");
    });
    return form;
  }, { wide: true });
}
