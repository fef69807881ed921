// The token list: one search field, filters that the address has too, rows that can be sorted and selected, and what was
// done last.

import { call } from "./api.js";
import { bulkDialog } from "./bulk.js";
import { csv, OF_LISTS } from "./csv.js";
import { choice, exact, h, isTyping, named, number, saveFile, say, textInput } from "./dom.js";
import { actionsOf, doneNote, pathOf, revokeDialog } from "./lifecycle.js";
import { mintDialog } from "./mint.js";
import { attempt, refusalBox, told } from "./refusals.js";
import { projects } from "./registry.js";
import { address, go, hasSecret, note, route } from "./route.js";
import { aboveOrganizations, barChanged, chooseOrganization, state } from "./state.js";
import { badge, isOver, scopeOf } from "./token.js";
import { tokenView } from "./token_page.js";
import { sorted, titleOf, tokenTable } from "./token_rows.js";
import { isFiltered, MOST_SORTED, NO_RISK, NOTHING, orderOf, ownOrder, queryOf, RISKS, SCOPES, search, searchAll, STATUSES, wantedBy } from "./token_search.js";

const SHOWN_AT_ONCE = 100;
const MOST_SELECTED = 1_000;
const PAUSE_MS = 250;

export function tokensView(at = route()) {
  if (at.id !== null) return tokenView(at);
  let wanted = wantedBy(at.query);
  let rows = [];
  let next = null;
  let shown = SHOWN_AT_ONCE;
  let turn = 0;
  let timer;
  let counts = {};
  const selected = new Set();

  const done = doneNote();
  const found = h("div", {});
  const list = h("div", { id: "list" });
  const count = h("p", { class: "quiet", id: "count" });
  const more = h("button", { type: "button", id: "more", hidden: true }, "Show more");
  const save = h("button", { type: "button", class: "small", onclick: saveAll }, "Save as CSV");
  const selection = h("div", { class: "selection", hidden: true });
  const place = h("div", {});
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Risks" });
  const input = textInput({
    type: "search", id: "search", "aria-label": "Search tokens",
    placeholder: "Search name, prefix, description, or paste a token", "aria-keyshortcuts": "/",
  });
  const status = choice(STATUSES, wanted.status, { "aria-label": "Status" });
  const scope = choice(SCOPES, wanted.scope, { "aria-label": "Scope" });
  const project = h("select", { "aria-label": "Project" }, h("option", { value: "" }, "Any project"));

  /** Goes to the list with other filters, which is a new address. */
  const want = (changes) => go("tokens", null, queryOf({ ...wanted, ...changes }));

  /** Asks for the rows. `secret` is a pasted token: it leaves the field with the answer. */
  async function load({ secret, cursor } = {}) {
    const mine = (turn += 1);
    clearTimeout(timer);
    list.setAttribute("aria-busy", "true");
    place.replaceChildren();
    if (rows.length === 0) list.replaceChildren(h("p", { class: "empty" }, "Loading tokens…"));
    try {
      const answer = await search(wanted, { secret, cursor });
      if (mine !== turn) return;
      rows = cursor ? [...rows, ...answer.tokens] : answer.tokens;
      next = answer.next;
      if (!cursor) shown = SHOWN_AT_ONCE;
      if (secret && answer.elsewhere) {
        // Whoever stands above organizations sees it in its own.
        chooseOrganization(answer.elsewhere.organization.name);
        note("tokens", null, queryOf(wanted));
        barChanged();
        tellCount();
        return load({ secret });
      }
      if (secret) tellFound(answer);
      for (const token of rows) if (isOver(token)) selected.delete(token.id);
      render();
      say(rows.length === 1 ? "1 token" : `${number(rows.length)} tokens${next ? ", there are more" : ""}`);
    } catch (refused) {
      if (mine !== turn) return;
      if (!cursor) {
        rows = [];
        list.replaceChildren();
        more.hidden = true;
      }
      if (refused.code === "search_invalid") return place.replaceChildren(h("p", { class: "quiet" }, told(refused)));
      place.replaceChildren(refusalBox(refused), h("button", { type: "button", onclick: () => load({ secret, cursor }) }, "Try again"));
    } finally {
      if (mine === turn) list.removeAttribute("aria-busy");
    }
  }

  /** Saves all that the filters match, not only what is loaded. */
  async function saveAll() {
    const found = await attempt(save, place, () => searchAll(wanted), "Saving…");
    if (!found) return;
    saveFile("tokens.csv", new Blob([csv(found.tokens, OF_LISTS)]));
    say(`${number(found.tokens.length)} tokens saved`);
    if (!found.whole) place.replaceChildren(h("p", { class: "note", role: "status" }, `The file has the first ${number(found.tokens.length)} tokens. Narrow the search to save the others.`));
  }

  /** Says what a pasted token is, and takes it out of the page: from here on its id stands for it. */
  function tellFound({ tokens: [token], genuine, secrets }) {
    input.classList.remove("veiled");
    wanted = { ...NOTHING, q: token?.id ?? "", status: "all" };
    control();
    note("tokens", null, queryOf(wanted));
    const tell = (...words) => found.replaceChildren(h("div", { class: "note found", role: "alert", dataset: { genuine } }, words));
    if (genuine === false && !token) return tell("This is not a token of this gateway: its check fails. It was cut, mistyped or made up, or a CI system has signed it.");
    if (genuine === null) return tell("No token was recognized in what you pasted. Paste the token alone.");
    if (!token) return tell("The pasted token is not one of this organization, or you are not allowed to see it.");
    tell(
      h("p", {}, genuine === false ? "What you pasted is not whole, or was changed. It begins like " : "You pasted ", named(token.name, { class: "name strong" }), " ", h("code", {}, token.prefix), " · ", scopeOf(token), " ", badge(token),
        aboveOrganizations() && state.organizations.length > 1 ? [" of the organization ", named(state.who.organization)] : "",
        secrets > 1 ? `. It is the first of ${secrets} in what you pasted: look for the others one by one.` : ""),
      h("div", { class: "buttons" },
        h("a", { class: "button", href: address("tokens", token.id) }, "Open"),
        isOver(token) ? null : h("button", { type: "button", class: "danger solid", onclick: () => revokeDialog(token, changed) }, "Revoke…")));
  }

  /** How many tokens there are, of how many there may be. */
  async function tellCount() {
    const overview = await call("GET", "/org/overview").catch(() => null);
    if (!overview || !view.isConnected) return;
    const { tokens, ceiling } = overview;
    const used = `${number(tokens.active + tokens.quarantined)}${tokens.more ? "+" : ""}`;
    count.replaceChildren(h("strong", {}, used), ceiling ? ` of ${number(ceiling)} tokens in use` : used === "1" ? " token in use" : " tokens in use",
      state.who?.kind === "token" ? " (of those that you can see)" : "");
    counts = tokens;
    tellRisks();
  }

  function tellSelection() {
    const visible = new Set(visibleRows().map((token) => token.id));
    const hidden = [...selected].filter((id) => !visible.has(id)).length;
    selection.hidden = selected.size === 0;
    const many = selected.size > MOST_SELECTED;
    selection.replaceChildren(
      h("span", { class: "strong" }, `${number(selected.size)} selected${hidden ? ` (${number(hidden)} hidden)` : ""}`),
      many ? h("span", {}, `Revoke at most ${number(MOST_SELECTED)} at once.`)
        : h("button", { type: "button", class: "danger", onclick: () => bulkDialog({ ids: [...selected] }, revoked) }, "Revoke selected…"),
      h("button", { type: "button", "aria-label": "Clear selection", onclick: () => { selected.clear(); render(); input.focus(); } }, "Clear"),
    );
  }

  const visibleRows = () => (wanted.sort ? sorted(rows, wanted.sort) : rows).slice(0, shown);

  function render() {
    const visible = visibleRows();
    more.hidden = !(rows.length > shown || (next && !wanted.sort));
    more.textContent = rows.length ? "Show more" : "Search further";
    const focus = list.contains(document.activeElement) && document.activeElement.dataset.key;
    tellSelection();
    if (rows.length === 0) list.replaceChildren(nothing());
    else {
      const many = rows.length === 1 ? "1 token" : `${number(rows.length)} tokens`;
      const first = (count) => (wanted.expires_before ? `the ${number(count)} tokens that expire first` : `the newest ${number(count)} tokens`);
      let range = `${many}.`;
      if (next && wanted.sort) range = `Sorted by ${titleOf(wanted.sort)} among ${first(MOST_SORTED)}; there are more. Narrow the search to sort all.`;
      else if (next) range = `These are ${first(rows.length)}; there are more.`;
      else if (rows.length > visible.length) range = `${number(visible.length)} of ${many}.`;
      list.replaceChildren(
        tokenTable(visible, { sort: orderOf(wanted), onSort: (sort) => want({ sort: sort === ownOrder(wanted) ? "" : sort }), selected, onSelect: tellSelection, actions: (token) => actionsOf(token, (...words) => revoked([token.id], ...words)) }),
        h("div", { class: "view-head" }, h("p", { class: "quiet", id: "range" }, range), save));
    }
    if (focus) (list.querySelector(`[data-key="${CSS.escape(focus)}"]`) ?? view.querySelector("h1")).focus();
  }

  /** What stands in place of rows: only what the gateway has searched for is said not to be there. */
  function nothing() {
    if (next) return h("div", { class: "empty" }, h("p", { class: "strong" }, "Nothing found so far. Not all tokens were searched."));
    const clear = h("button", { type: "button", onclick: () => { want(NOTHING); input.focus(); } }, wanted.q ? "Clear the search" : "Clear the filters");
    if (wanted.q) {
      const { q, ...others } = wanted;
      const narrowed = isFiltered({ ...others, q: "" }) || wanted.status === "active";
      return h("div", { class: "empty" },
        h("p", { class: "strong" }, wanted.status === "active" ? "No active token matches “" : "No token matches “", named(q), "”."),
        narrowed && wanted.status !== "all" || isFiltered({ ...NOTHING, ...others, status: "active" })
          ? h("button", { type: "button", class: "primary", onclick: () => want({ ...NOTHING, q, status: "all" }) }, "Search all tokens") : null, " ", clear);
    }
    return h("div", { class: "empty" },
      h("p", { class: "strong" }, isFiltered(wanted) ? "No token matches these filters." : "No active tokens."),
      isFiltered(wanted) ? clear : h("p", {}, "Create one: its secret is shown once."));
  }

  /** After a change: what was done is said, and what is shown is asked for again. */
  function changed(...words) {
    done.tell(...words);
    found.replaceChildren();
    view.refresh();
  }

  /** The same for tokens that are selected no longer. */
  function revoked(ids, ...words) {
    for (const id of ids) selected.delete(id);
    changed(...words);
  }

  /** Sets the controls to what is wanted. */
  function control() {
    if (document.activeElement !== input || input.value.trim() !== wanted.q) input.value = wanted.q;
    [status.value, scope.value] = [wanted.status, wanted.scope];
    if (![...project.options].some(({ value }) => value === wanted.project)) project.append(h("option", { value: wanted.project }, wanted.project));
    project.value = wanted.project;
    tellRisks();
    creator(wanted.minted_by);
  }

  /** The filter by creator, which links elsewhere set: it can be taken away. */
  const by = h("button", { type: "button", class: "chip", "aria-pressed": "true", hidden: true, onclick: () => want({ minted_by: "" }) });
  function creator(id) {
    by.hidden = !id;
    if (!id || by.dataset.id === id) return;
    by.dataset.id = id;
    const tell = (name) => by.replaceChildren("Created by ", named(name), " ✕");
    tell(id);
    call("GET", pathOf(id)).then(({ name }) => by.dataset.id === id && tell(name), () => {});
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    const secret = hasSecret(input.value);
    input.classList.toggle("veiled", secret);
    if (secret) return load({ secret: input.value });
    timer = setTimeout(words, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !hasSecret(input.value)) words();
  });
  function words() {
    clearTimeout(timer);
    const q = input.value.trim();
    if (q === wanted.q) return;
    found.replaceChildren();
    wanted = { ...wanted, q };
    note("tokens", null, queryOf(wanted));
    load();
  }
  for (const [key, control] of Object.entries({ status, scope, project })) control.addEventListener("change", () =>
    want({ ...(key === "status" && { expires_before: "" }), [key]: control.value }));
  const chipOf = RISKS.map(([key, , , value, status]) => {
    const chip = h("button", { type: "button", class: "chip", onclick: () => want({ ...NO_RISK, status, ...(wanted[key] ? { status: NOTHING.status } : { [key]: value() }) }) });
    chips.append(chip);
    return chip;
  });

  /** The risks, with how many tokens have them. One of another day says of which. */
  function tellRisks() {
    for (const [at, [key, member, title, value, , otherwise]] of RISKS.entries()) {
      const on = wanted[key];
      const old = on && otherwise && Math.abs(Date.parse(on) - Date.parse(value())) > 3_600_000;
      chipOf[at].setAttribute("aria-pressed", String(Boolean(on)));
      chipOf[at].replaceChildren(old ? `${otherwise} ${exact(on)}` : title, counts[member] === undefined || old ? "" : h("span", { class: "quiet" }, ` ${number(counts[member])}`));
    }
  }
  more.addEventListener("click", () => {
    shown += SHOWN_AT_ONCE;
    if (rows.length >= shown || !next || wanted.sort) render();
    else load({ cursor: next });
  });
  projects().then((names) => {
    if (!names) return (project.hidden = !wanted.project);
    project.append(...names.filter((name) => name !== wanted.project).map((name) => h("option", { value: name }, name)));
  }, () => {});

  /** What is pasted anywhere is looked for. */
  const paste = (event) => {
    const text = event.clipboardData.getData("text").trim();
    if (!text || isTyping(event)) return;
    input.value = text;
    input.focus();
    input.dispatchEvent(new Event("input"));
  };
  document.addEventListener("paste", paste);

  const filters = h("div", { class: "filters-more", id: "filters" }, status, scope, project);
  const toggle = h("button", { type: "button", class: "filters-toggle", "aria-controls": "filters", "aria-expanded": "false" }, "Filters");
  const form = h("form", { class: "search", role: "search", "aria-label": "Search and filter tokens", onsubmit: (event) => event.preventDefault() },
    input, toggle, filters, chips);
  toggle.addEventListener("click", () => {
    const open = form.classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
  });
  const view = h(
    "section",
    { "aria-labelledby": "view-title" },
    h("div", { class: "view-head" },
      h("div", { class: "title" }, h("h1", { id: "view-title", tabindex: "-1" }, "Tokens"), count),
      h("div", { class: "buttons" },
        h("button", { type: "button", onclick: () => bulkDialog(undefined, revoked) }, "Revoke many…"),
        h("button", { type: "button", class: "primary", id: "mint", onclick: () => mintDialog(view.refresh) }, "Create a token"))),
    form, by, done.place, found, selection, place, list, more,
  );
  view.leave = () => {
    input.value = "";
    document.removeEventListener("paste", paste);
  };
  view.refresh = () => {
    load();
    tellCount();
  };
  view.routed = ({ query }) => {
    wanted = wantedBy(query);
    found.replaceChildren();
    control();
    load();
  };
  control();
  load();
  queueMicrotask(tellCount);
  return view;
}
