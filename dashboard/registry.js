// Organizations, projects and workflows by name: fetched for pickers and lists, checked as they are typed, and created.

import { all, call } from "./api.js";
import { h, lastRow, openDialog, textInput } from "./dom.js";
import { faultField } from "./fields.js";
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

/** What is wrong with a name, in words; undefined where nothing is. */
export function nameFault(text) {
  if (text === "") return "Enter a name.";
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return undefined;
  if (text.length > 63) return "A name has at most 63 characters.";
  return "Use lower case letters, digits and hyphens; begin and end with a letter or a digit.";
}

/** A field for such a name. */
export function nameField(label, properties = {}) {
  const input = textInput(properties);
  return faultField(label, input, "The same name as in your control plane, such as acme or shop-2.");
}

/** Asks for a name and makes a project, or a workflow of `project`; `made` gets the name. */
export function createDialog(project, made) {
  const kind = project ? "workflow" : "project";
  openDialog(`New ${kind}`, (close) => {
    const name = nameField(`Name of the ${kind}`, { autofocus: true });
    const place = h("div", {});
    const button = h("button", { type: "submit", class: "primary" }, `Create ${kind}`);
    const form = h(
      "form",
      { novalidate: true },
      place,
      name.element,
      lastRow(close, button),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = name.input.value.trim();
      if (name.wrong(nameFault(text))) return;
      const done = await attempt(button, place, async () => {
        try {
          return await call("POST", project ? workflowsOf(project) : "/org/projects", { body: { name: text } });
        } catch (refused) {
          if (refused.code !== "name_taken") throw refused;
          return { taken: name.wrong(`There is a ${kind} of this name already.`) };
        }
      });
      if (!done || done.taken) return;
      close();
      made(done.name);
    });
    return form;
  });
}
