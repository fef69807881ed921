// The token list: filters, pages, how many are active of how many may be, and the way to every change of a token.

import { all, call } from "./api.js";
import { ago, choice, field, h, named, plain, say, when } from "./dom.js";
import { bulkDialog } from "./bulk.js";
import { jobLine, jobText, ruleName } from "./ci_job.js";
import { detailsDialog, revokeDialog, rotateDialog } from "./lifecycle.js";
import { mintDialog } from "./mint.js";
import { refusalBox } from "./refusals.js";
import { projects } from "./registry.js";
import { DAYS, spark } from "./spark.js";
import { aboveOrganizations, organizationRow, state } from "./state.js";

const SOON_MS = 7 * 86_400_000;
const COLUMNS = ["Name", "Scope", "Created", "Expires", "Last used", "Uses", "Status", "Actions"];

/** `[word, kind]`: how a token stands at this moment. */
export function standing(token, now = Date.now()) {
  const at = (text) => Date.parse(text);
  if (token.revoked_at && at(token.revoked_at) <= now) return ["Revoked", "bad"];
  if (token.expires_at && at(token.expires_at) <= now) return ["Expired", "bad"];
  if (token.quarantined_at) return ["Quarantined", "unsure"];
  if (token.revoked_at) return [`Ends ${ago(token.revoked_at, now)}`, "unsure"];
  // A CI token always does.
  if (token.expires_at && !token.ci_job && at(token.expires_at) - now < SOON_MS) return ["Active, expires soon", "unsure"];
  return ["Active", "good"];
}

export const isOver = (token) => standing(token)[1] === "bad";

/** `organization`, `shop` or `shop / release`. */
export function scopeOf(token) {
  if (!token.project) return "organization";
  return token.workflow ? `${token.project.name} / ${token.workflow.name}` : token.project.name;
}

const kindOf = (token) => (token.workflow ? "workflow" : token.project ? "project" : "organization");

export function tokensView() {
  const filters = { status: "active", scope: "", project: "", minted_by: "", text: "" };
  let rows = [];
  let cursor = null;
  let turn = 0;
  const selected = new Set();

  const list = h("div", { id: "list" });
  const count = h("p", { class: "quiet", id: "count" });
  const more = h("button", { type: "button", id: "more", hidden: true }, "Load more");
  const bulk = h("button", { type: "button" }, "Revoke many…");
  const selection = h("div", { class: "selection", hidden: true });
  const place = h("div", {});

  const shown = () => {
    const text = filters.text.trim().toLowerCase();
    if (!text) return rows;
    return rows.filter((token) =>
      [token.name, token.description ?? "", token.prefix, token.id, token.created_by, scopeOf(token), token.ci_job ? jobText(token.ci_job) : ""].some((part) =>
        part.toLowerCase().includes(text)));
  };

  async function load(next) {
    const mine = (turn += 1);
    list.setAttribute("aria-busy", "true");
    place.replaceChildren();
    if (!next) {
      selected.clear();
      list.replaceChildren(h("p", { class: "empty" }, "Loading tokens…"));
      tellSelection();
    }
    try {
      const page = await call("GET", "/org/tokens", {
        query: { status: filters.status, scope: filters.scope, project: filters.project, minted_by: filters.minted_by, uses_days: DAYS, limit: 100, cursor: next },
      });
      if (mine !== turn) return;
      rows = next ? [...rows, ...page.tokens] : page.tokens;
      cursor = page.next_cursor;
      render();
      say(`${rows.length} tokens loaded`);
      if (!next) tellCount(mine);
    } catch (refused) {
      if (mine !== turn) return;
      if (!next) list.replaceChildren();
      const again = h("button", { type: "button", onclick: () => load(next) }, "Try again");
      place.replaceChildren(refusalBox(refused), again);
    } finally {
      if (mine === turn) list.removeAttribute("aria-busy");
    }
  }

  /** Counts the active tokens; only callers who see every token can compare that with the limit. */
  async function tellCount(mine) {
    const { rows: live, more: others } = await all("/org/tokens", "tokens", { query: { status: "active" }, most: 2_000 })
      .catch(() => ({ rows: null }));
    if (mine !== turn || !live) return;
    const counted = live.filter((token) => !token.revoked_at).length;
    const ceiling = aboveOrganizations() ? organizationRow()?.effective_mint_ceiling : undefined;
    const number = others ? `more than ${counted}` : String(counted);
    const against = { undefined: "", 0: ", no limit" }[ceiling] ?? `, limit ${ceiling}`;
    count.replaceChildren(h("strong", {}, number), ` active${against}`, state.who.kind === "token" ? " (of those that you can see)" : "");
  }

  function tellSelection() {
    selection.hidden = selected.size === 0;
    selection.replaceChildren(
      h("span", {}, `${selected.size} selected`),
      h("button", { type: "button", class: "danger", onclick: () => bulkDialog({ ids: [...selected] }, rows, () => load()) }, "Revoke selected…"),
      h("button", { type: "button", onclick: () => { selected.clear(); render(); tellSelection(); list.querySelector("input")?.focus(); } }, "Clear"),
    );
  }

  function row(token) {
    const over = isOver(token);
    const spoken = `${plain(token.name)}, ${token.prefix}`;
    const tick = h("input", {
      type: "checkbox", checked: selected.has(token.id), disabled: over, "aria-label": `Select ${spoken}`,
    });
    tick.addEventListener("change", () => {
      if (tick.checked) selected.add(token.id);
      else selected.delete(token.id);
      tellSelection();
    });
    const [word, kind] = standing(token);
    const action = (text, open, danger) =>
      h("button", { type: "button", class: danger ? "small danger" : "small", "aria-label": `${text} ${spoken}`, onclick: open }, text);
    const cell = (label, ...content) => h("td", { role: "cell", dataset: { label } }, content);
    return h(
      "tr",
      { role: "row", dataset: { id: token.id, kind } },
      h("td", { role: "cell", class: "tick-cell" }, tick),
      h("th", { role: "rowheader", scope: "row" },
        h("button", { type: "button", class: "link", "aria-label": `Details of ${spoken}`,
          onclick: () => detailsDialog(token, () => load(), byMinter) }, named(token.name)),
        h("code", { class: "below" }, token.prefix)),
      cell("Scope", h("span", {}, scopeOf(token)), token.project && h("span", { class: "below" }, kindOf(token))),
      cell("Created", when(token.created_at), h("span", { class: "below" }, "by ", token.ci_job ? ruleName(token.ci_job) : named(token.created_by)),
        token.ci_job && h("span", { class: "below" }, jobLine(token.ci_job))),
      cell("Expires", when(token.expires_at)),
      cell("Last used", when(token.last_used_at)),
      cell("Uses", h("span", {}, token.uses.toLocaleString("en")), token.uses > 0 && h("span", { class: "below" }, spark(token.daily_uses))),
      cell("Status", h("span", { class: "badge", dataset: { kind } }, word)),
      h("td", { role: "cell", class: "actions" }, h("div", {},
        over ? null : action("Revoke", () => revokeDialog(token, () => load()), true),
        over || token.ci_job ? null : action("Rotate", () => rotateDialog(token, () => load())),
        action("History", () => { state.focusToken = { id: token.id, prefix: token.prefix }; location.hash = "#audit"; }))),
    );
  }

  function render() {
    const found = shown();
    more.hidden = !cursor;
    more.textContent = filters.text ? "Search in older tokens" : "Load more";
    if (found.length === 0) {
      const filtered = filters.scope || filters.project || filters.minted_by || filters.text || filters.status !== "active";
      list.replaceChildren(h("div", { class: "empty" },
        h("p", { class: "strong" }, filtered ? "No token matches these filters." : "No active tokens."),
        filtered ? h("button", { type: "button", onclick: clear }, "Clear the filters") : h("p", {}, "Create one: its secret is shown once.")));
      return;
    }
    const every = h("input", { type: "checkbox", "aria-label": "Select all active tokens shown" });
    every.addEventListener("change", () => {
      for (const token of found) if (!isOver(token)) every.checked ? selected.add(token.id) : selected.delete(token.id);
      for (const box of list.querySelectorAll("tbody input:enabled")) box.checked = every.checked;
      tellSelection();
    });
    list.replaceChildren(
      h("table", { role: "table", "aria-label": "Tokens" },
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
          h("td", { role: "cell", class: "tick-cell" }, every),
          COLUMNS.map((title) => h("th", { role: "columnheader", scope: "col" }, title)))),
        h("tbody", { role: "rowgroup" }, found.map(row))),
      h("p", { class: "quiet" }, filters.text ? `${found.length} of ${rows.length} loaded tokens match.` : `${rows.length} shown${cursor ? ", there are more" : ""}.`),
    );
  }

  const status = choice([["active", "Active"], ["revoked", "Revoked"], ["all", "All"]], "active");
  const scope = choice([["", "Any"], ["organization", "Organization"], ["project", "Project"], ["workflow", "Workflow"]], "");
  const project = h("input", { type: "text", autocomplete: "off", list: "project-names", spellcheck: "false" });
  const minter = h("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: "token id" });
  const text = h("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  const names = h("datalist", { id: "project-names" });
  for (const [key, input] of Object.entries({ status, scope, project, minted_by: minter })) {
    input.addEventListener("change", () => {
      filters[key] = input.value.trim();
      load();
    });
  }
  text.addEventListener("input", () => {
    filters.text = text.value;
    render();
  });
  function byMinter(id) {
    minter.value = id;
    minter.dispatchEvent(new Event("change"));
    minter.focus();
  }
  function clear() {
    Object.assign(filters, { status: "active", scope: "", project: "", minted_by: "", text: "" });
    [status.value, scope.value, project.value, minter.value, text.value] = ["active", "", "", "", ""];
    status.focus();
    load();
  }
  more.addEventListener("click", () => load(cursor));
  bulk.addEventListener("click", () => bulkDialog(undefined, rows, () => load()));
  projects().then((found) => names.append(...(found ?? []).map((name) => h("option", { value: name }))), () => {});

  const view = h(
    "section",
    { "aria-labelledby": "view-title" },
    h("div", { class: "view-head" },
      h("div", {}, h("h1", { id: "view-title", tabindex: "-1" }, "Tokens"), count),
      h("div", { class: "buttons" }, bulk,
        h("button", { type: "button", class: "primary", id: "mint", onclick: () => mintDialog(() => load()) }, "Create a token"))),
    h("form", { class: "filters", role: "search", "aria-label": "Filter tokens", onsubmit: (event) => event.preventDefault() },
      field("Status", status), field("Scope", scope), field("Project", project), field("Created by", minter), field("Text", text), names),
    selection,
    place,
    list,
    more,
  );
  load();
  if (state.focusToken?.open) {
    const { id } = state.focusToken;
    state.focusToken = null;
    call("GET", `/org/tokens/${encodeURIComponent(id)}`).then(
      (token) => view.isConnected && detailsDialog(token, () => load(), byMinter),
      (refused) => place.replaceChildren(refusalBox(refused)),
    );
  }
  return view;
}
