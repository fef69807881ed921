// The dashboard (R36). Starts the page: who is signed in, which view is shown. The address says which (route.js).

import { whenUnauthorized } from "./api.js";
import { auditView } from "./audit.js";
import { ciView } from "./ci.js";
import { choice, h, say } from "./dom.js";
import { gateView } from "./gate.js";
import { route } from "./route.js";
import { settingsView } from "./settings.js";
import { enterWithoutCredential, organizationView, signInView } from "./signin.js";
import { aboveOrganizations, chooseOrganization, forget, state } from "./state.js";
import { tokensView } from "./tokens.js";

const VIEWS = {
  tokens: ["Tokens", tokensView], ci: ["CI jobs", ciView], audit: ["Audit", auditView], settings: ["Settings", settingsView],
  gate: ["Status", gateView],
};
const main = document.getElementById("main");
let leave = () => {};
let shown = { key: null, element: null };

const current = () => (Object.hasOwn(VIEWS, route().view) ? route().view : "tokens");

/** Puts a view on the page, and the focus on its heading unless it is to stay where it is. */
function put(content, title, stay = false) {
  leave();
  leave = content.leave ?? (() => {});
  main.replaceChildren(content);
  document.title = `${title} · Postern`;
  if (!stay) main.querySelector("h1")?.focus();
}

function show(reason) {
  const name = current();
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  who();
  if (name === "gate") return put(gateView(), "Status");
  if (!state.who) return put(signInView(show, reason), "Sign in");
  const lacking = state.who.needsOrganization || (aboveOrganizations() && !state.who.organization);
  if (lacking && state.organizations.length > 0) chooseOrganization(state.organizations[0].name);
  else if (lacking) return put(organizationView(show), "Organization");
  who();
  const [title, view] = VIEWS[name];
  const at = route();
  const key = [name, at.id === null, state.who.organization].join(" ");
  if (key === shown.key && shown.element.isConnected && shown.element.routed) return shown.element.routed(at);
  shown = { key, element: view(at) };
  return put(shown.element, title);
}

/** Who is signed in and for which organization, with the ways to change either. */
function who() {
  const place = document.getElementById("who");
  if (!state.who) return place.replaceChildren();
  const { organization, label } = state.who;
  let of = organization && h("span", { class: "strong" }, organization);
  if (aboveOrganizations() && state.organizations.length > 0) {
    of = choice(state.organizations.map((row) => [row.name, row.name]), organization ?? "", { "aria-label": "Organization" });
    of.addEventListener("change", () => {
      chooseOrganization(of.value);
      const [title, view] = VIEWS[current()];
      put(view({ ...route(), id: null, query: {} }), title, true);
      say(`Organization ${of.value}`);
    });
  }
  const out = h("button", { type: "button", class: "quiet-button" }, "Sign out");
  out.addEventListener("click", () => end(
    state.who.kind === "session" ? "You have left this page, but your session goes on. To end it, sign out where you signed in." : "Signed out."));
  place.replaceChildren(...[of, h("span", { class: "quiet label" }, label), out].filter(Boolean));
}

function end(reason) {
  forget();
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  show(reason);
}

whenUnauthorized((refused) => {
  if (state.who) end(refused);
});

window.addEventListener("hashchange", () => show());
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names views
  main.focus();
});

const offline = document.getElementById("offline");
function network() {
  offline.hidden = navigator.onLine;
  offline.textContent = navigator.onLine ? "" : "This browser is offline. What is shown may be old; nothing can be changed until it is back.";
}
window.addEventListener("online", network);
window.addEventListener("offline", network);
network();

// A page that comes back from the back-forward cache must not show what a signed-out person left.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) end("Signed out.");
});

main.append(h("p", { class: "quiet", role: "status" }, "Loading…"));
await enterWithoutCredential().catch(forget);
show();
