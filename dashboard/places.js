// Rows for what can have a credential for the origin: how it stands there, and the buttons to change it.

import { actorWords } from "./audit_words.js";
import { ago, exact, field, h, named, say, tag, textInput } from "./dom.js";
import { sentence } from "./refusals.js";
import { inherited, look, words } from "./upstream.js";
import { clearDialog, setDialog } from "./upstream_dialogs.js";

/** Each row is a call to the gateway: so many rows at a time, and so many calls at once. */
const PAGE = 20;
const AT_ONCE = 4;

const moment = (text) => h("time", { datetime: text, title: text }, `${exact(text)} (${ago(text)})`);

/** How it stands, in words. */
function told(scope, { kind, answer, refused }) {
  if (kind === "set") {
    const { replaced } = answer;
    const kept = replaced && Date.parse(replaced.until) > Date.now();
    return [
      h("p", {}, tag("good", "Set"), " fingerprint ", h("code", {}, answer.digest)),
      h("p", { class: "below" }, "Since ", moment(answer.set_at), " by ", named(actorWords({ actor: answer.set_by }))),
      replaced && h("p", { class: "below" }, "Replaced ", h("code", {}, replaced.digest),
        kept ? ", which running attestations keep until " : ", which running attestations kept until ", moment(replaced.until)),
    ];
  }
  if (kind === "none") return [h("p", {}, tag("none", "Not set"), " ", h("span", { class: "quiet" }, inherited(scope)))];
  if (kind === "denied") return [h("p", {}, tag("unsure", "Not shown"), " You are not allowed to see or change it.")];
  if (kind === "unknown") return [h("p", {}, tag("unsure", "Not shown"), " It does not exist, or you are not allowed to see it.")];
  return [
    h("p", {}, tag("bad", "Not known"), ` ${sentence(refused.detail)}`),
    refused.requestId && h("p", { class: "below" }, "Request id ", h("code", {}, refused.requestId)),
  ];
}

/** A row, and `load`, which asks for its state and gives it. */
export function placeRow(scope, extra = []) {
  const spoken = words(scope);
  const state = h("div", { class: "place-state" }, h("p", { class: "quiet" }, "Loading…"));
  const button = (properties) => h("button", { type: "button", class: "small", hidden: true, ...properties });
  const set = button({});
  const clear = button({ class: "small danger", "aria-label": `Clear the credential for ${spoken}` });
  const again = button({ "aria-label": `Try again for ${spoken}` });
  clear.textContent = "Clear";
  again.textContent = "Try again";
  let current;

  function render(found) {
    current = found.answer;
    state.replaceChildren(...told(scope, found).filter(Boolean));
    set.textContent = current ? "Replace" : "Set";
    set.setAttribute("aria-label", `${set.textContent} the credential for ${spoken}`);
    set.hidden = found.kind !== "set" && found.kind !== "none";
    clear.hidden = found.kind !== "set";
    again.hidden = found.kind !== "failed";
    return found;
  }
  const load = async () => render(await look(scope));
  set.addEventListener("click", () => setDialog(scope, current, (answer) => render({ kind: "set", answer })));
  clear.addEventListener("click", () =>
    // The dialog would give the focus back to this button, which has gone when it was cleared.
    clearDialog(scope, current, () => render({ kind: "none" }), () => queueMicrotask(() => clear.hidden && set.focus())));
  again.addEventListener("click", async () => {
    const { kind } = await load();
    if (kind !== "failed") (set.hidden ? element.querySelector("button:not([hidden])") : set)?.focus();
    else say(`Still not known for ${spoken}.`);
  });

  const element = h("li", { class: "place", dataset: { place: spoken } },
    h("p", { class: "place-name strong" }, named(scope.workflow ?? scope.project ?? "Organization")),
    state,
    h("div", { class: "place-actions" }, set, clear, again, extra));
  return { element, load, name: scope.workflow ?? scope.project };
}

/** Asks for the rows, a few at once, as long as they are looked at. */
async function loadAll(rows) {
  const waiting = rows.values();
  const worker = async () => {
    for (const row of waiting) if (row.element.isConnected) await row.load();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** A list of rows, a page at a time, with a filter by name where there is more than a page. */
export function places(label, names, make) {
  const list = h("ul", { class: "places", "aria-label": label });
  const more = h("button", { type: "button" }, "Show more");
  const input = textInput({ type: "search" });
  const find = field(`Find in ${label.toLowerCase()}`, input);
  const none = h("p", { class: "quiet", hidden: true }, "No name matches.");
  const made = new Map();
  let found = names;
  let shown = 0;

  const next = () => {
    const rows = found.slice(shown, shown + PAGE).map((name) => made.get(name) ?? made.set(name, make(name)).get(name));
    shown += rows.length;
    list.append(...rows.map((row) => row.element));
    more.hidden = shown >= found.length;
    none.hidden = found.length > 0;
    return loadAll(rows.filter((row) => !row.asked && (row.asked = true)));
  };
  more.addEventListener("click", () => {
    const first = list.children.length;
    next();
    if (more.hidden) list.children[first]?.querySelector("button")?.focus();
    say(`${shown} of ${found.length} shown`);
  });
  input.addEventListener("input", () => {
    found = names.filter((name) => name.includes(input.value.trim().toLowerCase()));
    shown = 0;
    list.replaceChildren();
    next();
  });
  find.hidden = names.length <= PAGE;
  return { element: h("div", {}, find, list, none, more), load: next };
}
