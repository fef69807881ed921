// Runs one peer on workerd: reads one JSON line on stdin, says `ready` on stdout, and takes the end of stdin as "whoever
// started me is gone". Measures nothing.

import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import { guardWorkerd } from "../xtask/guard.mjs";

let miniflare;

async function stop() {
  setTimeout(() => process.exit(0), 3000).unref();
  await miniflare?.dispose();
  process.exit(0);
}

/** Rows among which the token has to be found. */
async function fill(db, tokens) {
  await db.prepare("create table tokens (id text primary key not null, hash text unique not null, revoked_at integer)").run();
  await db.prepare("create table events (id text primary key not null, hash text not null)").run();
  const insert = db.prepare("insert into tokens (id, hash) values (?, ?)");
  await db.batch(tokens.map(({ id, hash }) => insert.bind(id, hash)));
}

async function main({ peer, port, origin, secret, set, tokens, compatibilityDate }) {
  guardWorkerd();
  const entry = fileURLToPath(new URL(`./peers/${peer}.mjs`, import.meta.url));
  const bundle = await build({ entryPoints: [entry], bundle: true, write: false, format: "esm", minify: true, external: ["cloudflare:workers"] });
  const script = bundle.outputFiles[0].text;
  const hasObject = peer === "js-do" || peer === "js-bounded";
  const writes = peer === "writer";
  const hasRecord = writes || peer.startsWith("hono-");
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      log: new Log(LogLevel.WARN),
      telemetry: { enabled: false },
      // What a peer logs is read, and goes nowhere: nobody reads what this program says after `ready`.
      handleStructuredLogs() {},
      workers: [
        {
          name: "peer",
          modules: true,
          script,
          compatibilityDate,
          bindings: { ORIGIN_URL: origin, SECRET: secret, ...set },
          ...(hasRecord && { d1Databases: { DB: "db" } }),
          ...(writes && { kvNamespaces: { FACTS: "facts" } }),
          ...(hasObject && { durableObjects: { REVOCATIONS: { className: "Revocations", useSQLite: true } } }),
          unsafeDirectSockets: [{ host: "127.0.0.1", port }],
        },
      ],
    }),
  );
  await miniflare.ready;
  if (hasRecord) await fill(await miniflare.getD1Database("DB", "peer"), tokens);
  process.stdout.write("ready\n");
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);
const lines = createInterface({ input: process.stdin });
lines.once("line", (line) =>
  main(JSON.parse(line)).catch((error) => {
    process.stderr.write(`${error?.stack ?? error}\n`);
    process.exit(1);
  }),
);
lines.once("close", stop);
