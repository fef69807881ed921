// The rows of the token list: one line each, with a menu of what one can do; and the columns that they can be sorted by.

import { jobText } from "./ci_job.js";
import { h, named, number, plain } from "./dom.js";
import { menuButton } from "./menu.js";
import { address } from "./route.js";
import { spark } from "./spark.js";
import { badge, brief, creatorOf, ending, isOver, scopeOf, standing } from "./token.js";

const time = (moment, otherwise) => (moment ? Date.parse(moment) : otherwise);

/** Key, title, and what a row is sorted by: text ascends first, a number descends. */
const COLUMNS = [
  ["name", "Name", (token) => token.name],
  ["prefix", "Prefix", (token) => token.prefix],
  ["scope", "Scope", scopeOf],
  ["creator", "Created by", creatorOf],
  ["created", "Created", (token) => time(token.created_at)],
  ["expires", "Expires", (token) => time(token.revoked_at ?? token.expires_at, Infinity)],
  ["used", "Last used", (token) => time(token.last_used_at, 0)],
  ["uses", "Uses", (token) => token.uses],
  ["status", "Status", (token) => standing(token)[0]],
];
const ASCENDS_FIRST = ["name", "prefix", "scope", "creator", "expires", "status"];

/** What a click on a column's title sorts by, where `sort` is what it is now. */
const turned = (key, sort) => {
  if (sort.replace("-", "") !== key) return ASCENDS_FIRST.includes(key) ? key : `-${key}`;
  return sort === key ? `-${key}` : key;
};

export const isSort = (sort) => COLUMNS.some(([key]) => key === sort.replace("-", ""));
/** What a column is called in a sentence. */
export const titleOf = (sort) => COLUMNS.find(([key]) => key === sort.replace("-", ""))[1].toLowerCase();

export function sorted(rows, sort) {
  const [, , value] = COLUMNS.find(([key]) => key === sort.replace("-", ""));
  const sign = sort.startsWith("-") ? -1 : 1;
  const text = (a, b) => String(a).localeCompare(String(b), "en", { numeric: true });
  const compare = (a, b) => (typeof a === "number" ? Math.sign(a - b) || 0 : text(a, b));
  return rows.map((row) => [value(row), row]).sort(([a], [b]) => sign * compare(a, b)).map(([, row]) => row);
}

/**
 * The table. `selected` holds ids; `onSelect` is called when it has changed, `onSort` with what to sort by, and
 * `actions(token)` gives the rows of its menu.
 */
export function tokenTable(rows, { sort, onSort, selected, onSelect, actions }) {
  // One scale, so that rows can be compared.
  const most = Math.max(1, ...rows.flatMap((token) => token.daily_uses ?? []));
  const every = h("input", { type: "checkbox", "aria-label": "Select all active tokens shown", dataset: { key: "every" } });
  const boxes = [];
  every.addEventListener("change", () => {
    for (const [token, box] of boxes) {
      box.checked = every.checked;
      if (every.checked) selected.add(token.id);
      else selected.delete(token.id);
    }
    onSelect();
  });

  const head = ([key, title]) => {
    const now = sort.replace("-", "") === key;
    const button = h("button", { type: "button", class: "sort", dataset: { key: `sort-${key}` }, onclick: () => onSort(turned(key, sort)) },
      title, now && h("span", { "aria-hidden": "true" }, sort === key ? " ↑" : " ↓"));
    return h("th", { role: "columnheader", scope: "col", class: `col-${key}`, "aria-sort": now ? (sort === key ? "ascending" : "descending") : undefined }, button);
  };

  const row = (token) => {
    const spoken = `${plain(token.name)}, ${token.prefix}`;
    const over = isOver(token);
    const box = h("input", { type: "checkbox", checked: selected.has(token.id), disabled: over, "aria-label": `Select ${spoken}`, dataset: { key: `tick-${token.id}` } });
    if (!over) boxes.push([token, box]);
    box.addEventListener("change", () => {
      if (box.checked) selected.add(token.id);
      else selected.delete(token.id);
      onSelect();
    });
    const cell = (key, ...content) => h("td", { role: "cell", class: `col-${key}` }, content);
    const creator = creatorOf(token);
    return h("tr", { role: "row", dataset: { id: token.id, kind: standing(token)[1] } },
      h("td", { role: "cell", class: "tick-cell" }, box),
      h("th", { role: "rowheader", scope: "row", class: "col-name" },
        h("a", { href: address("tokens", token.id), title: plain(token.name), dataset: { key: `name-${token.id}` } }, named(token.name))),
      cell("prefix", h("code", {}, token.prefix)),
      cell("scope", h("span", { title: scopeOf(token) }, scopeOf(token))),
      cell("creator", named(creator, { title: plain(token.ci_job ? `${creator}: ${jobText(token.ci_job)}` : creator) })),
      cell("created", brief(token.created_at)),
      cell("expires", ending(token)),
      cell("used", brief(token.last_used_at)),
      cell("uses", number(token.uses), token.uses > 0 && token.daily_uses?.length > 0 && spark(token.daily_uses, most)),
      cell("status", badge(token)),
      h("td", { role: "cell", class: "col-menu" }, menuButton(`Actions for ${spoken}`, () => actions(token), { dataset: { key: `menu-${token.id}` } })));
  };

  return h("table", { role: "table", "aria-label": "Tokens" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
      h("td", { role: "cell", class: "tick-cell" }, every), COLUMNS.map(head), h("td", { role: "cell", class: "col-menu" }))),
    h("tbody", { role: "rowgroup" }, rows.map(row)));
}
