// Setting, replacing and clearing a credential for the origin. What is pasted leaves the field at once.

import { actorWords } from "./audit_words.js";
import { choice, exact, facts, field, h, lastRow, named, openDialog, say } from "./dom.js";
import { hiddenField } from "./fields.js";
import { attempt } from "./refusals.js";
import { KEEP, USUAL_KEEP, clear, fault, gain, loss, put, words } from "./upstream.js";

const time = (moment) => h("time", { datetime: moment, title: moment }, exact(moment));
const fingerprint = (digest) => h("code", {}, digest);

/** Asks for a credential. `changed` gets the answer, which does not hold it. */
export function setDialog(scope, current, changed) {
  const { element, input, wrong } = hiddenField("Credential",
    "The text of a token that the origin gave out, without “Bearer”. It is hidden here and cannot be shown again.");
  openDialog(
    current ? "Replace the credential for the origin" : "Set the credential for the origin",
    (close, dialog) => {
      const place = h("div", {});
      const keep = choice(KEEP, USUAL_KEEP);
      const button = h("button", { type: "submit", class: "primary" }, current ? "Replace" : "Set");
      const form = h("form", { novalidate: true, autocomplete: "off" },
        facts([["For", named(words(scope))], current && ["Current", "fingerprint ", fingerprint(current.digest)]]),
        place,
        element,
        current && field("Running attestations keep the current one for", keep, "An attestation must end with the credential it began with."),
        lastRow(close, button));
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const credential = input.value.trim();
        if (wrong(fault(credential))) return;
        const sent = attempt(button, place, () => put(scope, credential, Number(keep.value)), current ? "Replacing…" : "Setting…");
        input.value = "";
        const answer = await sent;
        if (!answer) return input.focus();
        changed(answer);
        dialog.querySelector("h2").textContent = current ? "Credential replaced" : "Credential set";
        const shut = h("button", { type: "button", class: "primary", onclick: close }, "Done");
        form.replaceWith(done(scope, answer), h("div", { class: "buttons" }, shut));
        say(`${current ? "Replaced" : "Set"} for ${words(scope)}.`);
        shut.focus();
      });
      return form;
    },
    { closed: () => (input.value = "") },
  );
}

function done(scope, answer) {
  const { replaced } = answer;
  return h("div", {},
    h("p", { class: "note good", id: "final" }, "New calls for ", named(words(scope)), ` are sent to the origin with it${gain(scope)}.`),
    facts([
      ["Fingerprint", fingerprint(answer.digest)],
      replaced && ["Replaced", fingerprint(replaced.digest), ", kept for running attestations until ", time(replaced.until)],
    ]));
}

/** One confirmation, which says what stops working. */
export function clearDialog(scope, current, changed, closed) {
  openDialog(
    "Clear the credential for the origin?",
    (close) => {
      const place = h("div", {});
      const button = h("button", { type: "button", class: "danger solid" }, "Clear credential");
      button.addEventListener("click", async () => {
        if (!(await attempt(button, place, () => clear(scope), "Clearing…"))) return;
        changed();
        close();
        say(`Cleared for ${words(scope)}.`);
      });
      return [
        facts([
          ["For", named(words(scope))],
          ["Fingerprint", fingerprint(current.digest)],
          ["Set", time(current.set_at), " by ", named(actorWords({ actor: current.set_by }))],
        ]),
        h("p", {}, loss(scope)),
        h("p", {}, "Attestations that are running with it fail. The gateway keeps no copy: you need the credential itself to set it again."),
        place,
        lastRow(close, button, true),
      ];
    },
    { closed },
  );
}
