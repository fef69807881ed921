// What the page says of CI jobs: a token that is tested, tokens that a rule gave, and a gateway that trusts no CI system.

import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, JOB, jobToken, RULES, TESTED } from "./job_answers.mjs";
import { mint, organization, rowOf, signIn, withPage } from "./world.mjs";

const dialog = (page) => page.getByRole("dialog");

test("a_tested_token_says_which_rule_counts_and_why_the_others_do_not", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await answer(page, { rules: RULES, tested: TESTED });
    await signIn(page, { organization: name, view: "#ci" });
    await page.getByRole("button", { name: "Test a job token" }).click();
    const input = dialog(page).getByLabel("Job token", { exact: true });
    const test = dialog(page).getByRole("button", { name: "Test" });
    const token = jobToken();
    await input.fill(token.split(".").slice(0, 2).join("."));
    await test.click();
    await dialog(page).getByRole("alert").getByText("The signature is missing").waitFor();
    await input.fill(token);
    const asked = page.waitForRequest("**/org/trust-rules/test");
    await test.click();
    assert.deepEqual((await asked).postDataJSON(), { token });
    await dialog(page).getByText("This job would get a token.").waitFor();
    assert.equal(await input.inputValue(), "");
    assert.ok(!(await page.content()).includes(token.split(".")[1]));
    assert.equal(await page.evaluate(() => document.activeElement.id), "verdict");
    assert.deepEqual(await dialog(page).locator(".verdicts li").allTextContents(), [
      "Counts acme/shop: workflow release.yml · environment production",
      "Met acme/shopAnother rule counts before it.",
      "Not met acme/a-project-with-a-long-name/and-folders: branch main · protected branches and tags only · events push, scheduleRepository: the rule asks 99, the token says 638201.",
      "Not met acme/shopEnvironment: the rule asks production, the token says staging.",
      "Not met acme/shopEvent: the token says pull_request, which counts only where a rule names it, as people without write access can start such runs. If such runs may have tokens, add a rule with pull_request under “Events”; otherwise run the job by a push, a release or a schedule.",
    ]);
    await dialog(page).getByText("shop / release").waitFor();

  });
});

test("no_rule_counts_for_a_token_that_opens_nothing_and_the_page_says_why", async () => {
  const name = await organization();
  const [unverified, refused] = [{ verified: false, job: null, rules: [], gives: null }, { ...TESTED, gives: null }];
  const [here, elsewhere] = ["https://gate.example/acme", "https://other.example/globex"];
  const needs = `A job of this organization needs one for ${here}`;
  const rows = [
    [{ ...unverified, refusal: "`aud` is somebody else" }, elsewhere, `The gateway does not accept this token. The token was made for ${elsewhere}. ${needs}: that is the audience to ask the CI system for.`],
    [{ ...unverified, refusal: "`aud` names several: it must name one" }, [here, elsewhere], `The gateway does not accept this token. The token was made for ${here} and ${elsewhere}. ${needs} alone: that`],
    [{ ...unverified, refusal: "the token has expired" }, here, "The gateway does not accept this token. The token has expired."],
    [{ ...refused, refusal: "the token is for another organization" }, elsewhere, `This job gets nothing. The token was made for ${elsewhere}. ${needs}: that`],
    [{ ...refused, refusal: "a token for `chainloop` is not exchanged" }, "chainloop", `This job gets nothing. The token was made for chainloop. ${needs}: that`],
    [{ ...refused, presented: true, refusal: "the job token was presented before" }, here, "This job gets nothing. The job token was presented before. A job token can be exchanged once: test a new one."],
    // Whatever else the answer says: a refusal comes first.
    [{ ...TESTED, refusal: "what the job would get has ended" }, here, "This job gets nothing. What the job would get has ended."],
  ];
  await withPage(async (page) => {
    await answer(page, { rules: RULES });
    await signIn(page, { organization: name, view: "#ci" });
    await page.getByRole("button", { name: "Test a job token" }).click();
    const verdict = dialog(page).locator("#verdict");
    for (const [tested, aud, told] of rows) {
      await page.unroute("**/org/trust-rules/test");
      await answer(page, { tested });
      await dialog(page).getByLabel("Job token", { exact: true }).fill(jobToken({ aud }));
      await dialog(page).getByRole("button", { name: "Test" }).click();
      await verdict.filter({ hasText: told }).waitFor();
      assert.equal(await verdict.getAttribute("class"), "note bad", told);
      const badges = await dialog(page).locator(".verdicts .badge").allTextContents();
      assert.deepEqual(badges, tested.rules.length ? ["Met", "Met", "Not met", "Not met", "Not met"] : [], told);
      assert.equal(await dialog(page).locator('.badge[data-kind="good"]').count(), 0, "nothing is green");
      assert.equal(await dialog(page).getByText("Another rule counts before it.").count(), 0, told);
      assert.equal(await dialog(page).getByText("shop / release").count(), 0, "it gets nothing");
    }
    // One that is shown as it is goes on.
    await page.unroute("**/org/trust-rules/test");
    await answer(page, { tested: { ...TESTED, presented: true } });
    await dialog(page).getByLabel("Job token", { exact: true }).fill(jobToken());
    await dialog(page).getByRole("button", { name: "Test" }).click();
    await verdict.filter({ hasText: "This job would get a token. It has shown this job token before" }).waitFor();
    assert.equal(await dialog(page).locator('.badge[data-kind="good"]').textContent(), "Counts");
  });
});

test("a_rule_is_told_with_what_it_gives_beyond_attesting_and_where_it_is_risky", async () => {
  const name = await organization();
  const [first] = RULES;
  const nameless = { ...first, repository: undefined };
  const attest = ["cas_artifact:create", "workflow:read", "workflow_contract:read", "workflow_run:read"];
  const rows = [
    [{ ...first, policies: attest }, "acme/shop", "attest, for 15 min", null],
    [{ ...first, policies: [...attest, "cas_artifact:read", "workflow_run:list"] }, "acme/shop", "attest, and download artifacts, list workflow runs, for 15 min", null],
    [{ ...first, policies: [...attest, "cas_artifact:read", "workflow_run:list", "workflow:list"] }, "acme/shop", "attest, and 3 other things, for 15 min", null],
    [{ ...nameless, conditions: {} }, "repository 638201 at GitHub", "attest, for", "Every job of the repository gets tokens by this rule"],
    [{ ...nameless, issuer: "github=https://github.example.com" }, "repository 638201 at github.example.com", "attest, for", null],
    [{ ...RULES[1], issuer: "gitlab", repository: undefined, project_id: 22 }, "project 22 at GitLab.com", "attest, for", null],
    [{ ...first, conditions: { events: ["push", "pull_request_target"] } }, "acme/shop", "attest, for", "People without write access can start runs of pull_request_target,"],
    [{ ...first, conditions: { events: ["workflow_run"] } }, "acme/shop", "attest, for", "People without write access can start runs of workflow_run,"],
    [RULES[2], "job:nightly", "attest, for", null],
  ];
  await withPage(async (page) => {
    await answer(page, { rules: rows.map(([rule], index) => ({ ...rule, id: `r${index}` })) });
    await signIn(page, { organization: name, view: "#ci" });
    for (const [index, [, about, gives, warning]] of rows.entries()) {
      const row = page.locator(`[data-rule="r${index}"]`);
      assert.equal(await row.locator(".place-name").textContent(), about);
      assert.ok((await row.locator("summary").textContent()).startsWith(`Gives shop / release: ${gives}`), `${index}: ${await row.locator("summary").textContent()}`);
      const warned = await row.locator(".warning").allTextContents();
      assert.equal(warned.length, warning ? 1 : 0, `${index}: ${warned}`);
      if (warning) assert.ok(warned[0].startsWith(warning), warned[0]);
    }
    const list = page.locator('[data-rule="r2"] details div');
    await page.locator('[data-rule="r2"] summary').click();
    assert.deepEqual(await list.locator("ul").evaluateAll((lists) => lists.map((list) => list.children.length)), [4, 3]);
  });
});

test("a_rule_that_is_removed_says_how_many_tokens_ended_where_some_did", async () => {
  const name = await organization();
  const rows = [
    [0, "The rule is removed. It had no active CI tokens."],
    [1, "The rule is removed. 1 CI token was revoked, which is final."],
    [1_204, "The rule is removed. 1,204 CI tokens were revoked, which is final."],
  ];
  await withPage(async (page) => {
    await answer(page, { rules: RULES });
    await signIn(page, { organization: name, view: "#ci" });
    for (const [count, told] of rows) {
      await page.unroute("**/org/trust-rules/*");
      await page.route("**/org/trust-rules/*", (route) => route.fulfill({ json: { id: RULES[0].id, removed_at: "2026-11-29T10:00:00.000Z", revoked_tokens: count } }));
      await page.getByRole("button", { name: "Remove the rule for acme/shop, workflow release.yml" }).click();
      await dialog(page).getByRole("button", { name: "Remove rule" }).click();
      assert.equal(await dialog(page).locator("#final").textContent(), told);
      await dialog(page).getByRole("button", { name: "Done" }).click();
      await dialog(page).waitFor({ state: "detached" });
    }
  });
});

test("a_token_of_a_job_shows_its_run_and_links_to_its_forge_alone", async () => {
  const name = await organization();
  const real = await mint(name, { name: "ci" });
  delete real.token;
  const rows = [
    [{}, "https://github.com/acme/shop/actions/runs/9876543210"],
    [{ issuer: "gitlab", repository: "acme/tools/shop" }, "https://gitlab.com/acme/tools/shop/-/pipelines/9876543210"],
    [{ issuer: "gitlab=https://gitlab.example.com", repository: "acme/shop" }, "https://gitlab.example.com/acme/shop/-/pipelines/9876543210"],
    [{ repository: "acme/.." }, null],
    [{ repository: "acme/shop/../../evil" }, null],
    [{ repository: "evil@host/shop" }, null],
    [{ repository: "acme/shop?x=" }, null],
    [{ issuer: "gitlab", repository: "acme/../shop" }, null],
    [{ issuer: "gitlab=javascript:alert(1)//", repository: "acme/shop" }, null],
    [{ issuer: "https://ci.example.com" }, null],
    [{ issuer: "github=https://github.example.com" }, null],
    [{ run_id: "1/../../evil" }, null],
    [{ repository: undefined }, null],
  ];
  const tokens = rows.map(([job], index) => ({ ...real, uses: 0, daily_uses: [], id: `${index}`, name: `ci-${index}`, created_by: `trust-rule:${JOB.rule}`, ci_job: { ...JOB, ...job } }));
  await withPage(async (page) => {
    await page.route("**/org/tokens?*", (route) => route.fulfill({ json: { tokens, next_cursor: null } }));
    await page.route("**/org/tokens/*", (route) => route.fulfill({ json: tokens[Number(route.request().url().split("/").at(-1))] }));
    await signIn(page, { organization: name, view: "#tokens" });
    const first = rowOf(page, tokens[0]);
    assert.equal(await first.locator(".col-creator bdi").getAttribute("title"), "trust rule for acme/shop: run 9876543210 · 1f0c7d5 · tag v1.4.0");
    await first.getByRole("button", { name: "Actions for" }).click();
    assert.equal(await page.getByRole("menuitem", { name: "Rotate…" }).count(), 0);
    await page.keyboard.press("Escape");
    for (const [index, [job, url]] of rows.entries()) {
      await rowOf(page, tokens[index]).locator("th a").click();
      await page.getByRole("heading", { level: 1, name: `ci-${index}`, exact: true }).waitFor();
      const run = page.locator("dl > div", { hasText: /^Run/ });
      const links = await run.getByRole("link").evaluateAll((found) => found.map((link) => [link.href, link.rel, link.target]));
      assert.deepEqual(links, url ? [[url, "noopener noreferrer", "_blank"]] : [], JSON.stringify(job));
      if (index === 0) {
        const facts = await page.locator("dl").textContent();
        for (const told of ["acme/shop, GitHub Actions", JOB.commit, "kim (release)", "production", JOB.workflow, "attempt 2"]) assert.ok(facts.includes(told), told);
      }
      await page.goBack();
      await rowOf(page, tokens[index]).waitFor();
    }
  });
});

test("where_job_tokens_are_off_the_page_says_which_setting_turns_them_on", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#ci" });
    await page.locator("#off").getByText("Job tokens are off on this gateway.").waitFor();
    assert.match(await page.locator("#off").textContent(), /CI_ISSUERS.*CI_AUDIENCES/);
    assert.equal(await page.getByRole("button", { name: /Add a rule|Test a job token/ }).count(), 0);
    assert.equal(await page.locator("main pre").count(), 0, "no snippet would work");
  });
});

test("who_may_not_see_trust_rules_is_told_so", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await answer(page, { refused: { method: "GET", with: [403, "operation_not_allowed", "operation not allowed"] } });
    await signIn(page, { organization: name, view: "#ci" });
    await page.getByText("You are not allowed to see trust rules.").waitFor();
    assert.equal(await page.getByText("No trust rules yet.").count(), 0, "which would be a guess");
    assert.equal(await page.getByRole("button", { name: "Add a rule" }).count(), 0);
  });
});
