// Finds tokens by what people know one by: its id, its prefix or its name.

import { call } from "./api.js";

/** The tokens that a text names: of this id or prefix, or of exactly this name. It goes in a body, as it may be a secret. */
export async function tokensNamed(text) {
  const { tokens, found_by: by } = await call("POST", "/org/tokens/search", { body: { text, status: "all", limit: 100 } });
  return by === "words" ? tokens.filter((token) => token.name === text) : tokens;
}
