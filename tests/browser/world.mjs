// A gateway of the built module, Debian's Chromium, and pages that fail their case on any console error or breach of the
// content security policy. Starts what it needs on free ports and ends all of it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const ADMIN = randomBytes(24).toString("base64url");
/** Few enough that a case can reach it: each case mints from an address of its own. */
export const MINTS_PER_HOUR = 12;

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const END_MS = 15_000;

const gateways = [];
const servers = [];
let sessions;
let browser;
let folder;
let origin;
let cases = 0;

export const url = () => origin;

export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server of the test's own on a free port; ends with the gateways. */
export async function listen(answer) {
  const server = createHttpServer(answer);
  servers.push(server);
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

/** The session endpoint: a cookie `session=a.b` is an administrator of the organizations a and b. */
async function serveSessions() {
  const at = await listen((request, response) => {
    const names = /(?:^|; )session=([a-z0-9.-]+)/.exec(request.headers.cookie ?? "")?.[1];
    response.statusCode = names ? 200 : 401;
    response.setHeader("content-type", "application/json");
    response.end(names && JSON.stringify({ user_id: "kim", organizations: names.split(".").map((name) => ({ name, role: "admin" })) }));
  });
  return `${at}/session`;
}

/** A gateway with stores of its own in front of `behind`; ends with the others. */
export async function serve(behind, more = {}, at = undefined) {
  const port = at ?? (await freePort());
  const set = {
    SESSION_VERIFY_URL: sessions,
    ADMIN_TOKEN: ADMIN,
    TOKEN_KEYS: `k1:${randomBytes(32).toString("base64url")}`,
    MINT_PER_HOUR: String(MINTS_PER_HOUR),
    ...more,
  };
  const words = ["serve", "--port", String(port), "--origin", behind, "--state", join(folder, String(port))];
  for (const [name, value] of Object.entries(set)) words.push("--set", `${name}=${value}`);
  const gateway = spawn(process.env.POSTERN_XTASK, words, { stdio: ["ignore", "pipe", "pipe"] });
  gateways.push(gateway);
  let log = "";
  gateway.stderr.on("data", (data) => (log = (log + data).slice(-8_000)));
  const line = await new Promise((resolve) => {
    createInterface({ input: gateway.stdout }).once("line", resolve);
    gateway.once("exit", () => resolve(""));
  });
  assert.equal(line, `ready http://127.0.0.1:${port}`, log);
  return `http://127.0.0.1:${port}`;
}

export async function start() {
  assert.ok(process.env.POSTERN_XTASK, "POSTERN_XTASK names the xtask program");
  folder = await mkdtemp(join(tmpdir(), "postern-browser-"));
  sessions = await serveSessions();
  origin = await serve("http://127.0.0.1:9");
  browser = await chromium.launch({
    executablePath: process.env.POSTERN_CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS, // playwright gives it a profile folder of its own
  });
}

/** Waits for it, but not forever: what does not end by itself is ended. */
async function within(ms, ending) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(() => resolve("late"), ms)));
  const first = await Promise.race([ending, late]);
  clearTimeout(timer);
  return first !== "late";
}

export async function stop() {
  if (browser) await within(END_MS, browser.close());
  await Promise.all(gateways.filter(({ exitCode }) => exitCode === null).map(async (gateway) => {
    const ended = new Promise((resolve) => gateway.once("exit", resolve));
    gateway.kill("SIGTERM");
    if (!(await within(END_MS, ended))) gateway.kill("SIGKILL");
  }));
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  if (folder) await rm(folder, { recursive: true, force: true });
}

/** A call to the management API, past the browser. Each has an address of its own, and so a full bucket. */
export async function api(method, path, { body, organization, credential = ADMIN, at = origin } = {}) {
  const random = randomBytes(2);
  const headers = { authorization: `Bearer ${credential}`, "cf-connecting-ip": `10.1.${random[0]}.${random[1]}` };
  if (organization) headers["postern-organization"] = organization;
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(`${at}${path}`, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
}

/** An organization of the case's own, with a project `shop` and its workflow `release`. */
export async function organization(at = origin) {
  const name = `org-${(cases += 1)}-${randomBytes(2).toString("hex")}`;
  for (const [path, made] of [["/orgs", name], ["/org/projects", "shop"], ["/org/projects/shop/workflows", "release"]]) {
    const answer = await api("POST", path, { body: { name: made }, organization: path === "/orgs" ? undefined : name, at });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
  }
  return name;
}

export async function mint(organization, body) {
  const answer = await api("POST", "/org/tokens", { organization, body });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body;
}

/** Whether the gateway lets a token of organization scope list tokens: what a revoked one cannot. */
export async function opens(credential) {
  return (await api("GET", "/org/tokens", { credential })).status;
}

/**
 * Runs `work` with a page of a new browser profile, then fails if the page said anything on the console, threw, or broke
 * the policy. Refused calls are the browser's own notices, and no fault of the page.
 */
export async function withPage(work, options = {}) {
  const { bypassCSP = false, colorScheme = "light", width = 1280, height = 900, quiet = false, at = origin } = options;
  const context = await browser.newContext({
    bypassCSP,
    colorScheme,
    locale: "en-GB",
    timezoneId: "UTC",
    viewport: { width, height },
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
    extraHTTPHeaders: { "cf-connecting-ip": `10.2.${Math.trunc(cases / 250)}.${(cases += 1) % 250}` },
  });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    const text = message.text();
    const breach = /content security policy|trusted/i.test(text);
    if (message.type() === "error" && (breach || !text.startsWith("Failed to load resource"))) faults.push(text);
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(at) && !request.url().startsWith("blob:")) faults.push(`asked ${request.url()}`);
  });
  try {
    await work(page, context);
    if (!quiet) assert.deepEqual(faults, []);
  } finally {
    await context.close();
  }
}

export async function openDashboard(page, view = "", at = origin) {
  await page.goto(`${at}/dashboard/${view}`);
}

/** Signs in through the form, and chooses the organization where that is a choice. */
export async function signIn(page, { credential = ADMIN, organization, view = "#tokens", at } = {}) {
  // Choosing another organization leaves what the address is about: it names the one that is meant.
  await openDashboard(page, organization ? `${view}${view.includes("?") ? "&" : "?"}organization=${organization}` : view, at);
  await page.getByLabel("Token or administrator key").fill(credential);
  await page.getByRole("button", { name: "Sign in" }).click();
  const choice = page.getByLabel("Organization", { exact: true });
  if (organization && (await choice.inputValue()) !== organization) await choice.selectOption(organization);
  await page.locator("#list table, #list .empty, #events > *, #rules > *, #numbers > *, #refused > *, #projects > *, #part-tree > *, main .note")
    .filter({ hasNotText: /^(Loading|Counting)/ }).first().waitFor();
}

export const rowOf = (page, token) => page.locator(`tr[data-id="${token.id}"]`);

/** Chooses from the menu of a token's row: `Rotate…`, `Revoke…`. */
export async function act(page, token, action) {
  await rowOf(page, token).getByRole("button", { name: "Actions for" }).click();
  await page.getByRole("menuitem", { name: action }).click();
}
