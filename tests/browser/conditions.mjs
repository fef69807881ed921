// Conditions on a token: set in the form, shown on its page, and narrowed there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, mint, organization, signIn, withPage } from "./world.mjs";

test("a_token_is_created_under_conditions_and_narrowed_on_its_page", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("button", { name: "Create a token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: /^Project/ }).check();
    await dialog.getByLabel("Project", { exact: true }).selectOption("shop");
    await dialog.getByLabel("Name", { exact: true }).fill("narrow");
    await dialog.getByText("Conditions", { exact: true }).click();
    const from = dialog.getByLabel("Only from these addresses");
    await from.fill("203.0.113.7/24");
    await dialog.getByRole("button", { name: "Create token" }).click();
    await dialog.getByRole("alert").getByText(/A range begins with its network/).waitFor();
    await from.fill("203.0.113.0/24\n2001:db8::/32");
    await dialog.getByLabel("Calls per minute, at most").fill("600");
    await dialog.getByRole("button", { name: "Create token" }).click();
    await page.getByRole("dialog", { name: "Token created" }).getByRole("button", { name: "Copy token" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await page.getByRole("link", { name: "narrow" }).click();
    await page.locator("dl", { hasText: "203.0.113.0/24, 2001:db8::/32" }).waitFor();
    await page.locator("dl", { hasText: "600 calls a minute" }).waitFor();

    await page.getByRole("button", { name: "Change…" }).click();
    await from.fill("198.51.100.0/24");
    await dialog.getByRole("button", { name: "Change token" }).click();
    await dialog.getByRole("alert").getByText("Each must lie within one that the token has.").waitFor();
    await from.fill("203.0.113.0/25");
    await dialog.getByLabel("Name", { exact: true }).fill("narrower");
    await dialog.getByLabel("Calls per minute, at most").fill("60");
    await dialog.getByRole("button", { name: "Change token" }).click();
    await page.locator("main #final").getByText("narrower changed.").waitFor();
    await page.getByRole("heading", { level: 1, name: "narrower" }).waitFor();
    await page.locator("dl", { hasText: "203.0.113.0/25" }).waitFor();
    await page.locator("dl", { hasText: "60 calls a minute" }).waitFor();
  });
});

test("a_token_that_is_changed_without_anything_to_change_stays_as_it_is", async () => {
  const name = await organization();
  const token = await mint(name, { name: "same", project: "shop" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: `#tokens/${token.id}` });
    await page.getByRole("button", { name: "Change…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Change token" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
  const { body } = await api("GET", `/org/tokens/${token.id}`, { organization: name });
  assert.equal(body.name, "same");
});
