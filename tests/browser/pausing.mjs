// Pausing an organization: one red button, its name typed, and what the other views say of it (R53).

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, mint, organization, signIn, withPage } from "./world.mjs";

const dialog = (page) => page.getByRole("dialog");

test("an_organization_is_paused_with_its_name_typed_and_resumed", async () => {
  const name = await organization();
  const token = await mint(name, { name: "a manager" });
  const works = async () => (await api("GET", "/org/tokens", { credential: token.token })).status;
  assert.equal(await works(), 200);
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#settings" });
    const part = page.getByRole("region", { name: "Pause", exact: true });
    await part.getByRole("button", { name: "Pause organization" }).click();
    const confirm = dialog(page).getByRole("button", { name: "Pause organization" });
    assert.ok(!/`|organization_paused|respond-async/.test(await dialog(page).innerText()), "in people's words");
    await confirm.click();
    await dialog(page).getByText("This is not the name of the organization.").waitFor();
    const typed = dialog(page).getByLabel(`Type ${name} to confirm`);
    assert.ok(await typed.evaluate((input) => input === document.activeElement), "the fault has the focus");
    await typed.fill(`${name}x`);
    await confirm.click();
    await dialog(page).getByText("This is not the name of the organization.").waitFor();
    assert.equal(await works(), 200, "nothing is paused by a wrong name");
    await dialog(page).getByLabel("Reason (optional)").fill("a leaked key");
    await typed.fill(name);
    await confirm.click();
    await part.getByText(/Paused since .* by administrator key\. a leaked key/).waitFor();
    assert.equal(await works(), 403);
    await page.locator(`tr[data-organization="${name}"]`).waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    await page.locator("#paused", { hasText: "Every call of this organization’s tokens is refused" }).waitFor();
    await page.getByRole("link", { name: "Resume it under “Settings”" }).click();
    await part.getByRole("button", { name: "Resume organization" }).click();
    await part.getByRole("button", { name: "Pause organization" }).waitFor();
    assert.equal(await works(), 200, "its tokens are what they were");
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByRole("list", { name: "Tokens" }).waitFor();
    assert.equal(await page.locator("#paused").count(), 0);
    await page.getByRole("link", { name: "Audit" }).click();
    await page.locator("#events tr", { hasText: "Organization resumed" }).waitFor();
    await page.locator("#events tr", { hasText: "Organization paused" }).waitFor();
  });
});

test("a_token_without_the_right_is_offered_no_pause", async () => {
  const name = await organization();
  const token = await mint(name, { name: "a manager" });
  await withPage(async (page) => {
    await signIn(page, { credential: token.token, view: "#settings" });
    await page.getByRole("region", { name: "Your session" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Pause organization" }).count(), 0);
  });
});

test("the_longest_and_the_usual_life_of_tokens_are_set", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#settings" });
    await page.getByRole("button", { name: `Edit the limits of ${name}` }).click();
    await dialog(page).getByLabel("Longest life of new tokens, in days").fill("90");
    await dialog(page).getByLabel("Usual life of new tokens").fill("a month");
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await dialog(page).getByText("Enter a span such as 90d or 12h.").waitFor();
    await dialog(page).getByLabel("Usual life of new tokens").fill("30d");
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await page.locator(`tr[data-organization="${name}"]`, { hasText: "90 days" }).waitFor();
    const { body } = await api("GET", "/orgs?limit=500");
    const row = body.organizations.find((one) => one.name === name);
    assert.deepEqual([row.max_lifetime_days, row.default_expires_in, row.federated_only], [90, "30d", false]);
    await page.getByRole("link", { name: "Audit" }).click();
    const changed = page.locator("#events tr", { hasText: "longest life (days): no limit → 90" });
    await changed.filter({ hasText: "usual life: none → 30d" }).waitFor();
  });
});
