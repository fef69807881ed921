// Projects and workflows: fetched for pickers, and made where there are none yet.

import { all, call } from "./api.js";
import { field, h, openDialog } from "./dom.js";
import { attempt } from "./refusals.js";

const workflowsOf = (project) => `/org/projects/${encodeURIComponent(project)}/workflows`;

/** The names, or null where the caller may not list them. */
export async function projects() {
  return names("/org/projects", "projects");
}

export async function workflows(project) {
  return names(workflowsOf(project), "workflows");
}

async function names(path, member) {
  try {
    const { rows } = await all(path, member);
    return rows.map((row) => row.name).sort((a, b) => a.localeCompare(b));
  } catch (refused) {
    if (refused.status === 403 || refused.status === 404) return null;
    throw refused;
  }
}

/** Asks for a name and makes a project, or a workflow of `project`; `made` gets the name. */
export function createDialog(project, made) {
  const kind = project ? "workflow" : "project";
  openDialog(`New ${kind}`, (close) => {
    const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false", maxlength: "63", autofocus: true });
    const place = h("div", {});
    const button = h("button", { type: "submit", class: "primary" }, `Create ${kind}`);
    const form = h(
      "form",
      { novalidate: true },
      place,
      field(`Name of the ${kind}`, input, "The same name as in your control plane: lower case letters, digits and hyphens."),
      h("div", { class: "buttons" }, h("button", { type: "button", onclick: close }, "Cancel"), button),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const done = await attempt(button, place, () =>
        call("POST", project ? workflowsOf(project) : "/org/projects", { body: { name: input.value.trim() } }));
      if (!done) return;
      close();
      made(done.name);
    });
    return form;
  });
}
