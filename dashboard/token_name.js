// Finds a token by what people know it by: its id, its prefix or its name.

import { call } from "./api.js";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The one token that is meant: of this id or prefix, or of exactly this name; null where there is none. */
export async function findToken(text) {
  if (ID.test(text)) {
    try {
      return await call("GET", `/org/tokens/${text}`);
    } catch (refused) {
      if (refused.status !== 404) throw refused;
      return null;
    }
  }
  const { tokens } = await call("GET", "/org/tokens", { query: { q: text, status: "all", limit: 100 } });
  return tokens.find((token) => token.name === text || token.prefix === text) ?? tokens[0] ?? null;
}
