// The page's address: `#view`, `#view/id` or either with `?filter=value`. What is shown follows it, so that every view, token and
// filter has a link and Back works. It names the organization where the caller has several. Secrets are never part of it.

import { namedInAddress } from "./state.js";

/** Whether a text has a token in it, which may be cut. */
export const hasSecret = (text) => /pst_[0-9A-Za-z]{22}_[0-9A-Za-z]|eyJ[\w-]+\.[\w-]+\.[\w-]/.test(text);

/**
 * `{view, id, query, organization}` of an address; `id` and `organization` are null and `query` empty where it has none.
 * What has a secret counts as none.
 */
export function route(hash = location.hash) {
  const [path, search = ""] = hash.replace(/^#/, "").split("?", 2);
  const [view, id] = path.split("/", 2);
  const { organization = null, ...query } = Object.fromEntries([...new URLSearchParams(search)].filter(([, value]) => !hasSecret(value)));
  return { view, id: id && !hasSecret(id) ? decode(id) : null, query, organization };
}

/** The address of a view. Filters that are empty or have a secret are left out. */
export function address(view, id = null, query = {}) {
  const all = { ...query, organization: namedInAddress() };
  const filters = new URLSearchParams(Object.entries(all).filter(([, value]) => value !== "" && value !== null && value !== undefined && !hasSecret(String(value))));
  const search = filters.toString();
  return `#${view}${id === null ? "" : `/${encodeURIComponent(id)}`}${search && `?${search}`}`;
}

/** Goes there: a new entry of the history, and the view is shown. */
export function go(view, id, query) {
  location.hash = address(view, id, query);
}

/** Notes what the view shows now, without showing it again. */
export function note(view, id, query) {
  history.replaceState(history.state, "", address(view, id, query));
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
