// The way in: a session that the gateway knows, or a pasted credential. What is pasted leaves the field at once.

import { call, introspect, isCredential, Refusal, setCredential, setOrganization } from "./api.js";
import { h, plain } from "./dom.js";
import { faultField } from "./fields.js";
import { nameField, nameFault } from "./registry.js";
import { attempt, refusalBox } from "./refusals.js";
import { hasSecret } from "./route.js";
import { chooseOrganization, forget, loadOrganizations, state } from "./state.js";

/** A token that holds none of these manages nothing. */
const MANAGING = /^(org_api_token|project_api_token|audit|upstream_credential|trust_rule|registry):/;

/** Whether the gateway lets this browser in without a credential: a session, or the first hour of an installation. */
export async function enterWithoutCredential() {
  forget();
  try {
    await loadOrganizations();
    state.who = { kind: "bootstrap", label: "nobody (open for a first token)", policies: null, organization: null };
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
    if (refused.code === "organization_required") Object.assign(state.who, { needsOrganization: true, several: true });
  }
  return true;
}

/** Signs in, or gives the words why this credential is of no use here. */
async function enter(credential) {
  forget();
  setCredential(credential);
  const asked = introspect(credential).then((own) => ({ own }), (refused) => ({ refused }));
  try {
    // What has the form of a token is none of an administrator: asking as one would only be refused, and counted.
    if (hasSecret(credential)) throw new Refusal({ status: 403 });
    await loadOrganizations();
    const key = (await asked).own?.administrator;
    state.who = { kind: "admin", key, label: ["administrator key", key].filter(Boolean).join(" "), policies: null, organization: null };
    return undefined;
  } catch (refused) {
    if (refused.status !== 403) throw refused;
  }
  const { own, refused } = await asked;
  if (refused) throw refused;
  if (!own.active) throw new Refusal({ status: 401, code: "credential_refused", detail: "the credential was refused" });
  const policies = own.scope ? own.scope.split(" ") : [];
  const lacking = await nothingToManage(own, policies);
  if (lacking) return lacking;
  state.who = {
    kind: "token",
    id: own.jti,
    label: `token ${plain(own.token_name)}`,
    organization: own.org_name,
    policies,
    expiresAt: own.exp ? new Date(own.exp * 1_000).toISOString() : null,
  };
  setOrganization(null);
  return undefined;
}

/** What a token can do instead, where it could do nothing here. Where the gateway lets a workflow's token read, it can read the list. */
async function nothingToManage(own, policies) {
  if (!own.project_name && policies.some((policy) => MANAGING.test(policy))) return undefined;
  const reads = await call("GET", "/org/tokens", { query: { limit: 1 }, quiet: true }).then(() => true, (refused) => {
    if (refused.status === 403) return false;
    throw refused;
  });
  const place = [own.project_name, own.workflow_name].filter(Boolean).join(" / ");
  return reads ? undefined : `${plain(own.token_name)} can attest${place && ` for ${place}`}, but can’t manage tokens.`;
}

/** Where to look for something to sign in with. */
const origin = () => h("details", {},
  h("summary", {}, "Where do I find this?"),
  h("p", {}, h("strong", {}, "An administrator key: "), "whoever deployed the gateway has it. ", h("code", {}, "postern setup"),
    " shows it once; by hand it is set with ", h("code", {}, "npx wrangler secret put ADMIN_TOKEN"), "."),
  h("p", {}, h("strong", {}, "A token: "), "an administrator creates one for the whole organization that can manage tokens. Tokens for a project or a workflow cannot sign in here."));

/** The form. `entered` is called when somebody is signed in; `reason` says why it is shown again. */
export function signInView(entered, reason) {
  const input = h("input", {
    type: "password", id: "credential", autocomplete: "off", spellcheck: "false", autocapitalize: "none", required: true,
  });
  const place = h("div", {});
  if (reason) place.append(reason instanceof Refusal ? refusalBox(reason) : h("p", { class: "note", role: "status" }, reason));
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");
  const credential = faultField("Token or administrator key", input, "Kept in the memory of this tab only: after a reload you sign in again.");
  const form = h(
    "form",
    { class: "narrow", novalidate: true, "aria-labelledby": "view-title" },
    h("h1", { id: "view-title", tabindex: "-1" }, "Sign in"),
    h("p", { class: "quiet" }, "With an administrator key, or with a token that can manage tokens."),
    place,
    credential.element,
    button,
    origin(),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return credential.wrong("Paste a token or an administrator key.");
    if (!isCredential(text)) return credential.wrong("This is not a credential: it has characters that no token has.");
    const done = await attempt(button, place, async () => ({ lacking: await enter(text) }));
    input.value = "";
    if (done && !done.lacking) return entered();
    forget();
    input.focus();
    if (done) {
      place.replaceChildren(h("div", { class: "note bad", role: "alert" }, h("p", { class: "strong" }, done.lacking),
        h("p", {}, "Sign in with an administrator key, or with a token for the whole organization that holds a policy to manage.")));
    }
  });
  return form;
}

/** For callers whose organization is not known yet: choose, type or make one. */
export function organizationView(chosen, wanted) {
  const { who, organizations } = state;
  const above = who.kind !== "session";
  const name = nameField("Name of the organization", { value: wanted ?? "" });
  const place = h("div", {});
  const make = above && organizations.length === 0;
  const button = h("button", { type: "submit", class: "primary" }, make ? "Create organization" : "Open");
  const form = h(
    "form",
    { class: "narrow", novalidate: true, "aria-labelledby": "view-title" },
    h("h1", { id: "view-title", tabindex: "-1" }, make ? "The first organization" : "Which organization?"),
    make && h("p", { class: "quiet" }, "There is no organization yet. Use the same name as in your control plane."),
    place,
    name.element,
    button,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = name.input.value.trim();
    if (name.wrong(nameFault(text))) return;
    const done = await attempt(button, place, async () => {
      if (make) {
        await call("POST", "/orgs", { body: { name: text } });
        await loadOrganizations();
      }
      chooseOrganization(text);
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
