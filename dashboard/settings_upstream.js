// The credential for the origin, of the organization and of its projects and workflows: a part of the view "Settings".

import { field, h, named, say, textInput } from "./dom.js";
import { placeRow, places } from "./places.js";
import { refusalBox } from "./refusals.js";
import { projects, workflows } from "./registry.js";
import { isName, words } from "./upstream.js";

/** A project's row, with its workflows behind a button. */
function projectRow(project) {
  const below = h("div", { class: "place-below", hidden: true });
  const toggle = h("button", { type: "button", class: "small", "aria-expanded": "false", "aria-label": `Workflows of ${project}` }, "Workflows");
  toggle.addEventListener("click", async () => {
    below.hidden = !below.hidden;
    toggle.setAttribute("aria-expanded", String(!below.hidden));
    if (below.hidden || below.hasChildNodes()) return;
    below.append(h("p", { class: "quiet" }, "Loading workflows…"));
    try {
      const names = await workflows(project);
      if (names === null) return below.replaceChildren(h("p", {}, "You are not allowed to list its workflows."));
      if (names.length === 0) return below.replaceChildren(h("p", { class: "quiet" }, "It has no workflows yet."));
      const list = places(`Workflows of ${project}`, names, (workflow) => placeRow({ project, workflow }));
      below.replaceChildren(list.element);
      await list.load();
    } catch (refused) {
      below.replaceChildren(refusalBox(refused));
    }
  });
  const row = placeRow({ project }, [toggle]);
  row.element.append(below);
  return row;
}

/** For callers who may not list projects: a row for each name that they type. */
function byName() {
  const text = () => textInput({ maxlength: "63" });
  const [project, workflow] = [text(), text()];
  const place = h("div", {});
  const list = h("ul", { class: "places", "aria-label": "What you asked for" });
  const form = h("form", { novalidate: true },
    h("p", {}, "You are not allowed to list projects. Type the name of the one that you look for."),
    h("div", { class: "columns" }, field("Project", project), field("Workflow", workflow, "Empty for the project itself.")),
    place,
    h("button", { type: "submit" }, "Show"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const names = [project.value.trim(), workflow.value.trim()];
    const wrong = [project, workflow].find((_, index) => (index === 0 || names[index] !== "") && !isName(names[index]));
    place.replaceChildren();
    if (wrong) {
      place.append(h("p", { class: "note bad", role: "alert" }, "A name has lower case letters, digits and hyphens."));
      return wrong.focus();
    }
    const scope = { project: names[0], workflow: names[1] || undefined };
    const row = placeRow(scope);
    row.element.querySelector(".place-name").replaceChildren(named(words(scope)));
    for (const other of list.children) if (other.dataset.place === words(scope)) other.remove();
    list.prepend(row.element);
    say(`${words(scope)}: ${(await row.load()).kind === "set" ? "set" : "not set, or not shown"}`);
  });
  return h("div", {}, form, list);
}

export function upstreamSection() {
  const organization = placeRow({});
  const own = h("ul", { class: "places" }, organization.element);
  const rest = h("div", {});

  async function load() {
    const { kind } = await organization.load();
    if (kind === "denied" || kind === "unknown") {
      own.replaceWith(h("p", { class: "note", role: "status" },
        "You are not allowed to see or change the credential for the origin. Sign in with an administrator key, or ask an administrator of the organization."));
      return;
    }
    const heading = h("h3", {}, "Projects");
    try {
      const names = await projects();
      if (names === null) return rest.replaceChildren(heading, byName());
      if (names.length === 0) return rest.replaceChildren(heading, h("p", { class: "quiet" }, "There are no projects yet."));
      const list = places("Projects", names, projectRow);
      rest.replaceChildren(heading, list.element);
      await list.load();
    } catch (refused) {
      const again = h("button", { type: "button", onclick: load }, "Try again");
      rest.replaceChildren(heading, refusalBox(refused), again);
    }
  }

  load();
  return h("section", { "aria-labelledby": "upstream-title" },
    h("h2", { id: "upstream-title" }, "Credential for the origin"),
    h("p", {}, "For an origin that accepts only tokens that it gave out itself, such as a control plane: the gateway sends the credential ",
      "that is stored here instead of the caller’s token. A workflow’s counts before its project’s, and a project’s before the organization’s."),
    h("p", { class: "quiet" }, "It is stored encrypted and cannot be read back. You can tell it by its fingerprint, the first 16 digits of its SHA-256."),
    own,
    rest);
}
