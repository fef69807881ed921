// Who is signed in, and for which organization. In memory only.

import { all, setCredential, setOrganization } from "./api.js";

/** `kind`: `admin`, `bootstrap`, `session` or `token`. `policies`: null where the gateway does not say. */
export const state = { who: null, organizations: [], moreOrganizations: false };

export const aboveOrganizations = () => state.who?.kind === "admin" || state.who?.kind === "bootstrap";

/** The organization, where addresses have to name it, because the caller has more than one. */
export const namedInAddress = () =>
  (aboveOrganizations() && state.organizations.length > 1) || state.who?.several ? state.who.organization : null;

let changed = () => {};
/** Called when the page's own bar has to show other organizations, or another one. */
export const whenOrganizationsChange = (callback) => (changed = callback);

export async function loadOrganizations() {
  const { rows, more } = await all("/orgs", "organizations", { quiet: true });
  rows.sort((a, b) => a.name.localeCompare(b.name));
  state.organizations = rows;
  state.moreOrganizations = more;
}

/** The bar shows them as they are now. */
export const barChanged = () => changed();

/** Fetches them again, for the page's own bar too. */
export async function reloadOrganizations() {
  await loadOrganizations();
  barChanged();
}

/** Chooses what calls below /org/ are about. A token has its own organization and names none. */
export function chooseOrganization(name) {
  state.who.organization = name;
  setOrganization(state.who.kind === "token" ? null : name);
}

/** The organization's row, for callers who see it. */
export const organizationRow = () => state.organizations.find((row) => row.name === state.who?.organization);

/** The caller's own token was rotated: `successor` is who is signed in now. */
export function renewed({ id, token, expires_at: expiresAt }) {
  setCredential(token);
  Object.assign(state.who, { id, expiresAt });
}

export function forget() {
  setCredential(null);
  setOrganization(null);
  Object.assign(state, { who: null, organizations: [], moreOrganizations: false });
}
