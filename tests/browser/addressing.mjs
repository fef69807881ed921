// The address: every view and filter has a link, Back works, and what is open below follows it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { answerActivity } from "./activity_answers.mjs";
import { ADMIN, mint, openDashboard, organization, signIn, withPage } from "./world.mjs";

const VIEWS = ["Overview", "Tokens", "CI jobs", "Activity", "Audit", "Settings", "Status"];
const titled = (page, name) => page.getByRole("heading", { name, level: 1, exact: true }).waitFor();

test("there_are_no_views_before_sign_in_but_status_and_help", async () => {
  await withPage(async (page) => {
    await openDashboard(page);
    await titled(page, "Sign in");
    assert.equal(await page.locator("#nav a").count(), 0);
    await page.getByText("Where do I find this?").click();
    await page.getByText("whoever deployed the gateway has it").waitFor();
    const foot = page.getByRole("contentinfo");
    await foot.getByText(/^Version \d+\.\d+\.\d+$/).waitFor();
    assert.equal(await foot.getByRole("link", { name: "API" }).getAttribute("href"), "/openapi.json");
    for (const [link, title] of [["Docs", "Help"], ["Status", "Status"]]) {
      await foot.getByRole("link", { name: link }).click();
      await titled(page, title);
      await page.getByRole("link", { name: "Sign in" }).click();
      await titled(page, "Sign in");
    }
  });
});

test("back_goes_through_views_and_filters", async () => {
  const name = await organization();
  await mint(name, { name: "one" });
  await withPage(async (page) => {
    await answerActivity(page);
    await signIn(page, { organization: name, view: "#overview" });
    await titled(page, "Overview");
    assert.deepEqual(await page.locator("#nav a").allInnerTexts(), VIEWS);
    for (const view of VIEWS.slice(1)) {
      await page.locator("#nav").getByRole("link", { name: view, exact: true }).click();
      await titled(page, view);
      assert.equal(await page.locator("#nav [aria-current]").innerText(), view);
      assert.equal(await page.title(), `${view} · Postern`);
    }
    for (const view of VIEWS.slice(0, -1).reverse()) {
      await page.goBack();
      await titled(page, view);
    }
    await page.locator("#nav").getByRole("link", { name: "Audit", exact: true }).click();
    await page.locator("#events tr", { hasText: "Token created" }).waitFor();
    await page.getByLabel("Action", { exact: true }).selectOption("project.create");
    await page.locator("#events tr", { hasText: "Token created" }).waitFor({ state: "detached" });
    await page.getByLabel("Time", { exact: true }).selectOption("24h");
    await page.waitForURL(/action=project\.create&within=24h/);
    await page.goBack();
    await page.waitForURL(/#audit\?action=project\.create(&organization|$)/);
    assert.deepEqual([await page.getByLabel("Action", { exact: true }).inputValue(), await page.getByLabel("Time", { exact: true }).inputValue()], ["project.create", ""]);
    await page.goBack();
    await page.locator("#events tr", { hasText: "Token created" }).waitFor();
    assert.equal(await page.getByLabel("Action", { exact: true }).inputValue(), "");
  });
});

test("a_link_opens_the_same_view_of_the_same_organization", async () => {
  const [first, second] = [await organization(), await organization()];
  // D1 has what comes before a token once that is there.
  await mint(first, { name: "in-the-first" });
  await mint(second, { name: "in-the-second" });
  await withPage(async (page) => {
    await signIn(page, { organization: second, view: "#audit?action=token.mint" });
    await page.locator("#events tr", { hasText: "Token created" }).waitFor();
    const link = page.url();
    assert.ok(link.includes(`organization=${second}`) && !link.includes(ADMIN), link);
    await page.reload();
    await page.getByText("The page was reloaded.").waitFor();
    await page.getByLabel("Token or administrator key").fill(ADMIN);
    await page.getByRole("button", { name: "Sign in" }).click();
    await titled(page, "Audit");
    assert.equal(await page.locator("#who select").inputValue(), second);
    assert.equal(await page.getByLabel("Action", { exact: true }).inputValue(), "token.mint");
    // Another organization has other tokens: its view begins without filters, and Back leads to the first one again.
    await page.getByLabel("Organization", { exact: true }).selectOption(first);
    await page.locator("#events tr", { hasText: "Organization created" }).waitFor();
    await page.goBack();
    await page.locator("#events tr", { hasText: "Token created" }).waitFor();
    assert.equal(await page.locator("#who select").inputValue(), second);
  });
});

test("refresh_asks_again_and_back_closes_what_is_open", async () => {
  const name = await organization();
  await mint(name, { name: "before" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit" });
    await page.locator("#events tr", { hasText: "Organization created" }).waitFor();
    await mint(name, { name: "meanwhile" });
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.locator("#events tr", { hasText: "meanwhile" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "refresh", "the focus stays");
    await page.locator("#nav").getByRole("link", { name: "Settings" }).click();
    await page.getByRole("button", { name: "New project" }).click();
    await page.getByRole("dialog").waitFor();
    await page.goBack();
    await titled(page, "Audit");
    assert.equal(await page.getByRole("dialog").count(), 0);
  });
});
