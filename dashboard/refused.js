// Who called with a token, and calls that were refused: as rows of a table, and why, with what the operation needs as POST /explain tells it.

import { call } from "./api.js";
import { ago, exact, facts, h, named, number, openDialog, plain, tag } from "./dom.js";
import { words } from "./policies.js";
import { byPolicy, reasonAdvice, reasonTitle } from "./reasons.js";
import { address } from "./route.js";
import { state } from "./state.js";
import { none, row, table } from "./table.js";

/** Stands for a run where an operation needs the id of one: what it needs does not depend on which. */
const ANY_RUN = "00000000-0000-4000-8000-000000000000";

const NARROW = {
  named: "a token for a project or a workflow only where the call names them",
  confined: "a token for a project or a workflow only where the call names them, or the origin keeps to them",
  denied: "only tokens for the whole organization",
};

/** A link to the page of a token, by its name. */
export const tokenLink = ({ id, name, prefix }) => h("a", { href: address("tokens", id), title: prefix }, named(name ?? prefix));

/** `Init, AttestationService`: what tells operations apart is not what a narrow column cuts. */
const methodFirst = (operation) => operation.replace(/^(\w+)\/(\w+)$/, "$2, $1");

const COLUMNS = ["Time", "Reason", "Operation", "Token", "From", ""];

/** A table of refused calls, newest first; `time` is how their moments are written. */
export function refusedTable(rows, time = ago) {
  return table("Refused calls, newest first", COLUMNS, rows.map((refused) => row(COLUMNS, [
    ["one-line", h("time", { datetime: refused.at, title: exact(refused.at) }, time(refused.at))],
    ["one-line", tag("bad", reasonTitle(refused.reason), refused.reason)],
    ["cut", refused.operation ? named(methodFirst(refused.operation), { title: refused.operation }) : none("not known")],
    ["cut", refused.token ? tokenLink(refused.token) : none("none")],
    ["cut short", refused.address ? named(refused.address, { title: refused.address }) : none("not known")],
    ["tight", h("button", { type: "button", class: "link", "aria-label": `Why: ${reasonTitle(refused.reason)}, ${exact(refused.at)}`,
      onclick: () => whyDialog(refused) }, "Why?")],
  ], { request: refused.request_id })), "flow");
}

const CALLERS = ["From", "Client", "Last call", "Calls"];
const orUnknown = (text) => (text ? named(text, { title: plain(text) }) : none("not known"));

/** A table of those who called with a token, the last one first. */
export const callersTable = (callers) => table("Last callers", CALLERS, callers.map((caller) => row(CALLERS, [
  ["one-line", orUnknown(caller.address)], ["cut", orUnknown(caller.user_agent)],
  ["one-line", h("time", { datetime: caller.last_at, title: exact(caller.last_at) }, ago(caller.last_at))], ["", number(caller.calls)],
])));

const covers = (held, needed) => held.includes(needed) || held.includes(`${needed.split(":")[0]}:*`);

/** What the operation needs, and which of it the token lacks, as rows of facts. */
function needRows({ needs, allowed, refusal }, token, own) {
  if (!needs) return [["Needs", "The gateway knows no such operation."]];
  const policies = needs.policies.map(({ policy }) => policy);
  const wide = NARROW[needs.narrow] === NARROW.denied && token?.project;
  const lacking = token && !wide ? policies.filter((policy) => !covers(token.policies, policy)) : [];
  const scope = token && (token.project ? [token.project.name, token.workflow?.name].filter(Boolean).join(" / ") : "the whole organization");
  const list = (all) => h("ul", { class: "plain" }, all.map((policy) => h("li", {}, words(policy), " ", h("code", {}, policy))));
  return [
    ["Needs", needs.access === "open" ? "no token" : policies.length > 0 ? list(policies) : needs.access === "token" ? "a token, whatever its policies" : `access for: ${needs.access}`],
    NARROW[needs.narrow] && ["Open to", NARROW[needs.narrow]],
    token && ["The token is for", named(scope)],
    lacking.length > 0 && ["The token lacks", list(lacking)],
    own && ["Now", allowed ? "it would be allowed, as far as policies decide" : `it would be refused: ${refusal.detail}`],
  ];
}

/** Why a call was refused: its reason, what to do, and what the operation needs. */
function whyDialog(refused) {
  openDialog(reasonTitle(refused.reason), (close) => {
    const asks = refused.operation && byPolicy(refused.reason);
    const more = h("div", { "aria-live": "polite" }, asks && h("p", { class: "quiet" }, "Asking what the operation needs…"));
    const own = refused.token && refused.token.id === state.who?.id;
    if (asks) Promise.all([
      call("POST", "/explain", { body: { operation: refused.operation, run: ANY_RUN }, quiet: true }),
      refused.token ? call("GET", `/org/tokens/${encodeURIComponent(refused.token.id)}`, { quiet: true }).catch(() => null) : null,
    ]).then(
      ([told, token]) => more.replaceChildren(facts(needRows(told, token, own))),
      () => more.replaceChildren(h("p", { class: "quiet" }, "What the operation needs cannot be shown with this credential. “postern explain” tells it with the token itself.")),
    );
    return [
      reasonAdvice(refused.reason) && h("p", {}, reasonAdvice(refused.reason)),
      facts([
        ["Time", exact(refused.at)],
        refused.operation && ["Operation", named(refused.operation)],
        ["Reason", h("code", {}, refused.reason)],
        refused.token && ["Token", tokenLink(refused.token), " ", h("code", {}, refused.token.prefix)],
        refused.address && ["From", refused.address],
        refused.user_agent && ["Client", named(refused.user_agent)],
        ["Request id", h("code", {}, refused.request_id)],
      ]),
      more,
      h("div", { class: "buttons" }, h("button", { type: "button", onclick: close }, "Close")),
    ];
  }, { wide: true });
}
