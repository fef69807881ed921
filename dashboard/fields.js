// Fields of forms that more than one form has: with a fault below them, with dots for letters, pickers of names and policies.

import { choice, field, h, textInput, unique } from "./dom.js";
import { defaults, offered, words } from "./policies.js";
import { createDialog } from "./registry.js";
import { aboveOrganizations, state } from "./state.js";

/**
 * A field with a place for a fault: `wrong(text)` shows it below, opens what it is folded into and moves the focus there;
 * `wrong()` takes it away.
 */
export function faultField(label, input, hint) {
  const told = h("p", { class: "fault", id: unique("fault"), role: "alert", hidden: true });
  const element = field(label, input, hint);
  const hinted = input.getAttribute("aria-describedby");
  element.append(told);
  const set = (name, value) => (value ? input.setAttribute(name, value) : input.removeAttribute(name));
  const wrong = (text) => {
    told.hidden = !text;
    told.textContent = text ?? "";
    set("aria-describedby", [text && told.id, hinted].filter(Boolean).join(" "));
    set("aria-invalid", text && "true");
    if (text) {
      for (let at = input.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
      input.focus();
      told.scrollIntoView({ block: "nearest" });
    }
    return Boolean(text);
  };
  for (const event of ["input", "change"]) input.addEventListener(event, () => wrong());
  return { element, input, wrong };
}

/** Shows each fault at its field, and moves the focus to the first one. `rows` are fields and what is wrong there, if anything is. */
export function faults(rows) {
  return rows.toReversed().map(([field, text]) => field.wrong(text)).includes(true);
}

/** A field for a text of at most `most` characters, which are counted when they run out. */
export function textField(label, most, hint, properties) {
  const input = h("input", { type: "text", autocomplete: "off", maxlength: most, ...properties });
  const made = faultField(label, input, hint);
  const left = h("span", { class: "hint", role: "status" });
  input.addEventListener("input", () => {
    const count = input.value.length;
    left.textContent = count > most * 0.8 ? `${count} of ${most} characters` : "";
  });
  made.element.append(left);
  return made;
}

/** A field for a text that nobody may read over one's shoulder. */
export function hiddenField(label, hint, properties = { required: true, autofocus: true }) {
  return faultField(label, h("textarea", {
    class: "veiled", rows: "3", autocomplete: "off", autocapitalize: "none", autocorrect: "off", spellcheck: "false", ...properties,
  }), hint);
}

/**
 * A picker of names from the API; a text field where the caller may not list them. `whole` are the words for no choice,
 * where that is one.
 */
export function picker(kind, label, onChange, whole) {
  const box = h("div", { class: "picker" });
  let wrong;
  const set = (rows, chosen, parent) => {
    let input;
    if (rows === null) {
      input = textInput({ maxlength: "63" });
      input.addEventListener("change", () => onChange?.(input.value.trim()));
    } else {
      const lacking = kind === "workflow" && !parent ? "Choose a project first" : `No ${kind} yet`;
      const none = parent && whole ? whole : rows.length ? "Choose…" : lacking;
      input = choice([["", none], ...rows.map((name) => [name, name])], chosen ?? "", { disabled: kind === "workflow" && !parent });
      input.addEventListener("change", () => onChange?.(input.value));
    }
    const create = h("button", { type: "button", class: "quiet-button" }, `New ${kind}`);
    create.addEventListener("click", () =>
      createDialog(parent, (name) => {
        set([...(rows ?? []), name].sort(), name, parent);
        onChange?.(name);
        box.querySelector("select").focus();
      }));
    const able = rows !== null && (aboveOrganizations()) && (kind === "project" || parent);
    const made = faultField(label, input, rows === null ? `Type its name: you are not allowed to list them.${whole ? ` Empty: ${whole.toLowerCase()}.` : ""}` : undefined);
    wrong = made.wrong;
    box.replaceChildren(made.element, able ? create : "");
  };
  return { box, set, value: () => box.querySelector("select, input")?.value.trim() ?? "", wrong: (text) => wrong(text) };
}

/** Whether the caller holds a policy, as far as the page knows. */
export function held(policy) {
  const own = state.who.policies;
  return !own || own.includes(policy) || own.includes(`${policy.split(":")[0]}:*`);
}

/**
 * The tick boxes for one scope. `usual` are those that are ticked at first, and `name` the words for them; `value()` is
 * undefined while nothing but those is ticked.
 */
export function policyPicker({ title = "Policies", name = "the defaults", usual = defaults, hint } = {}) {
  const box = h("div", {});
  const summary = h("summary", {});
  let scope;
  const ticked = () => [...box.querySelectorAll("input:checked")].map((input) => input.value);
  const isUsual = () => {
    const [now, first] = [ticked().sort(), [...usual(scope)].sort()];
    return now.length === first.length && now.every((policy, index) => policy === first[index]);
  };
  const tell = () => (summary.textContent = `${title}: ${isUsual() ? name : `${ticked().length} chosen`}`);
  const render = (wanted) => {
    scope = wanted;
    const first = new Set(usual(scope));
    box.replaceChildren(
      ...offered(scope).map(([group, policies]) =>
        h("fieldset", {}, h("legend", {}, group),
          h("div", { class: "ticks" }, Object.keys(policies).map((policy) => {
            const id = unique("policy");
            return h("div", { class: "tick" },
              h("input", { type: "checkbox", id, value: policy, checked: first.has(policy) }),
              h("label", { for: id }, words(policy), h("code", {}, policy),
                !held(policy) && h("span", { class: "hint" }, "you do not hold it")));
          })))),
    );
    tell();
  };
  const details = h("details", { class: "policies" }, summary, hint && h("p", { class: "hint" }, hint), box);
  const told = h("p", { class: "fault", role: "alert", hidden: true });
  const wrong = (text) => {
    told.hidden = !text;
    told.textContent = text ?? "";
    details.open ||= Boolean(text);
    if (text) summary.focus();
  };
  box.addEventListener("change", () => {
    tell();
    wrong();
  });
  return { element: h("div", {}, details, told), render, ticked, wrong, value: () => (isUsual() ? undefined : ticked()) };
}

export function radios(name, rows, chosen, onChange) {
  return rows.map(([value, title, hint]) => {
    const id = unique(name);
    const input = h("input", { type: "radio", name, id, value, checked: value === chosen });
    input.addEventListener("change", () => onChange?.(value));
    return h("div", { class: "radio" }, input, h("label", { for: id }, title, h("span", { class: "hint" }, hint)));
  });
}
