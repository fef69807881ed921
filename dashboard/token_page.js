// The page of one token (R50): what it is, how it was called, who created it and what it created, who called last, what was
// refused, and its events in the audit log.

import { call } from "./api.js";
import { actionWords, actorWords } from "./audit_words.js";
import { conditionFacts } from "./conditions.js";
import { dayChart } from "./chart.js";
import { jobFacts } from "./ci_job.js";
import { exact, facts, h, named, number, plain, sum } from "./dom.js";
import { actionsOf, doneNote, pathOf, utcTime } from "./lifecycle.js";
import { words } from "./policies.js";
import { refusalBox } from "./refusals.js";
import { callersTable, refusedTable } from "./refused.js";
import { address } from "./route.js";
import { none, row, table } from "./table.js";
import { badge, brief, creatorOf, ending, scopeOf, standing } from "./token.js";
import { tokenTree } from "./token_tree.js";

const DAYS = 30;
const MOST_ROWS = 20;

/** The view for `#tokens/<id>`. */
export function tokenView({ id }) {
  const done = doneNote();
  const body = h("div", {}, h("p", { class: "empty" }, "Loading the token…"));
  const title = h("h1", { id: "view-title", tabindex: "-1" }, "Token");
  const head = h("div", { class: "title" }, title);
  const buttons = h("div", { class: "buttons" });
  let turn = 0;

  async function load() {
    const mine = (turn += 1);
    let token;
    try {
      token = await call("GET", pathOf(id));
    } catch (refused) {
      if (mine !== turn) return;
      const missing = refused.status === 404 || refused.code === "token_id_invalid";
      body.replaceChildren(missing ? h("p", { class: "note" }, "There is no token with this id, or you are not allowed to see it.") : refusalBox(refused),
        missing ? h("a", { class: "button", href: address("tokens", null, { q: id, status: "all" }) }, "Search all tokens") : h("button", { type: "button", onclick: load }, "Try again"));
      return;
    }
    if (mine !== turn) return;
    title.replaceChildren(named(token.name));
    document.title = `${plain(token.name)} · Postern`;
    head.replaceChildren(title, h("code", { class: "quiet" }, token.prefix), badge(token));
    const changed = (...told) => {
      done.tell(...told);
      load();
      title.focus();
    };
    buttons.replaceChildren(...actionsOf(token, changed).map(([text, act, danger]) =>
      h("button", { type: "button", class: danger ? "danger" : undefined, onclick: act }, text)));
    body.replaceChildren(
      h("div", { class: "halves" },
        h("section", { "aria-labelledby": "facts" }, h("h2", { id: "facts" }, "Facts"), factsOf(token)),
        h("div", {}, section("Calls", "calls", activity, (found) => callsOf(found)),
          section("Last callers", "callers", activity, (found) => callersOf(found)))),
      section("Refused calls", "refused", activity, (found) => refusedOf(found, id)),
      section("Who created it, and what it created", "tree", () => tokenTree(token), (tree) => tree),
      section("Audit events", "audit", () => call("GET", "/org/audit", { query: { token: id, limit: 10 } }), (found) => eventsOf(found, id)),
    );
  }

  /** One call for three sections. */
  let asked;
  const activity = () => (asked ??= call("GET", "/org/activity", { query: { token: id, days: DAYS } }).finally(() => setTimeout(() => (asked = undefined))));

  load();
  const view = h("section", { "aria-labelledby": "view-title" },
    h("p", { class: "trail" }, h("a", { href: address("tokens") }, "Tokens"), " ›"),
    h("div", { class: "view-head" }, head, buttons),
    done.place, body);
  view.refresh = load;
  view.routed = (at) => {
    if (at.id === id) return;
    id = at.id;
    done.place.replaceChildren();
    load();
    title.focus();
  };
  return view;
}

/** A part of the page that is asked for by itself: what is refused leaves the others. */
function section(title, id, ask, show) {
  const place = h("div", { "aria-busy": "true" }, h("p", { class: "quiet" }, "Loading…"));
  ask().then((found) => place.replaceChildren(...[show(found)].flat()), (refused) => {
    const denied = refused.status === 403 && refused.code === "operation_not_allowed";
    place.replaceChildren(denied ? h("p", { class: "quiet" }, "Only who is allowed to read the audit log sees this.") : refusalBox(refused));
  }).finally(() => place.removeAttribute("aria-busy"));
  return h("section", { "aria-labelledby": id, id: `part-${id}` }, h("h2", { id }, title), place);
}

function factsOf(token) {
  const by = named(creatorOf(token));
  return [
    facts([
      token.description && ["Description", named(token.description)],
      ["Status", badge(token), token.quarantined_at && standing(token)[0] === "Quarantined" ? [" ", brief(token.quarantined_at), ", after a report that it was found in public"] : ""].flat(),
      ["Scope", scopeOf(token)],
      token.revoked_at && ["Revoked", brief(token.revoked_at), ` · ${exact(token.revoked_at)}, ${utcTime(token.revoked_at)}`, token.revoked_by ? ` by ${actorWords({ actor: token.revoked_by })}` : ""],
      (!token.revoked_at || token.expires_at) && ["Expires", token.revoked_at ? brief(token.expires_at) : ending(token), token.expires_at ? ` · ${exact(token.expires_at)}` : ""],
      ["Created", brief(token.created_at), ` · ${exact(token.created_at)} by `, token.minted_by ? h("a", { href: address("tokens", token.minted_by) }, by) : by],
      ...(token.ci_job ? jobFacts(token.ci_job) : []),
      ...conditionFacts(token),
      ["Last used", brief(token.last_used_at), token.last_used_at ? ` · ${exact(token.last_used_at)}` : ""],
      ["Uses", number(token.uses)],
      ["Format", token.format === "jwt" ? "JWT" : "opaque key", token.adopted ? ", created at the origin" : "", token.is_system ? ", system token" : ""],
      ["Id", h("code", {}, token.id)],
    ]),
    h("details", { class: "policies" }, h("summary", {}, token.policies.length === 1 ? "1 policy" : `${token.policies.length} policies`),
      h("ul", {}, token.policies.map((policy) => h("li", {}, words(policy), " ", h("code", {}, policy))))),
  ];
}

function callsOf({ days }) {
  const [allowed, refused] = [sum(days.map((day) => day.allowed)), sum(days.flatMap((day) => Object.values(day.refused)))];
  if (allowed + refused + sum(days.map((day) => day.origin_trouble)) === 0) return h("p", { class: "quiet" }, `No calls in the last ${DAYS} days.`);
  return dayChart(days, { title: `Per day, last ${DAYS} days` });
}

const nothing = (text) => h("p", { class: "quiet" }, text);
const callersOf = ({ callers }) => (callers?.length ? callersTable(callers) : nothing("Nobody has called with it yet."));

function refusedOf({ recent }, id) {
  if (recent.length === 0) return nothing("No call with it is among the last refused ones.");
  return [refusedTable(recent.slice(0, MOST_ROWS)), recent.length > MOST_ROWS ? h("p", {}, h("a", { href: address("activity", null, { token: id }) }, "All its refused calls")) : ""];
}

const EVENT = ["Time", "Event", "By", "From"];
function eventsOf({ events }, id) {
  return [
    table("Audit events, newest first", EVENT, events.map((event) => row(EVENT, [
      ["one-line", brief(event.at)], ["", actionWords(event.action)], ["cut", named(actorWords(event), { title: event.actor })], ["one-line", event.address ?? none("not known")],
    ]))),
    h("p", {}, h("a", { href: address("audit", null, { token: id }) }, "All its events")),
  ];
}
