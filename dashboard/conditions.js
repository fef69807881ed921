// From where and how often a token can be used: the fields for it, and what a token says of it.

import { h, number } from "./dom.js";
import { faultField } from "./fields.js";

const NUMBER = "Give a whole number from 1 to 1,000,000, or none.";

/** Two fields, folded away at first. `value()` are the members of a body; `own` is what the token has. */
export function conditionFields(own = {}, hint = "Empty: from everywhere, and as often as one likes.") {
  const from = faultField("Only from these addresses", h("textarea", { rows: "3", autocomplete: "off", spellcheck: "false", placeholder: "203.0.113.0/24" },
    (own.address_ranges ?? []).join("\n")), "One address or range in each line.");
  const calls = faultField("Calls per minute, at most", h("input", { type: "number", min: "1", max: "1000000", step: "1", value: own.calls_per_minute ?? "" }));
  const lines = () => from.input.value.split(/[\s,]+/).filter(Boolean);
  const changed = (list) => list.join() !== (own.address_ranges ?? []).join();
  const element = h("details", { class: "policies", open: Boolean(own.id) }, h("summary", {}, "Conditions"), h("p", { class: "hint" }, hint), from.element, calls.element);
  return {
    element,
    value: () => ({
      address_ranges: changed(lines()) ? lines() : undefined,
      calls_per_minute: calls.input.value === "" || Number(calls.input.value) === own.calls_per_minute ? undefined : Number(calls.input.value),
    }),
    /** What can be seen to be wrong, for `faults`. */
    lacking: () => [[calls, calls.input.checkValidity() ? undefined : NUMBER]],
    /** The field that a refusal is about, and what to say there. */
    wrong: (refused) => ({
      address_ranges_invalid: [from, "Give addresses or ranges, at most 32. A range begins with its network, as 203.0.113.0/24 does."],
      calls_per_minute_invalid: [calls, NUMBER],
      conditions_exceeded: [from, "A token cannot create one with wider conditions than its own."],
      edit_widens: refused.detail?.includes("calls") ? [calls, "It can only become lower."] : [from, "Each must lie within one that the token has."],
    })[refused.code],
  };
}

/** Rows of facts. */
export function conditionFacts({ address_ranges: ranges, calls_per_minute: calls }) {
  return [
    ranges?.length && ["Only from", ranges.flatMap((range, index) => [index ? ", " : "", h("code", {}, range)])].flat(),
    calls && ["Limit", `${number(calls)} calls a minute`],
  ].filter(Boolean);
}
