// Runs the built module on workerd, for `cargo xtask serve`: N gateway workers, each its own isolate, on one set of stores.
//
// It reads one JSON line on stdin (so that secrets never show in a process list) and takes the end of stdin as
// "whoever started me is gone". It does not build, parse arguments or choose ports: xtask/src/serve.rs does.
// Clients reach workerd itself: Miniflare's own entry worker would rewrite headers and cost about 2 ms a request.

import { readFileSync, readdirSync, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { Miniflare, Log, LogLevel, convertV4MiniflareOptions } from "miniflare";
import { guardWorkerd } from "./guard.mjs";

const HOST = "127.0.0.1";
const say = (text) => process.stderr.write(`${text}\n`);

// Miniflare's own notices belong on stderr: stdout carries the ready line and nothing else.
console.log = console.info = console.debug = console.error;

let stopping = false;
let miniflare;

async function stop(code) {
  if (stopping) return;
  stopping = true;
  // workerd is killed outright by dispose(); its stores are SQLite and survive that by design.
  setTimeout(() => process.exit(code), 3000).unref();
  try {
    await miniflare?.dispose();
  } catch (error) {
    say(`serve: while stopping: ${error.message}`);
  }
  process.exit(code);
}

function fail(error) {
  if (stopping) return;
  const text = String(error?.message ?? error);
  if (error?.code === "ERR_ADDRESS_IN_USE" || /address already in use/i.test(text)) {
    say(`error: a port this command was told to use is taken; choose another --port\n${text}`);
    return stop(2);
  }
  if (/SQLITE_BUSY|database is locked/i.test(text)) {
    say(`error: the state directory is in use by another process; stop that one or choose another --state\n${text}`);
    return stop(2);
  }
  say(`error: ${text}`);
  return stop(1);
}

process.on("SIGTERM", () => stop(0));
process.on("SIGINT", () => stop(0));
process.on("SIGHUP", () => stop(0));
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

/**
 * One worker of a module. The first owns the Durable Object classes; the others reach the same objects by its name. It is
 * a gateway too, unless the objects are of a module of their own: then it has no port.
 */
function worker(config, module, index, port) {
  const at = (file) => join(module.folder, file);
  const object = (className) => ({
    className,
    useSQLite: true,
    ...(index > 0 && { scriptName: workerName(0) }),
  });
  return {
    name: workerName(index),
    modulesRoot: module.folder,
    modules: [
      ...inFront(at),
      { type: "ESModule", path: at("index.js") },
      { type: "CompiledWasm", path: at("index_bg.wasm") },
    ],
    compatibilityDate: module.compatibilityDate,
    bindings: config.bindings,
    d1Databases: { DB: config.databaseId },
    kvNamespaces: { FACTS: config.kvId },
    durableObjects: { LEDGER: object("Ledger"), MINT_LIMITER: object("MintLimiter") },
    // The same namespace for all isolates: one count for each address.
    ...(config.brake > 0 && {
      ratelimits: { CREDENTIAL_BRAKE: { namespace_id: "1001", simple: { limit: config.brake, period: 60 } } },
    }),
    serviceBindings: { ASSETS: "dashboard" },
    ...(port && { unsafeDirectSockets: [{ host: HOST, port }] }),
    // The module, not the simulator, must be what strips a spoofed address before forwarding.
    stripCfConnectingIp: false,
  };
}

/** Modules in front of the built one, for tests that look into it or slow it down: `front.mjs` of a folder, and its others. */
function inFront(at) {
  const folder = process.env.POSTERN_FRONT;
  if (!folder) return [];
  const others = readdirSync(folder).filter((name) => name.endsWith(".mjs") && name !== "front.mjs");
  const module = (name) => ({ type: "ESModule", path: at(name), contents: readFileSync(join(folder, name), "utf8") });
  return ["front.mjs", ...others.sort()].map(module);
}

const workerName = (index) => (index === 0 ? "postern" : `postern-${index}`);

/** Static files as a worker of their own: given to a gateway worker directly, they would put a router in front of it. */
function dashboard(config) {
  return {
    name: "dashboard",
    modules: true,
    script: `export default { fetch: () => new Response("no dashboard in this checkout\\n", { status: 404 }) };`,
    compatibilityDate: config.compatibilityDate,
    ...(existsSync(config.dashboard) && { assets: { directory: config.dashboard } }),
  };
}

/** The same statements, table and split as `wrangler d1 migrations apply`, one batch (a transaction) for each file. */
async function migrate(db, migrations) {
  await db
    .prepare(
      `CREATE TABLE IF NOT EXISTS "d1_migrations"(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`,
    )
    .run();
  const { results } = await db.prepare(`SELECT name FROM "d1_migrations"`).all();
  const applied = new Set(results.map((row) => row.name));
  const pending = migrations.filter(({ name }) => !applied.has(name));
  if (pending.length === 0) return;
  // Loading wrangler takes a second or two, so only when its splitter is needed.
  const { unstable_splitSqlQuery: split } = (await import("wrangler")).default;
  for (const { name, path } of pending) {
    const statements = split(readFileSync(path, "utf8")).map((sql) => db.prepare(sql));
    const record = db.prepare(`INSERT INTO "d1_migrations" (name) VALUES (?)`).bind(name);
    try {
      await db.batch([...statements, record]);
    } catch (error) {
      throw new Error(`migration ${name} was not applied: ${error?.cause?.message ?? error.message}`);
    }
    say(`migrated: ${name}`);
  }
}

/** Any HTTP answer will do: what it says is the module's business. */
async function answers(port) {
  const response = await fetch(`http://${HOST}:${port}/healthz`, { signal: AbortSignal.timeout(30_000) });
  await response.arrayBuffer();
}

/** The event that `crons` of wrangler.toml asks for. A failure is the module's to log; it stops nothing. */
async function hourly() {
  try {
    const worker = await miniflare.getWorker(workerName(0));
    await worker.scheduled({ cron: "17 * * * *" });
  } catch (error) {
    say(`serve: the hourly event: ${error?.message ?? error}`);
  }
}

async function main(config) {
  guardWorkerd();
  const gateways = config.modules.map((module, index) => ({ module, port: config.port + index }));
  const workers = config.ledgers ? [{ module: config.ledgers }, ...gateways] : gateways;
  const shared = {
    host: HOST,
    port: 0,
    cf: false, // else Miniflare downloads a sample Request.cf
    logRequests: false,
    log: new Log(LogLevel.WARN),
    handleStructuredLogs: ({ level, message }) => say(level === "log" || level === "info" ? message : `${level}: ${message}`),
    resourcePersistencePath: config.state,
    telemetry: { enabled: false },
  };
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...shared,
      workers: [...workers.map(({ module, port }, index) => worker(config, module, index, port)), dashboard(config)],
    }),
  );
  await miniflare.ready;
  await migrate(await miniflare.getD1Database("DB", workerName(0)), config.migrations);
  await Promise.all(gateways.map(({ port }) => answers(port)));
  // The platform runs the module's hourly event; here it runs at the start, for the hours that were missed, and hourly.
  await hourly();
  setInterval(hourly, 3_600_000).unref();
  if (!stopping) process.stdout.write(`ready http://${HOST}:${config.port}\n`);
}

const lines = createInterface({ input: process.stdin });
lines.once("line", (line) => main(JSON.parse(line)).catch(fail));
lines.once("close", () => stop(0));
