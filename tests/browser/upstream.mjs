// The credential for the origin: set, replaced and cleared by people, and kept nowhere in the page.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { api, mint, organization, signIn, withPage } from "./world.mjs";

const ORGANIZATION = "/org/upstream";
const SHOP = "/org/projects/shop/upstream";
const RELEASE = "/org/projects/shop/workflows/release/upstream";

const credential = () => `eyJhbGciOiJIUzI1NiJ9.${randomBytes(24).toString("base64url")}.sig`;
const row = (page, words) => page.locator(`.place[data-place="${words}"]`);
const dialog = (page) => page.getByRole("dialog");

async function openSettings(page, options) {
  await signIn(page, options);
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Credential for the origin" }).waitFor();
}

/** Sets one through the page, and gives the fingerprint that the page then shows. */
async function give(page, words, text, button = "Set") {
  await row(page, words).getByRole("button", { name: `${button} the credential for ${words}`, exact: true }).click();
  await dialog(page).getByLabel("Credential", { exact: true }).fill(text);
  await dialog(page).getByRole("button", { name: button }).click();
  await dialog(page).locator("#final").waitFor();
  const shown = await dialog(page).locator("dd code").first().textContent();
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await dialog(page).waitFor({ state: "detached" });
  return shown;
}

async function stored(path, name) {
  const answer = await api("GET", path, { organization: name });
  return answer.status === 200 ? answer.body : null;
}

test("a_credential_is_set_replaced_and_cleared_for_each_scope", async () => {
  const name = await organization();
  const whole = `the organization ${name}`;
  await withPage(async (page) => {
    await openSettings(page, { organization: name });
    await row(page, "shop").getByText("Not set").waitFor();
    await page.getByRole("button", { name: "Workflows of shop" }).click();
    await row(page, "shop / release").getByText("Not set").waitFor();

    const digests = new Map();
    for (const [words, path] of [[whole, ORGANIZATION], ["shop", SHOP], ["shop / release", RELEASE]]) {
      const shown = await give(page, words, credential());
      assert.equal((await stored(path, name)).digest, shown, words);
      digests.set(words, shown);
      await row(page, words).getByText(shown).first().waitFor();
    }
    assert.equal(new Set(digests.values()).size, 3, "each has its own fingerprint");

    const text = credential();
    const shown = await give(page, "shop", text, "Replace");
    const { digest, replaced } = await stored(SHOP, name);
    assert.equal(digest, shown);
    assert.equal(replaced.digest, digests.get("shop"));
    const kept = (Date.parse(replaced.until) - Date.now()) / 3_600_000;
    assert.ok(kept > 1.9 && kept <= 2.01, `kept for two hours, not ${kept}`);
    await row(page, "shop").getByText(`Replaced ${digests.get("shop")}, which running attestations keep until`).waitFor();

    await row(page, "shop").getByRole("button", { name: "Clear the credential for shop", exact: true }).click();
    await dialog(page).getByText("New calls for this project are sent with the credential of the organization.").waitFor();
    await dialog(page).getByText("Attestations that are running with it fail.").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
    await dialog(page).getByRole("button", { name: "Clear credential" }).click();
    await row(page, "shop").getByText("Not set").first().waitFor();
    assert.equal(await stored(SHOP, name), null);
    await page.waitForFunction(() => document.activeElement.textContent === "Set", undefined, { timeout: 5_000 });
    assert.deepEqual(
      [(await stored(ORGANIZATION, name)).digest, (await stored(RELEASE, name)).digest],
      [digests.get(whole), digests.get("shop / release")],
      "the others stay",
    );
    await page.reload();
    await page.getByLabel("Token or administrator key").waitFor();
  });
});

test("a_replaced_credential_is_kept_for_as_long_as_was_chosen", async () => {
  const name = await organization();
  const whole = `the organization ${name}`;
  await withPage(async (page) => {
    await openSettings(page, { organization: name });
    await give(page, whole, credential());
    await row(page, whole).getByRole("button", { name: "Replace the credential" }).click();
    await dialog(page).getByLabel("Running attestations keep the current one for").selectOption("24 hours");
    await dialog(page).getByLabel("Credential", { exact: true }).fill(`  ${credential()}\n`);
    await dialog(page).getByRole("button", { name: "Replace" }).click();
    await dialog(page).locator("#final").waitFor();
    const kept = (Date.parse((await stored(ORGANIZATION, name)).replaced.until) - Date.now()) / 3_600_000;
    assert.ok(kept > 23.9 && kept <= 24.01, `${kept} hours`);
  });
});

test("a_credential_leaves_the_page_when_it_is_sent", async () => {
  const name = await organization();
  const text = credential();
  await withPage(async (page, context) => {
    await openSettings(page, { organization: name });
    const sent = [];
    page.on("request", (request) => {
      if (request.url().includes("upstream")) sent.push([request.method(), request.url(), request.postData() ?? ""]);
    });
    await row(page, "shop").getByRole("button", { name: "Set the credential for shop", exact: true }).click();
    const field = dialog(page).getByLabel("Credential", { exact: true });
    assert.equal(await field.getAttribute("autocomplete"), "off");
    assert.equal(await field.evaluate((input) => getComputedStyle(input).webkitTextSecurity), "disc");
    // Refused, and gone from the field all the same.
    await page.route("**/upstream", (route) => route.fulfill({
      status: 503, contentType: "application/problem+json", body: JSON.stringify({ code: "unavailable", detail: "try again", status: 503 }),
    }));
    await field.fill(text);
    await dialog(page).getByRole("button", { name: "Set" }).click();
    await dialog(page).locator('[data-code="unavailable"]').waitFor();
    assert.equal(await field.inputValue(), "");
    assert.ok(await field.evaluate((input) => input === document.activeElement), "and asked for again");
    await page.unroute("**/upstream");
    await field.fill(text);
    await dialog(page).getByRole("button", { name: "Set" }).click();
    await dialog(page).locator("#final").waitFor();
    await dialog(page).getByRole("button", { name: "Done" }).click();

    const puts = sent.filter(([method]) => method === "PUT");
    assert.deepEqual(puts.map(([, , body]) => JSON.parse(body)), [0, 1].map(() => ({ credential: text, keep_replaced_seconds: 7_200 })));
    assert.ok(sent.every(([method, url, body]) => !url.includes(text) && (method === "PUT" || body === "")));
    assert.ok(!page.url().includes(text));
    assert.ok(!(await page.content()).includes(text));
    const values = await page.evaluate(() => [...document.querySelectorAll("input, textarea")].map((input) => input.value));
    assert.ok(values.every((value) => value !== text), "no field holds it");
    const kept = await page.evaluate(async () => [
      localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, (await caches.keys()).length,
    ]);
    assert.deepEqual(kept, [0, 0, "", 0, 0]);
    assert.deepEqual(await context.cookies(), []);
    // Closed before it is sent.
    await row(page, "shop").getByRole("button", { name: "Replace the credential for shop", exact: true }).click();
    await dialog(page).getByLabel("Credential", { exact: true }).fill(text);
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "detached" });
    await row(page, "shop").getByRole("button", { name: "Replace the credential for shop", exact: true }).click();
    assert.equal(await dialog(page).getByLabel("Credential", { exact: true }).inputValue(), "");
  });
});

test("what_no_credential_is_is_said_below_the_field_and_not_sent", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await openSettings(page, { organization: name });
    await row(page, "shop").getByRole("button", { name: "Set the credential for shop", exact: true }).click();
    const field = dialog(page).getByLabel("Credential", { exact: true });
    for (const [text, told] of [
      ["", "Paste the credential."],
      [" \n", "Paste the credential."],
      ["Bearer abc", "Leave out “Bearer”: the gateway adds it."],
      ["two words", "It has spaces, line ends or special characters."],
      ["two\nlines", "It has spaces, line ends or special characters."],
      ["caf\u00e9", "It has spaces, line ends or special characters."],
      ["x".repeat(8_193), "It is longer than 8,192 characters."],
    ]) {
      await field.fill(text);
      await dialog(page).getByRole("button", { name: "Set" }).click();
      await dialog(page).getByRole("alert").getByText(told).waitFor();
      assert.equal(await field.getAttribute("aria-invalid"), "true", told);
      const described = await field.evaluate((input) =>
        input.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id).textContent).join(" "));
      assert.ok(described.includes(told), described);
    }
    assert.equal(await stored(SHOP, name), null);
    await field.fill("x".repeat(8_192));
    assert.equal(await field.getAttribute("aria-invalid"), null);
    await dialog(page).getByRole("button", { name: "Set" }).click();
    await dialog(page).locator("#final").waitFor();
  });
});

test("who_may_not_see_it_is_told_so", async () => {
  const name = await organization();
  const token = await mint(name, { name: "no-settings", policies: ["project_api_token:list"] });
  await withPage(async (page) => {
    await openSettings(page, { credential: token.token });
    await page.getByText("You are not allowed to see or change the credential for the origin.").waitFor();
    assert.equal(await page.locator(".place").count(), 0);
    assert.equal(await page.getByText("Not set").count(), 0, "which would be a guess");
  });
});

test("a_state_that_could_not_be_asked_for_is_not_shown_as_empty", async () => {
  const name = await organization();
  const whole = `the organization ${name}`;
  await withPage(async (page) => {
    await page.route("**/org/upstream", (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>proxy</h1>" }));
    await openSettings(page, { organization: name });
    await row(page, whole).getByText("Not known").waitFor();
    assert.equal(await row(page, whole).getByRole("button", { name: "Set" }).count(), 0);
    await page.unroute("**/org/upstream");
    await row(page, whole).getByRole("button", { name: "Try again" }).click();
    await row(page, whole).getByText("Not set").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Set", "the focus goes on");
  });
});

test("many_projects_come_a_page_at_a_time_and_are_found_by_name", async () => {
  const name = await organization();
  await withPage(async (page) => {
    const names = Array.from({ length: 45 }, (_, index) => ({ name: `project-${String(index).padStart(2, "0")}` }));
    await page.route("**/org/projects?*", (route) => route.fulfill({ json: { projects: names, next_cursor: null } }));
    let asked = 0;
    await page.route("**/org/projects/*/upstream", (route) => {
      asked += 1;
      return route.fulfill({ status: 404, contentType: "application/problem+json", body: JSON.stringify({ code: "upstream_not_set", detail: "none is set", status: 404 }) });
    });
    await openSettings(page, { organization: name });
    await row(page, "project-19").getByText("Not set").waitFor();
    assert.equal(asked, 20);
    await page.getByRole("button", { name: "Show more" }).click();
    await row(page, "project-39").getByText("Not set").waitFor();
    await page.getByLabel("Find in projects").fill("-44");
    await row(page, "project-44").getByText("Not set").waitFor();
    assert.equal(await page.locator(".place[data-place^=project]").count(), 1);
    assert.equal(asked, 41, "each is asked for once");
    await page.getByLabel("Find in projects").fill("nothing like it");
    await page.getByText("No name matches.").waitFor();
  });
});

test("who_may_not_list_projects_types_their_names", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await page.route("**/org/projects?*", (route) => route.fulfill({
      status: 403, contentType: "application/problem+json", body: JSON.stringify({ code: "operation_not_allowed", detail: "operation not allowed", status: 403 }),
    }));
    await openSettings(page, { organization: name });
    const project = page.getByLabel("Project", { exact: true });
    await project.fill("..");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByText("A name has lower case letters, digits and hyphens.").waitFor();
    await project.fill("shop");
    await page.getByLabel("Workflow", { exact: true }).fill("release");
    await page.getByRole("button", { name: "Show" }).click();
    await row(page, "shop / release").getByText("Not set").waitFor();
    const shown = await give(page, "shop / release", credential());
    assert.equal((await stored(RELEASE, name)).digest, shown);
    await project.fill("nowhere");
    await page.getByLabel("Workflow", { exact: true }).fill("");
    await page.getByRole("button", { name: "Show" }).click();
    await row(page, "nowhere").getByText("It does not exist, or you are not allowed to see it.").waitFor();
  });
});
