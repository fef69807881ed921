// Finds tokens by what people know one by: its id, its prefix, its name, or a secret that they paste.

import { call, Refusal } from "./api.js";
import { h } from "./dom.js";
import { refusalBox } from "./refusals.js";
import { hasSecret } from "./route.js";

/** Most pages that are looked through for a name. */
const MOST_PAGES = 40;

/** The tokens that a text names: of this id or prefix, or of exactly this name. It goes in a body, as it may be a secret. */
export async function tokensNamed(text) {
  const found = [];
  let cursor;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { tokens, found_by: by, next_cursor: next } = await call("POST", "/org/tokens/search", { body: { text, status: "all", limit: 500, cursor } });
    found.push(...(by === "words" ? tokens.filter((token) => token.name === text) : tokens));
    if (!next) return found;
    cursor = next;
  }
  throw new Refusal({ code: "too_many", detail: "too many tokens have these words: give the prefix or the id" });
}

/** Hides a secret in a field from who looks over one's shoulder. */
export function veil(input) {
  input.addEventListener("input", () => input.classList.toggle("veiled", hasSecret(input.value)));
}

/**
 * What a field says in an address: its text, and for a pasted secret, which leaves the field, the id of its token. Null
 * where there is none: then `place` says so.
 */
export async function noted(input, place) {
  const text = input.value.trim();
  if (!hasSecret(text)) return text;
  input.value = "";
  input.classList.remove("veiled");
  try {
    const [token] = await tokensNamed(text);
    if (token) return token.id;
    place.replaceChildren(h("p", { class: "note bad", role: "alert" }, "The pasted token is not one of this organization, or you are not allowed to see it."));
  } catch (refused) {
    place.replaceChildren(refusalBox(refused));
  }
  return null;
}
