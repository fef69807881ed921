// The audit page verifies what it shows: real proofs of a gateway with keys, and everything that somebody could show in their place.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { signer } from "./notes.mjs";
import { api, mint, organization, serve, signIn, withPage } from "./world.mjs";

let at;
/** A gateway that signs public checkpoints; one for all cases. */
const gateway = async () => (at ??= await serve("http://127.0.0.1:9", { AUDIT_KEYS: `p1:${randomBytes(32).toString("base64url")}`, AUDIT_LOG_NAME: "gateway.example" }));

/** An organization whose log has events of many kinds. */
async function eventful() {
  const own = await gateway();
  const name = await organization(own);
  const call = async (method, path, body) => {
    const answer = await api(method, path, { organization: name, body, at: own });
    assert.ok(answer.status < 300 || answer.status === 409, `${method} ${path}: ${answer.status}`);
    return answer.body;
  };
  const token = await call("POST", "/org/tokens", { name: "Ünïcode \u{1f980} \"quoted\" \\ and </script>", project: "shop", expires_in: "90d" });
  await call("POST", "/org/tokens", { name: "twice" });
  await call("POST", "/org/tokens", { name: "twice" });
  await call("PATCH", `/orgs/${name}`, { mint_ceiling: 500, max_idle_days: 30, on_leak: "quarantine" });
  const next = await call("POST", `/org/tokens/${token.id}/rotate`, { overlap: "1h" });
  await call("DELETE", `/org/tokens/${next.id}`);
  return { own, name, token };
}

const verify = (page) => page.getByRole("button", { name: "Verify", exact: true }).click();
const refused = (page) => page.locator(".note.bad");

test("what_is_shown_is_verified_in_the_browser", async () => {
  const { own, name, token } = await eventful();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit", at: own });
    await page.locator("#events tr[data-sequence]").first().waitFor();
    const shown = await page.locator("#events tr[data-sequence]").count();
    const asked = [];
    page.on("request", (request) => request.url().includes("/proof") && asked.push(request.url()));
    await verify(page);
    const told = page.locator("#verified");
    await told.waitFor();
    const text = await told.innerText();
    assert.match(text, new RegExp(`Verified in this browser: ${shown} events`));
    assert.match(text, /They are the whole log up to a checkpoint of \d+ events: none is missing, added or changed\./);
    assert.match(text, /\/audit\/[0-9a-f-]{36} is signed with the key /);
    assert.match(text, /Not verified: that this key is the gateway’s own .* No witness has signed it yet\. Names of tokens come from D1, not from the log\./s);
    assert.deepEqual(asked, [], "a whole log needs no proof");
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save the checkpoint" }).click();
    assert.match(await readFile(await (await saving).path(), "utf8"), new RegExp(`^\\S+/audit/\\S+\n${shown}\n`));
    // Rows that do not follow on each other.
    await page.goto(`${own}/dashboard/#audit?token=${token.id}`);
    await page.locator("#events tr[data-sequence]", { hasText: "Token created" }).waitFor();
    await told.waitFor({ state: "detached" });
    await verify(page);
    await told.filter({ hasText: "Each is in the tree of a checkpoint of" }).waitFor();
    assert.ok(asked.length > 0);
  }, { at: own });
});

test("another_log_in_place_of_the_signed_one_is_not_verified", async () => {
  const { own, name } = await eventful();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit", at: own });
    await page.locator("#events tr[data-sequence]").first().waitFor();
    const forged = signer("gate.example/audit/x", 1);
    const lie = async (pattern, change, told) => {
      await page.route(pattern, async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, body: change(await answer.text()) });
      });
      await page.getByRole("button", { name: "Refresh" }).click();
      await page.locator("#events tr[data-sequence]").first().waitFor();
      await verify(page);
      await refused(page).filter({ hasText: told }).waitFor();
      assert.equal(await page.locator("#verified").count(), 0);
      await page.unroute(pattern);
    };
    const events = (change) => (body) => {
      const page = JSON.parse(body);
      change(page.events);
      return JSON.stringify(page);
    };
    await lie("**/org/audit?*", events((rows) => (rows[1].actor = "admin-token:mallory")), "not the one in the signed tree");
    await lie("**/org/audit?*", events((rows) => (rows[0].address = "203.0.113.9")), "not the one in the signed tree");
    await lie("**/org/audit?*", events((rows) => (rows[2].sequence = rows[1].sequence)), "two events have the same number");
    await lie("**/org/audit/checkpoint*", (note) => note.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) - 1}\n`), "does not fit");
    await lie("**/org/audit/checkpoint*", (note) => note.replace("/audit/", "/audit/0"), "of another log");
    await lie("**/.well-known/postern-audit-keys?*", () => `${forged.key}\n`, "No published key has signed");
    await lie("**/.well-known/postern-audit-keys?*", (keys) => keys.replace("+", "+0"), "has another form");
  }, { at: own });
});

test("a_gateway_without_keys_says_so", async () => {
  const name = await organization();
  await mint(name, { name: "one" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#audit" });
    await page.locator("#events tr[data-sequence]").first().waitFor();
    await verify(page);
    await refused(page).filter({ hasText: "This gateway has no keys for public checkpoints" }).waitFor();
  });
});
