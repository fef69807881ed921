// Signing in and out, and what becomes of a credential that ends meanwhile.

import assert from "node:assert/strict";
import { test } from "node:test";
import { act, ADMIN, api, mint, openDashboard, organization, rowOf, signIn, url, withPage } from "./world.mjs";

test("the_page_comes_with_its_headers_and_from_here_only", async () => {
  const answer = await fetch(`${url()}/dashboard/`);
  const policy = answer.headers.get("content-security-policy");
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'none'",
    "require-trusted-types-for 'script'", "trusted-types 'none'"]) {
    assert.ok(policy.includes(part), `${part} in ${policy}`);
  }
  assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
  const page = await answer.text();
  assert.doesNotMatch(page, /<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|https?:\/\//i);
});

test("markup_as_text_is_all_that_the_page_could_make", async () => {
  await withPage(async (page) => {
    await openDashboard(page);
    const refused = await page.evaluate(() => {
      try {
        document.createElement("p").innerHTML = "<b>x</b>";
        return "taken";
      } catch (error) {
        return error.name;
      }
    });
    assert.equal(refused, "TypeError");
  }, { quiet: true });
});

test("a_wrong_credential_is_refused_with_what_to_do", async () => {
  await withPage(async (page) => {
    await openDashboard(page);
    const button = page.getByRole("button", { name: "Sign in" });
    await button.click();
    await page.getByText("Paste a token or an administrator key.").waitFor();
    await page.getByLabel("Token or administrator key").fill("not a credential…");
    await button.click();
    await page.getByText("This is not a credential").waitFor();
    await page.getByLabel("Token or administrator key").fill("x".repeat(40));
    await button.click();
    await page.locator('[data-code^="credential_"]').waitFor();
    assert.equal(await page.getByLabel("Token or administrator key").inputValue(), "");
  });
});

test("an_administrator_switches_organizations_and_nothing_is_kept", async () => {
  const [first, second] = [await organization(), await organization()];
  const token = await mint(second, { name: "of-the-second" });
  await withPage(async (page, context) => {
    await signIn(page, { organization: first });
    await page.getByText("No active tokens.").waitFor();
    await page.getByLabel("Organization", { exact: true }).selectOption(second);
    await rowOf(page, token).waitFor();
    assert.ok(!page.url().includes(ADMIN));
    const kept = await page.evaluate(async () => [
      localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, (await caches.keys()).length,
    ]);
    assert.deepEqual(kept, [0, 0, "", 0, 0]);
    assert.deepEqual(await page.evaluate(() => history.state), { signedIn: true }, "that somebody was, and not who");
    assert.deepEqual(await context.cookies(), []);
    assert.ok(!(await page.content()).includes(ADMIN));
    await page.reload();
    await page.getByText("The page was reloaded. It stores no credential anywhere, so sign in again.").waitFor();
    await page.getByLabel("Token or administrator key").waitFor();
  });
});

test("a_token_that_manages_nothing_is_refused_at_sign_in", async () => {
  const name = await organization();
  const attests = await mint(name, { name: "ux-ci2", project: "shop", workflow: "release" });
  const bare = await mint(name, { name: "bare", policies: ["workflow_run:read"] });
  const reader = await mint(name, { name: "reader", policies: ["audit:read"] });
  await withPage(async (page) => {
    await openDashboard(page);
    const enter = async (token) => {
      await page.getByLabel("Token or administrator key").fill(token);
      await page.getByRole("button", { name: "Sign in" }).click();
    };
    await enter(attests.token);
    await page.getByText("ux-ci2 can attest for shop / release, but can’t manage tokens.").waitFor();
    await enter(bare.token);
    await page.getByText("bare can attest, but can’t manage tokens.").waitFor();
    assert.equal(await page.locator("#nav a").count(), 0);
    assert.equal(await page.getByLabel("Token or administrator key").inputValue(), "");
    await enter(reader.token);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
  });
});

test("a_token_manages_its_own_organization", async () => {
  const name = await organization();
  const own = await mint(name, { name: "manager" });
  const seen = await mint(name, { name: "seen", project: "shop" });
  await withPage(async (page) => {
    await signIn(page, { credential: own.token });
    await rowOf(page, seen).waitFor();
    await page.getByText(`token ${own.name}`).waitFor();
    assert.equal(await page.locator("#who select").count(), 0);
    await page.getByText(name, { exact: true }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("Signed out.").waitFor();
    assert.equal(await rowOf(page, seen).count(), 0);
  });
});

test("a_credential_that_ends_meanwhile_leads_back_to_the_sign_in", async () => {
  const name = await organization();
  const revoked = await mint(name, { name: "revoked-meanwhile" });
  await mint(name, { name: "seen", project: "shop" });
  await withPage(async (page) => {
    await signIn(page, { credential: revoked.token });
    await page.getByRole("button", { name: "Create a token" }).click();
    await page.getByRole("dialog").waitFor();
    assert.equal((await api("DELETE", `/org/tokens/${revoked.id}`, { organization: name })).status, 200);
    await page.getByRole("radio", { name: /^Organization/ }).check();
    await page.getByRole("button", { name: "Create token" }).click();
    // On the page, not in the dialog, which has closed but may not have left the document yet.
    await page.locator('main [data-code="credential_refused"]').waitFor();
    assert.equal(await page.getByRole("dialog").count(), 0);
    assert.equal(await page.locator("table").count(), 0);
  });
  const short = await mint(name, { name: "expired-meanwhile", expires_in: "6s" });
  await withPage(async (page) => {
    await signIn(page, { credential: short.token });
    await page.waitForTimeout(Math.max(0, Date.parse(short.expires_at) + 1_500 - Date.now()));
    await page.getByLabel("Status").selectOption("all");
    await page.locator('[data-code="token_expired"], [data-code="credential_refused"]').waitFor();
  });
});

test("offline_and_errors_say_so_and_can_be_tried_again", async () => {
  const name = await organization();
  const token = await mint(name, { name: "still-here" });
  await withPage(async (page, context) => {
    await signIn(page, { organization: name });
    await context.setOffline(true);
    await page.getByText("This browser is offline.").waitFor();
    await page.getByLabel("Status").selectOption("all");
    await page.locator('[data-code="unreachable"]').waitFor();
    await context.setOffline(false);
    await page.getByRole("button", { name: "Try again" }).click();
    await rowOf(page, token).waitFor();
    await page.route("**/org/tokens?*", (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>proxy</h1>" }));
    await page.getByLabel("Status").selectOption("active");
    await page.locator('[data-code="unreadable"]').waitFor();
    await page.unroute("**/org/tokens?*");
    await page.getByRole("button", { name: "Try again" }).click();
    await rowOf(page, token).waitFor();
  });
});

test("a_session_needs_no_credential_and_writes_from_this_page", async () => {
  const [first, second] = [await organization(), await organization()];
  const token = await mint(first, { name: "seen by kim" });
  await withPage(async (page, context) => {
    await context.addCookies([{ name: "session", value: first, url: url() }]);
    await openDashboard(page, "#tokens");
    await act(page, token, "Revoke…");
    await page.getByRole("button", { name: "Revoke token" }).click();
    await page.locator("#final").waitFor();
    await page.getByRole("button", { name: "Create a token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: /^Project/ }).check();
    await dialog.getByLabel("Project", { exact: true }).selectOption("shop");
    await dialog.getByRole("button", { name: "Create token" }).click();
    await page.getByRole("dialog", { name: "Token created" }).waitFor();
  });
  await withPage(async (page, context) => {
    await context.addCookies([{ name: "session", value: `${first}.${second}`, url: url() }]);
    await openDashboard(page, "#tokens");
    const name = page.getByLabel("Name of the organization");
    await name.fill("someone-elses");
    await page.getByRole("button", { name: "Open" }).click();
    await page.locator('[data-code="not_a_member"]').waitFor();
    await name.fill(second);
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText("No active tokens.").waitFor();
  });
});
