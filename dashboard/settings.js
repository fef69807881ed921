// The view "Settings": who is signed in, organizations, projects and workflows, the credential for the origin, the way to trust rules, and the pause.

import { exact, facts, h, named } from "./dom.js";
import { organizationsSection } from "./organizations.js";
import { words } from "./policies.js";
import { projectsSection } from "./projects.js";
import { address } from "./route.js";
import { pauseSection } from "./settings_pause.js";
import { upstreamSection } from "./settings_upstream.js";
import { aboveOrganizations, state } from "./state.js";

const KINDS = {
  admin: "An administrator key, which manages every organization.",
  bootstrap: "Nothing: the gateway is open until the first token is active.",
  session: "The session of your browser, with the rights of your role.",
  token: "A token.",
};

function session() {
  const { kind, key, label, id, expiresAt, policies, organization } = state.who;
  return h("section", { "aria-labelledby": "session-title" },
    h("h2", { id: "session-title" }, "Your session"),
    facts([
      ["Signed in with", KINDS[kind], kind === "token" ? h("span", {}, " ", h("a", { href: address("tokens", id) }, named(label))) : ""],
      kind === "admin" && ["Name of the key", key ? named(key) : "It has none. Whoever deployed the gateway can give each key one, so that the audit log tells them apart.",
        " · ", h("a", { href: address("audit", null, { actor: ["admin-token", key].filter(Boolean).join(":") }) }, "what it did")],
      organization && ["Organization", named(organization)],
      kind === "token" && ["Expires", expiresAt ? exact(expiresAt) : "never"],
      policies && ["Allowed to", h("details", {}, h("summary", {}, `${policies.length} policies`),
        h("ul", { class: "plain" }, policies.map((policy) => h("li", {}, words(policy), " ", h("code", {}, policy)))))],
    ]));
}

export function settingsView() {
  return h("section", { class: "settings", "aria-labelledby": "view-title" },
    h("h1", { id: "view-title", tabindex: "-1" }, "Settings"),
    session(),
    aboveOrganizations() ? organizationsSection() : "",
    projectsSection(),
    h("section", { "aria-labelledby": "rules-title" },
      h("h2", { id: "rules-title" }, "Trust rules"),
      h("p", {}, "Which CI jobs get short-lived tokens without a stored secret: ", h("a", { href: address("ci") }, "trust rules for CI jobs"), ".")),
    upstreamSection(),
    pauseSection());
}
