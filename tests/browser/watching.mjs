// The overview and what was refused: numbers that lead to their tokens, charts on one scale, a tail that goes on, and why.

import assert from "node:assert/strict";
import { test } from "node:test";
import { activity, answerActivity, TOKENS } from "./activity_answers.mjs";
import { mint, openDashboard, organization, signIn, withPage } from "./world.mjs";

/** What a function of a module of the dashboard gives. */
const inPage = (page, module, name, ...given) =>
  page.evaluate(async ([module, name, given]) => (await import(`/dashboard/${module}`))[name](...given), [module, name, given]);

test("a_burst_is_an_hour_far_above_the_others", async () => {
  await withPage(async (page) => {
    await openDashboard(page);
    const found = async (counts) => (await inPage(page, "chart.js", "bursts", counts)).flatMap((burst, at) => (burst ? [at] : []));
    assert.deepEqual(await found([0, 0, 10, 0]), [2]);
    assert.deepEqual(await found([0, 0, 9, 0]), [], "fewer than 10 are none");
    assert.deepEqual(await found([10, 10, 10, 10]), [], "as many as the others");
    assert.deepEqual(await found([4, 4, 16, 4]), [], "four times the mean is not more than that");
    assert.deepEqual(await found([4, 4, 17, 4]), [2]);
    assert.deepEqual(await found([]), []);
    for (const [most, top] of [[1, 2], [2, 2], [3, 4], [7, 10], [11, 20], [4_000, 4_000], [4_001, 6_000]]) {
      assert.equal(await inPage(page, "chart.js", "scaleTop", most), top);
    }
  });
});

test("r50_the_overview_leads_to_what_it_counts", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await answerActivity(page);
    await signIn(page, { organization: name, view: "#overview" });
    const tiles = page.getByRole("list", { name: "Tokens" }).getByRole("link");
    await tiles.first().waitFor();
    assert.deepEqual(await tiles.allInnerTexts().then((all) => all.map((text) => text.replaceAll(/\s+/g, " "))), [
      "227 of 10,000 active", "12 expire within 7 days", "41 never expire", "33 unused for 30 days", "2 quarantined", "9 created today",
    ]);
    const queries = await tiles.evaluateAll((links) => links.map((link) => [...new URLSearchParams(link.hash.split("?")[1])].filter(([key]) => key !== "organization")));
    assert.deepEqual(queries.map((query) => query.map(([key]) => key).join()), ["", "expires_before", "never_expires", "unused_since", "quarantined", "created_after,status"]);
    const days = Number(Date.parse(queries[1][0][1]) - Date.now()) / 86_400_000;
    assert.ok(days > 6.9 && days <= 7, `${days} days`);
    assert.match(queries[5][0][1], /T00:00:00\.000Z$/);

    const chart = page.getByRole("img", { name: /^Calls per day, last 30 days: 18,980 allowed, [0-9,]+ refused, 48 origin failed$/ });
    await chart.waitFor();
    assert.equal(await chart.locator("g").count(), 30);
    const by = page.getByRole("img", { name: /^Refused calls per day, by reason: [0-9,]+ no project or workflow named, / });
    assert.equal(await by.locator("g").count(), 30);
    await page.locator("figure").filter({ has: by }).getByText("As a table").click();
    const table = page.getByRole("table", { name: "Refused calls per day, by reason" });
    assert.equal(await table.getByRole("row").count(), 31);
    await table.getByRole("columnheader", { name: "Other reasons" }).waitFor();
    await page.getByText("Burst: 64 at ").waitFor();
    assert.equal(await page.locator("rect.burst").count(), 1);

    await page.getByRole("table", { name: "Tokens with the most refused calls" }).getByRole("link", { name: "Calls of release pipeline" }).click();
    await page.getByRole("heading", { name: "Activity" }).waitFor();
    assert.match(page.url(), new RegExp(`#activity\\?token=${TOKENS[0].id}`));
    await page.goBack();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await tiles.nth(4).click();
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    assert.match(page.url(), /#tokens\?quarantined=true/);
  });
});

test("refused_calls_come_in_while_they_are_looked_at", async () => {
  const name = await organization();
  await withPage(async (page) => {
    let more = 0;
    const asked = [];
    await answerActivity(page, { more: () => more, asked });
    await signIn(page, { organization: name, view: "#activity" });
    const rows = page.locator("#refused tbody tr");
    assert.equal(await rows.count(), activity().recent.length);
    more = 2;
    await page.locator("#said", { hasText: "2 more refused" }).waitFor();
    assert.equal(await rows.count(), activity(2).recent.length);
    await page.getByRole("button", { name: "Pause" }).click();
    const before = asked.length;
    await page.waitForTimeout(6_000);
    assert.equal(asked.length, before, "paused");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("Live, some 10 seconds behind, as of").waitFor();
    assert.ok(asked.length > before);
  });
});

test("refused_calls_are_filtered_by_the_address_and_explained", async () => {
  const name = await organization();
  const token = await mint(name, { name: "explained", project: "shop", workflow: "release", policies: ["workflow_run:read"] });
  await withPage(async (page) => {
    await answerActivity(page);
    Object.assign(TOKENS[0], { id: token.id, prefix: token.prefix });
    await signIn(page, { organization: name, view: "#activity?reason=not_confined" });
    const rows = page.locator("#refused tbody tr");
    const all = activity().recent.filter(({ reason }) => reason === "not_confined").length;
    assert.equal(await rows.count(), all);
    await page.getByLabel("Reason", { exact: true }).selectOption("other_project");
    await page.locator("#refused").getByText("Another project").first().waitFor();
    assert.match(page.url(), /#activity\?reason=other_project/);
    await page.goBack();
    await page.locator("#refused").getByText("No project or workflow named").first().waitFor();
    assert.equal(await page.getByLabel("Reason", { exact: true }).inputValue(), "not_confined");

    await page.goto(page.url().replace(/#.*/, `#activity?token=${token.id}`));
    await page.getByRole("heading", { name: "Last callers" }).waitFor();
    assert.equal(await page.getByLabel("Token", { exact: true }).inputValue(), token.id);
    assert.equal(await rows.count(), activity().recent.filter((row) => row.token?.id === token.id).length);
    await rows.filter({ hasText: "List, WorkflowRunService" }).filter({ hasText: "Another project" }).first().getByRole("button", { name: /^Why: / }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The token lacks").waitFor();
    await dialog.getByText("workflow_run:list").first().waitFor();
    await dialog.getByText("shop / release").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
  });
});
