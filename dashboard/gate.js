// The view "Status": what GET /readyz says, again every fifteen seconds while it is looked at. Needs no credential and
// sends none.

import { h } from "./dom.js";

const EVERY_MS = 15_000;
const PATIENCE_MS = 10_000;

const PARTS = {
  configuration: ["Configuration", "every variable has a value that can be used"],
  record: ["D1 database", "organizations, projects, workflows, the token list and the audit log"],
  ledger: ["Ledger (Durable Object)", "knows which tokens are active; without it every call is refused"],
  facts: ["KV cache", "which organization a key or a name belongs to, near the caller; without it D1 is asked"],
  audit: ["Audit log (D1)", "has the rows that the Ledgers wrote and no others; if not, somebody has written to it"],
};

const VERDICTS = {
  ready: ["The gateway is ready.", "Calls are decided and forwarded. The origin is not checked here."],
  unavailable: [
    "The gateway is not ready.",
    "A dependency does not answer. Calls that need it are refused. The log says why.",
  ],
  misconfigured: [
    "The configuration is wrong.",
    "The gateway refuses every call until each problem below is corrected and the Worker is deployed again.",
  ],
  unreachable: ["The gateway does not answer.", "This page could not reach /readyz. It keeps trying."],
  odd: ["The answer cannot be read.", "Something answered /readyz, but not as this gateway does."],
};

async function ask() {
  let answer;
  try {
    answer = await fetch("/readyz", { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS) });
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

function finalText(milliseconds) {
  const how = milliseconds === 0 ? "every call is checked live" : `leases of ${milliseconds.toLocaleString("en")} ms`;
  return `when it answers (${how})`;
}

/** What an answer looks like below the verdict. */
function report({ body, problems }) {
  if (problems) return [h("h2", {}, "Problems"), h("ul", {}, problems.map((text) => h("li", {}, text)))];
  if (!body) return [];
  const known = Object.keys(PARTS);
  const place = ([name]) => (known.indexOf(name) + known.length + 1) % (known.length + 1);
  const parts = Object.entries(body.dependencies).sort((a, b) => place(a) - place(b));
  const ignored = Array.isArray(body.unheeded_variables) ? body.unheeded_variables : [];
  return [
    h("table", { class: "parts" },
      h("caption", {}, "Dependencies"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Part"), h("th", { scope: "col" }, "State"))),
      h("tbody", {}, parts.map(partRow))),
    h("dl", { class: "facts" },
      h("div", {}, h("dt", {}, "A revoke is final"), h("dd", {}, finalText(body.revocation_lease_ms))),
      h("div", {}, h("dt", {}, "Ignored settings"), h("dd", {},
        ignored.length === 0 ? "none" : `${ignored.join(", ")}: without effect, because another setting overrides it.`)),
      h("div", {}, h("dt", {}, "Client addresses"), h("dd", {},
        body.client_addresses === "unreadable"
          ? "The header that TRUSTED_IP_HEADER names did not hold a single address recently. Callers without an address share one rate limit."
          : "read from the header that TRUSTED_IP_HEADER names")),
    ),
  ];
}

export function gateView() {
  const verdict = h("p", { class: "verdict", "data-state": "waiting", role: "status" }, "Checking…");
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
    checked.textContent = answer.kind === "ready" || !answer.trace ? `Checked at ${time}.` : `Checked at ${time}, request id ${answer.trace}.`;
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
    h("h1", { id: "view-title", tabindex: "-1" }, "Status"), verdict, meaning, rest,
    h("p", { class: "checked quiet" }, again, checked));
  view.leave = () => {
    left = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
  return view;
}
