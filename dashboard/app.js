// The dashboard (R36). Starts the page: who is signed in, which view is shown. The address says which (route.js).
//
// A view is a function of `{id, query}` that returns an element. Where that has `routed({id, query})`, it takes another address of
// the same view itself; `refresh()` asks again, and `leave()` ends what goes on. Without them the view is made anew.

import { activityView } from "./activity.js";
import { whenUnauthorized } from "./api.js";
import { auditView } from "./audit.js";
import { ciView } from "./ci.js";
import { choice, h, isTyping, plain, say } from "./dom.js";
import { helpView } from "./help.js";
import { overviewView } from "./overview.js";
import { ask } from "./readyz.js";
import { address, go, hasSecret, note, route } from "./route.js";
import { settingsView } from "./settings.js";
import { enterWithoutCredential, organizationView, signInView } from "./signin.js";
import { aboveOrganizations, chooseOrganization, forget, state, whenOrganizationsChange } from "./state.js";
import { statusView } from "./status.js";
import { tokensView } from "./tokens.js";

const VIEWS = {
  overview: ["Overview", overviewView], tokens: ["Tokens", tokensView], ci: ["CI jobs", ciView], activity: ["Activity", activityView],
  audit: ["Audit", auditView], settings: ["Settings", settingsView], status: ["Status", statusView],
};
/** Views that need nobody to be signed in. */
const OPEN = { status: VIEWS.status, help: ["Help", helpView] };

const place = (id) => document.getElementById(id);
const main = place("main");
const reloaded = history.state?.signedIn;
let shown = { key: null, element: h("div", {}) };

/** Puts a view on the page, and the focus on its heading unless it is to stay where it is. */
function put(element, title, { key = null, stay = false } = {}) {
  shown.element.leave?.();
  shown = { key, element, title };
  main.replaceChildren(element);
  document.title = `${title} · Postern`;
  if (!stay) main.querySelector("h1")?.focus();
}

/** Dialogs belong to the view below them. One that keeps something that is shown once stays until it is closed. */
function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog[open]")) {
    if (dialog.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close();
  }
}

const nameOf = ({ view }) => (Object.hasOwn(VIEWS, view) || Object.hasOwn(OPEN, view) ? view : "overview");

function show({ reason, stay = false, anew = false } = {}) {
  const at = route();
  const { who } = state;
  if (hasSecret(location.hash)) note(at.view, at.id, at.query);
  if (who) history.replaceState({ ...history.state, signedIn: true }, "");
  const name = nameOf(at);
  const isOpen = Object.hasOwn(OPEN, name);
  if (at.organization && aboveOrganizations() && state.organizations.length > 0) {
    const known = state.organizations.some((row) => row.name === at.organization);
    if (known) chooseOrganization(at.organization);
    else if (!state.moreOrganizations) return unknownOrganization(at);
  }
  const lacking = who && (who.needsOrganization || (aboveOrganizations() && !who.organization));
  if (lacking && state.organizations.length > 0) chooseOrganization(state.organizations[0].name);
  head(name, stay);
  if (!isOpen && !who) return put(signInView(show, reason), "Sign in");
  if (!isOpen && lacking && !who.organization) return put(organizationView(show, at.organization), "Organization");
  const [title, view] = VIEWS[name] ?? OPEN[name];
  const key = [name, at.id === null, who?.organization].join(" ");
  if (!anew && key === shown.key && shown.element.routed) return shown.element.routed(at);
  put(view(at), title, { key, stay });
}

/** A link that names an organization which is not there leads to no other one. */
function unknownOrganization({ organization, view }) {
  head(view, false);
  put(h("section", { "aria-labelledby": "view-title" },
    h("h1", { id: "view-title", tabindex: "-1" }, "Organization not found"),
    h("p", {}, "There is no organization named ", h("code", {}, plain(organization)), ". Choose one above, or ", h("a", { href: "#settings" }, "create one"), ".")), "Organization not found");
}

/** The bar: the views, who is signed in and for which organization, with the ways to change either. */
function head(name, stay) {
  const { who } = state;
  const isOpen = Object.hasOwn(OPEN, name);
  const nav = place("nav");
  place("refresh").hidden = !who && !isOpen;
  nav.hidden = !who;
  nav.replaceChildren(...(who ? Object.entries(VIEWS) : []).map(([view, [title]]) =>
    h("a", { href: address(view), "aria-current": view === name && "page" }, title)));
  if (stay) return;
  if (!who) return place("who").replaceChildren(...(isOpen ? [h("a", { href: "#overview" }, "Sign in")] : []));
  let of = who.organization && h("span", { class: "strong" }, who.organization);
  if (of && who.several) {
    of = h("button", { type: "button", class: "quiet-button", "aria-label": `Organization ${who.organization}: change` }, who.organization);
    of.addEventListener("click", () => {
      chooseOrganization(null);
      who.needsOrganization = true;
      show({ anew: true });
    });
  }
  if (aboveOrganizations() && state.organizations.length > 0) {
    of = choice(state.organizations.map((row) => [row.name, row.name]), who.organization ?? "", { "aria-label": "Organization" });
    of.addEventListener("change", () => {
      chooseOrganization(of.value);
      history.pushState(null, "", address(route().view || "overview"));
      show({ stay: true });
      say(`Organization ${of.value}`);
    });
  }
  const out = h("button", { type: "button", class: "quiet-button" }, "Sign out");
  out.addEventListener("click", () => end(
    who.kind === "session" ? "You have left this page, but your session goes on. To end it, sign out where you signed in." : "Signed out."));
  place("who").replaceChildren(...[of, h("span", { class: "quiet label" }, who.label), out].filter(Boolean));
}

function end(reason) {
  forget();
  history.replaceState(null, "");
  closeDialogs();
  show({ reason, anew: true });
}

whenUnauthorized((refused) => {
  if (state.who) end(refused);
});
whenOrganizationsChange(() => head(nameOf(route())));

let searching = false;
window.addEventListener("hashchange", () => {
  closeDialogs();
  show();
  if (searching) place("search")?.focus();
  searching = false;
});
// From any view to the search for tokens.
window.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !state.who || isTyping(event)) return;
  event.preventDefault();
  if (place("search")) {
    place("search").focus();
    return place("search").select();
  }
  searching = true;
  go("tokens");
});
place("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names views
  main.focus();
});
place("refresh").addEventListener("click", () => {
  if (shown.element.refresh) shown.element.refresh();
  else show({ stay: true, anew: true });
  say(`${shown.title} refreshed`);
});

const offline = place("offline");
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

const zone = new Intl.DateTimeFormat("en", { timeZoneName: "longOffset" }).formatToParts().find(({ type }) => type === "timeZoneName");
place("zone").textContent = zone ? `, ${zone.value.replace("GMT", "UTC")}` : "";
main.append(h("p", { class: "quiet", role: "status" }, "Loading…"));
ask().then(({ body }) => body?.version && place("version").replaceChildren(`Version ${body.version}`));
await enterWithoutCredential().catch(forget);
show({ reason: reloaded && "The page was reloaded. It stores no credential anywhere, so sign in again." });
