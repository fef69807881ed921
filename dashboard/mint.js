// Creating a token: what the token may do, where, and until when. Refusals stay in the form, which keeps what was typed.

import { call } from "./api.js";
import { choice, exact, field, h, openDialog } from "./dom.js";
import { picker, policyPicker, radios } from "./fields.js";
import { attempt, refusalBox } from "./refusals.js";
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

/** Opens the form. `minted` is called once a token was created and its dialog closed. */
export async function mintDialog(minted) {
  openDialog(
    "Create a token",
    (close) => {
      const name = h("input", { type: "text", autocomplete: "off", maxlength: "200", autofocus: true });
      const description = h("input", { type: "text", autocomplete: "off", maxlength: "1000" });
      const place = h("div", {});
      const policies = policyPicker();
      let scope = "workflow";
      const workflow = picker("workflow", "Workflow");
      const project = picker("project", "Project", async (chosen) => {
        workflow.set([], "", chosen);
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
        if (scope === "workflow" && project.value() && !workflow.value()) project.box.querySelector("select, input").dispatchEvent(new Event("change"));
      };
      project.set([], "");
      workflow.set([], "", "");
      setScope(scope);
      projects().then((rows) => project.set(rows, ""), (refused) => place.replaceChildren(refusalBox(refused)));

      const expiry = choice(EXPIRIES, "90d");
      const date = h("input", { type: "datetime-local", step: "1" });
      const dateField = field("Expires at", date, "In the time zone of this browser.");
      dateField.hidden = true;
      expiry.addEventListener("change", () => (dateField.hidden = expiry.value !== "exact"));
      const own = state.who.expiresAt;
      const button = h("button", { type: "submit", class: "primary" }, "Create token");

      const form = h(
        "form",
        { novalidate: true },
        h("div", { class: "columns" },
          field("Name", name, "Optional. Leave empty to generate one."),
          field("Description", description)),
        h("fieldset", {}, h("legend", {}, "Scope"), h("div", { class: "radios" }, radios("scope", SCOPES, scope, setScope))),
        h("div", { class: "columns" }, project.box, workflow.box),
        h("div", { class: "columns" },
          field("Expires", expiry, own ? `Not after your own expiry, ${exact(own)}.` : undefined), dateField),
        h("fieldset", {}, h("legend", {}, "Format"), h("div", { class: "radios" }, radios("format", [
          ["opaque", "Opaque key", "pst_…: scanners find it when it leaks"],
          ["jwt", "JWT", "for chainloop, and other clients that read claims"],
        ], "opaque"))),
        policies.element,
        place,
        h("div", { class: "buttons" }, h("button", { type: "button", onclick: close }, "Cancel"), button),
      );
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const wrong = lacking(scope, project.value(), workflow.value(), expiry.value, date.value);
        if (wrong) {
          place.replaceChildren(h("p", { class: "note bad", role: "alert" }, wrong));
          return;
        }
        const body = {
          name: name.value === "" ? undefined : name.value,
          description: description.value === "" ? undefined : description.value,
          project: scope === "organization" ? undefined : project.value(),
          workflow: scope === "workflow" ? workflow.value() : undefined,
          format: form.querySelector("input[name=format]:checked").value,
          policies: policies.value(),
        };
        if (expiry.value === "exact") body.expires_at = new Date(date.value).toISOString();
        else if (expiry.value !== "none") body.expires_in = expiry.value;
        const answer = await attempt(button, place, () => call("POST", "/org/tokens", { body }));
        if (!answer) return;
        close();
        secretDialog("Token created", answer, { closed: minted });
      });
      return form;
    },
    { wide: true },
  );
}

function lacking(scope, project, workflow, expiry, date) {
  if (scope !== "organization" && !project) return "Choose a project.";
  if (scope === "workflow" && !workflow) return "Choose a workflow.";
  if (expiry === "exact" && Number.isNaN(Date.parse(date))) return "Give the date and time at which it expires.";
  return undefined;
}
