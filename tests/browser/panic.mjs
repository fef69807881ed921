// A token leaked: from the sign-in to the moment at which nobody can use it, among 300 tokens, or as many as POSTERN_PANIC_TOKENS says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, api, mint, opens, openDashboard, organization, withPage } from "./world.mjs";

const TOKENS = Number(process.env.POSTERN_PANIC_TOKENS ?? 300);
const AT_ONCE = 16;

test("a_leaked_token_is_revoked_with_four_clicks", async () => {
  const name = await organization();
  await api("PATCH", `/orgs/${name}`, { body: { mint_ceiling: 0 } });
  const leaked = await mint(name, { name: "leaked", project: "shop", workflow: "release" });
  let made = 1;
  const maker = async () => {
    while (made < TOKENS) await mint(name, { name: `token-${(made += 1)}`, project: "shop", expires_in: "90d" });
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, maker));
  console.log(`${TOKENS} tokens created in ${((performance.now() - began) / 1_000).toFixed(0)} s`);

  await withPage(async (page) => {
    await openDashboard(page);
    await page.evaluate((text) => navigator.clipboard.writeText(text), ADMIN);
    await page.getByLabel("Token or administrator key").focus();
    await page.keyboard.press("Control+v");
    let clicks = 0;
    let machine = 0;
    /** A click, and how long the page then takes until `shown`. */
    const click = async (target, shown) => {
      await target.waitFor();
      clicks += 1;
      const begun = performance.now();
      await target.click();
      await shown.waitFor();
      machine += performance.now() - begun;
    };
    await click(page.getByRole("button", { name: "Sign in" }), page.getByRole("link", { name: "Tokens", exact: true }));
    // Which organization it is of is known to whoever pastes it; here it is not the first one of many.
    await page.getByLabel("Organization", { exact: true }).selectOption(name);
    await click(page.getByRole("link", { name: "Tokens", exact: true }), page.getByText("These are the newest 100 tokens; there are more."));
    await page.evaluate((text) => navigator.clipboard.writeText(text), leaked.token);
    const begun = performance.now();
    await page.keyboard.press("Control+v");
    const revoke = page.locator(".found").getByRole("button", { name: "Revoke…" });
    await revoke.waitFor();
    machine += performance.now() - begun;
    await click(revoke, page.getByRole("dialog"));
    await click(page.getByRole("button", { name: "Revoke token" }), page.locator("main #final"));
    assert.equal(await opens(leaked.token), 401);
    console.log(`panic path: ${clicks} clicks, ${(machine / 1_000).toFixed(2)} s of machine time, ${TOKENS} tokens`);
    assert.ok(clicks <= 4, `${clicks} clicks`);
  });
});
