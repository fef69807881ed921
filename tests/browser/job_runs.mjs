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
      "Not met acme/shopEvent: the token says pull_request, which counts only where a rule names it, as people without write access may begin such runs.",
    ]);
    await dialog(page).getByText("shop / release").waitFor();

    await page.unroute("**/org/trust-rules/test");
    await answer(page, { tested: { verified: false, refusal: "`aud` is somebody else", job: null, rules: [], gives: null } });
    await input.fill(token);
    await test.click();
    await dialog(page).getByText("The gateway does not accept this token. Aud is somebody else.").waitFor();
    assert.equal(await dialog(page).locator(".verdicts").count(), 0);
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
    await signIn(page, { organization: name });
    for (const [index, [job, url]] of rows.entries()) {
      const cell = rowOf(page, tokens[index]).locator('[data-label="Created"]');
      const links = await cell.getByRole("link").evaluateAll((found) => found.map((link) => [link.href, link.rel, link.target]));
      assert.deepEqual(links, url ? [[url, "noopener noreferrer", "_blank"]] : [], JSON.stringify(job));
    }
    const first = rowOf(page, tokens[0]);
    assert.match(await first.locator('[data-label="Created"]').textContent(), /by trust rule for acme\/shoprun 9876543210, attempt 2 · 1f0c7d5 · tag v1\.4\.0$/);
    assert.equal(await first.getByRole("button", { name: "Rotate" }).count(), 0);
    await page.getByLabel("Text").fill("1f0c7d5b");
    await first.getByRole("button", { name: "Details of" }).click();
    const facts = await dialog(page).locator("dl").textContent();
    for (const told of ["acme/shop, GitHub Actions", JOB.commit, "kim (release)", "production", JOB.workflow]) assert.ok(facts.includes(told), told);
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
