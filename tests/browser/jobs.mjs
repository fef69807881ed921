// Trust rules: added by a repository's name and by what a pasted job token says, refused beside the field, removed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answer, FOUND, gitlabToken, jobToken } from "./job_answers.mjs";
import { api, organization, serve, signIn, withPage } from "./world.mjs";

const dialog = (page) => page.getByRole("dialog");
const field = (page, label) => dialog(page).getByRole("textbox", { name: label, exact: true });
let gate;

/** A gateway that trusts GitHub, GitLab and one other issuer, and an organization there; a page with its rules. */
async function withRules(work, options) {
  gate ??= serve("http://127.0.0.1:9", { CI_ISSUERS: "github,gitlab,https://ci.example.com", CI_AUDIENCES: "https://gate.example" });
  const at = await gate;
  const name = await organization(at);
  const rules = async () => {
    const { status, body } = await api("GET", "/org/trust-rules", { organization: name, at });
    assert.equal(status, 200, JSON.stringify(body));
    return body.trust_rules;
  };
  await withPage(async (page, context) => {
    await signIn(page, { organization: name, at, view: "#ci" });
    await page.getByText("No trust rules yet.").waitFor();
    await work(page, { name, rules, context });
  }, { at, ...options });
}

/** Waits until the log, as D1 has it, tells of an action. */
async function recorded(organization, action) {
  for (let tries = 0; tries < 100; tries += 1) {
    const { body } = await api("GET", "/org/audit", { organization, at: await gate });
    if (body.events.some((event) => event.action === action)) return;
    await sleep(100);
  }
  assert.fail(`${action} is not in the log`);
}

const open = (page) => page.getByRole("button", { name: "Add a rule" }).click();

/** Chooses where a job may attest, and sends the form. */
async function send(page, workflow = "") {
  await dialog(page).getByLabel("Project", { exact: true }).selectOption("shop");
  if (workflow) await dialog(page).getByLabel("Workflow", { exact: true }).selectOption(workflow);
  await dialog(page).getByRole("button", { name: "Add rule" }).click();
}

async function paste(page, token) {
  await dialog(page).getByRole("radio", { name: /^Paste a job token/ }).check();
  await field(page, "Job token").fill(token);
}

test("a_rule_is_added_by_the_name_of_a_repository", async () => {
  await withRules(async (page, { rules }) => {
    await answer(page, { found: FOUND });
    await open(page);
    await dialog(page).getByRole("button", { name: "Add rule" }).click();
    await dialog(page).getByText("Find the repository first").waitFor();
    await field(page, "Repository").fill("acme/shop");
    const asked = page.waitForRequest("**/find");
    await page.keyboard.press("Enter");
    assert.deepEqual((await asked).postDataJSON(), { issuer: "github", repository: "acme/shop" });
    await dialog(page).getByText("Found: acme/shop, repository id 638201, owner id 4477.").waitFor();
    await dialog(page).getByText("Conditions (optional): none").click();
    await field(page, "Workflow file").fill("release.yml");
    await field(page, "Environment").fill("production");
    await dialog(page).getByText("Conditions (optional): workflow release.yml · environment production").waitFor();
    await send(page, "release");

    const row = page.locator("#rules .place");
    await row.getByText("workflow release.yml · environment production").waitFor();
    assert.match(await row.textContent(), /acme\/shop.*GitHub Actions, repository id 638201, owner id 4477/);
    await row.getByText("Gives shop / release: attest, for 15 min at most").click();
    await row.getByText("upload artifacts").waitFor();
    const [rule] = await rules();
    assert.deepEqual(
      [rule.repository, rule.repository_id, rule.repository_owner_id, rule.conditions, rule.project.name, rule.workflow.name, rule.longest_life_seconds],
      ["acme/shop", 638201, 4477, { workflow: ".github/workflows/release.yml", environment: "production" }, "shop", "release", 900]);
    assert.ok(rule.policies.includes("cas_artifact:create") && rule.policies.every((policy) => !policy.includes("token")), rule.policies.join());
  });
});

test("a_rule_is_added_by_ids_that_are_typed_and_by_a_subject", async () => {
  await withRules(async (page, { rules }) => {
    await open(page);
    assert.equal(await dialog(page).getByRole("radio", { name: /^Find the repository/ }).isChecked(), true, "GitHub can be asked");
    await dialog(page).getByRole("radio", { name: /^Enter the ids/ }).check();
    assert.equal(await field(page, "Repository").isVisible(), false);
    await dialog(page).getByText("Every job of the repository gets tokens by this rule").waitFor();
    await dialog(page).getByText("GitHub’s job tokens live 5 minutes").waitFor();
    await dialog(page).getByLabel("Longest life").selectOption("5 minutes");
    assert.equal(await dialog(page).getByText("GitHub’s job tokens live 5 minutes").count(), 0);
    await field(page, "Repository id").fill("acme/shop");
    await send(page);
    await dialog(page).getByRole("alert").getByText("Enter the repository id: digits alone.").waitFor();
    await field(page, "Repository id").fill("638201");
    await dialog(page).getByRole("button", { name: "Add rule" }).click();
    await dialog(page).getByRole("alert").getByText("Enter the owner’s id: digits alone.").waitFor();
    await field(page, "Owner’s id").fill("4477");
    await dialog(page).getByRole("button", { name: "Add rule" }).click();
    await page.locator("#rules .place-name").getByText("repository 638201 at GitHub").waitFor();

    await open(page);
    await dialog(page).getByLabel("CI system").selectOption("gitlab");
    await dialog(page).getByRole("radio", { name: /^Enter the ids/ }).check();
    assert.equal(await field(page, "Owner’s id").isVisible(), false, "GitLab has other ids");
    await field(page, "Project id").fill("99");
    await field(page, "Namespace id").fill("12");
    await dialog(page).getByText("Conditions (optional): none").click();
    await field(page, "Events").fill("push, workflow_run");
    await dialog(page).getByText("People without write access can start runs of workflow_run,").waitFor();
    await field(page, "Events").fill("");
    await send(page);
    await page.locator("#rules .place-name").getByText("project 99 at GitLab.com").waitFor();

    await open(page);
    await dialog(page).getByLabel("CI system").selectOption("https://ci.example.com");
    assert.equal(await dialog(page).getByRole("radio", { name: /^Enter the subject/ }).isChecked(), true, "nobody can be asked");
    assert.equal(await dialog(page).getByRole("radio", { name: /^Find the repository/ }).isVisible(), false);
    await dialog(page).getByLabel("CI system").selectOption("github");
    assert.equal(await dialog(page).getByRole("radio", { name: /^Find the repository/ }).isChecked(), true);
    await dialog(page).getByLabel("CI system").selectOption("https://ci.example.com");
    await send(page);
    await dialog(page).getByRole("alert").getByText("Enter the subject.").waitFor();
    await field(page, "Subject").fill("job:nightly");
    await dialog(page).getByRole("button", { name: "Add rule" }).click();
    await page.locator("#rules .place-name").getByText("job:nightly").waitFor();
    assert.deepEqual((await rules()).map((rule) => [rule.issuer, rule.repository_id ?? rule.project_id ?? rule.subject, rule.repository_owner_id ?? rule.namespace_id ?? null]),
      [["github", 638201, 4477], ["gitlab", 99, 12], ["https://ci.example.com", "job:nightly", null]]);
  });
});

test("a_self_managed_forge_is_not_asked_unless_somebody_wants_it", async () => {
  await withRules(async (page) => {
    await answer(page, { rules: [] });
    await page.getByRole("link", { name: "Audit" }).click();
    await page.getByRole("link", { name: "CI jobs" }).click();
    await open(page);
    await dialog(page).getByLabel("CI system").selectOption("gitlab=https://gitlab.example.com");
    assert.equal(await dialog(page).getByRole("radio", { name: /^Enter the ids/ }).isChecked(), true);
    await field(page, "Project id").waitFor();
    await dialog(page).getByRole("radio", { name: /^Find the repository/ }).check();
    await field(page, "Repository").waitFor();
    assert.equal(await field(page, "Project id").isVisible(), false);
  });
});

test("a_name_that_was_found_counts_no_more_once_it_is_changed", async () => {
  await withRules(async (page) => {
    await answer(page, { found: FOUND });
    await open(page);
    await field(page, "Repository").fill("acme/shop");
    await dialog(page).getByRole("button", { name: "Find repository" }).click();
    await dialog(page).getByText("Found: acme/shop").waitFor();
    await field(page, "Repository").fill("acme/shopping");
    assert.equal(await dialog(page).getByText("Found: ").count(), 0);
    await page.unroute("**/org/trust-rules/find");
    await answer(page, { found: [422, "repository_unknown", "the forge shows no such repository"] });
    await page.keyboard.press("Enter");
    await dialog(page).getByRole("alert").getByText("The forge shows no such repository. Or paste a job token.").waitFor();
    await send(page);
    await dialog(page).getByText("Find the repository first").waitFor();
  });
});

test("a_rule_is_added_by_a_pasted_token_which_never_leaves_the_browser", async () => {
  await withRules(async (page, { rules, context }) => {
    const token = jobToken();
    const payload = token.split(".")[1];
    const sent = [];
    page.on("request", (request) => sent.push(`${request.method()} ${request.url()} ${request.postData() ?? ""}`));
    await open(page);
    await dialog(page).getByLabel("CI system").selectOption("gitlab");
    await paste(page, token);
    await dialog(page).getByText("Read from the token: acme/shop, repository id 638201, owner id 4477.").waitFor();
    assert.equal(await dialog(page).getByLabel("CI system").inputValue(), "github", "the token says who signed it");
    assert.equal(await field(page, "Job token").inputValue(), "", "it has left the field");
    await dialog(page).getByText("Conditions (optional): none").click();
    await dialog(page).getByRole("button", { name: "Ask for the same as the token: workflow release.yml · environment production · branch main" }).click();
    await dialog(page).getByText("Conditions (optional): workflow release.yml").waitFor();
    await dialog(page).getByLabel("Longest life").selectOption("1 hour");
    await send(page);
    await page.locator("#rules .place").getByText("Gives shop: attest, for 60 min at most").waitFor();

    const [rule] = await rules();
    assert.deepEqual([rule.repository_id, rule.repository_owner_id, rule.conditions.ref, rule.workflow, rule.longest_life_seconds], [638201, 4477, "refs/heads/main", null, 3_600]);
    assert.ok(sent.some((request) => request.startsWith("POST")));
    for (const request of sent) assert.ok(!request.includes(payload) && !request.includes("signature"), request.slice(0, 80));
    assert.ok(!(await page.content()).includes(payload) && !page.url().includes(payload));
    const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, history.state]);
    assert.deepEqual(kept, [0, 0, "", { signedIn: true }]);
    assert.deepEqual(await context.cookies(), []);
  });
});

test("what_a_pasted_token_says_is_read_for_each_issuer", async () => {
  await withRules(async (page, { rules }) => {
    for (const [token, told] of [
      ["not a token", "This is not a job token"],
      [`Bearer ${jobToken()}`, "Leave out “Bearer”."],
      ["aaaa.bbbb.cccc", "This cannot be read as a job token."],
      [jobToken({ iss: "https://evil.example" }), "The token is of https://evil.example, which this gateway does not trust."],
      [jobToken({ repository_id: undefined }), "The token does not say which repository it is of."],
      ["x".repeat(16_385), "This is longer than any job token."],
    ]) {
      await page.keyboard.press("Escape");
      await dialog(page).waitFor({ state: "detached" });
      await open(page);
      await paste(page, token);
      await dialog(page).getByRole("alert").getByText(told).waitFor();
      assert.equal(await field(page, "Job token").inputValue(), "", told);
      assert.equal(await field(page, "Job token").getAttribute("aria-invalid"), "true");
    }
    // Without its signature, which opens nothing.
    await field(page, "Job token").fill(gitlabToken().split(".").slice(0, 2).join("."));
    await dialog(page).getByText("Read from the token: acme/tools/shop, project id 99, namespace id 12.").waitFor();
    await dialog(page).getByText("Conditions (optional): none").click();
    await dialog(page).getByRole("button", { name: "Ask for the same as the token: workflow .gitlab-ci.yml · environment production · branch main" }).waitFor();
    await field(page, "Job token").fill(jobToken({ iss: "https://ci.example.com", sub: "job:nightly" }));
    await dialog(page).getByText("Read from the token: subject job:nightly.").waitFor();
    assert.equal(await dialog(page).getByText("Conditions (optional)").isVisible(), false, "its tokens say nothing else");
    await send(page);
    await page.locator("#rules .place").getByText("job:nightly").waitFor();
    const [{ issuer, subject }] = await rules();
    assert.deepEqual([issuer, subject], ["https://ci.example.com", "job:nightly"]);
  });
});

test("a_refusal_stands_beside_its_field_in_peoples_words", async () => {
  await withRules(async (page, { rules }) => {
    await open(page);
    await paste(page, jobToken());
    await dialog(page).getByRole("button", { name: "Add rule" }).click();
    await dialog(page).getByRole("alert").getByText("Choose a project.").waitFor();
    for (const [label, value, told] of [
      ["Workflow file", "release", "Give the file alone, such as release.yml"],
      ["Environment", "prod*", "Give the environment’s name, without wildcards."],
      ["Branch or tag", "main", "Give the branch or tag in full, such as refs/heads/main"],
      ["Events", "Push", "Give at most 16 events, of lower case letters"],
      ["Reusable workflow", "build.yml", "Give repository, file and version"],
    ]) {
      const input = dialog(page).getByLabel(label, { exact: true });
      await input.evaluate((input) => (input.closest("details").open = true));
      await input.fill(value);
      await input.evaluate((input) => (input.closest("details").open = false));
      await send(page);
      await dialog(page).getByRole("alert").getByText(told).waitFor();
      assert.equal(await input.getAttribute("aria-invalid"), "true", label);
      assert.ok(await input.evaluate((input) => input === document.activeElement), `the focus is on ${label}`);
      const described = await input.evaluate((input) => input.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id).textContent).join(" "));
      assert.ok(described.includes(told) && !/[`_]/.test(described.replace("digits and _", "")), described);
      await input.fill("");
      assert.equal(await input.getAttribute("aria-invalid"), null);
    }
    await dialog(page).getByLabel("Protected branches and tags only").check();
    await send(page);
    await dialog(page).getByRole("alert").getByText("Name the branch, tag or environment too").waitFor();
    await dialog(page).getByLabel("Protected branches and tags only").uncheck();
    await dialog(page).getByText("The job may: attest").click();
    for (const box of await dialog(page).locator("details", { hasText: "The job may" }).getByRole("checkbox").all()) await box.uncheck();
    await send(page);
    await dialog(page).getByRole("alert").getByText("Tick at least one").waitFor();
    assert.deepEqual(await rules(), []);
  });
});

test("a_rule_is_removed_with_the_tokens_that_it_gave", async () => {
  await withRules(async (page, { name, rules }) => {
    await open(page);
    await paste(page, jobToken());
    await send(page);
    await page.getByRole("button", { name: "Remove the rule for acme/shop, no conditions" }).click();
    await dialog(page).getByText("The CI tokens that it gave end at once").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
    assert.equal((await rules()).length, 1, "nothing happens before the confirmation");
    await dialog(page).getByRole("button", { name: "Remove rule" }).click();
    assert.equal(await dialog(page).locator("#final").textContent(), "The rule is removed. It had no active CI tokens.");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Done");
    await dialog(page).getByRole("button", { name: "Done" }).click();
    await page.getByText("No trust rules yet.").waitFor();
    assert.deepEqual(await rules(), []);
    assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "BODY", "the focus has a place");

    await recorded(name, "trust_rule.remove");
    await page.getByRole("link", { name: "Audit" }).click();
    await page.locator("#events").getByText("Trust rule removed").waitFor();
    await page.locator("#events").getByText("Trust rule added").waitFor();
    await page.getByRole("link", { name: "CI jobs" }).click();
    const snippet = page.locator("details", { hasText: "GitHub Actions" }).locator("pre");
    assert.match(await snippet.textContent(), /id-token: write/);
    assert.ok((await snippet.textContent()).includes(`https://gate.example/${name}`));
  });
});
