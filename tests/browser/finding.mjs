// Finding a token: words, prefixes and pasted secrets, filters and columns, and the address that leads back to them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { act, api, mint, opens, organization, rowOf, signIn, withPage } from "./world.mjs";

const rows = (page) => page.locator("#list tbody tr");
const field = (page) => page.getByLabel("Search tokens");
const hash = (page) => decodeURIComponent(new URL(page.url()).hash);

/** Notes every call: what was asked, and what was sent. */
function listen(page) {
  const sent = [];
  page.on("request", (request) => request.url().includes("/org/") && sent.push([request.method(), request.url(), request.postData() ?? ""]));
  return sent;
}

test("words_and_prefixes_find_what_no_page_has_loaded", async () => {
  const name = await organization();
  const needle = await mint(name, { name: "needle", description: "for the night", project: "shop", workflow: "release" });
  for (let turn = 0; turn < 4; turn += 1) await mint(name, { name: `hay-${turn}` });
  await withPage(async (page) => {
    // Pages of two, so that there are some.
    await page.route("**/org/tokens?*limit=100*", (route) => route.continue({ url: route.request().url().replace("limit=100", "limit=2") }));
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByText("These are the newest 2 tokens; there are more.").waitFor();
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByText("These are the newest 4 tokens; there are more.").waitFor();
    assert.equal(await rowOf(page, needle).count(), 0);
    const sent = listen(page);
    for (const text of ["needle", "release shop", "SHOP nee", "night", needle.prefix, needle.id]) {
      await field(page).fill(text);
      await page.getByText("1 token.").waitFor();
      await rowOf(page, needle).waitFor();
      assert.equal(new URLSearchParams(hash(page).split("?")[1]).get("q"), text);
      await field(page).fill("hay");
      await rowOf(page, needle).waitFor({ state: "detached" });
    }
    assert.ok(sent.every(([method, url]) => method === "POST" && url.endsWith("/org/tokens/search")), JSON.stringify(sent));
    await field(page).fill("nothing like it");
    await page.getByText("No active token matches “nothing like it”.").waitFor();
    await field(page).fill("pst_1");
    await page.getByText("at least 4 characters behind pst_").waitFor();
    assert.equal(await page.locator("section .note.bad").count(), 0, "whoever is still typing has made no mistake");
  });
});

test("what_is_not_among_the_active_ones_is_looked_for_among_all_by_one_click", async () => {
  const name = await organization();
  const gone = await mint(name, { name: "gone" });
  await api("DELETE", `/org/tokens/${gone.id}`, { organization: name });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByText("No active tokens.").waitFor();
    await field(page).fill("gone");
    await page.getByText("No active token matches “gone”.").waitFor();
    await page.getByRole("button", { name: "Search all tokens" }).click();
    await rowOf(page, gone).locator(".badge").getByText("Revoked").waitFor();
    await field(page).fill("never there");
    await page.getByText("No token matches “never there”.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Search all tokens" }).count(), 0);
    await page.getByRole("button", { name: "Clear the search" }).click();
    await page.getByText("No active tokens.").waitFor();
    assert.doesNotMatch(hash(page), /q=|status=/);
  });
});

test("nothing_is_said_not_to_be_there_before_all_was_searched", async () => {
  const name = await organization();
  const token = await mint(name, { name: "rare" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await rowOf(page, token).waitFor();
    let asked = 0;
    await page.route("**/org/tokens/search", (route) => {
      asked += 1;
      const tokens = asked < 8 ? [] : [{ ...token, uses: 0, daily_uses: [], last_used_at: null, revoked_at: null, quarantined_at: null }];
      return route.fulfill({ json: { tokens, next_cursor: asked < 8 ? `after-${asked}` : null, searched_all: asked >= 8, found_by: "words", genuine: null } });
    });
    await field(page).fill("rare");
    await page.getByText("Nothing found so far. Not all tokens were searched.").waitFor();
    assert.equal(await page.getByText("matches").count(), 0);
    await page.getByRole("button", { name: "Search further" }).click();
    await page.getByText("1 token.").waitFor();
    assert.equal(asked, 8);
  });
});

test("a_pasted_secret_finds_its_token_and_stays_in_no_field_and_no_address", async () => {
  const name = await organization();
  const opaque = await mint(name, { name: "leaked key" });
  const jwt = await mint(name, { name: "leaked jwt", format: "jwt" });
  const gone = await mint(name, { name: "revoked before" });
  const elsewhere = await mint(await organization(), { name: "of another organization" });
  await api("DELETE", `/org/tokens/${gone.id}`, { organization: name });
  const wrong = `${opaque.token.slice(0, -1)}${opaque.token.endsWith("A") ? "B" : "A"}`;
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await rowOf(page, opaque).waitFor();
    const sent = listen(page);
    const found = page.locator(".found");
    for (const [token, text] of [[opaque, opaque.token], [jwt, `Bearer ${jwt.token}`], [gone, `CHAINLOOP_TOKEN="${gone.token}"`]]) {
      await field(page).fill(text);
      await found.getByText(token.name, { exact: true }).waitFor();
      await page.getByText("1 token.").waitFor();
      await rowOf(page, token).waitFor();
      assert.equal(await field(page).inputValue(), token.id);
      assert.equal(await found.getByRole("button", { name: "Revoke…" }).count(), token === gone ? 0 : 1);
      assert.ok(!(await page.content()).includes(token.token));
    }
    await page.evaluate((text) => navigator.clipboard.writeText(text), opaque.token);
    await page.locator("h1").click();
    await page.keyboard.press("Control+v");
    await found.getByText("leaked key", { exact: true }).waitFor();
    await field(page).fill(wrong);
    await found.getByText("What you pasted is not whole, or was changed. It begins like leaked key").waitFor();
    await rowOf(page, opaque).waitFor();
    await field(page).fill("pst_0000000000000000000000_00000000000000000000000000000000000000");
    await found.getByText("This is not a token of this gateway").waitFor();
    assert.equal(await rows(page).count(), 0);
    await field(page).fill(elsewhere.token);
    // Whoever stands above organizations sees it where it is.
    await found.getByText("of the organization").waitFor();
    assert.equal(await field(page).inputValue(), elsewhere.id);
    for (const secret of [opaque, jwt, gone, elsewhere].map(({ token }) => token).concat(wrong)) {
      assert.ok(sent.every(([, url]) => !url.includes(secret)), "in no address of a call");
      assert.ok(sent.some(([, , body]) => body.includes(secret)), "in the body of one");
    }
    const addresses = await page.evaluate(() => [location.href, history.length]);
    assert.ok(!addresses[0].includes("pst_") && !addresses[0].includes("eyJ"), addresses[0]);
  });
});

test("the_address_has_the_filters_and_back_leads_through_them", async () => {
  const name = await organization();
  const whole = await mint(name, { name: "whole", expires_in: "3d" });
  const shop = await mint(name, { name: "of-shop", project: "shop" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens?scope=project" });
    await page.getByText("1 token.").waitFor();
    await rowOf(page, shop).waitFor();
    assert.equal(await page.getByLabel("Scope", { exact: true }).inputValue(), "project");
    await page.getByLabel("Scope", { exact: true }).focus();
    await page.getByLabel("Scope", { exact: true }).selectOption("organization");
    await rowOf(page, whole).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Scope", "the focus stays");
    await page.getByRole("button", { name: "Expires in 7 days 1" }).click();
    await page.locator('th[aria-sort="ascending"]', { hasText: "Expires" }).waitFor();
    await page.getByText("1 token.").waitFor();
    assert.match(hash(page), /expires_before=20/);
    await page.getByRole("button", { name: "Never expires" }).click();
    await page.getByText("No token matches these filters.").waitFor();
    assert.doesNotMatch(hash(page), /expires_before/, "one risk at a time");
    await page.goBack();
    await rowOf(page, whole).waitFor();
    await page.goBack();
    await page.goBack();
    await rowOf(page, shop).waitFor();
    assert.equal(await page.getByLabel("Scope", { exact: true }).inputValue(), "project");
    await page.goForward();
    await rowOf(page, whole).waitFor();
    assert.match(hash(page), /scope=organization/);
  });
});

test("columns_sort_all_rows_and_say_what_they_do_not_sort", async () => {
  const name = await organization();
  const [b, a, c] = [await mint(name, { name: "b2", expires_in: "9d" }), await mint(name, { name: "a10" }), await mint(name, { name: "c1", expires_in: "2d" })];
  const order = (page) => rows(page).evaluateAll((found) => found.map((row) => row.dataset.id));
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await rowOf(page, a).waitFor();
    assert.deepEqual(await order(page), [c.id, a.id, b.id], "the gateway's order is newest first");
    const column = (title) => page.getByRole("columnheader", { name: title });
    assert.equal(await column("Created", { exact: true }).last().getAttribute("aria-sort"), "descending");
    for (const [title, sort, expected] of [["Name", "ascending", [a, b, c]], ["Name", "descending", [c, b, a]], ["Expires", "ascending", [c, b, a]], ["Expires", "descending", [a, b, c]]]) {
      await column(title).getByRole("button").click();
      await page.locator(`th[aria-sort="${sort}"]`, { hasText: title }).waitFor();
      assert.deepEqual(await order(page), expected.map((token) => token.id), `${title}, ${sort}`);
      assert.equal(await page.evaluate(() => document.activeElement.closest("th")?.textContent.slice(0, 4)), title.slice(0, 4), "the focus stays");
    }
    assert.match(hash(page), /sort=-expires/);
    const many = Array.from({ length: 500 }, (_, index) => ({ ...a, id: `${String(index).padStart(8, "0")}-0000-4000-8000-000000000000`, name: `many-${index}`, uses: index, daily_uses: [], last_used_at: null, revoked_at: null, quarantined_at: null }));
    await page.route("**/org/tokens?*", (route) => route.fulfill({ json: { tokens: many, next_cursor: "more" } }));
    await column("Uses").getByRole("button").click();
    await page.getByText("Sorted by uses among the newest 2,000 tokens; there are more. Narrow the search to sort all.").waitFor();
    assert.equal(await rows(page).count(), 100, "as many as one looks at");
  });
});

test("a_token_shows_what_it_created_whatever_was_searched_before", async () => {
  const name = await organization();
  const maker = await mint(name, { name: "ci-bootstrap" });
  const { body: made } = await api("POST", "/org/tokens", { credential: maker.token, body: { name: "deploy", project: "shop" } });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await rowOf(page, made).locator(".col-creator").getByText("ci-bootstrap").waitFor();
    await field(page).fill("bootstrap");
    await page.getByText("1 token.").waitFor({ timeout: 10_000 }).catch(() => {});
    await act(page, maker, "Tokens it created");
    await page.getByRole("button", { name: "Created by ci-bootstrap" }).waitFor();
    await page.getByText("1 token.").waitFor();
    await rowOf(page, made).waitFor();
    assert.equal(await field(page).inputValue(), "");
    await page.getByRole("button", { name: "Created by ci-bootstrap" }).click();
    await rowOf(page, maker).waitFor();
  });
});

test("fifteen_rows_of_one_line_fit_and_narrow_windows_keep_what_matters", async () => {
  const name = await organization();
  await mint(name, { name: "a very long name that somebody pasted from a ticket, PLAT-12345, rotate deploy credentials", project: "shop", workflow: "release" });
  await withPage(async (page) => {
    const answer = async (route) => {
      const found = await route.fetch();
      const body = await found.json();
      await route.fulfill({ json: { ...body, tokens: Array.from({ length: 40 }, (_, index) => ({ ...body.tokens[0], id: `${String(index).padStart(8, "0")}-0000-4000-8000-000000000000` })) } });
    };
    await page.route("**/org/tokens?*", answer);
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByText("40 tokens.").waitFor();
    const seen = () => rows(page).evaluateAll((found) => found.filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length);
    const heights = await rows(page).evaluateAll((found) => [...new Set(found.map((row) => Math.round(row.getBoundingClientRect().height)))]);
    assert.deepEqual(heights, [36]);
    assert.ok((await seen()) >= 15, `${await seen()} rows`);
    const columns = () => page.locator("#list thead th:visible").allTextContents();
    const all = ["Name", "Prefix", "Scope", "Created by", "Created ↓", "Expires", "Last used", "Uses", "Status"];
    assert.deepEqual(await columns(), all);
    await page.setViewportSize({ width: 1024, height: 800 });
    assert.deepEqual(await columns(), all.filter((title) => !["Created ↓", "Uses"].includes(title)));
    await page.setViewportSize({ width: 360, height: 740 });
    assert.ok((await rows(page).first().boundingBox()).y < 400, "rows begin on the first screen");
    assert.ok(!(await page.getByLabel("Status").isVisible()));
    await page.getByRole("button", { name: "Filters" }).click();
    await page.getByLabel("Status").waitFor();
  }, { height: 800 });
});

test("the_slash_key_begins_a_search_and_menus_obey_the_arrow_keys", async () => {
  const name = await organization();
  const token = await mint(name, { name: "keyed" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await rowOf(page, token).waitFor();
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
    await page.keyboard.type("a/b");
    assert.equal(await field(page).inputValue(), "a/b");
    await field(page).fill("");
    const menu = rowOf(page, token).getByRole("button", { name: "Actions for keyed" });
    await menu.focus();
    await page.keyboard.press("ArrowDown");
    const focused = () => page.evaluate(() => document.activeElement.textContent);
    assert.equal(await focused(), "Rotate…");
    await page.keyboard.press("ArrowUp");
    assert.equal(await focused(), "Revoke…");
    await page.keyboard.press("Escape");
    await page.getByRole("menu").waitFor({ state: "detached" });
    assert.equal(await menu.getAttribute("aria-expanded"), "false");
    assert.ok(await menu.evaluate((button) => button === document.activeElement));
    assert.equal(await opens(token.token), 200);
  });
});
