// Projects and workflows of the organization as a part of the view "Settings": a list, and ways to create them.

import { h, named, say } from "./dom.js";
import { refusalBox } from "./refusals.js";
import { createDialog, projects, workflows } from "./registry.js";
import { address } from "./route.js";
import { aboveOrganizations } from "./state.js";

function projectRow(project) {
  const names = h("div", {});
  const details = h("details", {}, h("summary", {}, named(project)), names);
  async function load() {
    names.replaceChildren(h("p", { class: "quiet" }, "Loading workflows…"));
    try {
      const found = (await workflows(project)) ?? [];
      names.replaceChildren(
        found.length > 0 ? h("ul", { class: "plain" }, found.map((name) => h("li", {}, named(name)))) : h("p", { class: "quiet" }, "No workflows yet."),
        aboveOrganizations() ? h("button", { type: "button", class: "small", "aria-label": `New workflow in ${project}`, onclick: () => createDialog(project, (name) => {
          say(`Workflow ${name} created`);
          load();
        }) }, "New workflow") : "");
    } catch (refused) {
      names.replaceChildren(refusalBox(refused));
    }
  }
  details.addEventListener("toggle", () => details.open && !names.hasChildNodes() && load());
  return h("li", { dataset: { project } }, details, h("a", { href: address("tokens", null, { project }), "aria-label": `Tokens of ${project}` }, "Tokens"));
}

export function projectsSection() {
  const list = h("div", { id: "projects" }, h("p", { class: "quiet" }, "Loading projects…"));
  async function load() {
    try {
      const names = await projects();
      list.replaceChildren(names === null ? h("p", { class: "quiet" }, "You are not allowed to list projects.")
        : names.length === 0 ? h("p", { class: "quiet" }, "There are no projects yet.")
          : h("ul", { class: "projects", "aria-label": "Projects and workflows" }, names.map(projectRow)));
    } catch (refused) {
      list.replaceChildren(refusalBox(refused), h("button", { type: "button", onclick: load }, "Try again"));
    }
  }
  load();
  const create = aboveOrganizations() && h("button", { type: "button", onclick: () => createDialog(undefined, (name) => {
    say(`Project ${name} created`);
    load();
  }) }, "New project");
  return h("section", { "aria-labelledby": "projects-title" },
    h("div", { class: "view-head" }, h("h2", { id: "projects-title" }, "Projects and workflows"), h("div", { class: "buttons" }, create)),
    h("p", { class: "quiet" }, "Tokens can be limited to one of them. They have the same names as in your control plane."), list);
}
