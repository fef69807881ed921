// The audit time line. Shows what the gateway, which has the key of the chain, found not to fit on the pages, and
// compares the links of rows that follow on each other.

import { call, download } from "./api.js";
import { choice, exact, field, h, named, openDialog, say, ago } from "./dom.js";
import { attempt, refusalBox } from "./refusals.js";
import { state } from "./state.js";

/** The log's actions in words; docs/STORAGE.md lists them. */
const ACTIONS = {
  "token.mint": "Token created",
  "token.mint_refused": "Creation refused",
  "token.mint_abandoned": "Creation abandoned",
  "token.adopt": "Token adopted",
  "token.rotate": "Token rotated",
  "token.revoke": "Token revoked",
  "token.revoke_idle": "Idle token revoked",
  "token.revoke_leaked": "Leaked token revoked",
  "token.quarantine": "Token quarantined",
  "token.release": "Token restored",
  "token.origin_revoke_failed": "Not revoked at the origin",
  "organization.create": "Organization created",
  "organization.update": "Organization changed",
  "project.create": "Project created",
  "workflow.create": "Workflow created",
  "trust_rule.add": "Trust rule added",
  "trust_rule.remove": "Trust rule removed",
  "upstream.set": "Credential for the origin set",
  "upstream.clear": "Credential for the origin cleared",
  "artifact_credential.issue": "Artifact credential handed out",
  "ledger.rebuild": "Ledger rebuilt from D1",
};
const GENESIS = "0".repeat(64);

/**
 * How the links of newest-first rows fit: `compared` pairs of rows that follow on each other, and the numbers of those
 * rows whose `previous` is not the link of the row before, or whose number is missing.
 */
export function compareLinks(rows, whole) {
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
    } else if (whole) {
      result.missing += 1;
    }
  }
  return result;
}

/** The state of the chain in words, with what this page cannot know. */
function chainNote(rows, faults, filtered) {
  const { compared, broken, missing, genesis } = compareLinks(rows, !filtered);
  const limits = "The gateway has checked these rows with the audit key, and nothing beyond this page. For proof, export the log and run “postern audit verify”.";
  const wrong = faults.length > 0 || broken.length > 0 || missing > 0;
  let told;
  if (faults.length > 0) told = `Somebody has written to the log: ${faults.map((fault) => fault.detail).join("; ")}.`;
  else if (broken.length > 0) told = `The chain is broken at row ${broken.join(", ")}.`;
  else if (missing > 0) told = `Rows are missing in ${missing} ${missing === 1 ? "place" : "places"}.`;
  else if (compared === 0) told = filtered ? "Links are compared only where no filter leaves rows out." : "Too few rows to compare links.";
  else told = `${compared} ${compared === 1 ? "link fits" : "links fit"}${genesis ? ", down to the first row" : ""}.`;
  return h("div", { class: `note ${wrong ? "bad" : compared > 0 ? "good" : ""}`, id: "chain", dataset: { state: wrong ? "broken" : compared > 0 ? "fits" : "unknown" } },
    h("p", { class: "strong" }, told), h("p", {}, limits));
}

export function auditView() {
  const focus = state.focusToken;
  state.focusToken = null;
  const filters = { action: "", actor: "", token: focus?.id ?? "", since: "", until: "" };
  let rows = [];
  let faults = [];
  let cursor = null;
  let turn = 0;

  const list = h("div", { id: "events" });
  const chain = h("div", {});
  const place = h("div", {});
  const more = h("button", { type: "button", hidden: true }, "Load older");
  const filtered = () => Object.values(filters).some(Boolean);

  async function load(next) {
    const mine = (turn += 1);
    place.replaceChildren();
    list.setAttribute("aria-busy", "true");
    if (!next) {
      chain.replaceChildren();
      list.replaceChildren(h("p", { class: "empty" }, "Loading events…"));
    }
    try {
      const page = await call("GET", "/org/audit", { query: { ...filters, limit: 100, cursor: next } });
      if (mine !== turn) return;
      rows = next ? [...rows, ...page.events] : page.events;
      faults = next ? [...faults, ...page.faults] : page.faults;
      cursor = page.next_cursor;
      render();
      say(`${rows.length} events loaded`);
    } catch (refused) {
      if (mine !== turn) return;
      if (!next) list.replaceChildren();
      const again = h("button", { type: "button", onclick: () => load(next) }, "Try again");
      place.replaceChildren(refusalBox(refused), again);
    } finally {
      if (mine === turn) list.removeAttribute("aria-busy");
    }
  }

  function render() {
    more.hidden = !cursor;
    chain.replaceChildren(...(rows.length || faults.length ? [chainNote(rows, faults, filtered())] : []));
    if (rows.length === 0) {
      list.replaceChildren(h("div", { class: "empty" },
        h("p", { class: "strong" }, filtered() ? "No event matches these filters." : "No events yet.")));
      return;
    }
    list.replaceChildren(h("ol", { class: "timeline", "aria-label": "Events, newest first" }, rows.map(entry)));
  }

  function entry(event) {
    const bad = event.outcome !== "ok" || event.action.startsWith("token.revoke") || event.action === "token.quarantine";
    return h(
      "li",
      { dataset: { kind: bad ? "unsure" : "good", sequence: event.sequence } },
      h("div", { class: "event-head" },
        h("span", { class: "strong" }, ACTIONS[event.action] ?? event.action),
        event.outcome === "ok" ? null : h("span", { class: "badge", dataset: { kind: "bad" } }, event.outcome),
        event.token_id && h("button", { type: "button", class: "link", "aria-label": `Token ${event.token_prefix}`, onclick: () => openToken(event.token_id) },
          h("code", {}, event.token_prefix ?? event.token_id)),
        event.target && named(event.target)),
      h("p", { class: "event-by" }, "by ", named(event.actor), ` (${event.tier})`, event.address ? ` from ${event.address}` : "",
        event.count ? `, ${event.count} times` : ""),
      h("p", { class: "below" }, h("time", { datetime: event.at, title: event.at }, `${exact(event.at)}, ${ago(event.at)}`), " · ",
        h("button", { type: "button", class: "link", onclick: () => details(event) }, `row ${event.sequence}`)),
    );
  }

  function openToken(id) {
    state.focusToken = { id, open: true };
    location.hash = "#tokens";
  }

  const action = choice([["", "Any"], ...Object.entries(ACTIONS)], "");
  const actor = h("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: "admin-token" });
  const token = h("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: "token id", value: filters.token });
  const since = h("input", { type: "datetime-local" });
  const until = h("input", { type: "datetime-local" });
  for (const [key, input] of Object.entries({ action, actor, token })) {
    input.addEventListener("change", () => {
      filters[key] = input.value.trim();
      load();
    });
  }
  for (const [key, input] of Object.entries({ since, until })) {
    input.addEventListener("change", () => {
      filters[key] = input.value ? new Date(input.value).toISOString() : "";
      load();
    });
  }
  const clear = h("button", { type: "button" }, "Clear");
  clear.addEventListener("click", () => {
    for (const input of [action, actor, token, since, until]) input.value = "";
    for (const key of Object.keys(filters)) filters[key] = "";
    load();
  });
  const out = h("button", { type: "button" }, "Export");
  out.addEventListener("click", () => exportLog(out, place));
  more.addEventListener("click", () => load(cursor));
  load();
  return h(
    "section",
    { "aria-labelledby": "view-title" },
    h("div", { class: "view-head" },
      h("div", {}, h("h1", { id: "view-title", tabindex: "-1" }, "Audit"),
        focus ? h("p", { class: "quiet" }, "History of ", h("code", {}, focus.prefix)) : null),
      h("div", { class: "buttons" }, out)),
    h("form", { class: "filters", role: "search", "aria-label": "Filter events", onsubmit: (event) => event.preventDefault() },
      field("Action", action), field("Actor", actor), field("Token", token), field("Since", since), field("Until", until), clear),
    place,
    chain,
    list,
    more,
  );
}

function details(event) {
  openDialog(`Row ${event.sequence}`, (close) => [
    h("pre", { tabindex: "0", role: "group", "aria-label": "The row as the gateway answered it" }, h("code", {}, JSON.stringify(event, null, 2))),
    h("div", { class: "buttons" }, h("button", { type: "button", autofocus: true, onclick: close }, "Close")),
  ], { wide: true });
}

/** Saves the export as the gateway gave it. A file without a checkpoint in its last line is not all of it. */
async function exportLog(button, place) {
  const saved = await attempt(button, place, async () => {
    const file = await download("/org/audit", "application/x-ndjson");
    const lines = (await file.text()).trimEnd().split("\n");
    const whole = lines.at(-1).startsWith('{"checkpoint"');
    const link = h("a", { href: URL.createObjectURL(file), download: `audit-${state.who.organization ?? "organization"}.ndjson` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
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
