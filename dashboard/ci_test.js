// Testing a job token: which rule counts for it, and why the others do not. The gateway uses nothing up.

import * as ci from "./ci_rules.js";
import { wordsOf } from "./ci_faults.js";
import { audiencesOf, fault } from "./ci_token.js";
import { jobFacts } from "./ci_job.js";
import { conditionFacts } from "./conditions.js";
import { exact, facts, h, named, openDialog, say, tag } from "./dom.js";
import { hiddenField } from "./fields.js";
import { attempt, sentence } from "./refusals.js";

/** `counts`: whether any rule does. None counts for a token that opens nothing. */
function ruleItem(rule, known, counts) {
  const [kind, word, why] = rule.chosen && counts ? ["good", "Counts", ""]
    : rule.met ? ["unsure", "Met", counts && "Another rule counts before it."]
      : ["none", "Not met", sentence(ci.unmetWords(rule))];
  const asks = known && ci.conditionWords(known.conditions).join(" · ");
  return h("li", { dataset: { rule: rule.id } }, tag(kind, word), " ", named([known ? ci.aboutOf(known) : rule.repository ?? "a rule", asks].filter(Boolean).join(": ")), why && h("span", { class: "below" }, named(why)));
}

/** Names with a word between them. */
const listed = (names, word) => names.flatMap((name, index) => [index ? ` ${word} ` : "", named(name)]);

/** Why the token opens nothing, and what to do. `made` and `audiences`: for whom it was made, and must be made. */
function refusalWords(refusal, { presented, made, audiences }) {
  if (/`aud`|another organization|for `chainloop`/.test(refusal) && made.length > 0 && audiences.length > 0) {
    return ["The token was made for ", ...listed(made, "and"), ". A job of this organization needs one for ", ...listed(audiences, "or"), made.length > 1 ? " alone" : "",
      ": that is the audience to ask the CI system for."];
  }
  return `${sentence(wordsOf(refusal))}${presented && /before/.test(refusal) ? " A job token can be exchanged once: test a new one." : ""}`;
}

/** What a test came to, for the dialog. */
function result({ verified, refusal, presented, job, rules = [], gives: given }, known, { made, audiences }) {
  const gives = refusal ? null : given;
  const verdict = (heading, told) => h("p", { class: gives ? "note good" : "note bad", id: "verdict", tabindex: "-1" }, h("strong", {}, `${heading} `), told);
  const why = refusal ? refusalWords(refusal, { presented, made, audiences }) : "";
  if (!verified) return [verdict("The gateway does not accept this token.", why)];
  const order = [...rules].sort((one, other) => Number(other.chosen) - Number(one.chosen) || Number(other.met) - Number(one.met));
  return [
    gives
      ? verdict("This job would get a token.", presented ? "It has shown this job token before and can go on doing so. It cannot exchange it any more." : "")
      : verdict("This job gets nothing.", why || (rules.length ? "The token is good, but it meets no rule." : "The token is good, but there are no rules.")),
    gives && facts([
      ["For", named(ci.placeOf(gives))],
      ["May", h("details", {}, h("summary", {}, ci.allowed(gives.policies)), ci.policyList(gives.policies))],
      ["Until", exact(gives.expires_at)],
      ...conditionFacts(gives),
    ]),
    order.length > 0 && h("h3", {}, "Rules"),
    order.length > 0 && h("ul", { class: "verdicts" }, order.map((rule) => ruleItem(rule, known.find(({ id }) => id === rule.id), Boolean(gives)))),
    job && h("h3", {}, "What the token says"),
    job && facts(jobFacts(job)),
  ].filter(Boolean);
}

/** Opens the dialog; `known` are the rules of the organization, `audiences` those that its job tokens are made for. */
export function testDialog(known, audiences) {
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
      const made = audiencesOf(pasted);
      const sent = attempt(button, place, () => ci.test(pasted), "Testing…");
      empty();
      const answer = await sent;
      if (!answer) return token.input.focus();
      shown.replaceChildren(...result(answer, known, { made, audiences }));
      shown.querySelector("#verdict").focus();
      say(shown.querySelector("#verdict").textContent);
    });
    return form;
  }, { wide: true, closed: () => empty() });
}
