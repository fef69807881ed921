// Tables with a line for each row, which become cards where they would not fit. Roles are written out, because a browser drops
// those of a table that is shown as something else.

import { h } from "./dom.js";

const NONE = "quiet none";

/** A row of `[class, ...content]` cells. */
export const row = (titles, cells, dataset = {}) => h("tr", { role: "row", dataset }, cells.map(([kind, ...content], at) =>
  h("td", { role: "cell", class: [kind, content.length === 1 && content[0]?.className === NONE && "absent"].filter(Boolean).join(" ") || undefined,
    dataset: { label: titles[at] } }, content)));

/** A column without a title is one of buttons. On a narrow page rows are `cards`, with titles, or a `flow` of what says itself what it is. */
export const table = (label, titles, rows, kind = "cards") => h("table", { role: "table", class: `rows ${kind}`, "aria-label": label },
  h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, titles.map((title) =>
    (title ? h("th", { role: "columnheader", scope: "col" }, title) : h("td", { role: "cell" }))))),
  h("tbody", { role: "rowgroup" }, rows));

/** What is not there, or not known. */
export const none = (text = "–") => h("span", { class: NONE }, text);
