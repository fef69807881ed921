// Tokens as a file for spreadsheets.

import { creatorOf, scopeOf, standing } from "./token.js";

const COLUMNS = {
  name: (token) => token.name, prefix: (token) => token.prefix, id: (token) => token.id, scope: scopeOf, created_by: creatorOf,
  last_used_at: (token) => token.last_used_at ?? "",
};

/** What a list knows of a token besides. */
export const OF_LISTS = {
  status: (token) => standing(token)[0], created_at: (token) => token.created_at, expires_at: (token) => token.expires_at ?? "",
  revoked_at: (token) => token.revoked_at ?? "", uses: (token) => token.uses,
};

/** One line each. What a spreadsheet would take for a formula is told apart by an apostrophe. */
export function csv(tokens, more) {
  const columns = { ...COLUMNS, ...more };
  const cell = (value) => `"${String(value).replace(/^[=+\-@\t\r＝＋－＠]/, "'$&").replaceAll('"', '""')}"`;
  const line = (cells) => `${cells.map(cell).join(",")}\r\n`;
  return [line(Object.keys(columns)), ...tokens.map((token) => line(Object.values(columns).map((value) => value(token))))].join("");
}
