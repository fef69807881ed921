// Testing a job token: which rule counts for it, and why the others do not. The gateway uses nothing up.

import * as ci from "./ci_rules.js";
import { wordsOf } from "./ci_faults.js";
import { fault } from "./ci_token.js";
import { jobFacts } from "./ci_job.js";
import { exact, facts, h, named, openDialog, say } from "./dom.js";
import { hiddenField } from "./fields.js";
import { words } from "./policies.js";
import { attempt, sentence } from "./refusals.js";

const badge = (kind, text) => h("span", { class: "badge", dataset: { kind } }, text);

function ruleItem(rule, known) {
  const [kind, word, why] = rule.chosen ? ["good", "Counts", ""]
    : rule.met ? ["unsure", "Met", "Another rule counts before it."]
      : ["none", "Not met", sentence(ci.unmetWords(rule))];
  const asks = known && ci.conditionWords(known.conditions).join(" · ");
  return h("li", { dataset: { rule: rule.id } }, badge(kind, word), " ", named([known ? ci.aboutOf(known) : rule.repository ?? "a rule", asks].filter(Boolean).join(": ")), why && h("span", { class: "below" }, named(why)));
}

/** What a test came to, for the dialog. */
function result({ verified, refusal, job, rules = [], gives }, known) {
  if (!verified) return [h("p", { class: "note bad", id: "verdict", tabindex: "-1" }, h("strong", {}, "The gateway does not accept this token. "), refusal ? sentence(wordsOf(refusal)) : "")];
  const order = [...rules].sort((one, other) => Number(other.chosen) - Number(one.chosen) || Number(other.met) - Number(one.met));
  return [
    h("p", { class: gives ? "note good" : "note bad", id: "verdict", tabindex: "-1" },
      h("strong", {}, gives ? "This job would get a token. " : "This job gets nothing. "),
      gives ? "" : sentence(refusal ? wordsOf(refusal) : rules.length ? "The token is good, but it meets no rule" : "The token is good, but there are no rules")),
    gives && facts([
      ["For", named(ci.placeOf(gives))],
      ["May", h("details", {}, h("summary", {}, ci.allowed(gives.policies)), h("ul", {}, gives.policies.map((policy) => h("li", {}, words(policy), " ", h("code", {}, policy)))))],
      ["Until", exact(gives.expires_at)],
    ]),
    order.length > 0 && h("h3", {}, "Rules"),
    order.length > 0 && h("ul", { class: "verdicts" }, order.map((rule) => ruleItem(rule, known.find(({ id }) => id === rule.id)))),
    job && h("h3", {}, "What the token says"),
    job && facts(jobFacts(job)),
  ].filter(Boolean);
}

/** Opens the dialog; `known` are the rules of the organization. */
export function testDialog(known) {
  let empty = () => {};
  openDialog("Test a job token", (close) => {
    const token = hiddenField("Job token", "It is sent to the gateway, which checks it and uses nothing up. It leaves the field at once.");
    empty = () => (token.input.value = "");
    const place = h("div", {});
    const shown = h("div", {});
    const button = h("button", { type: "submit", class: "primary" }, "Test");
    const form = h("form", { novalidate: true, autocomplete: "off" },
      token.element, place, shown,
      h("div", { class: "buttons" }, h("button", { type: "button", onclick: close }, "Close"), button));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const pasted = token.input.value.trim();
      if (token.wrong(fault(pasted, true))) return;
      shown.replaceChildren();
      const sent = attempt(button, place, () => ci.test(pasted), "Testing…");
      empty();
      const answer = await sent;
      if (!answer) return token.input.focus();
      shown.replaceChildren(...result(answer, known));
      shown.querySelector("#verdict").focus();
      say(shown.querySelector("#verdict").textContent);
    });
    return form;
  }, { wide: true, closed: () => empty() });
}
