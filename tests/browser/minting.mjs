// Minting in all scopes, copying, and the limits.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { api, MINTS_PER_HOUR, mint, opens, organization, signIn, withPage } from "./world.mjs";

/** Whether a shell can read the commands of a snippet: those of a file for a CI system are the part that is its script. */
function shellReads(text) {
  const [, indent, script] = /(?:run|-): \|\n( +)([\s\S]+)$/.exec(text.replace("- |", "-: |")) ?? [null, "", text];
  const read = spawnSync("sh", ["-n"], { input: script.replaceAll(`\n${indent}`, "\n"), encoding: "utf8" });
  assert.equal(read.status, 0, `${read.stderr}\n${script}`);
}

/** Fills and sends the form; gives the token that is shown. */
async function mintInPage(page, { name, scope, fill = async () => {} }) {
  await page.getByRole("button", { name: "Create a token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: new RegExp(`^${scope}`) }).check();
  if (scope !== "Organization") await dialog.getByLabel("Project", { exact: true }).selectOption("shop");
  if (scope === "Workflow") await dialog.getByLabel("Workflow", { exact: true }).selectOption("release");
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  await fill(dialog);
  await dialog.getByRole("button", { name: "Create token" }).click();
}

test("all_three_scopes_are_minted_shown_once_and_copied", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    for (const [scope, where] of [["Workflow", "shop / release"], ["Project", "shop"], ["Organization", "organization"]]) {
      await mintInPage(page, { name: `ci-${scope.toLowerCase()}`, scope });
      const dialog = page.getByRole("dialog", { name: "Token created" });
      const secret = await dialog.locator("#secret").textContent();
      assert.match(secret, /^pst_[0-9A-Za-z]{22}_[0-9A-Za-z]{48}$/);
      for (const snippet of await dialog.locator("pre").all()) {
        const text = await snippet.textContent();
        assert.ok(!text.includes(secret), "a snippet is committed: it holds no token");
        assert.ok(!text.includes("…"), "and is complete");
        assert.ok(text.includes(`--project ${scope === "Organization" ? "PROJECT" : "shop"} --workflow ${scope === "Workflow" ? "release" : "WORKFLOW"}`), text);
        shellReads(text);
      }
      await dialog.getByRole("button", { name: "Copy token" }).click();
      await dialog.getByRole("button", { name: "Copied ✓" }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
      assert.equal(await dialog.getByRole("button", { name: "Close" }).getAttribute("class"), "primary");
      await dialog.getByRole("button", { name: "Close" }).click();
      await page.locator("tbody tr", { hasText: `ci-${scope.toLowerCase()}` }).locator(".col-scope", { hasText: where }).waitFor();
      assert.ok(!(await page.content()).includes(secret), "gone when closed");
      assert.equal(await opens(secret), scope === "Organization" ? 200 : 403);
    }
    await page.locator("#count").getByText("3").waitFor();
  });
});

test("a_token_that_was_not_copied_is_not_lost_by_one_key", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await mintInPage(page, { name: "kept", scope: "Project" });
    const dialog = page.getByRole("dialog", { name: "Token created" });
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    assert.ok(await dialog.isVisible());
    await dialog.getByRole("button", { name: "Close" }).click();
    await dialog.getByText("was not copied yet").waitFor();
    const leave = dialog.getByRole("button", { name: "Close without copying" });
    const [button, box] = await Promise.all([leave.boundingBox(), dialog.boundingBox()]);
    assert.ok(button.y + button.height <= box.y + box.height, "the question and the button are in sight");
    await leave.click();
    await dialog.waitFor({ state: "detached" });
  });
});

test("expiry_format_and_policies_arrive_as_chosen", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await mintInPage(page, {
      name: "chosen",
      scope: "Organization",
      fill: async (dialog) => {
        await dialog.getByLabel("Description").fill("what it is for");
        await dialog.getByLabel("Expires", { exact: true }).selectOption("exact");
        await dialog.getByLabel("Expires at").fill("2030-01-31T12:00:00");
        await dialog.getByRole("radio", { name: "JWT" }).check();
        await dialog.getByText("Policies: the defaults").click();
        for (const box of await dialog.getByRole("checkbox").all()) await box.uncheck();
        await dialog.getByRole("checkbox", { name: "workflow_run:read" }).check();
        await dialog.getByText("Policies: 1 chosen").waitFor();
      },
    });
    await page.getByRole("dialog", { name: "Token created" }).getByText("jwt_").first().waitFor();
  });
  const { body } = await api("GET", "/org/tokens", { organization: name });
  const [token] = body.tokens;
  assert.deepEqual(
    [token.name, token.description, token.format, token.expires_at, token.policies],
    ["chosen", "what it is for", "jwt", "2030-01-31T12:00:00Z", ["workflow_run:read"]],
  );
});

test("the_defaults_that_are_ticked_are_those_of_the_gate", async () => {
  const name = await organization();
  const given = {
    Workflow: (await mint(name, { project: "shop", workflow: "release" })).policies,
    Organization: (await mint(name, {})).policies,
  };
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("button", { name: "Create a token" }).click();
    for (const [scope, expected] of Object.entries(given)) {
      await page.getByRole("radio", { name: new RegExp(`^${scope}`) }).check();
      const ticked = await page.locator("dialog input[type=checkbox]:checked").evaluateAll((boxes) => boxes.map((box) => box.value));
      assert.deepEqual(ticked.sort(), [...expected].sort(), scope);
    }
  });
});

test("a_first_project_and_workflow_are_made_on_the_way", async () => {
  const name = `new-${Date.now().toString(36)}`;
  assert.equal((await api("POST", "/orgs", { body: { name } })).status, 201);
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("button", { name: "Create a token" }).click();
    for (const [kind, made] of [["project", "web"], ["workflow", "build"]]) {
      await page.getByRole("button", { name: `New ${kind}` }).click();
      const inner = page.getByRole("dialog", { name: `New ${kind}` });
      await inner.getByLabel(`Name of the ${kind}`).fill(made);
      await inner.getByRole("button", { name: `Create ${kind}` }).click();
      await inner.waitFor({ state: "detached" });
    }
    assert.match(await page.getByLabel("Name", { exact: true }).inputValue(), /^web-build-\d{4}-\d\d$/, "a name is proposed");
    await page.getByRole("button", { name: "Create token" }).click();
    await page.getByRole("dialog", { name: "Token created" }).waitFor();
  });
});

test("what_is_missing_is_said_at_each_field_at_once", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("button", { name: "Create a token" }).click();
    const dialog = page.getByRole("dialog");
    const fault = (label) => dialog.locator(".field", { has: page.getByLabel(label, { exact: true }) }).getByRole("alert");
    assert.ok(await dialog.getByLabel("Workflow", { exact: true }).isDisabled());
    assert.equal(await dialog.getByLabel("Workflow", { exact: true }).locator("option:checked").textContent(), "Choose a project first");
    await dialog.getByLabel("Expires", { exact: true }).selectOption("exact");
    await dialog.getByRole("button", { name: "Create token" }).click();
    for (const [label, told] of [["Project", "Choose a project."], ["Name", "Give the token a name."], ["Expires at", "Give the date and time at which it expires."]]) {
      await fault(label).getByText(told).waitFor();
    }
    assert.ok(await dialog.getByLabel("Project", { exact: true }).evaluate((input) => input === document.activeElement), "the focus goes to the first");
    await dialog.getByLabel("Project", { exact: true }).selectOption("shop");
    await dialog.getByLabel("Expires at").fill("2020-01-31T12:00:00");
    await dialog.getByRole("button", { name: "Create token" }).click();
    await fault("Workflow").getByText("Choose a workflow.").waitFor();
    await fault("Expires at").getByText("Choose a moment in the future.").waitFor();
    assert.match(await dialog.getByLabel("Name", { exact: true }).inputValue(), /^shop-\d{4}-\d\d$/);
    await dialog.getByLabel("Description").fill("d".repeat(401));
    await dialog.getByText("401 of 500 characters").waitFor();
    assert.equal(await dialog.getByLabel("Name", { exact: true }).getAttribute("maxlength"), "100");
  });
});

test("refusals_say_what_to_do_and_when_to_try_again", async () => {
  const name = await organization();
  await mint(name, { name: "taken", project: "shop" });
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await mintInPage(page, { name: "taken", scope: "Project" });
    const dialog = page.getByRole("dialog", { name: "Create a token" });
    await dialog.getByText("An active token already has this name. Choose another.").waitFor();
    assert.ok(await dialog.getByLabel("Name", { exact: true }).evaluate((input) => input === document.activeElement));
    assert.equal(await dialog.getByLabel("Name", { exact: true }).inputValue(), "taken", "what was typed is kept");

    await api("PATCH", `/orgs/${name}`, { body: { mint_ceiling: 1 } });
    await dialog.getByLabel("Name", { exact: true }).fill("one-more");
    await dialog.getByRole("button", { name: "Create token" }).click();
    await dialog.locator('[data-code="mint_ceiling_reached"]', { hasText: "Revoke a token" }).waitFor();
    await api("PATCH", `/orgs/${name}`, { body: { mint_ceiling: 0 } });

    // The page's own address, as its headers say it, has a bucket of its own: it is emptied from the page.
    const emptied = await page.evaluate(async ([name, credential, times]) => {
      const statuses = [];
      for (let turn = 0; turn < times; turn += 1) {
        const answer = await fetch("/org/tokens", {
          method: "POST",
          headers: { authorization: `Bearer ${credential}`, "postern-organization": name, "content-type": "application/json" },
        });
        statuses.push(answer.status);
      }
      return statuses.at(-1);
    }, [name, (await import("./world.mjs")).ADMIN, MINTS_PER_HOUR + 1]);
    assert.equal(emptied, 429);
    await dialog.getByRole("button", { name: "Create token" }).click();
    const box = dialog.locator('[data-code="mint_rate_exceeded"]');
    await box.waitFor();
    assert.match(await box.textContent(), /Try again in \d+ (s|min), at \d\d:\d\d\./);
  });
});
