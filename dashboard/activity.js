// The view "Activity": what was allowed and refused by day, and a tail of refused calls that goes on while it is looked at.

import { call } from "./api.js";
import { dayChart, reasonChart, reasonsOf } from "./chart.js";
import { choice, clock, exact, field, h, number, say, textInput } from "./dom.js";
import { reasonTitle } from "./reasons.js";
import { refusalBox } from "./refusals.js";
import { callersTable, refusedTable } from "./refused.js";
import { go } from "./route.js";
import { noted, tokensNamed, veil } from "./token_name.js";

const EVERY_MS = 5_000;
/** How often the pause doubles after failures in a row. */
const MOST_DOUBLED = 4;

export function activityView({ query }) {
  let filters = query;
  let token = null;
  let timer;
  let turn = 0;
  let left = false;
  let paused = false;
  let failures = 0;
  let newest;
  let drawn;

  const place = h("div", {});
  const charts = h("div", { class: "sides" });
  const list = h("div", { id: "refused" });
  const callers = h("div", {});
  const live = h("p", { class: "quiet", id: "live" });
  const pause = h("button", { type: "button", "aria-pressed": "false" }, "Pause");
  const tokenInput = textInput({ type: "search", placeholder: "Name, prefix or id" });
  const reasonInput = choice([], "");

  /** Offers the reasons that there are, and the one that is asked for. */
  function offer(codes) {
    const rows = [...new Set([...codes, filters.reason].filter(Boolean))].map((code) => [code, reasonTitle(code)]);
    reasonInput.replaceChildren(...[["", "Any"], ...rows].map(([value, text]) => h("option", { value }, text)));
    reasonInput.value = filters.reason ?? "";
  }

  /** Asks, and again after a while. Charts are drawn anew only where something changed. */
  async function load() {
    clearTimeout(timer);
    const mine = (turn += 1);
    try {
      if (filters.token && !token) [token] = await tokensNamed(filters.token);
      if (mine !== turn || left) return;
      if (filters.token && !token) return unknown();
      const answer = await call("GET", "/org/activity", { query: { token: token?.id, days: 30 } });
      if (mine !== turn || left) return;
      failures = 0;
      place.replaceChildren();
      render(answer);
    } catch (refused) {
      if (mine !== turn || left) return;
      failures += 1;
      if (filters.token && !token) clear();
      place.replaceChildren(refusalBox(refused), h("button", { type: "button", onclick: load }, "Try again"));
      live.textContent = "";
    }
    if (!document.hidden && !paused) timer = setTimeout(load, EVERY_MS * 2 ** Math.min(failures, MOST_DOUBLED));
  }

  function clear() {
    for (const part of [charts, list, callers]) part.replaceChildren();
    live.textContent = "";
  }

  function unknown() {
    place.replaceChildren();
    clear();
    list.replaceChildren(h("div", { class: "empty" }, h("p", { class: "strong" }, "No token has this name, prefix or id."),
      h("button", { type: "button", onclick: () => go("activity") }, "Show all tokens")));
  }

  function render(answer) {
    const codes = reasonsOf(answer.days).map(([code]) => code);
    const key = JSON.stringify(answer.days);
    if (drawn !== key) {
      charts.replaceChildren(dayChart(answer.days), codes.length > 0 ? reasonChart(answer.days) : "");
      offer(codes);
      drawn = key;
    }
    callers.replaceChildren(...(answer.callers?.length ? [h("h2", {}, "Last callers"), callersTable(answer.callers)] : []));
    const rows = answer.recent.filter(({ reason }) => !filters.reason || reason === filters.reason);
    const added = newest === undefined ? 0 : rows.findIndex(({ request_id: id }) => id === newest);
    if (rows[0]?.request_id !== newest || rows.length === 0) {
      list.replaceChildren(rows.length > 0 ? refusedTable(rows, clockOf) : h("div", { class: "empty" },
        h("p", { class: "strong" }, filters.reason || filters.token ? "No refused call matches these filters." : "No call was refused lately."),
        h("p", {}, "The last 200 are kept.")));
      if (added !== 0) say(added > 0 ? `${added} more refused` : `${rows.length} refused calls`);
      newest = rows[0]?.request_id;
    }
    const offline = answer.offline_failures;
    live.textContent = [
      paused ? "Paused." : `Live, some 10 seconds behind, as of ${clock(Date.now())}.`,
      token && `Only ${token.name}.`,
      offline && !token && `${number(offline.today)} calls today and ${number(offline.yesterday)} yesterday had no valid credential (whole gateway).`,
    ].filter(Boolean).join(" ");
  }

  /** The time of day for today, else with the date. */
  const clockOf = (moment) => (new Date(moment).toDateString() === new Date().toDateString() ? clock(moment) : exact(moment));

  function seen() {
    clearTimeout(timer);
    if (!document.hidden && !paused) load();
  }
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) live.textContent = "Paused.";
    seen();
  });
  veil(tokenInput);
  tokenInput.addEventListener("change", async () => {
    const value = await noted(tokenInput, place);
    if (value !== null) go("activity", null, { ...filters, token: value });
  });
  reasonInput.addEventListener("change", () => go("activity", null, { ...filters, reason: reasonInput.value }));
  document.addEventListener("visibilitychange", seen);

  const view = h("section", { "aria-labelledby": "view-title" },
    h("div", { class: "view-head" },
      h("div", {}, h("h1", { id: "view-title", tabindex: "-1" }, "Activity"), live), h("div", { class: "buttons" }, pause)),
    h("form", { class: "filters", role: "search", "aria-label": "Filter refused calls", onsubmit: (event) => event.preventDefault() },
      field("Token", tokenInput), field("Reason", reasonInput)),
    place, charts, callers,
    h("h2", {}, "Refused calls"), list);
  view.routed = (at) => {
    if (at.query.token !== filters.token) token = null;
    filters = at.query;
    tokenInput.value = filters.token ?? "";
    offer([]);
    newest = drawn = undefined;
    load();
  };
  view.refresh = load;
  view.leave = () => {
    left = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
  view.routed({ query });
  return view;
}
