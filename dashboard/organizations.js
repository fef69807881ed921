// Organizations as a part of the view "Settings": a list, a form to create one, and a form for the limits of one.

import { call } from "./api.js";
import { choice, exact, field, h, lastRow, named, number, openDialog, say, tag, textInput } from "./dom.js";
import { faultField } from "./fields.js";
import { nameFault, nameField } from "./registry.js";
import { attempt } from "./refusals.js";
import { reloadOrganizations, state } from "./state.js";
import { none, row, table } from "./table.js";

const LEAKS = [["revoke", "Revoke it"], ["quarantine", "Quarantine it"]];
const [MOST_TOKENS, MOST_DAYS, MOST_LIFE] = [10_000_000, 365, 3_650];

const limit = ({ effective_mint_ceiling: most }) => (most === 0 ? "no limit" : number(most));

/** A field for a whole number from 0 to `most`; `value()` is null where it is empty. */
function numberField(label, most, value, hint) {
  const input = h("input", { type: "text", inputmode: "numeric", autocomplete: "off", value: value ?? "" });
  const made = faultField(label, input, hint);
  const text = () => input.value.trim().replaceAll(",", "");
  return {
    ...made,
    value: () => (text() === "" ? null : Number(text())),
    isWrong: (required) => {
      const typed = /^\d{1,8}$/.test(text()) ? Number(text()) : NaN;
      const wrong = text() === "" ? required : !(typed <= most);
      return made.wrong(wrong ? `Enter a whole number from 0 to ${number(most)}.` : undefined);
    },
  };
}

/** The form for one organization; without `organization` for a new one. `saved` gets what the gateway answers. */
function limitsDialog(organization, saved) {
  openDialog(organization ? `Limits of ${organization.name}` : "New organization", (close) => {
    const name = organization ? null : nameField("Name", { autofocus: true });
    const tokens = numberField("Limit of active tokens", MOST_TOKENS, organization?.mint_ceiling, "Empty: the default of the gateway. 0: no limit. A lower limit revokes no token.");
    const idle = numberField("Idle days", MOST_DAYS, organization?.max_idle_days ?? 0, "A token that was not used for so many days is revoked. 0: never.");
    const longest = numberField("Longest life of new tokens, in days", MOST_LIFE, organization?.max_lifetime_days ?? 0, "0: no limit. Tokens that exist stay.");
    const usual = faultField("Usual life of new tokens", textInput({ value: organization?.default_expires_in ?? "" }), "Where nobody chooses one, such as 90d or 12h. Empty: none.");
    const leak = choice(LEAKS, organization?.on_leak ?? "revoke");
    const jobs = choice([["false", "Everybody who is allowed to"], ["true", "CI jobs only, by trust rules"]], String(organization?.federated_only ?? false));
    const place = h("div", {});
    const button = h("button", { type: "submit", class: "primary" }, organization ? "Save" : "Create organization");
    const form = h("form", { novalidate: true },
      place, name?.element ?? "",
      h("div", { class: "columns" }, tokens.element, idle.element, longest.element, usual.element,
        field("A token that is found in public", leak, "The gateway does this as soon as it is reported."),
        field("Who gets tokens", jobs, "Tokens that exist stay in either case.")),
      lastRow(close, button));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = name?.input.value.trim();
      // From the last to the first, which gets the focus.
      const life = usual.input.value.trim();
      const faults = [usual.wrong(/^$|^\d+[wdhm]$/.test(life) ? undefined : "Enter a span such as 90d or 12h."), longest.isWrong(true), idle.isWrong(true), tokens.isWrong(false), name?.wrong(nameFault(text))];
      if (faults.some(Boolean)) return;
      const body = { mint_ceiling: tokens.value(), max_idle_days: idle.value(), on_leak: leak.value, federated_only: jobs.value === "true", max_lifetime_days: longest.value(), default_expires_in: life || null };
      // What stays is not sent, so that the audit log has what was changed and nothing else.
      for (const key of Object.keys(body)) if (organization && body[key] === organization[key]) delete body[key];
      const answer = await attempt(button, place, async () => {
        try {
          return organization ? await call("PATCH", `/orgs/${encodeURIComponent(organization.name)}`, { body }) : await call("POST", "/orgs", { body: { name: text, ...body } });
        } catch (refused) {
          if (refused.code !== "name_taken") throw refused;
          return { taken: name.wrong("There is an organization of this name already.") };
        }
      });
      if (!answer || answer.taken) return;
      close();
      saved(answer);
    });
    return form;
  }, { wide: true });
}

const COLUMNS = ["Name", "Token limit", "Unused ones revoked", "When leaked", "New tokens for", "Longest life", "Created", ""];

function organizationLine(organization, saved) {
  const place = [organization.jurisdiction && `stays in ${organization.jurisdiction}`, organization.location_hint && `near ${organization.location_hint}`].filter(Boolean).join(", ");
  return row(COLUMNS, [
    ["cut", h("strong", {}, named(organization.name)), organization.name === state.who.organization ? none(" (shown)") : "", organization.pause ? [" ", tag("bad", "paused")] : ""],
    ["", limit(organization), organization.mint_ceiling === null ? none(" (default)") : ""],
    ["", organization.max_idle_days === 0 ? "never" : `after ${organization.max_idle_days} days`],
    ["", organization.on_leak === "revoke" ? "revoked" : "quarantined"],
    ["", organization.federated_only ? "CI jobs only" : "everybody"],
    ["", organization.max_lifetime_days === 0 ? "any" : `${number(organization.max_lifetime_days)} days`],
    ["", exact(organization.created_at).split(",")[0], place && none(`, ${place}`)],
    ["tight", h("button", { type: "button", class: "small", "aria-label": `Edit the limits of ${organization.name}`, onclick: () => limitsDialog(organization, saved) }, "Edit")],
  ], { organization: organization.name });
}

/** For callers above organizations. */
export function organizationsSection() {
  const list = h("div", { id: "organizations" });
  const create = h("button", { type: "button" }, "New organization");
  const saved = async (answer) => {
    await reloadOrganizations();
    render();
    say(`Organization ${answer.name} saved`);
    list.querySelector(`tr[data-organization="${answer.name}"] button`)?.focus();
  };
  create.addEventListener("click", () => limitsDialog(undefined, saved));

  function render() {
    list.replaceChildren(
      table("Organizations", COLUMNS, state.organizations.map((organization) => organizationLine(organization, saved))),
      state.moreOrganizations ? h("p", { class: "quiet" }, "There are more: the command line lists all of them.") : "");
  }
  render();
  return h("section", { "aria-labelledby": "organizations-title" },
    h("div", { class: "view-head" }, h("h2", { id: "organizations-title" }, "Organizations"), h("div", { class: "buttons" }, create)), list);
}
