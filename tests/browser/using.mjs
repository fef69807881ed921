// What the list shows of use: the days as bars and in words, and how many tokens are active of how many may be.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { api, mint, opens, organization, rowOf, signIn, withPage } from "./world.mjs";

/** Calls until the list knows of that many uses. */
async function used(name, token, uses) {
  for (let call = 0; call < uses; call += 1) assert.equal(await opens(token.token), 200);
  for (let tries = 0; tries < 150; tries += 1) {
    const { body } = await api("GET", `/org/tokens/${token.id}`, { organization: name });
    if (body.uses === uses) return;
    await sleep(200);
  }
  assert.fail(`${uses} uses are not shown`);
}

test("uses_are_drawn_by_day_and_said_in_words", async () => {
  const name = await organization();
  const [busy, idle] = [await mint(name, { name: "busy" }), await mint(name, { name: "idle" })];
  await used(name, busy, 3);
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    const drawn = rowOf(page, busy).getByRole("img", { name: /^Uses of the last 14 days, in UTC: \d today, 3 in all, most on \d+ \w+ \(3\)$/ });
    await drawn.waitFor();
    assert.equal(await drawn.locator("rect").count(), 14);
    assert.equal(await drawn.locator("rect.some").count(), 1, "one day had uses");
    assert.equal(await rowOf(page, idle).getByRole("img").count(), 0, "never used: nothing to draw");
  });
});

test("the_count_is_held_against_the_ceiling_that_is_in_force", async () => {
  const name = await organization();
  await mint(name, { name: "one" });
  await withPage(async (page) => {
    const count = page.locator("#count");
    for (const [ceiling, words] of [[null, "1 of 100 tokens in use"], [7, "1 of 7 tokens in use"], [0, "1 token in use"]]) {
      await api("PATCH", `/orgs/${name}`, { body: { mint_ceiling: ceiling } });
      await page.goto("about:blank"); // so that the next address is loaded anew
      await signIn(page, { organization: name, view: "#tokens" });
      await count.getByText("in use").waitFor();
      assert.equal(await count.textContent(), words);
    }
  });
});
