// The view "Gate": what GET /readyz says, again every fifteen seconds while it is looked at. Needs no credential and
// sends none.

import { h } from "./dom.js";

const EVERY_MS = 15_000;
const PATIENCE_MS = 10_000;

const PARTS = {
  configuration: ["Configuration", "every variable has a value that can be used"],
  record: ["Record (D1)", "organizations, projects, workflows, the token list and the audit log"],
  ledger: ["Ledger (Durable Object)", "says whether a token still lives; without it every call is refused"],
  facts: ["Facts (KV)", "which organization a key or a name belongs to, near the caller; without it the record is asked"],
  audit: ["Audit log (D1)", "has the Ledgers’ rows and no others; if not, somebody has written to it"],
};

const VERDICTS = {
  ready: ["The gate is ready.", "Calls are decided and forwarded. The origin behind the gate is not asked here."],
  unavailable: [
    "The gate is not ready.",
    "A part that answers depend on does not answer. Calls that need it are refused, never waved through. The log says why.",
  ],
  misconfigured: [
    "The configuration is wrong.",
    "The gate refuses every call until each problem below is corrected and the Worker is deployed again.",
  ],
  unreachable: ["The gate does not answer.", "This page could not reach /readyz. It keeps trying."],
  odd: ["The answer cannot be read.", "Something answered /readyz, but not as this gate does."],
};

async function ask() {
  let answer;
  try {
    answer = await fetch("/readyz", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    return { kind: "unreachable" };
  }
  const trace = answer.headers.get("x-request-id");
  let body;
  try {
    body = await answer.json();
  } catch {
    return { kind: "odd", trace };
  }
  if (Array.isArray(body?.problems)) return { kind: "misconfigured", problems: body.problems.map(String), trace };
  if (typeof body?.dependencies !== "object" || body.dependencies === null) return { kind: "odd", trace };
  return { kind: body.status === "ready" ? "ready" : "unavailable", body, trace };
}

function partRow([name, state]) {
  const [title, purpose] = PARTS[name] ?? [name, ""];
  return h("tr", {},
    h("th", { scope: "row" }, title, purpose && h("span", { class: "below" }, purpose)),
    h("td", { class: "state", "data-state": String(state) },
      h("span", { "aria-hidden": "true" }, state === "ready" ? "✓ " : "✕ "), String(state)));
}

function boundText(seconds) {
  if (seconds === 0) return "0 s: once a revoke has answered, the token opens nothing.";
  return `${seconds} s: for so long a revoked token may still read. Whatever changes something is checked at once.`;
}

/** What an answer looks like below the verdict. */
function report({ body, problems }) {
  if (problems) return [h("h2", {}, "What is wrong"), h("ul", {}, problems.map((text) => h("li", {}, text)))];
  if (!body) return [];
  const known = Object.keys(PARTS);
  const place = ([name]) => (known.indexOf(name) + known.length + 1) % (known.length + 1);
  const parts = Object.entries(body.dependencies).sort((a, b) => place(a) - place(b));
  const unheeded = Array.isArray(body.unheeded_variables) ? body.unheeded_variables : [];
  return [
    h("table", { class: "parts" },
      h("caption", {}, "What an answer of the gate depends on"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Part"), h("th", { scope: "col" }, "State"))),
      h("tbody", {}, parts.map(partRow))),
    h("dl", { class: "facts" },
      h("div", {}, h("dt", {}, "Revocation bound"), h("dd", {}, boundText(body.revocation_bound_seconds))),
      h("div", {}, h("dt", {}, "Unheeded variables"), h("dd", {},
        unheeded.length === 0 ? "none" : `${unheeded.join(", ")}: set, but this version does not heed them.`)),
      h("div", {}, h("dt", {}, "Client addresses"), h("dd", {},
        body.client_addresses === "unreadable"
          ? "The header that TRUSTED_IP_HEADER names had no single address in it of late. Callers without an address share one bucket."
          : "read from the header that TRUSTED_IP_HEADER names")),
    ),
  ];
}

export function gateView() {
  const verdict = h("p", { class: "verdict", "data-state": "waiting", role: "status" }, "Asking the gate…");
  const meaning = h("p", { class: "quiet" });
  const rest = h("div", {});
  const checked = h("span", {});
  const again = h("button", { type: "button" }, "Check now");
  let timer;
  let asking = false;
  let told = "";
  let left = false;

  async function check() {
    if (asking || left) return;
    asking = true;
    clearTimeout(timer);
    const answer = await ask();
    asking = false;
    if (left) return;
    const [sentence, explained] = VERDICTS[answer.kind];
    verdict.dataset.state = { ready: "ready", unavailable: "unavailable", misconfigured: "unavailable" }[answer.kind] ?? "unknown";
    // A screen reader must not hear the same sentence every fifteen seconds.
    if (told !== sentence) verdict.textContent = told = sentence;
    meaning.textContent = explained;
    rest.replaceChildren(...report(answer));
    const time = new Date().toLocaleTimeString();
    checked.textContent = answer.kind === "ready" || !answer.trace ? `Asked at ${time}.` : `Asked at ${time}, request id ${answer.trace}.`;
    if (!document.hidden) timer = setTimeout(check, EVERY_MS);
  }

  function seen() {
    clearTimeout(timer);
    if (!document.hidden) check();
  }
  again.addEventListener("click", check);
  document.addEventListener("visibilitychange", seen);
  check();
  const view = h("section", { class: "gate", "aria-labelledby": "view-title" },
    h("h1", { id: "view-title", tabindex: "-1" }, "Gate"), verdict, meaning, rest,
    h("p", { class: "checked quiet" }, again, checked));
  view.leave = () => {
    left = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
  return view;
}
