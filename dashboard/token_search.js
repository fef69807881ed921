// What the token list shows: its filters as the address has them and as the gateway is asked for them, and secrets in
// what is searched for, which go to the gateway in the body of a call and never into an address.

import { call } from "./api.js";
import { isSort } from "./token_rows.js";
import { DAYS } from "./spark.js";

const DAY_MS = 86_400_000;
/** Most rows that are loaded to be sorted here. */
export const MOST_SORTED = 2_000;
const PAGE = 100;
/** Pages without a row that are asked for at once. */
const MOST_EMPTY = 5;

/** Filters by what makes a token risky, named as the gateway names them: at most one at a time. */
const RISK_KEYS = ["never_expires", "expires_before", "unused_since", "quarantined", "created_after"];
export const NO_RISK = Object.fromEntries(RISK_KEYS.map((key) => [key, ""]));
export const NOTHING = { q: "", status: "active", scope: "", project: "", minted_by: "", ...NO_RISK, sort: "" };
export const STATUSES = [["active", "Active"], ["revoked", "Revoked"], ["all", "All statuses"]];
export const SCOPES = [["", "Any scope"], ["organization", "Organization"], ["project", "Project"], ["workflow", "Workflow"]];

const daysAway = (days) => new Date(Date.now() + days * DAY_MS).toISOString();
const midnight = () => `${new Date().toISOString().slice(0, 10)}T00:00:00.000Z`;
/**
 * Rows for the risks: the filter, what the overview counts them as, what they are called, the filter's value now, the
 * status that goes with it, and what they are called from another moment.
 */
export const RISKS = [
  ["never_expires", "never_expire", "Never expires", () => "true", "active"],
  ["expires_before", "expiring", "Expires in 7 days", () => daysAway(7), "active", "Expires before"],
  ["unused_since", "unused", "Unused for 30 days", () => daysAway(-30), "active", "Unused since"],
  ["quarantined", "quarantined", "Quarantined", () => "true", "active"],
  ["created_after", "created_today", "Created today", midnight, "all", "Created after"],
];

/** Whether a text may stand in an address: nothing that could be the better part of a secret, and not too long. */
const isNotable = (text) => text.length <= 200 && !/[0-9A-Za-z]{24}|pst_[0-9A-Za-z]{22}|eyJ[\w-]{8}/.test(text);

/** The order in which the gateway gives the rows. */
export const ownOrder = (wanted) => (wanted.expires_before ? "expires" : "-created");
export const orderOf = (wanted) => wanted.sort || ownOrder(wanted);

/** The filters that an address has; what it has besides is left out. */
export function wantedBy(query) {
  const wanted = { ...NOTHING };
  for (const key of Object.keys(NOTHING)) if (query[key]) wanted[key] = query[key];
  if (!isSort(wanted.sort) || wanted.sort === ownOrder(wanted)) wanted.sort = "";
  // Only active tokens will expire.
  if (wanted.expires_before || !STATUSES.some(([status]) => status === wanted.status)) wanted.status = NOTHING.status;
  return wanted;
}

/** What an address has of the filters: those that are not as they are at first. */
export function queryOf(wanted) {
  const told = Object.entries(wanted).filter(([key, value]) => value !== NOTHING[key]);
  return Object.fromEntries(told.filter(([key, value]) => key !== "q" || isNotable(value)));
}

export const isFiltered = (wanted) => Object.keys(NOTHING).some((key) => key !== "sort" && wanted[key] !== NOTHING[key]);

/** A page of what is wanted; `secret` is looked for in place of the words. */
function page({ q, sort, ...filters }, secret, limit, cursor) {
  const asked = { ...filters, uses_days: DAYS, limit, cursor };
  if (filters.expires_before) delete asked.status;
  const text = secret ?? q.trim();
  if (!text) return call("GET", "/org/tokens", { query: asked });
  const given = Object.entries({ text, ...asked }).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const body = Object.fromEntries(given.map(([key, value]) => [key, value === "true" ? true : value]));
  return call("POST", "/org/tokens/search", { body });
}

/** Most pages that are saved. */
const MOST_SAVED = 100;

/** All tokens that are wanted, up to 50,000. */
export async function searchAll(wanted) {
  const tokens = [];
  let cursor;
  for (let asked = 0; asked < MOST_SAVED; asked += 1) {
    const answer = await page(wanted, undefined, 500, cursor);
    tokens.push(...answer.tokens);
    cursor = answer.next_cursor;
    if (!cursor) break;
  }
  return { tokens, whole: !cursor };
}

/**
 * The next rows: a page in the gateway's order, or as many as can be sorted here. What the gateway's answer says of a
 * secret comes with them. Without rows, but with `next`, only a part of the tokens was searched.
 */
export async function search(wanted, { secret, cursor } = {}) {
  const tokens = [];
  const [most, limit] = wanted.sort && !secret ? [MOST_SORTED, 500] : [1, PAGE];
  let next = cursor;
  let told = {};
  for (let empty = 0; empty < MOST_EMPTY && tokens.length < most;) {
    const answer = await page(wanted, secret, limit, next);
    tokens.push(...answer.tokens);
    ({ next_cursor: next, ...told } = answer);
    if (answer.tokens.length === 0) empty += 1;
    if (!next) break;
  }
  return { ...told, tokens, next };
}
