// What reviewers of the dashboard stumbled over, each as a case.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { act, ADMIN, api, mint, opens, organization, rowOf, signIn, withPage } from "./world.mjs";

const dialog = (page) => page.getByRole("dialog");

test("many_are_revoked_as_reviewed_and_what_came_meanwhile_is_reviewed_too", async () => {
  const name = await organization();
  const reviewed = await mint(name, { name: "reviewed", project: "shop" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("button", { name: "Revoke many…" }).click();
    await dialog(page).getByLabel("Project", { exact: true }).fill("shop");
    await dialog(page).getByRole("button", { name: "Review the tokens" }).click();
    await dialog(page).getByText("1 token would be revoked.").waitFor();
    const late = await mint(name, { name: "late", project: "shop" });
    await dialog(page).getByRole("button", { name: "Revoke 1 token" }).click();
    await dialog(page).getByText("1 token revoked. More have been created since you reviewed them.").waitFor();
    assert.equal(await opens(reviewed.token), 401);
    assert.equal(await opens(late.token), 403, "active, as nobody has reviewed it");
    assert.equal(await dialog(page).locator("tbody th").textContent(), "late");
    await dialog(page).getByRole("button", { name: "Revoke 1 token" }).click();
    await dialog(page).waitFor({ state: "detached" });
    assert.equal(await opens(late.token), 401);
  });
});

test("who_rotates_the_own_token_goes_on_with_the_new_one", async () => {
  const name = await organization();
  const policies = ["org_api_token:list", "org_api_token:create", "org_api_token:revoke", "audit:read"];
  const own = await mint(name, { name: "own", policies });
  await withPage(async (page) => {
    await signIn(page, { credential: own.token, view: "#audit" });
    await page.getByRole("link", { name: "Tokens", exact: true }).click();
    await act(page, own, "Rotate…");
    await dialog(page).getByLabel("Both work for").selectOption("0");
    await dialog(page).getByRole("button", { name: "Rotate", exact: true }).click();
    const secret = await dialog(page).locator("#secret").textContent();
    assert.equal(await opens(own.token), 401);
    await page.goBack();
    await page.getByRole("heading", { name: "Audit" }).waitFor({ state: "attached" });
    assert.equal(await dialog(page).locator("#secret").textContent(), secret, "it is not lost before it was copied");
    await dialog(page).getByRole("button", { name: "Copy token" }).click();
    await dialog(page).getByRole("button", { name: "Close" }).click();
    await page.evaluate(() => (location.hash = "#tokens"));
    await page.getByText("1 token", { exact: false }).first().waitFor();
    assert.equal(await page.getByRole("button", { name: "Sign in" }).count(), 0, "the page goes on with the new token");
    assert.equal(await opens(secret), 200);
  });
});

test("a_secret_of_another_organization_is_shown_there_to_an_administrator", async () => {
  const [here, there] = [await organization(), await organization()];
  const leaked = await mint(there, { name: "leaked" });
  await withPage(async (page) => {
    await signIn(page, { organization: here, view: "#tokens" });
    await page.locator("#search").fill(leaked.token);
    await page.getByText(`of the organization ${there}`).waitFor();
    assert.equal(await page.locator("#who select").inputValue(), there);
    await rowOf(page, leaked).waitFor();
    await page.locator(".found").getByRole("button", { name: "Revoke…" }).click();
    await dialog(page).getByRole("button", { name: "Revoke token" }).click();
    await page.locator("main #final").waitFor();
    assert.equal(await opens(leaked.token), 401);
  });
});

test("revoking_a_creator_tells_of_what_it_created", async () => {
  const name = await organization();
  const creator = await mint(name, { name: "creator" });
  const { body: child } = await api("POST", "/org/tokens", { credential: creator.token, body: { name: "child", project: "shop" } });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await act(page, creator, "Revoke…");
    await dialog(page).getByText("It created 1 token, which stays active").waitFor();
    await dialog(page).getByRole("button", { name: "Revoke token" }).click();
    await page.locator("main #final").getByRole("button", { name: "Review the token that it created…" }).click();
    await dialog(page).getByRole("button", { name: "Revoke 1 token" }).click();
    await dialog(page).waitFor({ state: "detached" });
    assert.equal(await opens(child.token), 401);
  });
});

test("a_filter_that_is_being_typed_into_keeps_its_letters", async () => {
  const name = await organization();
  await mint(name, { name: "one" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit?address=203.0.113.9" });
    await page.getByText("No event matches these filters.").waitFor();
    await page.getByLabel("Address", { exact: true }).fill("");
    await page.getByLabel("Address", { exact: true }).press("Tab");
    const request = page.getByLabel("Request id");
    await request.pressSequentially("ebf23865", { delay: 40 });
    assert.equal(await request.inputValue(), "ebf23865");
  });
});

test("links_that_lead_nowhere_say_so", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit?since=garbage" });
    await page.getByRole("heading", { name: "Audit" }).waitFor();
    await page.evaluate(() => (location.hash = "#tokens?organization=no-such-organization"));
    await page.getByRole("heading", { name: "Organization not found" }).waitFor();
    await page.evaluate((known) => (location.hash = `#tokens?organization=${known}`), name);
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
  });
});

test("the_live_tail_goes_on_after_a_failed_poll", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#activity" });
    await page.getByText("Live, some 10 seconds behind").waitFor();
    await page.route("**/org/activity?*", (route) => route.abort());
    await page.getByRole("button", { name: "Try again" }).waitFor();
    await page.unroute("**/org/activity?*");
    await page.getByText("Live, some 10 seconds behind").waitFor();
  });
});

test("signing_in_with_a_token_is_no_refused_call", async () => {
  const name = await organization();
  const reader = await mint(name, { name: "reader", policies: ["audit:read", "org_api_token:list"] });
  await withPage(async (page) => {
    const refused = [];
    page.on("response", (answer) => answer.status() === 403 && refused.push(answer.url()));
    await signIn(page, { credential: reader.token, view: "#tokens" });
    await rowOf(page, reader).waitFor();
    assert.deepEqual(refused.filter((url) => !url.includes("projects")), []);
  });
});

test("a_list_is_saved_whole", async () => {
  const name = await organization();
  const tokens = [await mint(name, { name: "=formula" }), await mint(name, { name: "plain", project: "shop" })];
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save as CSV" }).click();
    const lines = (await readFile(await (await saving).path(), "utf8")).trimEnd().split("\r\n");
    assert.match(lines[0], /^"name","prefix","id","scope","created_by","last_used_at","status",/);
    assert.deepEqual(lines.slice(1).map((line) => line.split('","')[2]).sort(), tokens.map(({ id }) => id).sort());
    assert.ok(lines.some((line) => line.startsWith(`"'=formula"`)), "no formula");
    assert.ok(lines.every((line) => !line.includes(ADMIN)));
  });
});
