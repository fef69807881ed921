// The audit log as a table. Says that the chain fits only where no filter leaves rows out; what the gateway, which has the key of
// the chain, found not to fit stands above it in any case.

import { call, download } from "./api.js";
import { ACTIONS, actionWords, actorWords, changeLine, changeWords, isGrave, scopeWords, tierWords } from "./audit_words.js";
import { verified } from "./audit_verify.js";
import { choice, facts, field, h, named, saveFile, say, tag, textInput, toSecond, unique } from "./dom.js";
import { reasonTitle } from "./reasons.js";
import { attempt, refusalBox } from "./refusals.js";
import { tokenLink } from "./refused.js";
import { address, go } from "./route.js";
import { state } from "./state.js";
import { none, row, table } from "./table.js";
import { noted, veil } from "./token_name.js";

const GENESIS = "0".repeat(64);
const COLUMNS = ["", "Time", "Actor", "Action", "Token", "Scope", "From", "Request"];
const SPANS = { "1h": ["Last hour", 3_600_000], "24h": ["Last 24 hours", 86_400_000], "7d": ["Last 7 days", 604_800_000] };

/**
 * How the links of newest-first rows fit: `compared` pairs of rows that follow on each other, and the numbers of those
 * rows whose `previous` is not the link of the row before, or whose number is missing.
 */
function compareLinks(rows) {
  const result = { compared: 0, broken: [], missing: 0, genesis: false };
  for (const [index, row] of rows.entries()) {
    const before = rows[index + 1];
    if (row.sequence === 1) {
      result.genesis = true;
      if (row.previous !== GENESIS) result.broken.push(row.sequence);
    }
    if (!before) continue;
    if (before.sequence === row.sequence - 1) {
      result.compared += 1;
      if (row.previous !== before.link) result.broken.push(row.sequence);
    } else {
      result.missing += 1;
    }
  }
  return result;
}

/** The state of the chain in words, or nothing where the rows cannot tell it. */
function chainNote(rows, faults, filtered) {
  if (filtered && faults.length === 0) return "";
  const { compared, broken, missing, genesis } = filtered ? { compared: 0, broken: [], missing: 0 } : compareLinks(rows);
  let told;
  if (faults.length > 0) told = `Somebody has written to the log: ${faults.map((fault) => fault.detail).join("; ")}.`;
  else if (broken.length > 0) told = `The chain is broken at row ${broken.join(", ")}.`;
  else if (missing > 0) told = `Rows are missing in ${missing} ${missing === 1 ? "place" : "places"}.`;
  if (told) return h("p", { class: "note bad", id: "chain", role: "alert", dataset: { state: "broken" } }, h("strong", {}, told));
  if (compared === 0) return "";
  return h("p", { class: "hint", id: "chain", dataset: { state: "fits" } }, "✓ ",
    h("strong", {}, `${compared} ${compared === 1 ? "link fits" : "links fit"}${genesis ? ", down to the first row" : ""}.`),
    " “Verify” proves the events that are shown; for the whole log, export it and run “postern audit verify”.");
}

/** All that a row says, in words, and below that as the gateway gave it. */
function details(event) {
  const same = (words, query) => h("a", { href: address("audit", null, query) }, words);
  return h("div", { class: "event" },
    facts([
      ["Row", `${event.sequence}, ${toSecond(event.at)}`],
      ["Actor", named(actorWords(event)), " ", h("code", {}, event.actor), " · ", same("all by this actor", { actor: event.actor })],
      ["Signed in with", tierWords(event.tier)],
      event.token_id && ["Token", tokenLink({ id: event.token_id, name: event.token_name, prefix: event.token_prefix }), " ", h("code", {}, event.token_id),
        " · ", same("all about this token", { token: event.token_id })],
      event.replaces && ["In place of", h("a", { href: address("tokens", event.replaces) }, event.replaces)],
      event.target && ["About", named(event.target)],
      event.outcome !== "ok" && ["Refused", `${reasonTitle(event.outcome)} `, h("code", {}, event.outcome)],
      event.count && ["Times", String(event.count)],
      ...changeWords(event).map(([key, value]) => [key, named(value)]),
      event.address && ["From", event.address, " · ", same("all from this address", { address: event.address })],
      event.user_agent && ["Client", named(event.user_agent)],
      ["Request id", h("code", {}, event.request_id), " · ", same("all of this request", { request_id: event.request_id })],
    ]),
    h("details", {}, h("summary", {}, "JSON"),
      h("pre", { tabindex: "0", role: "group", "aria-label": "The row as the gateway answered it" }, h("code", {}, JSON.stringify(event, null, 2)))));
}

/** The row, and the one below it that its button opens. */
function entry(event) {
  const id = unique("event");
  const below = h("tr", { role: "row", class: "opened", id, hidden: true }, h("td", { role: "cell", colspan: COLUMNS.length }));
  const toggle = h("button", { type: "button", class: "small", "aria-expanded": "false", "aria-controls": id, "aria-label": `Details of row ${event.sequence}` }, "▸");
  toggle.addEventListener("click", () => {
    below.hidden = !below.hidden;
    toggle.setAttribute("aria-expanded", String(!below.hidden));
    toggle.textContent = below.hidden ? "▸" : "▾";
    if (!below.hidden) below.firstChild.replaceChildren(details(event));
  });
  const line = changeLine(event);
  return [row(COLUMNS, [
    ["tight", toggle],
    ["one-line", h("time", { datetime: event.at, title: event.at }, toSecond(event.at))],
    ["cut", named(actorWords(event), { title: event.actor })],
    ["", h("span", { class: isGrave(event) ? "grave" : undefined }, actionWords(event.action)), " ",
      event.outcome !== "ok" && tag("bad", reasonTitle(event.outcome), event.outcome),
      event.count ? none(` ${event.count} times`) : null,
      line && h("span", { class: "quiet" }, named(line))],
    ["cut", event.token_id ? tokenLink({ id: event.token_id, name: event.token_name, prefix: event.token_prefix ?? event.token_id }) : none()],
    ["cut", scopeWords(event) ? named(scopeWords(event)) : none()],
    ["cut short", event.address ? named(event.address, { title: event.address }) : none()],
    ["one-line", h("code", { title: event.request_id }, event.request_id.slice(0, 8))],
  ], { sequence: event.sequence }), below];
}

export function auditView({ query }) {
  let filters = query;
  let rows = [];
  let faults = [];
  let cursor = null;
  let turn = 0;
  /** The field that somebody is typing into: an answer that comes meanwhile leaves it alone. */
  let typing = null;

  const list = h("div", { id: "events" });
  let body;
  const chain = h("div", {});
  const place = h("div", {});
  const more = h("button", { type: "button", hidden: true }, "Load older");
  const filtered = () => Object.keys(filters).length > 0;

  /** What the API is asked for. */
  function asked() {
    const { within, ...others } = filters;
    return { ...others, since: SPANS[within] ? new Date(Date.now() - SPANS[within][1]).toISOString() : others.since };
  }

  async function load(next) {
    const mine = (turn += 1);
    place.replaceChildren();
    list.setAttribute("aria-busy", "true");
    if (!next) {
      chain.replaceChildren();
      list.replaceChildren(h("p", { class: "empty" }, "Loading events…"));
      more.hidden = true;
    }
    try {
      const page = await call("GET", "/org/audit", { query: { ...asked(), limit: 100, cursor: next } });
      if (mine !== turn) return;
      rows = next ? [...rows, ...page.events] : page.events;
      faults = next ? [...faults, ...page.faults] : page.faults;
      cursor = page.next_cursor;
      render(page.events, next);
      say(`${rows.length} events loaded`);
    } catch (refused) {
      if (mine !== turn) return;
      if (refused.status === 404 && refused.code === "not_found" && filtered()) return nothing("No token has this name, prefix or id.");
      if (!next) list.replaceChildren();
      const again = h("button", { type: "button", onclick: () => load(next) }, "Try again");
      place.replaceChildren(refusalBox(refused), again);
    } finally {
      if (mine === turn) list.removeAttribute("aria-busy");
    }
  }

  const nothing = (told) => list.replaceChildren(h("div", { class: "empty" }, h("p", { class: "strong" }, told),
    filtered() ? h("button", { type: "button", onclick: () => go("audit") }, "Clear the filters") : ""));

  function render(added, next) {
    more.hidden = !cursor;
    chain.replaceChildren(chainNote(rows, faults, filtered()));
    if (next) return body.append(...added.flatMap(entry));
    if (rows.length === 0) return nothing(filtered() ? "No event matches these filters." : "No events yet.");
    const shown = table("Events, newest first", COLUMNS, added.flatMap(entry), "flow");
    body = shown.querySelector("tbody");
    shown.classList.add("events");
    list.replaceChildren(shown);
  }

  const text = (placeholder) => textInput({ type: "search", placeholder });
  const inputs = {
    token: text("Name, prefix or id"),
    actor: text("Name, prefix or key"),
    action: choice([["", "Any"], ...Object.entries(ACTIONS)], ""),
    within: choice([["", "Any time"], ...Object.entries(SPANS).map(([key, [title]]) => [key, title]), ["custom", "From … until …"]], ""),
    address: text("192.0.2.7"),
    request_id: text("32 digits"),
    since: h("input", { type: "datetime-local" }),
    until: h("input", { type: "datetime-local" }),
  };
  const custom = h("div", { class: "columns" }, field("From", inputs.since), field("Until", inputs.until));
  const isMoment = (key) => key === "since" || key === "until";
  const local = (moment) => new Date(Date.parse(moment) - new Date(moment).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  for (const [key, input] of Object.entries(inputs)) {
    veil(input);
    input.addEventListener("input", () => (typing = input));
    input.addEventListener("change", async () => {
      typing = null;
      if (key === "within" && input.value === "custom") {
        custom.hidden = false;
        return inputs.since.focus();
      }
      const text = await noted(input, place);
      if (text === null) return;
      const value = isMoment(key) && text ? new Date(text).toISOString() : text;
      const { within, since, until, ...others } = filters;
      const time = key === "within" ? {} : isMoment(key) ? { since, until } : { within, since, until };
      go("audit", null, { ...others, ...time, [key]: value });
    });
  }

  const clear = h("button", { type: "button", onclick: () => go("audit") }, "Clear");
  /** The fields as the address has them. */
  function fill() {
    for (const [key, input] of Object.entries(inputs)) {
      if (input !== typing) input.value = isMoment(key) && filters[key] ? local(filters[key]) : filters[key] ?? "";
    }
    clear.hidden = !filtered();
    custom.hidden = !filters.since && !filters.until;
    if (!custom.hidden) inputs.within.value = "custom";
  }

  const out = h("button", { type: "button" }, "Export");
  out.addEventListener("click", () => exportLog(out, place));
  const check = h("button", { type: "button" }, "Verify");
  check.addEventListener("click", async () => {
    const asked = turn;
    const told = await attempt(check, place, () => verified(rows));
    // Other events may be shown by now.
    if (told && asked === turn) place.replaceChildren(told);
  });
  more.addEventListener("click", () => load(cursor));
  const view = h(
    "section",
    { "aria-labelledby": "view-title" },
    h("div", { class: "view-head" }, h("h1", { id: "view-title", tabindex: "-1" }, "Audit"), h("div", { class: "buttons" }, check, out)),
    h("form", { class: "filters many", role: "search", "aria-label": "Filter events", onsubmit: (event) => event.preventDefault() },
      field("Token", inputs.token), field("Actor", inputs.actor), field("Action", inputs.action), field("Time", inputs.within),
      field("Address", inputs.address), field("Request id", inputs.request_id), clear),
    custom, place, chain, list, more,
  );
  view.routed = (at) => {
    filters = Object.fromEntries(Object.entries(at.query).filter(([key, value]) => Object.hasOwn(inputs, key) && !(isMoment(key) && Number.isNaN(Date.parse(value)))));
    fill();
    load();
  };
  view.refresh = () => load();
  view.routed({ query: filters });
  return view;
}

/** Saves the export as the gateway gave it. A file without a checkpoint in its last line is not all of it. */
async function exportLog(button, place) {
  const saved = await attempt(button, place, async () => {
    const file = await download("/org/audit", "application/x-ndjson");
    const lines = (await file.text()).trimEnd().split("\n");
    const whole = lines.at(-1).startsWith('{"checkpoint"');
    saveFile(`audit-${state.who.organization ?? "organization"}.ndjson`, file);
    const mended = lines.filter((line) => JSON.parse(line).mended).length;
    return { whole, rows: lines.length - (whole ? 1 : 0), mended };
  });
  if (!saved) return;
  const mended = saved.mended === 0 ? "" : ` ${saved.mended} of them were missing or different in D1; the Ledger’s copies replace them.`;
  place.replaceChildren(h("p", { class: saved.whole && saved.mended === 0 ? "note good" : "note bad", role: "status", id: "exported" },
    saved.whole
      ? `${saved.rows} rows and a signed checkpoint saved.${mended} Check them with “postern audit verify”.`
      : `The export broke off after ${saved.rows} rows: it has no checkpoint. Export again.`));
}
