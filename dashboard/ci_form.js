// Adding a trust rule: whose jobs, under which conditions, get what. A refusal is shown beside the field that it is about.

import * as ci from "./ci_rules.js";
import { fieldOf, wordsOf } from "./ci_faults.js";
import { fault, jobOf } from "./ci_token.js";
import { choice, h, lastRow, named, openDialog, say, textInput } from "./dom.js";
import { faultField, held, hiddenField, picker, policyPicker, radios } from "./fields.js";
import { attempt, refusalBox, sentence } from "./refusals.js";
import { projects, workflows } from "./registry.js";


/** The ids that a forge's repositories are known by: member of the rule, label, hint. */
const IDS = {
  github: [["repository_id", "Repository id", "“id” in what gh api repos/acme/shop prints."], ["repository_owner_id", "Owner’s id", "“owner.id” there."]],
  gitlab: [["project_id", "Project id", "“id” in the API’s answer to /projects/acme%2Fshop."], ["namespace_id", "Namespace id", "“namespace.id” there: the group or user that the project is in."]],
  other: [],
};

/**
 * Whose jobs: found by the name of the repository, read from a token, or by ids that are typed. `value()` has the members
 * of the rule.
 */
function whose(issuers, ran) {
  const issuer = faultField("CI system", choice(issuers.map((one) => [one, ci.issuerWords(one)]), issuers[0]));
  const repository = faultField("Repository", textInput({ placeholder: "acme/shop", maxlength: "255" }));
  const subject = faultField("Subject", textInput({ maxlength: "255" }), "The whole subject (sub) of the tokens, without wildcards.");
  const token = hiddenField("Job token", "It is read in this browser only and never sent, and leaves the field at once. It needs no signature: the two parts before the second dot will do.", { rows: "2" });
  const button = h("button", { type: "button" }, "Find repository");
  const place = h("div", {});
  const found = h("div", { role: "status" });
  const ways = h("fieldset", {});
  const ids = Object.entries(IDS).flatMap(([kind, rows]) => rows.map(([member, label, hint]) =>
    ({ kind, member, label, ...faultField(label, textInput({ inputmode: "numeric", maxlength: "16" }), hint) })));
  let way;
  let chosen = false; // the way, by the person
  let who = null;

  const forge = () => ci.forgeOf(issuer.input.value);
  function show(now, heading) {
    who = now;
    place.replaceChildren();
    found.replaceChildren(who ? h("p", { class: "note good" }, `${heading}: `, named([who.repository, ...ci.pins(who).map((pin) => pin.join(" "))].filter(Boolean).join(", ")),
      forge() === "other" ? "." : ". The rule goes by the ids: a repository that takes the name later does not meet it.") : "");
  }
  const radio = (value) => ways.querySelector(`[value=${value}]`);
  function arrange() {
    const other = forge() === "other";
    if (!chosen || (other && way === "find")) way = ci.looksUp(issuer.input.value) ? "find" : "ids";
    radio(way).checked = true;
    radio("find").parentElement.hidden = other; // there is nothing to ask
    line.hidden = way !== "find";
    subject.element.hidden = !other || way !== "ids";
    for (const one of ids) one.element.hidden = one.kind !== forge() || way !== "ids";
    token.element.hidden = way !== "paste";
    const [title, hint] = other ? ["Enter the subject", "for one kind of job"] : ["Enter the ids", "also of a private one"];
    const label = radio("ids").nextElementSibling;
    label.firstChild.textContent = title;
    label.querySelector(".hint").textContent = hint;
  }
  async function look() {
    const name = repository.input.value.trim();
    if (repository.wrong(name === "" ? "Type the repository’s name, such as acme/shop." : undefined)) return;
    show(null);
    const asked = issuer.input.value;
    let refused;
    const answer = await attempt(button, place, () => ci.find(asked, name).catch((failed) => {
      if (![400, 404, 422].includes(failed.status) && failed.code !== "forge_unavailable") throw failed;
      refused = failed;
    }), "Looking…");
    if (refused) return repository.wrong(`${sentence(wordsOf(refused.detail))}${/paste|job token/.test(refused.detail) ? "" : " Or paste a job token."}`);
    if (answer && issuer.input.value === asked && repository.input.value.trim() === name) show({ issuer: asked, ...answer }, "Found");
  }
  ways.append(h("legend", {}, "Whose jobs"), h("div", { class: "radios" }, radios("way", [
    ["find", "Find the repository", "a public one, by its name"],
    ["paste", "Paste a job token", "of one of its jobs"],
    ["ids", "Enter the ids", "also of a private one"],
  ], way, (value) => {
    way = value;
    chosen = true;
    if (way === "ids") show(null); // else it would say what does not count
    arrange();
  })));
  const line = h("div", { class: "with-button" }, repository.element, button);
  button.addEventListener("click", look);
  repository.input.addEventListener("input", () => show(null));
  repository.input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would send the form
    look();
  });
  issuer.input.addEventListener("change", () => {
    show(null);
    arrange();
    ran(null, forge());
  });
  token.input.addEventListener("input", () => {
    const pasted = token.input.value.trim();
    if (pasted === "") return;
    token.input.value = "";
    const read = fault(pasted) ? { fault: fault(pasted) } : jobOf(pasted, issuers);
    if (read.fault) {
      show(null);
      return token.wrong(read.fault);
    }
    issuer.input.value = read.who.issuer;
    subject.input.value = read.who.subject ?? "";
    arrange();
    ran(read.ran, forge());
    show(read.who, "Read from the token");
    say(`Read from the token: ${read.who.repository ?? read.who.subject}`);
  });
  arrange();
  const element = h("div", {}, issuer.element, ways, line, subject.element, h("div", { class: "columns" }, ids.map((one) => one.element)), token.element, place, found);
  const typed = () => ids.filter((one) => one.kind === forge());
  const isId = (one) => /^[1-9]\d{0,15}$/.test(one.input.value.trim());
  /** The field to look at: the first that lacks something. */
  const at = () => (way === "paste" ? token : way === "find" ? repository : typed().find((one) => !isId(one)) ?? typed()[0] ?? subject);
  return {
    element, forge, issuer,
    at,
    value() {
      if (way !== "ids") return who;
      const by = { issuer: issuer.input.value };
      if (forge() === "other") return subject.input.value.trim() ? { ...by, subject: subject.input.value.trim() } : null;
      return typed().every(isId) ? Object.assign(by, ...typed().map((one) => ({ [one.member]: one.input.value.trim() }))) : null;
    },
    lacking: () => (way === "paste" ? "Paste a job token." : way === "find" ? "Find the repository first: the rule goes by its ids."
      : forge() === "other" ? "Enter the subject." : `Enter the ${at().label.toLowerCase()}: digits alone.`),
  };
}

/** What else a job must meet, folded away. */
function conditions() {
  const summary = h("summary", {});
  const file = faultField("Workflow file", textInput({ placeholder: "release.yml" }), "In the repository itself. Ask for a branch, tag or environment too: whoever may push can write a file of this name.");
  const reusable = faultField("Reusable workflow", textInput({ placeholder: "acme/pipelines/.github/workflows/build.yml@refs/tags/v1" }), "In one version: a branch or tag in full, or a commit.");
  const environment = faultField("Environment", textInput({ placeholder: "production" }));
  const ref = faultField("Branch or tag", textInput({ placeholder: "refs/heads/main" }), "In full: refs/heads/… or refs/tags/….");
  const events = faultField("Events", textInput({ placeholder: "push, release" }), "Empty: those that only people with write access begin, such as pushes, releases, schedules and manual starts. Pull and merge requests count only where they are named.");
  const tick = (id, label) => {
    const input = h("input", { type: "checkbox", id });
    return { input, element: h("div", { class: "tick" }, input, h("label", { for: id }, label)) };
  };
  const protectedRef = tick("protected-ref", "Protected branches and tags only");
  const protectedPlace = tick("protected-environment", "Protected environments only");
  const use = h("button", { type: "button", class: "small wrap", hidden: true });
  const warned = h("p", { class: "warning", role: "status" });
  let forge = "github";
  const element = h("div", {},
    h("details", { class: "policies" }, summary, use,
      h("div", { class: "columns" }, file.element, environment.element, ref.element, events.element),
      reusable.element, protectedRef.element, protectedPlace.element),
    warned);

  const value = () => {
    const trimmed = (field) => field.input.value.trim() || undefined;
    const names = events.input.value.split(/[\s,]+/).filter(Boolean);
    const set = (one) => (one.input.checked && !one.element.hidden ? true : undefined);
    if (element.hidden) return {};
    const all = {
      workflow: trimmed(file), environment: trimmed(environment), ref: trimmed(ref), protected_ref: set(protectedRef),
      reusable_workflow: reusable.element.hidden ? undefined : trimmed(reusable),
      protected_environment: set(protectedPlace), events: names.length ? names : undefined,
    };
    return Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined));
  };
  const tell = () => {
    summary.textContent = `Conditions (optional): ${ci.conditionWords(value()).join(" · ") || "none"}`;
    warned.textContent = ci.warning(forge, value()) ?? "";
  };
  element.addEventListener("input", tell);
  /** For a forge, with what the job of a pasted token ran: offered, not filled in, as each condition narrows the rule. */
  function set(ran, of) {
    forge = of;
    element.hidden = forge === "other"; // its tokens say nothing else
    reusable.element.hidden = forge !== "github";
    protectedPlace.element.hidden = forge !== "gitlab";
    file.input.placeholder = forge === "gitlab" ? ".gitlab-ci.yml" : "release.yml";
    const offered = ran && { workflow: ran.workflow, environment: ran.environment, ref: ran.ref };
    use.hidden = !offered || Object.values(offered).every((one) => !one);
    use.textContent = use.hidden ? "" : `Ask for the same as the token: ${ci.conditionWords(offered).join(" · ")}`;
    use.onclick = () => {
      for (const [name, field] of [["workflow", file], ["environment", environment], ["ref", ref]]) field.input.value = offered[name] ?? "";
      tell();
    };
    tell();
  }
  set(null, forge);
  return { element, set, value, faults: { file, reusable, environment, ref, events } };
}

/** Opens the form. `added` is called with the new rule. */
export function addDialog(issuers, added) {
  openDialog("Add a trust rule", (close) => {
    const place = h("div", {});
    const asked = conditions();
    const life = faultField("Longest life", choice(ci.LIVES, ci.USUAL_LIFE), "A CI token ends with the job token that it was made for, and no later than this.");
    const lifeNote = h("p", { class: "hint", role: "status" });
    const tellLife = () => (lifeNote.textContent = who.forge() === "github" && life.input.value !== "5m"
      ? "GitHub’s job tokens live 5 minutes, so a token for a GitHub job never lives longer." : "");
    const who = whose(issuers, (ran, forge) => {
      asked.set(ran, forge);
      tellLife();
    });
    asked.set(null, who.forge());
    tellLife();
    life.element.append(lifeNote);
    life.input.addEventListener("change", tellLife);
    const workflow = picker("workflow", "Workflow", undefined, "The whole project");
    const project = picker("project", "Project", async (chosen) => {
      workflow.set([], "", chosen);
      if (!chosen) return;
      try {
        workflow.set(await workflows(chosen), "", chosen);
      } catch (refused) {
        place.replaceChildren(refusalBox(refused));
      }
    });
    project.set([], "");
    workflow.set([], "", "");
    projects().then((rows) => {
      project.set(rows, "");
      if (rows === null) workflow.set(null, "", "");
    }, (refused) => place.replaceChildren(refusalBox(refused)));
    const policies = policyPicker({
      title: "The job may", name: "attest", usual: () => ci.ATTEST.filter(held),
      hint: "Every CI token may attest, in its project or workflow. What is ticked comes besides.",
    });
    policies.render("project");
    const button = h("button", { type: "submit", class: "primary" }, "Add rule");
    const form = h("form", { novalidate: true, autocomplete: "off" },
      who.element,
      asked.element,
      h("h3", {}, "What they get"),
      h("div", { class: "columns" }, project.box, workflow.box),
      policies.element,
      h("div", { class: "columns" }, life.element),
      place,
      lastRow(close, button));
    const fields = { ...asked.faults, issuer: who.issuer, project, workflow, policies, life, get who() { return who.at(); } };

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const given = who.value();
      if (!given) return who.at().wrong(who.lacking());
      if (!project.value()) return project.wrong("Choose a project.");
      const conditions = asked.value();
      const body = {
        ...given,
        conditions: Object.keys(conditions).length ? conditions : undefined,
        project: project.value(), workflow: workflow.value() || undefined, policies: policies.ticked(), longest_life: life.input.value,
      };
      let beside;
      const rule = await attempt(button, place, () => ci.add(body).catch((refused) => {
        beside = fieldOf(refused);
        if (!beside) throw Object.assign(refused, { detail: wordsOf(refused.detail) });
      }), "Adding…");
      if (beside) return fields[beside.field].wrong(beside.text);
      if (!rule) return;
      close();
      added(rule);
    });
    return form;
  }, { wide: true });
}
