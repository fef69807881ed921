// Revoking, one and many, and rotating.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, mint, opens, organization, rowOf, signIn, withPage } from "./world.mjs";

test("a_token_is_revoked_from_its_row_with_one_confirmation", async () => {
  const name = await organization();
  const leaked = await mint(name, { name: "leaked" });
  assert.equal(await opens(leaked.token), 200);
  await withPage(async (page) => {
    await signIn(page, { organization: name });
    await rowOf(page, leaked).getByRole("button", { name: `Revoke leaked, ${leaked.prefix}` }).click();
    const dialog = page.getByRole("dialog");
    for (const told of ["leaked", leaked.prefix, "organization", "Last used"]) assert.ok((await dialog.textContent()).includes(told), told);
    assert.equal(await opens(leaked.token), 200, "nothing happens before the confirmation");
    await dialog.getByRole("button", { name: "Revoke token" }).click();
    const final = await dialog.locator("#final").textContent();
    assert.match(final, /leaked was revoked at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, final at \d\d:\d\d:\d\d UTC\./);
    assert.equal(await opens(leaked.token), 401);
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByText("No active tokens.").waitFor();
    await page.getByLabel("Status").selectOption("revoked");
    await rowOf(page, leaked).getByText("Revoked").waitFor();
    assert.equal(await rowOf(page, leaked).getByRole("button", { name: "Revoke" }).count(), 0);
  });
});

test("what_is_selected_is_shown_before_it_is_revoked", async () => {
  const name = await organization();
  const [first, second, kept] = [await mint(name, { name: "a" }), await mint(name, { name: "b" }), await mint(name, { name: "kept" })];
  assert.equal(await opens(first.token), 200);
  await withPage(async (page) => {
    await signIn(page, { organization: name });
    for (const token of [first, second]) await rowOf(page, token).getByRole("checkbox").check();
    await page.getByRole("button", { name: "Revoke selected…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("2 tokens would be revoked.").waitFor();
    assert.match(await dialog.locator(".matches").textContent(), new RegExp(first.prefix));
    assert.equal(await opens(second.token), 200, "a dry run revokes nothing");
    await dialog.getByRole("button", { name: "Revoke 2 tokens" }).click();
    await dialog.getByText(/2 tokens revoked at /).waitFor();
    await dialog.getByRole("button", { name: "Done" }).click();
    await rowOf(page, first).waitFor({ state: "detached" });
    await rowOf(page, kept).waitFor();
  });
  assert.deepEqual(await Promise.all([first, second, kept].map((token) => opens(token.token))), [401, 401, 200]);
});

test("criteria_reach_what_they_say_and_none_are_refused", async () => {
  const name = await organization();
  const inside = await mint(name, { name: "inside", project: "shop" });
  const outside = await mint(name, { name: "outside" });
  await withPage(async (page) => {
    await signIn(page, { organization: name });
    await page.getByRole("button", { name: "Revoke many…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Show what would be revoked" }).click();
    await dialog.locator('[data-code="selector_empty"]').waitFor();
    await dialog.getByLabel("Project").fill("shop");
    await dialog.getByRole("button", { name: "Show what would be revoked" }).click();
    await dialog.getByText("1 token would be revoked.").waitFor();
    await dialog.getByRole("button", { name: "Revoke 1 token" }).click();
    await dialog.getByText("1 token revoked at ").waitFor();
  });
  const { body } = await api("GET", "/org/tokens?status=all", { organization: name });
  const ended = Object.fromEntries(body.tokens.map((token) => [token.id, token.revoked_at !== null]));
  assert.deepEqual(ended, { [inside.id]: true, [outside.id]: false });
});

test("a_rotation_shows_the_successor_and_both_live_for_the_overlap", async () => {
  const name = await organization();
  const old = await mint(name, { name: "old one" });
  await withPage(async (page) => {
    await signIn(page, { organization: name });
    await rowOf(page, old).getByRole("button", { name: "Rotate" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Both work for").selectOption("10m");
    await dialog.getByRole("button", { name: "Rotate" }).click();
    const shown = page.getByRole("dialog", { name: "Token rotated" });
    const secret = await shown.locator("#secret").textContent();
    assert.notEqual(secret, old.token);
    assert.deepEqual([await opens(old.token), await opens(secret)], [200, 200]);
    await shown.getByRole("button", { name: "Copy token" }).click();
    await shown.getByRole("button", { name: "Close" }).click();
    await rowOf(page, old).getByText(/^Ends in (9|10) minutes$/).waitFor();

    await rowOf(page, old).getByRole("button", { name: "Rotate" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
    await page.getByRole("dialog").locator('[data-code="token_not_live"]').waitFor();
  });
});

test("filters_text_and_pages_find_a_token", async () => {
  const name = await organization();
  const needle = await mint(name, { name: "needle", project: "shop", workflow: "release" });
  for (let turn = 0; turn < 3; turn += 1) await mint(name, { name: `hay-${turn}` });
  await withPage(async (page) => {
    // Pages of two, so that there are some.
    await page.route("**/org/tokens?*limit=100*", (route) => route.continue({ url: route.request().url().replace("limit=100", "limit=2") }));
    await signIn(page, { organization: name });
    const rows = page.locator("#list tbody tr");
    assert.equal(await rows.count(), 2);
    await page.getByRole("button", { name: "Load more" }).click();
    await rowOf(page, needle).waitFor();
    assert.equal(await rows.count(), 4);
    await page.getByLabel("Text").fill(needle.prefix);
    assert.equal(await rows.count(), 1);
    await page.getByLabel("Text").fill("nothing like it");
    await page.getByText("No token matches these filters.").waitFor();
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await page.getByLabel("Scope", { exact: true }).selectOption("workflow");
    await rowOf(page, needle).waitFor();
    assert.equal(await rows.count(), 1);
    await page.getByLabel("Project").fill("nowhere");
    await page.getByLabel("Project").press("Tab");
    await page.locator("#list .empty .strong, section .note.bad").first().waitFor();
  });
});
