// Creating a token: what the token may do, where, and until when. Faults stand at their fields, and what was typed is kept.

import { call } from "./api.js";
import { conditionFields } from "./conditions.js";
import { choice, exact, h, lastRow, openDialog } from "./dom.js";
import { faultField, faults, picker, policyPicker, radios, textField } from "./fields.js";
import { attempt, refusalBox, told } from "./refusals.js";
import { projects, workflows } from "./registry.js";
import { secretDialog } from "./secret.js";
import { state } from "./state.js";

const SCOPES = [
  ["workflow", "Workflow", "one workflow of one project"],
  ["project", "Project", "one project and all its workflows"],
  ["organization", "Organization", "everything in the organization"],
];
const EXPIRIES = [
  ["7d", "7 days"], ["30d", "30 days"], ["90d", "90 days"], ["365d", "1 year"], ["exact", "Exact date…"], ["none", "Never"],
];
/** As the gateway has them. */
const [MOST_NAME, MOST_DESCRIPTION] = [100, 500];

/** Opens the form. `minted` is called once a token was created and its dialog closed. */
export async function mintDialog(minted) {
  openDialog(
    "Create a token",
    (close) => {
      const name = textField("Name", MOST_NAME, "Shown in lists and in the audit log.", { autofocus: true, spellcheck: "false" });
      const description = textField("Description", MOST_DESCRIPTION, "Optional: what it is for, and who looks after it.");
      const place = h("div", {});
      const policies = policyPicker();
      let scope = "workflow";
      let proposed = "";

      /** A name that says what the token is for, until somebody types another. */
      const propose = () => {
        if (name.input.value !== proposed) return;
        const parts = [scope !== "organization" && project.value(), scope === "workflow" && workflow.value()].filter(Boolean);
        const base = parts.length ? parts.join("-") : scope === "organization" ? state.who.organization ?? "organization" : "";
        proposed = base && `${base.slice(0, MOST_NAME - 8)}-${new Date().toISOString().slice(0, 7)}`;
        name.input.value = proposed;
        name.wrong();
      };
      const workflow = picker("workflow", "Workflow", propose);
      const project = picker("project", "Project", async (chosen) => {
        workflow.set([], "", chosen);
        propose();
        if (!chosen || scope !== "workflow") return;
        try {
          workflow.set(await workflows(chosen), "", chosen);
        } catch (refused) {
          place.replaceChildren(refusalBox(refused));
        }
      });
      const setScope = (wanted) => {
        scope = wanted;
        project.box.hidden = scope === "organization";
        workflow.box.hidden = scope !== "workflow";
        policies.render(scope);
        propose();
        if (scope === "workflow" && project.value() && !workflow.value()) project.box.querySelector("select, input").dispatchEvent(new Event("change"));
      };
      project.set([], "");
      workflow.set([], "", "");
      setScope(scope);
      projects().then((rows) => project.set(rows, ""), (refused) => place.replaceChildren(refusalBox(refused)));

      const own = state.who.expiresAt;
      const expiry = faultField("Expires", choice(EXPIRIES, "90d"), own ? `Not after your own expiry, ${exact(own)}.` : undefined);
      const date = faultField("Expires at", h("input", { type: "datetime-local", step: "1" }), "In the time zone of this browser.");
      date.element.hidden = true;
      expiry.input.addEventListener("change", () => (date.element.hidden = expiry.input.value !== "exact"));
      const end = () => (expiry.input.value === "exact" ? date : expiry);
      const conditions = conditionFields();
      const button = h("button", { type: "submit", class: "primary" }, "Create token");

      const form = h(
        "form",
        { novalidate: true },
        h("fieldset", {}, h("legend", {}, "Scope"), h("div", { class: "radios" }, radios("scope", SCOPES, scope, setScope))),
        h("div", { class: "columns" }, project.box, workflow.box),
        h("div", { class: "columns" }, name.element, description.element),
        h("div", { class: "columns" }, expiry.element, date.element),
        h("fieldset", {}, h("legend", {}, "Format"), h("div", { class: "radios" }, radios("format", [
          ["opaque", "Opaque key", "pst_…: scanners find it when it leaks"],
          ["jwt", "JWT", "for chainloop, and other clients that read claims"],
        ], "opaque"))),
        policies.element,
        conditions.element,
        place,
        lastRow(close, button),
      );

      /** What can be seen to be wrong before the gateway is asked. */
      const lacking = () => faults([
        [project, scope !== "organization" && !project.value() ? "Choose a project." : undefined],
        [workflow, scope === "workflow" && project.value() && !workflow.value() ? "Choose a workflow." : undefined],
        [name, name.input.value.trim() === "" ? "Give the token a name." : undefined],
        [date, expiry.input.value === "exact" ? dateFault(date.input.value) : undefined],
        ...conditions.lacking(),
      ]);
      /** The field that a refusal is about, and what to say there. */
      const wrong = (refused) => ({
        name_taken: [name, "An active token already has this name. Choose another."],
        name_invalid: [name, told(refused)],
        description_invalid: [description, told(refused)],
        expires_at_invalid: [date, told(refused)],
        expiry_in_the_past: [date, "Choose a moment in the future."],
        lifetime_exceeded: [end(), `A token cannot outlive its creator${own ? `, who expires ${exact(own)}` : ""}.`],
        policy_not_held: [policies, told(refused)],
        project_required: [project, "Choose a project: you are not allowed to create tokens for the whole organization."],
      })[refused.code] ?? conditions.wrong(refused);

      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (lacking()) return;
        const body = {
          name: name.input.value.trim(),
          description: description.input.value === "" ? undefined : description.input.value,
          project: scope === "organization" ? undefined : project.value(),
          workflow: scope === "workflow" ? workflow.value() : undefined,
          format: form.querySelector("input[name=format]:checked").value,
          policies: policies.value(),
          ...conditions.value(),
        };
        if (expiry.input.value === "exact") body.expires_at = new Date(date.input.value).toISOString();
        else if (expiry.input.value !== "none") body.expires_in = expiry.input.value;
        const answer = await attempt(button, place, () => call("POST", "/org/tokens", { body }).catch((refused) => {
          const at = wrong(refused);
          if (!at || at[0].element?.hidden) throw refused;
          at[0].wrong(at[1]);
        }), "Creating…");
        if (!answer) return;
        close();
        secretDialog("Token created", answer, { closed: minted });
      });
      return form;
    },
    { wide: true },
  );
}

function dateFault(text) {
  const moment = Date.parse(text);
  if (Number.isNaN(moment)) return "Give the date and time at which it expires.";
  return moment <= Date.now() ? "Choose a moment in the future." : undefined;
}
