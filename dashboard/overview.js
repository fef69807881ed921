// The view "Overview", the first page (R50): how many tokens there are and which need a look, what was allowed and refused, where tokens
// came in bursts, and whether the gateway is well. Each number leads to what it counts.

import { call } from "./api.js";
import { dayChart, hourChart, reasonChart, reasonsOf } from "./chart.js";
import { clock, h, number, tag } from "./dom.js";
import { ask, finalText, PARTS, partsOf } from "./readyz.js";
import { refusalBox } from "./refusals.js";
import { refusedTable, tokenLink } from "./refused.js";
import { address } from "./route.js";
import { pauseNote } from "./settings_pause.js";
import { row, table } from "./table.js";
import { RISKS } from "./token_search.js";

/** So many of the last refused calls stand here; the others under "Activity". */
const LAST = 8;

/** What a tile is called, and how it looks where it counts any. */
const TILES = {
  active: ["active", ""], expiring: ["expire within 7 days", "unsure"], never_expire: ["never expire", "unsure"],
  unused: ["unused for 30 days", "unsure"], quarantined: ["quarantined", "bad"], created_today: ["created today", ""],
};

function tileList({ tokens, ceiling }) {
  return h("ul", { class: "tiles", "aria-label": "Tokens" }, Object.entries(TILES).map(([member, [words, kind]]) => {
    const [filter, , , value, status] = RISKS.find((risk) => risk[1] === member) ?? [];
    const filters = filter ? { [filter]: value(), status: status === "active" ? "" : status } : {};
    const count = tokens[member];
    const limit = member === "active" && ceiling ? ` of ${number(ceiling)}` : "";
    return h("li", {}, h("a", { href: address("tokens", null, filters), dataset: { kind: count > 0 ? kind : "" } },
      h("span", { class: "count" }, `${number(count)}${tokens.more && member !== "created_today" ? "+" : ""}`, limit && h("span", { class: "quiet" }, limit)),
      h("span", {}, words)));
  }));
}

function health(answer) {
  const { kind, body } = answer;
  const verdict = { ready: ["good", "Ready"], unavailable: ["bad", "Not ready"], misconfigured: ["bad", "Misconfigured"] }[kind] ?? ["unsure", "Not known"];
  return h("p", { class: "health" },
    tag(...verdict),
    body && partsOf(body).map(([name, state]) => h("span", { class: "part", dataset: { state } },
      h("span", { "aria-hidden": "true" }, state === "ready" ? "✓ " : "✕ "), PARTS[name]?.[0] ?? name, state === "ready" ? "" : `: ${state}`)),
    body?.version && h("span", { class: "quiet" }, `Version ${body.version}`),
    body && h("span", { class: "quiet" }, `A revoke is final ${finalText(body.revocation_lease_ms)}.`),
    h("a", { href: "#status" }, "Status"));
}

const MOST = ["Token", "Refused", "Share", ""];

/** The tokens with the most refused calls, each with a bar on one scale. */
function mostRefused(rows) {
  if (rows.length === 0) return h("p", { class: "quiet" }, "No token had a refused call.");
  const most = rows[0].refused;
  return table("Tokens with the most refused calls", MOST, rows.map(({ token, refused }) => row(MOST, [
    ["cut", tokenLink(token)],
    ["", number(refused)],
    ["wide", h("meter", { min: 0, max: most, value: refused, "aria-label": `${number(refused)} of ${number(most)}` })],
    ["tight", h("a", { href: address("activity", null, { token: token.id }), "aria-label": `Calls of ${token.name}` }, "Calls")],
  ])));
}

const titled = (title, ...content) => h("section", { "aria-label": title }, h("h2", {}, title), content.flat());

export function overviewView() {
  const place = h("div", {});
  const [state, pause] = [h("div", {}), h("div", {})];
  const numbers = h("div", { id: "numbers" }, h("p", { class: "quiet" }, "Counting tokens…"));
  const calls = h("div", { id: "calls" });
  const [created, refused, worst] = [h("div", {}), h("div", {}), h("div", {})];
  const as = h("p", { class: "quiet" });

  function activity({ days, recent, most_refused: most }) {
    const codes = reasonsOf(days);
    calls.replaceChildren(
      h("div", { class: "sides" }, dayChart(days, { title: "Calls per day, last 30 days" }),
        codes.length > 0
          ? reasonChart(days)
          : h("p", { class: "quiet" }, "No call was refused in these 30 days.")),
    );
    refused.replaceChildren(titled("Last refused calls", recent.length > 0
      ? [refusedTable(recent.slice(0, LAST)), h("p", {}, h("a", { href: address("activity") }, "All refused calls"))]
      : h("p", { class: "quiet" }, "None.")));
    worst.replaceChildren(titled("Most refused tokens, last 30 days", mostRefused(most)));
  }

  async function load() {
    const now = Date.now();
    place.replaceChildren();
    const denied = (words) => (refused) => {
      if (refused.status === 403) return h("p", { class: "quiet" }, words);
      place.append(refusalBox(refused));
      return "";
    };
    ask().then((answer) => state.replaceChildren(health(answer)));
    const counting = call("GET", "/org/overview").then((answer) => {
      pause.replaceChildren(answer.pause ? pauseNote(answer.pause, " ", h("a", { href: address("settings") }, "Resume it under “Settings”")) : "");
      numbers.replaceChildren(tileList(answer));
      created.replaceChildren(answer.mints_by_hour ? hourChart(answer.mints_by_hour, { title: "Tokens created per hour, last 48 hours" }) : "");
    }, (refused) => numbers.replaceChildren(denied("You are not allowed to list tokens.")(refused)));
    const watching = call("GET", "/org/activity", { query: { days: 30 } }).then(activity,
      (refused) => calls.replaceChildren(denied("Calls are shown to those who are allowed to read the audit log.")(refused)));
    await Promise.all([counting, watching]);
    as.textContent = `As of ${clock(now)}.`;
  }

  load();
  const view = h("section", { class: "overview", "aria-labelledby": "view-title" },
    h("div", { class: "view-head" }, h("div", {}, h("h1", { id: "view-title", tabindex: "-1" }, "Overview"), as)),
    pause, state, place, numbers, calls, h("div", { class: "sides" }, worst, created), refused);
  view.refresh = load;
  view.routed = () => {};
  return view;
}
