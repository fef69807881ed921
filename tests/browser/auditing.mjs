// The time line: what happened, its chain, its tokens, its export.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { mint, organization, rowOf, signIn, url, withPage } from "./world.mjs";

test("events_lead_to_their_tokens_and_back", async () => {
  const name = await organization();
  const token = await mint(name, { name: "followed" });
  await mint(name, { name: "another" });
  await withPage(async (page) => {
    await signIn(page, { organization: name });
    await rowOf(page, token).getByRole("button", { name: "History" }).click();
    await page.getByText(`History of ${token.prefix}`).waitFor();
    await page.locator(".timeline li", { hasText: "Token created" }).waitFor();
    assert.equal(await page.locator(".timeline li").count(), 1);
    await page.getByRole("button", { name: `Token ${token.prefix}` }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(token.id).waitFor();
    await dialog.getByRole("button", { name: "History" }).click();
    await page.getByText(`History of ${token.prefix}`).waitFor();
    await page.getByLabel("Action").selectOption("token.revoke");
    await page.getByText("No event matches these filters.").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.locator(".timeline li", { hasText: "Project created" }).waitFor();
  });
});

test("the_chain_is_compared_and_a_change_is_seen", async () => {
  const name = await organization();
  await mint(name, { name: "one" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit" });
    const chain = page.locator("#chain");
    await chain.filter({ hasText: "links fit, down to the first row." }).waitFor();
    await chain.filter({ hasText: "The gateway has checked these rows" }).waitFor();
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
      await page.getByRole("button", { name: "Clear" }).click();
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
