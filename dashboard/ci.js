// The view "CI jobs": the trust rules of the organization, ways to add, remove and test them, and what goes into a workflow file.

import { actorWords } from "./audit_words.js";
import * as ci from "./ci_rules.js";
import { addDialog } from "./ci_form.js";
import { snippets } from "./ci_snippets.js";
import { testDialog } from "./ci_test.js";
import { conditionFacts } from "./conditions.js";
import { ago, exact, facts, h, lastRow, named, number, openDialog, plain, say, span } from "./dom.js";
import { attempt, refusalBox } from "./refusals.js";
import { organizationRow } from "./state.js";

/** How many tokens ended with a rule. */
const ended = (count) => (count === 0 ? "It had no active CI tokens."
  : `${number(count)} CI ${count === 1 ? "token was" : "tokens were"} revoked, which is final.`);

/** One confirmation, which says what ends; then how many did. */
function removeDialog(rule, changed) {
  let done = false;
  openDialog("Remove this trust rule?", (close, dialog) => {
    const place = h("div", {});
    const button = h("button", { type: "button", class: "danger solid" }, "Remove rule");
    const body = h("div", {},
      facts([
        ["Repository", named(ci.aboutOf(rule))],
        ["Conditions", named(ci.conditionWords(rule.conditions).join(" · ") || "none")],
        ["For", named(ci.placeOf(rule))],
      ]),
      h("p", {}, "The CI tokens that it gave end at once: jobs that are running with them fail. New jobs get none by this rule. Other rules and tokens stay."),
      place,
      lastRow(close, button, true));
    button.addEventListener("click", async () => {
      const answer = await attempt(button, place, () => ci.remove(rule), "Removing…");
      if (!answer) return;
      done = true;
      dialog.querySelector("h2").textContent = "Removed";
      const shut = h("button", { type: "button", class: "primary", onclick: close }, "Done");
      body.replaceChildren(
        h("p", { class: "note good", id: "final" }, h("strong", {}, "The rule is removed. "), ended(answer.revoked_tokens)),
        h("div", { class: "buttons" }, shut));
      say(`The rule is removed. ${ended(answer.revoked_tokens)}`);
      shut.focus();
    });
    return body;
  }, { closed: () => done && changed() });
}

function ruleRow(rule, changed) {
  const asks = ci.conditionWords(rule.conditions);
  const about = plain(ci.aboutOf(rule));
  const warned = ci.warning(ci.forgeOf(rule.issuer), rule.conditions);
  const button = h("button", { type: "button", class: "small danger", "aria-label": `Remove the rule for ${about}, ${plain(asks.join(", ")) || "no conditions"}`,
    onclick: () => removeDialog(rule, changed) }, "Remove");
  return h("li", { class: "place", dataset: { rule: rule.id } },
    h("div", {},
      h("p", { class: "place-name strong" }, named(about)),
      h("p", { class: "below" }, ci.issuerWords(rule.issuer), ci.pins(rule).map(([term, id]) => rule.subject ? "" : [", ", term, " ", h("code", {}, String(id))]).flat())),
    h("div", { class: "place-state" },
      h("p", {}, asks.length ? named(asks.join(" · ")) : h("span", { class: "quiet" }, rule.subject ? "no conditions" : "any workflow, branch and environment")),
      h("details", {},
        h("summary", {}, "Gives ", named(ci.placeOf(rule)), `: ${ci.allowed(rule.policies)}, for ${span(rule.longest_life_seconds)} at most`),
        ci.policyList(rule.policies),
        conditionFacts(rule).length > 0 && facts(conditionFacts(rule))),
      warned && h("p", { class: "warning" }, warned),
      h("p", { class: "below" }, "Added ", h("time", { datetime: rule.created_at, title: exact(rule.created_at) }, ago(rule.created_at)), " by ", named(actorWords({ actor: rule.created_by })))),
    h("div", { class: "place-actions" }, button));
}

export function ciView() {
  const list = h("div", { id: "rules" });
  const below = h("div", {});
  const add = h("button", { type: "button", class: "primary", hidden: true }, "Add a rule");
  const test = h("button", { type: "button", hidden: true, }, "Test a job token");

  async function load() {
    list.setAttribute("aria-busy", "true");
    list.replaceChildren(h("p", { class: "empty" }, "Loading trust rules…"));
    try {
      render(await ci.list());
    } catch (refused) {
      list.replaceChildren(refused.status === 403
        ? h("p", { class: "note", role: "status" }, "You are not allowed to see trust rules. Sign in with an administrator key, or ask an administrator of the organization.")
        : h("div", {}, refusalBox(refused), h("button", { type: "button", onclick: load }, "Try again")));
    } finally {
      list.removeAttribute("aria-busy");
    }
  }

  function render({ trust_rules: rules, issuers, audiences }) {
    const off = issuers.length === 0;
    add.hidden = off;
    test.hidden = off;
    test.onclick = () => testDialog(rules, audiences);
    add.onclick = () => addDialog(issuers, (rule) => {
      say(`Rule for ${ci.aboutOf(rule)} added`);
      load();
    });
    const only = organizationRow()?.federated_only;
    list.replaceChildren(
      off ? h("p", { class: "note", id: "off" }, "Job tokens are off on this gateway. An operator turns them on: the setting ", h("code", {}, "CI_ISSUERS"),
        " names the CI systems that the gateway trusts, such as ", h("code", {}, "github,gitlab"), ", and ", h("code", {}, "CI_AUDIENCES"), " the gateway’s own address.") : "",
      only ? h("p", { class: "note" }, "This organization is for CI jobs only: no stored tokens can be created or rotated.") : "",
      rules.length > 0
        ? h("ul", { class: "places", "aria-label": "Trust rules" }, rules.map((rule) => ruleRow(rule, load)))
        : h("div", { class: "empty" }, h("p", { class: "strong" }, "No trust rules yet."), h("p", {}, "No CI job gets a token until there is one.")));
    below.replaceChildren(...(off || audiences.length === 0 ? [] : snippets(issuers, audiences, rules[0])));
  }

  load();
  return h("section", { class: "settings", "aria-labelledby": "view-title" },
    h("div", { class: "view-head" },
      h("div", { class: "lead" },
        h("h1", { id: "view-title", tabindex: "-1" }, "CI jobs"),
        h("p", {}, "A CI job can show a token that its CI system has signed for it, in place of a stored secret. A trust rule says which jobs get a short-lived token for that, and what they may do with it.")),
      h("div", { class: "buttons" }, test, add)),
    h("h2", {}, "Trust rules"),
    list,
    below);
}
