// Settings: organizations with their limits, projects and workflows, and who is signed in.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { api, mint, organization, signIn, withPage } from "./world.mjs";

const dialog = (page) => page.getByRole("dialog");
const limits = async (name) => (await api("GET", "/orgs?limit=500")).body.organizations.find((row) => row.name === name);

test("an_organization_is_created_with_faults_at_their_fields", async () => {
  const first = await organization();
  const name = `made-${randomBytes(3).toString("hex")}`;
  await withPage(async (page) => {
    await signIn(page, { organization: first, view: "#settings" });
    await page.getByRole("button", { name: "New organization" }).click();
    const create = dialog(page).getByRole("button", { name: "Create organization" });
    const field = dialog(page).getByLabel("Name", { exact: true });
    await field.fill("Acme Corp");
    await dialog(page).getByLabel("Limit of active tokens").fill("many");
    await create.click();
    await dialog(page).getByText("Use lower case letters, digits and hyphens").waitFor();
    await dialog(page).getByText("Enter a whole number from 0 to 10,000,000.").waitFor();
    assert.ok(await field.evaluate((input) => input === document.activeElement && input.ariaInvalid === "true"), "the first fault has the focus");
    assert.ok(!/`|mint_ceiling|max_idle_days|RFC/.test(await dialog(page).innerText()), "in people's words");
    await field.fill(first);
    await dialog(page).getByLabel("Limit of active tokens").fill("250");
    await dialog(page).getByLabel("Idle days").fill("30");
    await create.click();
    await dialog(page).getByText("There is an organization of this name already.").waitFor();
    await field.fill(name);
    await create.click();
    const row = page.locator(`tr[data-organization="${name}"]`);
    await row.waitFor();
    assert.match(await row.innerText(), /250\s+after 30 days\s+revoked\s+everybody/);
    assert.ok((await page.locator("#who select option").allInnerTexts()).includes(name), "it can be chosen");
    const made = await limits(name);
    assert.deepEqual([made.mint_ceiling, made.max_idle_days, made.on_leak, made.federated_only], [250, 30, "revoke", false]);
  });
});

test("r50_limits_are_changed_and_the_log_says_from_what_to_what", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#settings" });
    await page.getByRole("button", { name: `Edit the limits of ${name}` }).click();
    await dialog(page).getByLabel("A token that is found in public").selectOption("quarantine");
    await dialog(page).getByLabel("Limit of active tokens").fill("5,000");
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await page.locator(`tr[data-organization="${name}"]`, { hasText: "quarantined" }).waitFor();
    const now = await limits(name);
    assert.deepEqual([now.on_leak, now.mint_ceiling, now.max_idle_days], ["quarantine", 5_000, 0]);
    await page.getByRole("link", { name: "Audit" }).click();
    await page.locator("#events tr", { hasText: "limit of active tokens: the default → 5,000, when leaked: revoke → quarantine" }).waitFor();
  });
});

test("projects_and_workflows_are_listed_and_created", async () => {
  const name = await organization();
  await withPage(async (page) => {
    await signIn(page, { organization: name, view: "#settings" });
    await page.getByRole("button", { name: "New project" }).click();
    await dialog(page).getByRole("button", { name: "Create project" }).click();
    await dialog(page).getByText("Enter a name.").waitFor();
    await dialog(page).getByLabel("Name of the project").fill("shop");
    await dialog(page).getByRole("button", { name: "Create project" }).click();
    await dialog(page).getByText("There is a project of this name already.").waitFor();
    await dialog(page).getByLabel("Name of the project").fill("billing");
    await dialog(page).getByRole("button", { name: "Create project" }).click();
    const made = page.locator('#projects li[data-project="billing"]');
    await made.locator("summary").click();
    await made.getByText("No workflows yet.").waitFor();
    await made.getByRole("button", { name: "New workflow in billing" }).click();
    await dialog(page).getByLabel("Name of the workflow").fill("nightly");
    await dialog(page).getByRole("button", { name: "Create workflow" }).click();
    await made.locator("li", { hasText: "nightly" }).waitFor();
    const { body } = await api("GET", "/org/projects/billing/workflows", { organization: name });
    assert.deepEqual(body.workflows.map((row) => row.name), ["nightly"]);
    await made.getByRole("link", { name: "Tokens of billing" }).click();
    await page.getByRole("heading", { name: "Tokens" }).waitFor();
    assert.match(page.url(), /#tokens\?project=billing/);
  });
});

test("a_token_sees_its_own_session_and_no_organizations", async () => {
  const name = await organization();
  const token = await mint(name, { name: "a manager" });
  await withPage(async (page) => {
    await signIn(page, { credential: token.token, view: "#settings" });
    const session = page.getByRole("region", { name: "Your session" });
    await session.getByRole("link", { name: "token a manager" }).waitFor();
    await session.getByText(name, { exact: true }).waitFor();
    await session.getByText(/^\d+ policies$/).click();
    await session.getByText("see project and workflow tokens").waitFor();
    assert.equal(await page.getByRole("heading", { name: "Organizations" }).count(), 0);
    assert.equal(await page.getByRole("button", { name: "New project" }).count(), 0);
  });
});
