// The page of a token: its facts, who created it and what it created, its calls, its events, and what can be done with it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { api, mint, opens, organization, rowOf, signIn, withPage } from "./world.mjs";

test("r50_a_token_has_a_page_that_its_address_leads_to", async () => {
  const name = await organization();
  const token = await mint(name, { name: "followed", description: "for the night", project: "shop", expires_in: "90d" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await rowOf(page, token).getByRole("link", { name: "followed" }).click();
    const heading = page.getByRole("heading", { level: 1, name: "followed" });
    await heading.waitFor();
    assert.match(page.url(), new RegExp(`#tokens/${token.id}`));
    for (const told of ["for the night", "shop", token.id, "opaque key", "administrator key"]) await page.locator("dl", { hasText: told }).waitFor();
    await page.locator("#part-audit").getByText("Token created").or(page.locator("#part-audit").getByText("token.mint")).first().waitFor();
    await page.goBack();
    await rowOf(page, token).waitFor();
    await page.goForward();
    await heading.waitFor();
    await page.keyboard.press("/");
    await rowOf(page, token).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
    await page.goBack();
    await heading.waitFor();
    await page.getByRole("button", { name: "Revoke…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke token" }).click();
    await page.locator("main #final").getByText(/followed revoked at \d\d:\d\d:\d\d UTC\./).waitFor();
    await page.locator(".view-head .badge").getByText("Revoked").waitFor();
    assert.equal(await page.getByRole("button", { name: "Revoke…" }).count(), 0);
    assert.equal(await opens(token.token), 401);
  });
});

test("the_tree_leads_up_to_the_root_and_down_to_any_depth", async () => {
  const name = await organization();
  const all = ["org_api_token:create", "org_api_token:list", "project_api_token:create", "project_api_token:list"];
  const line = [await mint(name, { name: "level-0", policies: all })];
  for (let level = 1; level < 4; level += 1) {
    const { status, body } = await api("POST", "/org/tokens", { credential: line.at(-1).token, body: { name: `level-${level}`, policies: all } });
    assert.equal(status, 201, JSON.stringify(body));
    line.push(body);
  }
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: `#tokens/${line[1].id}` });
    const tree = page.locator("#part-tree");
    await tree.getByText("level-1 (this token)").waitFor();
    await tree.getByText("By administrator key").waitFor();
    await tree.getByRole("link", { name: "level-0" }).waitFor();
    await tree.getByRole("link", { name: "level-2" }).waitFor();
    assert.equal(await tree.getByRole("link", { name: "level-3" }).count(), 0, "asked for when it is opened");
    await tree.getByRole("button", { name: "what it created: level-2" }).click();
    await tree.getByRole("link", { name: "level-3" }).waitFor();
    await tree.getByRole("button", { name: "what it created: level-3" }).click();
    await tree.getByText("It created no tokens.").waitFor();
    await tree.getByRole("link", { name: "level-0" }).click();
    await page.getByRole("heading", { level: 1, name: "level-0" }).waitFor();
    await tree.getByText("level-0 (this token)").waitFor();
  });
});

test("calls_callers_and_refusals_are_shown_by_those_who_made_them", async () => {
  const name = await organization();
  const token = await mint(name, { name: "caller" });
  for (let call = 0; call < 2; call += 1) assert.equal(await opens(token.token), 200);
  for (let call = 0; call < 3; call += 1) assert.equal((await api("GET", "/org/audit", { credential: token.token })).status, 403);
  for (let tries = 0; ; tries += 1) {
    const { body } = await api("GET", `/org/activity?token=${token.id}`, { organization: name });
    if (body.recent.length === 3 && body.days.at(-1).allowed === 2) break;
    assert.ok(tries < 150, JSON.stringify(body));
    await sleep(200);
  }
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: `#tokens/${token.id}` });
    await page.locator("#part-calls .legend", { hasText: "Allowed: 2" }).waitFor();
    const refused = page.locator("#part-refused tbody tr");
    await refused.first().waitFor();
    assert.equal(await refused.count(), 3);
    assert.match(await refused.first().textContent(), /10\.1\.\d+\.\d+/);
    await page.locator("#part-callers").getByText("10.1.").first().waitFor();
    const { body } = await api("GET", `/org/tokens/${token.id}`, { organization: name });
    await page.locator("dl > div", { hasText: "Uses" }).getByText(String(body.uses), { exact: true }).waitFor();
  });
});

test("who_may_not_read_the_log_sees_the_rest", async () => {
  const name = await organization();
  const manager = await mint(name, { name: "manager" });
  const token = await mint(name, { name: "seen", project: "shop" });
  await withPage(async (page) => {
    await signIn(page, { credential: manager.token, view: `#tokens/${token.id}` });
    await page.getByRole("heading", { level: 1, name: "seen" }).waitFor();
    await page.locator("#part-audit").getByText("Only who is allowed to read the audit log sees this.").waitFor();
    await page.locator("#part-tree").getByText("seen (this token)").waitFor();
  });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens/00000000-0000-4000-8000-000000000000" });
    await page.getByText("There is no token with this id, or you are not allowed to see it.").waitFor();
  });
});
