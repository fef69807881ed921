// Who created a token, up to the root, and what it created, which is asked for level by level when it is opened.

import { call } from "./api.js";
import { h, named, plain } from "./dom.js";
import { pathOf } from "./lifecycle.js";
import { refusalBox, told } from "./refusals.js";
import { address } from "./route.js";
import { badge, creatorOf, scopeOf } from "./token.js";

const MOST_LEVELS = 50;
const PAGE = 20;

/** The tree around a token: each creator below its own, then the token, then its children. */
export async function tokenTree(token) {
  const line = [token];
  let lost = "";
  while (line[0].minted_by && line.length <= MOST_LEVELS) {
    const above = await call("GET", pathOf(line[0].minted_by)).catch((refused) => {
      lost = refused.status === 403 || refused.status === 404 ? "You are not allowed to see the token that created it." : told(refused);
    });
    if (!above) break;
    line.unshift(above);
  }
  const below = children(token);
  below.load();
  const inner = line.reduceRight((inside, one) =>
    h("ul", {}, h("li", {}, one === token ? h("strong", { "aria-current": "true" }, named(one.name), " (this token)") : entry(one), inside)), below.element);
  const [root] = line;
  return h("div", { class: "tree" }, h("p", {}, lost || h("span", {}, "By ", named(creatorOf(root)))), inner);
}

const entry = (token) => [
  h("a", { href: address("tokens", token.id) }, named(token.name)), " ", h("code", { class: "quiet" }, token.prefix), " ", badge(token), " ", h("span", { class: "quiet" }, scopeOf(token)),
];

/** What a token created: `load` asks for it, once. */
function children({ id }) {
  const list = h("ul", {});
  const place = h("div", {});
  let asked = false;
  async function next(cursor) {
    asked = true;
    place.replaceChildren(h("p", { class: "quiet" }, "Loading…"));
    try {
      const { tokens, next_cursor: more } = await call("GET", "/org/tokens", { query: { minted_by: id, status: "all", limit: PAGE, cursor } });
      list.append(...tokens.map(branch));
      place.replaceChildren(
        more ? h("button", { type: "button", class: "small", onclick: () => next(more) }, "Show more") : "",
        list.children.length === 0 ? h("p", { class: "quiet" }, "It created no tokens.") : "");
    } catch (refused) {
      asked = false;
      place.replaceChildren(refusalBox(refused));
    }
  }
  return { element: h("div", {}, list, place), load: () => asked || next() };
}

/** A token, and a button that unfolds what it created. */
function branch(token) {
  const below = children(token);
  below.element.hidden = true;
  const button = h("button", { type: "button", class: "link", "aria-expanded": "false", "aria-label": `what it created: ${plain(token.name)}` }, "what it created");
  button.addEventListener("click", () => {
    below.element.hidden = !below.element.hidden;
    button.setAttribute("aria-expanded", String(!below.element.hidden));
    below.load();
  });
  return h("li", {}, entry(token), " ", button, below.element);
}
