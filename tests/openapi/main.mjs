// docs/openapi.json from outside: linted, held against the served gateway by a property tester, and clients of two
// generators built and driven. Run by `cargo xtask test` and `cargo xtask test openapi`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ADMIN, organization, start, stop, url } from "./gateway.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const DOCUMENT = join(HERE, "../../docs/openapi.json");
const GENERATED = join(HERE, "generated");
const PYTHON = process.env.POSTERN_PYTHON;
const EXAMPLES = process.env.POSTERN_EXAMPLES ?? "20";
const SEED = process.env.POSTERN_SEED ?? "1";

/** Where python3 is missing, and this is not CI: xtask has said so. */
const onPython = { skip: PYTHON ? false : "there is no Python for it" };

/** Runs a program in this folder; gives what it printed, and fails with that. */
async function run(program, words, env = {}) {
  const child = spawn(program, words, { cwd: HERE, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  assert.equal(code, 0, `${words.join(" ")}\n${said}`);
  return said;
}

const npm = (name, ...words) => run(process.execPath, [join(HERE, "node_modules/.bin", name), ...words]);
const python = (module, words, env) => run(PYTHON, ["-m", module, ...words], env);

before(
  async () => {
    await rm(GENERATED, { recursive: true, force: true });
    await mkdir(GENERATED, { recursive: true });
    await start();
  },
  { timeout: 20 * 60_000 },
);
after(stop);

test("the linter finds nothing", async () => {
  await npm("redocly", "lint", "--config", "redocly.yaml", DOCUMENT);
});

test("the document is an OpenAPI document by its schema", onPython, async () => {
  await python("openapi_spec_validator", [DOCUMENT]);
});

test("the gateway serves this document", async () => {
  const served = await fetch(`${url()}/openapi.json`);
  assert.deepEqual(await served.json(), JSON.parse(await readFile(DOCUMENT, "utf8")));
});

const who = (name) => ({ POSTERN_URL: url(), POSTERN_ADMIN: ADMIN, POSTERN_ORGANIZATION: name });

test("a generated TypeScript client type-checks and works", async () => {
  await organization("typescript");
  await npm("openapi-typescript", DOCUMENT, "--output", join(GENERATED, "postern.ts"));
  await npm("tsc", "--project", "clients/tsconfig.json");
  await run(process.execPath, ["--no-warnings", "clients/drive.ts"], who("typescript"));
});

test("a generated Python client works", onPython, async () => {
  await organization("python");
  const to = join(GENERATED, "python/postern_client");
  await mkdir(dirname(to), { recursive: true });
  const words = ["generate", "--path", DOCUMENT, "--meta", "none", "--output-path", to, "--config", "clients/generator.yaml"];
  const said = await python("openapi_python_client", [...words, "--fail-on-warning"]);
  assert.doesNotMatch(said, /warning/i);
  await run(PYTHON, ["clients/drive.py"], { ...who("python"), PYTHONPATH: dirname(to) });
});

/** The property tester with one credential, which is about one organization. */
async function fuzz(name, credential) {
  const words = ["--config-file", "schemathesis.toml", "run", `${url()}/openapi.json`, "--max-examples", EXAMPLES, "--seed", SEED];
  const env = { POSTERN_CREDENTIAL: credential, POSTERN_ORGANIZATION: name, PYTHONPATH: HERE, PYTHONDONTWRITEBYTECODE: "1" };
  const said = await python("schemathesis.cli", words, env);
  // The last lines: how many cases there were.
  console.log(said.trimEnd().split("\n").slice(-8).join("\n"));
}

test("schemathesis finds nothing as administrator", onPython, async () => {
  await organization("by-administrator");
  await fuzz("by-administrator", ADMIN);
});

test("schemathesis finds nothing with an organization token", onPython, async () => {
  const { token } = await organization("by-token");
  await fuzz("by-token", token);
});
