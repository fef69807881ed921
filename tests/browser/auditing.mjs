// The audit log: what happened, its chain, its tokens, its export.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { mint, organization, signIn, url, withPage } from "./world.mjs";

const event = (page, text) => page.locator("#events tr[data-sequence]", { hasText: text });

test("events_are_one_line_each_and_open_in_words", async () => {
  const name = await organization();
  const token = await mint(name, { name: "followed", project: "shop" });
  await mint(name, { name: "another" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: `#audit?token=${token.id}` });
    await event(page, "Token created").waitFor();
    assert.equal(await page.locator("#events tr[data-sequence]").count(), 1);
    assert.equal(await page.getByLabel("Token", { exact: true }).inputValue(), token.id);
    assert.equal(await page.locator("#chain").count(), 0, "filtered rows say nothing of the chain");
    const row = event(page, "Token created");
    const { height } = await row.boundingBox();
    assert.ok(height <= 44, `one line, not ${height} px`);
    assert.match(await row.innerText(), /administrator key\s+Token created\s+followed\s+shop\s/);
    await row.getByRole("button", { name: /^Details of row / }).click();
    const opened = page.locator("#events tr.opened");
    await opened.getByText("all about this token").waitFor();
    assert.ok(!(await opened.locator("dl").innerText()).includes("null"));
    await opened.getByText("JSON").click();
    assert.equal(JSON.parse(await opened.locator("pre").innerText()).token_id, token.id);
    await opened.getByRole("link", { name: "all by this actor" }).click();
    await event(page, "Project created").waitFor();
    assert.match(page.url(), /#audit\?actor=admin-token/);
    await page.getByLabel("Action", { exact: true }).selectOption("token.revoke");
    await page.getByText("No event matches these filters.").waitFor();
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await event(page, "Project created").waitFor();
  });
});

test("events_are_filtered_by_what_people_know", async () => {
  const name = await organization();
  await mint(name, { name: "followed" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit" });
    await event(page, "Token created").waitFor();
    const all = await page.locator("#events tr[data-sequence]").count();
    const asked = [];
    page.on("request", (request) => request.url().includes("/org/audit?") && asked.push(new URL(request.url()).searchParams));
    await page.getByLabel("Time", { exact: true }).selectOption("1h");
    await page.waitForURL(/within=1h/);
    await event(page, "Token created").waitFor();
    assert.equal(await page.locator("#events tr[data-sequence]").count(), all);
    const since = Date.parse(asked.at(-1).get("since"));
    assert.ok(Math.abs(Date.now() - 3_600_000 - since) < 60_000, "an hour ago");
    await page.getByLabel("Time", { exact: true }).selectOption("custom");
    assert.ok(await page.getByLabel("From", { exact: true }).evaluate((input) => input === document.activeElement && input.offsetWidth >= 190), "wide enough for a date");
    await page.getByLabel("Until").fill("2020-01-01T00:00");
    await page.getByLabel("Until").press("Tab");
    await page.getByText("No event matches these filters.").waitFor();
    assert.match(page.url(), /until=2020-01-01T00%3A00%3A00\.000Z/);
    assert.doesNotMatch(page.url(), /within/);
  });
});

test("a_secret_in_a_filter_is_looked_up_and_leaves_the_page", async () => {
  const name = await organization();
  const token = await mint(name, { name: "pasted" });
  const elsewhere = await mint(await organization(), { name: "elsewhere" });
  await withPage(async (page) => {
    const addresses = [];
    page.on("request", (request) => addresses.push(request.url()));
    page.on("framenavigated", (frame) => addresses.push(frame.url()));
    await signIn(page, { organization: name, view: "#audit" });
    await event(page, "Token created").waitFor();
    for (const [view, label, told] of [["#audit", "Token", "Token created"], ["#audit", "Actor", "No event matches these filters."], ["#activity", "Token", "Only pasted."]]) {
      await page.evaluate((hash) => (location.hash = hash), view);
      const input = page.getByLabel(label, { exact: true });
      await input.fill(token.token);
      assert.ok(await input.evaluate((field) => field.classList.contains("veiled")), "nobody reads it over a shoulder");
      await input.press("Enter");
      await page.waitForURL(new RegExp(`=${token.id}`));
      await page.locator("#events, #live").filter({ hasText: told }).first().waitFor();
      assert.equal(await input.inputValue(), token.id);
      await input.fill(elsewhere.token);
      await input.press("Enter");
      await page.getByText("The pasted token is not one of this organization").waitFor();
      assert.equal(await input.inputValue(), "");
    }
    // Somebody made a link with a secret in it.
    for (const hash of [`#audit?token=${token.token}&within=1h`, `#tokens?q=${token.token}`, `#tokens/${token.token}`]) {
      await page.evaluate((to) => (location.hash = to), hash);
      await page.waitForFunction((secret) => !location.hash.includes(secret), token.token.slice(-20));
    }
    await page.waitForLoadState("networkidle");
    const sent = addresses.filter((address) => !address.includes("#") && [token, elsewhere].some((one) => address.includes(one.token.slice(-20))));
    assert.deepEqual(sent, []);
  });
});

test("the_chain_is_compared_and_a_change_is_seen", async () => {
  const name = await organization();
  await mint(name, { name: "one" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit" });
    const chain = page.locator("#chain");
    await chain.filter({ hasText: "links fit, down to the first row." }).waitFor();
    const fault = { sequence: 3, problem: "changed", detail: "row 3 was changed: its link does not fit" };
    for (const [change, told] of [
      [({ events }) => (events[0].previous = "f".repeat(64)), "The chain is broken at row"],
      [({ events }) => events.splice(1, 1), "Rows are missing in 1 place."],
      [({ faults }) => faults.push(fault), "Somebody has written to the log: row 3 was changed: its link does not fit."],
    ]) {
      await page.route("**/org/audit?*", async (route) => {
        const answer = await route.fetch();
        const body = await answer.json();
        change(body);
        await route.fulfill({ response: answer, json: body });
      });
      await page.getByRole("button", { name: "Refresh" }).click();
      await chain.filter({ hasText: told }).waitFor();
      assert.equal(await chain.getAttribute("data-state"), "broken");
      await page.unroute("**/org/audit?*");
    }
  });
});

test("the_export_is_saved_whole", async () => {
  const name = await organization();
  await mint(name, { name: "one" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit" });
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const saved = await saving;
    assert.equal(saved.suggestedFilename(), `audit-${name}.ndjson`);
    const lines = (await readFile(await saved.path(), "utf8")).trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.ok(lines.slice(0, -1).every((line) => line.content && line.link));
    assert.ok(lines.at(-1).checkpoint);
    await page.locator("#exported.good", { hasText: `${lines.length - 1} rows` }).waitFor();
    assert.ok(saved.url().startsWith(`blob:${url()}`));
  });
});
