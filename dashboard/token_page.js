// The page of one token: what it is, how it was called, who created it and what it created, who called last, what was
// refused, and its events in the audit log.

import { call } from "./api.js";
import { jobFacts } from "./ci_job.js";
import { exact, facts, h, named, plain } from "./dom.js";
import { actionsOf, doneNote, pathOf } from "./lifecycle.js";
import { words } from "./policies.js";
import { refusalBox } from "./refusals.js";
import { address, go } from "./route.js";
import { spark } from "./spark.js";
import { badge, brief, creatorOf, ending, scopeOf, standing } from "./token.js";
import { whenSlash } from "./token_search.js";
import { tokenTree } from "./token_tree.js";

const DAYS = 30;
const number = (count) => count.toLocaleString("en");
const sum = (counts) => counts.reduce((all, count) => all + count, 0);

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
        h("button", { type: "button", onclick: load }, "Try again"));
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
      section("Refused calls", "refused", activity, (found) => refusedOf(found)),
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
  view.leave = whenSlash(() => {
    // Once the list is there.
    addEventListener("hashchange", () => document.getElementById("search")?.focus(), { once: true });
    go("tokens");
  });
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
      ["Expires", ending(token), token.expires_at || token.revoked_at ? ` · ${exact(token.revoked_at ?? token.expires_at)}` : ""],
      ["Created", brief(token.created_at), ` · ${exact(token.created_at)} by `, token.minted_by ? h("a", { href: address("tokens", token.minted_by) }, by) : by],
      ...(token.ci_job ? jobFacts(token.ci_job) : []),
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
  const allowed = days.map((day) => day.allowed);
  const refused = sum(days.flatMap((day) => Object.values(day.refused)));
  return [
    h("p", {}, h("strong", {}, number(sum(allowed))), ` allowed and `, h("strong", {}, number(refused)), ` refused in the last ${days.length} days.`),
    spark(allowed, Math.max(1, ...allowed)),
  ];
}

/** A table of rows of cells, or what to say where there are none. */
function table(label, titles, rows, none) {
  if (rows.length === 0) return h("p", { class: "quiet" }, none);
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", { "aria-label": label }, h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))))));
}

const text = (value) => (value ? named(value) : h("span", { class: "quiet" }, "not known"));

const callersOf = ({ callers }) => table("Last callers", ["Address", "User agent", "Last call", "Calls"],
  (callers ?? []).map((caller) => [text(caller.address), text(caller.user_agent), brief(caller.last_at), number(caller.calls)]),
  "Nobody has called with it yet.");

const refusedOf = ({ recent }) => table("Refused calls, newest first", ["Time", "Operation", "Reason", "Address", "Request id"],
  recent.slice(0, 20).map((one) => [brief(one.at), text(one.operation), h("code", {}, one.reason), text(one.address), one.request_id ? h("code", {}, one.request_id) : ""]),
  "No call with it was among the last refused ones.");

function eventsOf({ events }, id) {
  return [
    table("Audit events, newest first", ["Time", "Event", "By", "From"],
      events.map((event) => [brief(event.at), event.action, named(event.actor_name ?? event.actor), event.address ?? ""]), "No events."),
    h("p", {}, h("a", { href: address("audit", null, { token: id }) }, "All its events")),
  ];
}
