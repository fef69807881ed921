// The view "Status": what GET /readyz says, again every fifteen seconds while it is looked at. Needs no credential and sends none.

import { clock, facts, h } from "./dom.js";
import { ask, finalText, PARTS, partsOf } from "./readyz.js";

const EVERY_MS = 15_000;

const VERDICTS = {
  ready: ["The gateway is ready.", "Calls are decided and forwarded."],
  unavailable: ["The gateway is not ready.", "A dependency does not answer. Calls that need it are refused. The log says why."],
  misconfigured: ["The configuration is wrong.", "The gateway refuses every call until each problem below is corrected and the Worker is deployed again."],
  unreachable: ["The gateway does not answer.", "This page could not reach it. It keeps trying."],
  odd: ["The answer cannot be read.", "Something answered, but not as this gateway does."],
};

const UPSTREAM = {
  refused: "The origin has refused a stored credential in the last ten minutes: set another one under “Settings”.",
  accepted: "accepted in the last ten minutes",
};

function partRow([name, state]) {
  const [title, purpose] = PARTS[name] ?? [name, ""];
  return h("tr", {},
    h("th", { scope: "row" }, title, purpose && h("span", { class: "below" }, purpose)),
    h("td", { class: "state", "data-state": String(state) },
      h("span", { "aria-hidden": "true" }, state === "ready" ? "✓ " : "✕ "), String(state)));
}

/** What an answer looks like below the verdict. */
function report({ body, problems, region, trace, kind }) {
  if (problems) return [h("h2", {}, "Problems"), h("ul", {}, problems.map((text) => h("li", {}, text)))];
  if (!body) return [];
  const ignored = Array.isArray(body.unheeded_variables) ? body.unheeded_variables : [];
  return [h("div", { class: "sides" },
    h("table", {},
      h("caption", {}, "Dependencies"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Part"), h("th", { scope: "col" }, "State"))),
      h("tbody", {}, partsOf(body).map(partRow))),
    h("section", { "aria-labelledby": "about-title" },
      h("h2", { id: "about-title" }, "This gateway"),
      facts([
        ["Version", body.version ?? "not known"],
        region && ["Answered from", `${region} (Cloudflare data centre)`],
        ["A revoke is final", finalText(body.revocation_lease_ms)],
        ["Origin", "Not checked from here, because a check would be a call. Calls that it did not answer are under “Activity”."],
        UPSTREAM[body.upstream_credentials] && ["Credential for the origin", UPSTREAM[body.upstream_credentials]],
        ["Ignored settings", ignored.length === 0 ? "none" : `${ignored.join(", ")}: without effect, because another setting overrides it.`],
        ["Client addresses", body.client_addresses === "unreadable"
          ? "The header that TRUSTED_IP_HEADER names did not hold a single address recently. Callers without an address share one rate limit."
          : "known"],
        trace && kind !== "ready" && ["Request id", h("code", {}, trace)],
      ])))];
}

export function statusView() {
  const verdict = h("p", { class: "verdict", "data-state": "waiting", role: "status" }, "Checking…");
  const meaning = h("p", { class: "quiet" });
  const rest = h("div", {});
  const checked = h("p", { class: "quiet" });
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
    checked.textContent = `Checked at ${clock(Date.now())}, again every ${EVERY_MS / 1_000} seconds.`;
    if (!document.hidden) timer = setTimeout(check, EVERY_MS);
  }

  function seen() {
    clearTimeout(timer);
    if (!document.hidden) check();
  }
  document.addEventListener("visibilitychange", seen);
  check();
  const view = h("section", { "aria-labelledby": "view-title" },
    h("h1", { id: "view-title", tabindex: "-1" }, "Status"), verdict, meaning, rest, checked);
  view.refresh = check;
  view.routed = () => {};
  view.leave = () => {
    left = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
  return view;
}
