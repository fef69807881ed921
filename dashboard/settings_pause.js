// Pausing the organization, and resuming it: a part of the view "Settings", and what the overview says of a pause.

import { call } from "./api.js";
import { exact, h, lastRow, named, openDialog, say, textInput } from "./dom.js";
import { faultField, textField } from "./fields.js";
import { actorWords } from "./audit_words.js";
import { attempt, refusalBox } from "./refusals.js";
import { state } from "./state.js";

const MOST_REASON = 200;

/** What is told of a pause; `more` stands behind it. */
export function pauseNote({ at, by, reason }, ...more) {
  return h("div", { class: "note bad", role: "status", id: "paused" },
    h("p", {}, h("strong", {}, `Paused since ${exact(at)}`), ` by ${actorWords({ actor: by })}.`, reason && [" ", named(reason)]),
    h("p", {}, "Every call of this organization’s tokens is refused, and no token can be created.", ...more));
}

/** Whether the caller may be allowed to: the gateway decides. */
function mayPause() {
  const { kind, policies } = state.who;
  return kind === "admin" || kind === "session" || (policies ?? []).some((policy) => policy.startsWith("organization_pause:"));
}

/** The one dialog: what it does, why, and the organization's name, typed. */
function pauseDialog(changed) {
  const name = state.who.organization;
  openDialog(`Pause ${name}?`, (close) => {
    const place = h("div", {});
    const reason = textField("Reason (optional)", MOST_REASON, "It stands in the audit log.", {});
    const typed = faultField(`Type ${name} to confirm`, textInput({ autofocus: true }));
    const button = h("button", { type: "submit", class: "danger solid" }, "Pause organization");
    const form = h("form", { novalidate: true },
      h("p", {}, "Every call of every token of this organization fails from then on, builds that are running included, until somebody resumes it. Nothing is revoked."),
      reason.element, typed.element, place, lastRow(close, button));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (typed.wrong(typed.input.value.trim() === name ? undefined : "This is not the name of the organization.")) return;
      const why = reason.input.value.trim();
      // The answer comes when it is final.
      const done = await attempt(button, place, () => call("POST", "/org/pause", { body: why ? { reason: why } : {} }), "Pausing…");
      if (!done) return;
      close();
      changed({ at: done.paused_at, by: done.paused_by, reason: done.reason });
      say(`${name} is paused`);
    });
    return form;
  });
}

export function pauseSection() {
  if (!mayPause()) return "";
  const content = h("div", {});
  const show = (pause) => {
    const place = h("div", {});
    if (!pause) {
      content.replaceChildren(
        h("p", {}, "Stops everything at once: every call of this organization’s tokens is refused, until somebody resumes it. Nothing is revoked."),
        h("button", { type: "button", class: "danger", onclick: () => pauseDialog(show) }, "Pause organization"));
      return;
    }
    const button = h("button", { type: "button", class: "primary" }, "Resume organization");
    button.addEventListener("click", async () => {
      const done = await attempt(button, place, () => call("POST", "/org/resume"), "Resuming…");
      if (!done) return;
      show(null);
      say(`${done.organization} is resumed`);
    });
    content.replaceChildren(pauseNote(pause), place, button);
  };
  call("GET", "/org/overview").then(({ pause }) => show(pause), (refused) => content.replaceChildren(refusalBox(refused)));
  return h("section", { "aria-labelledby": "pause-title" }, h("h2", { id: "pause-title" }, "Pause"), content);
}
