// A token is minted and revoked with the keyboard alone, and the focus is never lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, organization, openDashboard, withPage } from "./world.mjs";

/** Presses Tab until what has the focus fits; fails when it goes round without. */
async function tabTo(page, fits, what) {
  for (let presses = 0; presses < 90; presses += 1) {
    const focused = await page.evaluate(() => {
      const at = document.activeElement;
      return { tag: at.tagName, id: at.id, text: (at.getAttribute("aria-label") ?? at.textContent ?? "").trim(), label: at.labels?.[0]?.textContent ?? "", type: at.type ?? "" };
    });
    if (fits(focused)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the keyboard does not reach ${what}`);
}

const button = (text) => [(at) => at.tag === "BUTTON" && at.text.startsWith(text), text];
const labelled = (text) => [(at) => at.label.startsWith(text), text];

test("mint_and_revoke_with_the_keyboard_alone", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await openDashboard(page, "#tokens");
    await page.getByLabel("Token or administrator key").waitFor();
    await tabTo(page, ...labelled("Token or administrator key"));
    await page.keyboard.type(ADMIN);
    await page.keyboard.press("Enter");
    await page.locator("#who select").waitFor();
    await page.locator("#list table, #list .empty .strong").first().waitFor();
    await tabTo(page, (at) => at.tag === "SELECT" && at.text.startsWith("Organization"), "the organizations");
    await page.keyboard.type(name);
    await page.getByText("No active tokens.").waitFor();
    assert.equal(await page.locator("#who select").inputValue(), name);

    await tabTo(page, ...button("Create a token"));
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByLabel("Name", { exact: true }).waitFor();
    await tabTo(page, (at) => at.type === "radio" && at.label.startsWith("Workflow"), "the scopes");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await tabTo(page, ...labelled("Name"));
    await page.keyboard.press("Control+a");
    await page.keyboard.type("typed");
    await tabTo(page, ...button("Create token"));
    await page.keyboard.press("Space");
    const shown = page.getByRole("dialog", { name: "Token created" });
    await shown.waitFor();
    await tabTo(page, ...button("Copy token"));
    await page.keyboard.press("Enter");
    await shown.getByRole("button", { name: "Copied ✓" }).waitFor();
    await page.keyboard.press("Escape");
    await shown.waitFor({ state: "detached" });
    await page.locator("tbody tr", { hasText: "typed" }).waitFor();

    await tabTo(page, ...button("Actions for typed"));
    await page.keyboard.press("Enter");
    await page.getByRole("menu").waitFor();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Revoke this token?" }).waitFor();
    await tabTo(page, ...button("Revoke token"));
    await page.keyboard.press("Enter");
    await page.locator("#final").waitFor();
    await page.getByText("No active tokens.").waitFor();
    assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "BODY", "the focus has a place");
  });
});
