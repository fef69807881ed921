// What the token list shows: its filters as the address has them and as the gateway is asked for them, and secrets in
// what is searched for, which go to the gateway in the body of a call and never into an address.

import { call } from "./api.js";
import { isSort, NEWEST } from "./token_rows.js";
import { DAYS } from "./spark.js";

const DAY_MS = 86_400_000;
/** Most rows that are loaded to be sorted here. */
export const MOST_SORTED = 2_000;
const PAGE = 100;

export const NOTHING = { q: "", status: "active", scope: "", project: "", minted_by: "", risk: "", sort: NEWEST };
export const STATUSES = [["active", "Active"], ["revoked", "Revoked"], ["all", "All statuses"]];
export const SCOPES = [["", "Any scope"], ["organization", "Organization"], ["project", "Project"], ["workflow", "Workflow"]];

const daysAway = (days) => new Date(Date.now() + days * DAY_MS).toISOString();
/** By the name that the overview counts them under: what they are called, and what the gateway is asked for. */
export const RISKS = {
  never_expire: ["Never expires", () => ({ never_expires: true })],
  expiring: ["Expires in 7 days", () => ({ expires_before: daysAway(7) })],
  unused: ["Unused for 30 days", () => ({ unused_since: daysAway(-30) })],
  quarantined: ["Quarantined", () => ({ quarantined: true })],
  created_today: ["Created today", () => ({ created_after: new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - 1).toISOString() })],
};

/** A whole token in a text, wherever it stands there; undefined where there is none. */
export const secretIn = (text) => /\bpst_[0-9A-Za-z]{22}_[0-9A-Za-z]{48}\b|\beyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(text)?.[0];

/** Whether a text may stand in an address: nothing that could be the better part of a secret, and not too long. */
const isNotable = (text) => text.length <= 200 && !/pst_[0-9A-Za-z]{22}|eyJ[\w-]{8}/.test(text);

/** The filters that an address has; what it has besides is left out. */
export function wantedBy(query) {
  const wanted = { ...NOTHING };
  for (const key of Object.keys(NOTHING)) if (query[key]) wanted[key] = query[key];
  if (!isSort(wanted.sort)) wanted.sort = NEWEST;
  if (!Object.hasOwn(RISKS, wanted.risk)) wanted.risk = "";
  if (!STATUSES.some(([status]) => status === wanted.status)) wanted.status = NOTHING.status;
  return wanted;
}

/** What an address has of the filters: those that are not as they are at first. */
export function queryOf(wanted) {
  const told = Object.entries(wanted).filter(([key, value]) => value !== NOTHING[key]);
  return Object.fromEntries(told.filter(([key, value]) => key !== "q" || isNotable(value)));
}

export const isFiltered = (wanted) => Object.keys(NOTHING).some((key) => key !== "sort" && wanted[key] !== NOTHING[key]);

/** A page of what is wanted; `secret` is looked for in place of the words. */
function page({ q, status, scope, project, minted_by, risk }, secret, limit, cursor) {
  const asked = { status, scope, project, minted_by, ...RISKS[risk]?.[1](), uses_days: DAYS, limit, cursor };
  const text = secret ?? q.trim();
  if (!text) return call("GET", "/org/tokens", { query: asked });
  const body = Object.fromEntries(Object.entries({ text, ...asked }).filter(([, value]) => value !== ""));
  return call("POST", "/org/tokens/search", { body });
}

/**
 * The next rows: a page in the gateway's order, or as many as can be sorted here. `found_by` and `genuine` are of the
 * gateway's answer.
 */
export async function search(wanted, { secret, cursor } = {}) {
  if (secret || wanted.sort === NEWEST) {
    const { tokens, next_cursor: next, found_by, genuine } = await page(wanted, secret, PAGE, cursor ?? undefined);
    return { tokens, next, found_by, genuine };
  }
  const tokens = [];
  let next;
  do {
    const answer = await page(wanted, undefined, 500, next ?? undefined);
    tokens.push(...answer.tokens);
    next = answer.next_cursor;
  } while (next && tokens.length < MOST_SORTED);
  return { tokens, next };
}
