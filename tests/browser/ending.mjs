// Revoking, one and many, rotating and restoring.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { act, api, mint, opens, organization, rowOf, signIn, withPage } from "./world.mjs";

const dialog = (page) => page.getByRole("dialog");

test("a_token_is_revoked_from_its_row_with_one_confirmation", async () => {
  const name = await organization();
  const leaked = await mint(name, { name: "leaked" });
  assert.equal(await opens(leaked.token), 200);
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await act(page, leaked, "Revoke…");
    for (const told of ["leaked", leaked.prefix, "organization", "administrator key", "Last used"]) {
      assert.ok((await dialog(page).textContent()).includes(told), told);
    }
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
    assert.equal(await opens(leaked.token), 200, "nothing happens before the confirmation");
    await dialog(page).getByRole("button", { name: "Revoke token" }).click();
    const final = page.locator("main #final");
    await final.waitFor();
    assert.match(await final.textContent(), /^leaked revoked at \d\d:\d\d:\d\d UTC\. All further requests are refused\.$/);
    assert.equal(await opens(leaked.token), 401);
    assert.equal(await dialog(page).count(), 0);
    await page.getByText("No active tokens.").waitFor();
    assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "BODY", "the focus has a place");

    await page.getByLabel("Status").selectOption("revoked");
    await rowOf(page, leaked).locator(".badge").getByText("Revoked").waitFor();
    assert.ok(await final.isVisible(), "it stays");
    await rowOf(page, leaked).getByRole("button", { name: "Actions for" }).click();
    assert.deepEqual(await page.getByRole("menuitem").allTextContents(), ["Tokens it created", "Audit events"]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Dismiss" }).click();
    assert.equal(await final.count(), 0);
  });
});

test("what_is_selected_is_shown_before_it_is_revoked_and_survives_filters", async () => {
  const name = await organization();
  const [first, second, kept] = [await mint(name, { name: "=first" }), await mint(name, { name: "second" }), await mint(name, { name: "kept", project: "shop" })];
  assert.equal(await opens(first.token), 200);
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    for (const token of [first, second]) await rowOf(page, token).getByRole("checkbox").check();
    await page.getByText("2 selected", { exact: true }).waitFor();
    await page.getByLabel("Scope", { exact: true }).selectOption("project");
    await rowOf(page, first).waitFor({ state: "detached" });
    await page.getByText("2 selected (2 hidden)").waitFor();
    await page.getByRole("button", { name: "Revoke selected…" }).click();
    await dialog(page).getByText("2 tokens would be revoked.").waitFor();
    await dialog(page).locator("#by-project").getByText("whole organization 2").waitFor();
    const rows = await dialog(page).locator("tbody tr").evaluateAll((found) => found.map((row) => [...row.cells].map((cell) => cell.textContent)));
    assert.deepEqual(rows.map(([token, prefix, scope, creator]) => [token, prefix, scope, creator]).sort(), [
      ["=first", first.prefix, "organization", "administrator key"], ["second", second.prefix, "organization", "administrator key"],
    ]);
    for (const [kind, read] of [["CSV", (text) => text.trimEnd().split("\r\n").slice(1).map((line) => line.split('","')[1])],
      ["NDJSON", (text) => text.trimEnd().split("\n").map((line) => JSON.parse(line).prefix)]]) {
      const saving = page.waitForEvent("download");
      await dialog(page).getByRole("button", { name: `Save as ${kind}` , exact: true }).click();
      const text = await readFile(await (await saving).path(), "utf8");
      assert.deepEqual(read(text).sort(), [first.prefix, second.prefix].sort());
      if (kind === "CSV") assert.ok(text.includes(`"'=first"`), "no formula");
    }
    assert.equal(await opens(second.token), 200, "a dry run revokes nothing");
    await dialog(page).getByRole("button", { name: "Revoke 2 tokens" }).click();
    await page.locator("main #final").getByText(/2 tokens revoked at \d\d:\d\d:\d\d UTC\./).waitFor();
    await rowOf(page, kept).waitFor();
    await page.getByLabel("Scope", { exact: true }).selectOption("");
    await rowOf(page, kept).waitFor();
    await page.locator(".selection").waitFor({ state: "hidden" });
  });
  assert.deepEqual(await Promise.all([first, second, kept].map((token) => opens(token.token))), [401, 401, 403]);
});

test("criteria_reach_what_they_say_and_faults_stand_at_their_fields", async () => {
  const name = await organization();
  const maker = await mint(name, { name: "maker" });
  const { body: made } = await api("POST", "/org/tokens", { credential: maker.token, body: { name: "made", project: "shop" } });
  const inside = await mint(name, { name: "inside", project: "shop" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("button", { name: "Revoke many…" }).click();
    const review = dialog(page).getByRole("button", { name: "Review the tokens" });
    const fault = (label) => dialog(page).locator(".field", { has: page.getByLabel(label, { exact: true }) }).getByRole("alert");
    await review.click();
    await fault("Project").getByText("Give at least one condition.").waitFor();
    assert.equal(await dialog(page).getByLabel("Project").getAttribute("aria-invalid"), "true");
    for (const [label, text, told] of [
      ["Created from address", "somewhere", "This is not an IP address."], ["Project", "nowhere", "There is no project of this name."],
      ["Created by", "nobody", "No token has this name, prefix or id."],
    ]) {
      await dialog(page).getByLabel(label, { exact: true }).fill(text);
      await review.click();
      await fault(label).getByText(told).waitFor();
      await dialog(page).getByLabel(label, { exact: true }).fill("");
    }
    assert.equal(await dialog(page).getByText("`").count(), 0);
    for (const creator of ["maker", maker.prefix, maker.id]) {
      await dialog(page).getByLabel("Created by", { exact: true }).fill(creator);
      await review.click();
      await dialog(page).getByText("1 token would be revoked.").waitFor();
      assert.equal(await dialog(page).locator("tbody th").textContent(), "made");
      assert.equal(await dialog(page).locator("tbody td").nth(2).textContent(), "maker", "by the name of its creator");
      await dialog(page).getByRole("button", { name: "Back" }).click();
    }
    await review.click();
    await dialog(page).getByRole("button", { name: "Revoke 1 token" }).click();
    await page.locator("main #final").getByText(/1 token revoked at /).waitFor();
  });
  const { body } = await api("GET", "/org/tokens?status=all", { organization: name });
  const ended = Object.fromEntries(body.tokens.map((token) => [token.id, token.revoked_at !== null]));
  assert.deepEqual(ended, { [maker.id]: false, [made.id]: true, [inside.id]: false });
});

test("a_review_without_names_says_so", async () => {
  const name = await organization();
  const token = await mint(name, { name: "one", project: "shop" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.route("**/org/tokens/revoke", (route) => route.fulfill({
      json: { dry_run: true, matched: 1, used_in_last_day: 0, ids: [token.id], revoked_at: null, tokens: null, projects: null },
    }));
    await page.getByRole("button", { name: "Revoke many…" }).click();
    await dialog(page).getByLabel("Project").fill("shop");
    await dialog(page).getByRole("button", { name: "Review the tokens" }).click();
    await dialog(page).getByText("only the ids of the tokens are known now").waitFor();
    await dialog(page).getByText(token.id).waitFor();
  });
});

test("a_rotation_shows_the_successor_and_both_work_for_the_overlap", async () => {
  const name = await organization();
  const old = await mint(name, { name: "old one" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await act(page, old, "Rotate…");
    await dialog(page).getByLabel("Both work for").selectOption("10m");
    await dialog(page).getByRole("button", { name: "Rotate" }).click();
    const shown = page.getByRole("dialog", { name: "Token rotated" });
    const secret = await shown.locator("#secret").textContent();
    assert.notEqual(secret, old.token);
    assert.deepEqual([await opens(old.token), await opens(secret)], [200, 200]);
    await shown.getByRole("button", { name: "Copy token" }).click();
    await shown.getByRole("button", { name: "Close" }).click();
    await page.locator("main #final").getByText("old one rotated.").waitFor();
    await rowOf(page, old).getByText(/^Revoked in (9|10) min$/).waitFor();
    assert.equal(await rowOf(page, old).locator(".badge").textContent(), "Active");
    await rowOf(page, old).getByRole("button", { name: "Actions for" }).click();
    assert.deepEqual(await page.getByRole("menuitem").allTextContents(), ["Change…", "Tokens it created", "Audit events", "Revoke…"], "the gateway would not rotate it again");
  });
});

test("a_quarantined_token_is_counted_apart_found_by_its_risk_and_restored", async () => {
  const name = await organization();
  const held = await mint(name, { name: "found-in-public" });
  await mint(name, { name: "fine", expires_in: "90d" });
  await api("PATCH", `/orgs/${name}`, { body: { on_leak: "quarantine" } });
  assert.equal((await api("POST", "/leaks", { body: { tokens: [held.token] } })).status, 202);
  for (let tries = 0; (await opens(held.token)) !== 401; tries += 1) {
    assert.ok(tries < 100, "it is quarantined");
    await sleep(100);
  }
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    const risk = page.getByRole("button", { name: "Quarantined 1" });
    await risk.click();
    await page.getByText("1 token.").waitFor();
    await rowOf(page, held).locator(".badge").getByText("Quarantined").waitFor();
    assert.match(page.url(), /#tokens\?.*quarantined=true/);
    await page.goBack();
    await page.getByText("2 tokens.").waitFor();
    await rowOf(page, held).getByRole("button", { name: "Actions for" }).click();
    assert.equal(await page.getByRole("menuitem", { name: "Rotate…" }).count(), 0);
    await page.getByRole("menuitem", { name: "Restore…" }).click();
    await dialog(page).getByRole("button", { name: "Restore token" }).click();
    await page.locator("main #final").getByText("found-in-public restored.").waitFor();
    await rowOf(page, held).locator(".badge").getByText("Active").waitFor();
    assert.equal(await opens(held.token), 200);
  });
});
