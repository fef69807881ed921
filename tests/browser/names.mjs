// Names that somebody hostile chose: they are text, stay in their place, and look like no other name.

import assert from "node:assert/strict";
import { test } from "node:test";
import { act, mint, organization, rowOf, signIn, withPage } from "./world.mjs";

const NAMES = {
  html: `<img src=x onerror="window.hit=1"><script>window.hit=1</script>`,
  quotes: `"' onfocus=window.hit=1 autofocus x="`,
  rtl: "\u202egpj.live\u202c \u05d0\u05d1\u05d2",
  unseen: "ci\u200b\u2066x",
  emoji: "🦊".repeat(100),
  long: "w".repeat(100),
};

test("hostile_names_are_shown_as_text_in_every_place", async () => {
  const name = await organization();
  const tokens = {};
  for (const [kind, text] of Object.entries(NAMES)) tokens[kind] = await mint(name, { name: text, description: text, project: "shop" });
  for (const width of [1280, 360]) {
    await withPage(async (page) => {
      await signIn(page, { organization: name, view: "#tokens" });
      assert.equal(await rowOf(page, tokens.html).locator("th bdi").textContent(), NAMES.html);
      assert.match(await rowOf(page, tokens.rtl).locator("th bdi").textContent(), /^\[U\+202E\]gpj\.live\[U\+202C\] /);
      assert.equal(await rowOf(page, tokens.unseen).locator("th bdi").textContent(), "ci[U+200B][U+2066]x");
      for (const token of Object.values(tokens)) {
        for (const action of ["Revoke…", "Rotate…"]) {
          await act(page, token, action);
          const dialog = page.getByRole("dialog");
          const sideways = await dialog.evaluate((box) => box.scrollWidth > box.clientWidth);
          assert.ok(!sideways, `${action} ${token.name} at ${width}`);
          await page.keyboard.press("Escape");
          await dialog.waitFor({ state: "detached" });
        }
        await rowOf(page, token).locator("th a").click();
        await page.locator("h1 bdi").waitFor();
        await page.locator("#part-tree").getByText("(this token)").waitFor();
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `the page of ${token.name} fits at ${width}`);
        await page.goBack();
        await rowOf(page, token).waitFor();
      }
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `fits at ${width}`);
      assert.equal(await page.evaluate(() => window.hit), undefined);
      assert.equal(await page.locator("main img, main script").count(), 0);
    }, { width });
  }
});
