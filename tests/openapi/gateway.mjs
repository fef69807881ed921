// A gateway of the built module for the tests of docs/openapi.json, and calls to set it up. Ends with them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const ADMIN = randomBytes(24).toString("base64url");

const END_MS = 15_000;

let gateway;
let folder;
let address;

export const url = () => address;

async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function start() {
  assert.ok(process.env.POSTERN_XTASK, "POSTERN_XTASK names the xtask program");
  folder = await mkdtemp(join(tmpdir(), "postern-openapi-"));
  const port = await freePort();
  const set = {
    ADMIN_TOKEN: ADMIN,
    TOKEN_KEYS: `k1:${randomBytes(32).toString("base64url")}`,
    ASSERTION_KEYS: `a1:${randomBytes(32).toString("base64url")}`,
    // A property tester mints more than anybody.
    MINT_PER_HOUR: "1000000",
    ORG_TOKEN_MINT_CEILING: "0",
    // Issuers whose rules can be added. Neither is asked for anything: no repository of theirs can be looked up.
    CI_ISSUERS: "github=http://127.0.0.1:1/github,https://ci.example",
    CI_AUDIENCES: "https://gate.example",
  };
  const words = ["serve", "--port", String(port), "--origin", "http://127.0.0.1:9", "--state", join(folder, "state")];
  for (const [name, value] of Object.entries(set)) words.push("--set", `${name}=${value}`);
  gateway = spawn(process.env.POSTERN_XTASK, words, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  gateway.stderr.on("data", (data) => (log = (log + data).slice(-8_000)));
  const line = await new Promise((resolve) => {
    createInterface({ input: gateway.stdout }).once("line", resolve);
    gateway.once("exit", () => resolve(""));
  });
  address = `http://127.0.0.1:${port}`;
  assert.equal(line, `ready ${address}`, log);
}

export async function stop() {
  if (gateway && gateway.exitCode === null) {
    const ended = new Promise((resolve) => gateway.once("exit", resolve));
    gateway.kill("SIGTERM");
    const timer = setTimeout(() => gateway.kill("SIGKILL"), END_MS);
    await ended;
    clearTimeout(timer);
  }
  if (folder) await rm(folder, { recursive: true, force: true });
}

/** A call with the administrator key, which must succeed. */
export async function made(path, body, organization) {
  const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
  if (organization) headers["postern-organization"] = organization;
  const answer = await fetch(`${address}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const told = await answer.json();
  assert.equal(answer.status, 201, JSON.stringify(told));
  return told;
}

/**
 * A new organization with a project `shop`, its workflow `release`, and a token that may do whatever a token may, but
 * for ending tokens of its own level: a tester would end the one that it uses.
 */
export async function organization(name) {
  await made("/orgs", { name });
  await made("/org/projects", { name: "shop" }, name);
  await made("/org/projects/shop/workflows", { name: "release" }, name);
  const policies = ["org_api_token:list", "org_api_token:create", "project_api_token:*", "audit:read", "trust_rule:*"];
  return made("/org/tokens", { name: "everything", policies }, name);
}
