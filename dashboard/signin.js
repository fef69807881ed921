// The way in: a session that the gateway knows, or a pasted credential. What is pasted leaves the field at once.

import { call, introspect, isCredential, Refusal, setCredential, setOrganization } from "./api.js";
import { field, h } from "./dom.js";
import { attempt, refusalBox } from "./refusals.js";
import { chooseOrganization, forget, loadOrganizations, state } from "./state.js";

/** Whether the gateway lets this browser in without a credential: a session, or the first hour of an installation. */
export async function enterWithoutCredential() {
  forget();
  try {
    await loadOrganizations();
    state.who = { kind: "bootstrap", label: "bootstrap: nobody is signed in", policies: null, organization: null };
    return true;
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    if (refused.status !== 403) return false;
  }
  state.who = { kind: "session", label: "session", policies: null, organization: null };
  try {
    const page = await call("GET", "/org/tokens", { query: { limit: 1 }, quiet: true });
    chooseOrganization(page.tokens[0]?.organization.name ?? null);
  } catch (refused) {
    if (refused.status === 401) {
      forget();
      return false;
    }
    if (refused.code === "organization_required") state.who.needsOrganization = true;
  }
  return true;
}

async function enter(credential) {
  forget();
  setCredential(credential);
  try {
    await loadOrganizations();
    state.who = { kind: "admin", label: "administrator", policies: null, organization: null };
    return;
  } catch (refused) {
    if (refused.status !== 403) throw refused;
  }
  const own = await introspect(credential);
  if (!own.active) throw new Refusal({ status: 401, code: "credential_refused", detail: "the credential was refused" });
  state.who = {
    kind: "token",
    label: `token ${own.token_name}`,
    organization: own.org_name,
    policies: own.scope ? own.scope.split(" ") : [],
    expiresAt: own.exp ? new Date(own.exp * 1_000).toISOString() : null,
  };
  setOrganization(null);
}

/** The form. `entered` is called when somebody is signed in; `reason` says why it is shown again. */
export function signInView(entered, reason) {
  const input = h("input", {
    type: "password", id: "credential", autocomplete: "off", spellcheck: "false", autocapitalize: "none", required: true,
  });
  const place = h("div", {});
  if (reason) place.append(reason instanceof Refusal ? refusalBox(reason) : h("p", { class: "note", role: "alert" }, reason));
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");
  const form = h(
    "form",
    { class: "narrow", novalidate: true, "aria-labelledby": "view-title" },
    h("h1", { id: "view-title", tabindex: "-1" }, "Sign in"),
    h("p", { class: "quiet" }, "With an administrator key, or with a token that is allowed to manage tokens."),
    place,
    field("Token or administrator key", input, "Kept in the memory of this tab until you sign out, reload or close it."),
    button,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const credential = input.value.trim();
    if (!isCredential(credential)) {
      place.replaceChildren(h("p", { class: "note bad", role: "alert" },
        credential === "" ? "Paste a token or an administrator key." : "This is not a credential: it has characters that no token has."));
      input.focus();
      return;
    }
    const done = await attempt(button, place, async () => {
      await enter(credential);
      return true;
    });
    input.value = "";
    if (done) entered();
    else {
      forget();
      input.focus();
    }
  });
  return form;
}

/** For callers whose organization is not known yet: choose, type or make one. */
export function organizationView(chosen) {
  const { who, organizations } = state;
  const above = who.kind !== "session";
  const input = h("input", { type: "text", id: "organization", autocomplete: "off", spellcheck: "false", required: true });
  const place = h("div", {});
  const make = above && organizations.length === 0;
  const button = h("button", { type: "submit", class: "primary" }, make ? "Create organization" : "Open");
  const form = h(
    "form",
    { class: "narrow", novalidate: true, "aria-labelledby": "view-title" },
    h("h1", { id: "view-title", tabindex: "-1" }, make ? "The first organization" : "Which organization?"),
    make && h("p", { class: "quiet" }, "There is no organization yet. Use the name that it has in your control plane."),
    place,
    field("Name of the organization", input, "Lower case letters, digits and hyphens."),
    button,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = input.value.trim();
    const done = await attempt(button, place, async () => {
      if (make) {
        await call("POST", "/orgs", { body: { name } });
        await loadOrganizations();
      }
      chooseOrganization(name);
      await call("GET", "/org/tokens", { query: { limit: 1 } });
      return true;
    });
    if (done) {
      who.needsOrganization = false;
      chosen();
    } else if (state.who) chooseOrganization(null);
  });
  return form;
}
