// axe-core on every view and dialog in both themes, the size of it all, and pictures to look at in target/screenshots.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { answerActivity } from "./activity_answers.mjs";
import { answer, FOUND, jobToken, RULES, TESTED } from "./job_answers.mjs";
import { act, mint, openDashboard, organization, rowOf, signIn, withPage } from "./world.mjs";

const PICTURES = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));
const DASHBOARD = fileURLToPath(new URL("../../dashboard/", import.meta.url));
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** What a browser fetches, each file compressed; and what there is to read. */
const MOST_SENT = 121_000;
const MOST_BYTES = 313_000;

let shown;

async function example() {
  if (shown) return shown;
  const name = await organization();
  const manager = await mint(name, { name: "platform-team", description: "mints for the projects", expires_in: "90d" });
  await mint(name, { name: "release pipeline", project: "shop", workflow: "release", expires_in: "3d" });
  await mint(name, { name: "nightly scans", project: "shop" });
  const { api, opens } = await import("./world.mjs");
  await opens(manager.token);
  await api("POST", "/org/tokens", { credential: manager.token, body: { name: "minted by a token", project: "shop" } });
  for (let call = 0; call < 4; call += 1) await opens(manager.token);
  const old = await mint(name, { name: "laptop of kim" });
  await api("DELETE", `/org/tokens/${old.id}`, { organization: name });
  await api("POST", "/org/tokens", { organization: name, body: { name: "nightly scans", project: "shop" } });
  await mint(name, { name: "<b>bold</b> \u202eevil", project: "shop" });
  shown = { name, manager };
  return shown;
}

const dialog = (page) => page.getByRole("dialog");

/** Each view and dialog: how to get there. */
const VIEWS = {
  "sign-in": async (page) => {
    await openDashboard(page);
    await page.getByLabel("Token or administrator key").waitFor();
  },
  tokens: async (page, { name }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.goto(`${page.url().split("#")[0]}#tokens?status=all`);
    await page.locator("#list .badge", { hasText: "Revoked" }).waitFor();
    await page.locator("#count strong").waitFor();
    await page.getByRole("checkbox", { name: "Select nightly scans" }).check();
  },
  empty: async (page, { name }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByLabel("Search tokens").fill("nothing like it");
    await page.getByText("No active token matches").waitFor();
  },
  mint: async (page, { name }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("button", { name: "Create a token" }).click();
    await dialog(page).getByLabel("Project", { exact: true }).selectOption("shop");
    await dialog(page).getByText("Policies: the defaults").click();
  },
  minted: async (page, { name }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("button", { name: "Create a token" }).click();
    await dialog(page).getByRole("radio", { name: /^Organization/ }).check();
    await dialog(page).getByLabel("Name", { exact: true }).fill(`created-${randomBytes(3).toString("hex")}`);
    await dialog(page).getByRole("button", { name: "Create token" }).click();
    await page.getByRole("dialog", { name: "Token created" }).waitFor();
  },
  revoke: async (page, { name, manager }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await act(page, manager, "Revoke…");
  },
  rotate: async (page, { name, manager }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await act(page, manager, "Rotate…");
  },
  token: async (page, { name, manager }) => {
    await signIn(page, { organization: name, view: `#tokens/${manager.id}` });
    await page.locator("#part-tree").getByText("minted by a token").waitFor();
    await page.locator("#part-audit").getByText("All its events").waitFor();
    await page.getByText("policies", { exact: false }).first().click();
  },
  menu: async (page, { name, manager }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await rowOf(page, manager).getByRole("button", { name: "Actions for" }).click();
    await page.getByRole("menu").waitFor();
  },
  found: async (page, { name, manager }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByLabel("Search tokens").fill(manager.token);
    await page.locator(".found").waitFor();
    await page.getByText("1 token.").waitFor();
  },
  bulk: async (page, { name }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("button", { name: "Revoke many…" }).click();
    await dialog(page).getByLabel("Project").fill("shop");
    await dialog(page).getByRole("button", { name: "Review the tokens" }).click();
    await dialog(page).getByText("would be revoked.").waitFor();
  },
  overview: async (page, { name }) => {
    await answerActivity(page);
    await signIn(page, { organization: name, view: "#overview" });
    await page.getByRole("table", { name: "Tokens with the most refused calls" }).waitFor();
    await page.locator("figure summary").first().click();
  },
  activity: async (page, { name }) => {
    await answerActivity(page);
    await signIn(page, { organization: name, view: "#activity" });
  },
  why: async (page, { name }) => {
    await answerActivity(page);
    await signIn(page, { organization: name, view: "#activity" });
    await page.getByRole("button", { name: /^Why: Not among its policies/ }).first().click();
    await dialog(page).getByText("Needs", { exact: true }).waitFor();
  },
  audit: async (page, { name }) => {
    await signIn(page, { organization: name, view: "#audit" });
    await page.locator("#chain").waitFor();
    await page.locator("#events tr", { hasText: "Creation refused" }).getByRole("button").first().click();
    await page.getByText("JSON").click();
  },
  organization: async (page, { name }) => {
    await signIn(page, { organization: name, view: "#settings" });
    await page.getByRole("button", { name: "New organization" }).click();
    await dialog(page).getByRole("button", { name: "Create organization" }).click();
    await dialog(page).getByText("Enter a name.").waitFor();
  },
  help: async (page) => {
    await openDashboard(page, "#help");
    await page.getByRole("heading", { name: "Words" }).waitFor();
  },
  settings: async (page, { name }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("link", { name: "Settings" }).click();
    await page.locator("#projects summary").click();
    await page.locator(".place").getByRole("button", { name: "Workflows of shop" }).click();
    await page.locator('.place[data-place="shop / release"]').getByText("Not set").waitFor();
  },
  credential: async (page, { name }) => {
    await signIn(page, { organization: name, view: "#tokens" });
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("button", { name: "Set the credential for shop", exact: true }).click();
    await dialog(page).getByRole("button", { name: "Set" }).click();
    await dialog(page).getByText("Paste the credential.").waitFor();
  },
  jobs: async (page, { name }) => {
    await answer(page, { rules: RULES });
    await signIn(page, { organization: name, view: "#ci" });
    await page.locator("#rules .place").getByText("Gives shop").first().click();
  },
  rule: async (page, { name }) => {
    await answer(page, { rules: RULES, found: FOUND });
    await signIn(page, { organization: name, view: "#ci" });
    await page.getByRole("button", { name: "Add a rule" }).click();
    await dialog(page).getByRole("textbox", { name: "Repository", exact: true }).fill("acme/shop");
    await page.keyboard.press("Enter");
    await dialog(page).getByText("Found: acme/shop").waitFor();
    await dialog(page).getByText("Conditions (optional): none").click();
    await dialog(page).getByRole("button", { name: "Add rule" }).click();
    await dialog(page).getByText("Choose a project.", { exact: true }).waitFor();
  },
  pasted: async (page, { name }) => {
    await answer(page, { rules: RULES });
    await signIn(page, { organization: name, view: "#ci" });
    await page.getByRole("button", { name: "Add a rule" }).click();
    await dialog(page).getByRole("radio", { name: /^Paste a job token/ }).check();
    await dialog(page).getByRole("textbox", { name: "Job token", exact: true }).fill(jobToken());
    await dialog(page).getByText("Conditions (optional): none").click();
  },
  ids: async (page, { name }) => {
    await answer(page, { rules: RULES });
    await signIn(page, { organization: name, view: "#ci" });
    await page.getByRole("button", { name: "Add a rule" }).click();
    await dialog(page).getByRole("radio", { name: /^Enter the ids/ }).check();
    await dialog(page).getByRole("button", { name: "Add rule" }).click();
    await dialog(page).getByText("Enter the repository id").waitFor();
  },
  refused: async (page, { name }) => {
    await answer(page, { rules: [{ ...RULES[0], conditions: {} }, { ...RULES[0], id: "risky", conditions: { events: ["pull_request_target"] } }], tested: { ...TESTED, gives: null, refusal: "the token is for another organization" } });
    await signIn(page, { organization: name, view: "#ci" });
    await page.getByRole("button", { name: "Test a job token" }).click();
    await dialog(page).getByLabel("Job token", { exact: true }).fill(jobToken({ aud: "https://gate.example/globex" }));
    await dialog(page).getByRole("button", { name: "Test" }).click();
    await dialog(page).getByText("This job gets nothing.").waitFor();
  },
  tested: async (page, { name }) => {
    await answer(page, { rules: RULES, tested: TESTED });
    await signIn(page, { organization: name, view: "#ci" });
    await page.getByRole("button", { name: "Test a job token" }).click();
    await dialog(page).getByLabel("Job token", { exact: true }).fill(jobToken());
    await dialog(page).getByRole("button", { name: "Test" }).click();
    await dialog(page).getByText("This job would get a token.").waitFor();
  },
  status: async (page) => {
    await openDashboard(page, "#status");
    await page.locator(".verdict[data-state=ready]").waitFor();
  },
};

for (const colorScheme of ["light", "dark"]) {
  test(`no_view_has_an_axe_violation_in_${colorScheme}`, async () => {
    const world = await example();
    await mkdir(PICTURES, { recursive: true });
    for (const [view, reach] of Object.entries(VIEWS)) {
      for (const width of [1280, 1024, 360]) {
        // axe is put into the page past its policy, which the other cases hold to.
        await withPage(async (page) => {
          await reach(page, world);
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${view} fits at ${width}`);
          await page.screenshot({ path: `${PICTURES}${view}-${colorScheme}-${width}.png`, fullPage: !["mint", "minted", "revoke", "rotate", "menu", "bulk", "credential", "why", "organization", "rule", "pasted", "ids", "refused", "tested"].includes(view) });
          await page.addScriptTag({ path: AXE });
          const violations = await page.evaluate(async () =>
            (await window.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`));
          assert.deepEqual(violations, [], `${view}, ${colorScheme}, ${width}`);
        }, { colorScheme, width, height: width === 360 ? 740 : 900, bypassCSP: true });
      }
    }
  });
}

test("the_whole_dashboard_is_small", async () => {
  let [bytes, sent] = [0, 0];
  // The description of the API is put beside it by the build; no page loads it.
  const files = (await readdir(DASHBOARD)).filter((file) => file !== "openapi.json");
  for (const file of files) {
    const content = await readFile(`${DASHBOARD}${file}`);
    bytes += content.length;
    sent += gzipSync(content).length;
  }
  console.log(`dashboard: ${files.length} files, ${bytes} bytes, ${sent} compressed`);
  assert.ok(sent < MOST_SENT, `${sent} bytes compressed`);
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
});
