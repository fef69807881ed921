// The dashboard (R36) in a real browser against the built module. Run by `cargo xtask test`.

import { after, before } from "node:test";
import { start, stop } from "./world.mjs";

before(start, { timeout: 20 * 60_000 });
after(stop);

await import("./entering.mjs");
await import("./addressing.mjs");
await import("./minting.mjs");
await import("./conditions.mjs");
await import("./ending.mjs");
await import("./finding.mjs");
await import("./token_page.mjs");
await import("./using.mjs");
await import("./names.mjs");
await import("./auditing.mjs");
await import("./notes.mjs");
await import("./proving.mjs");
await import("./watching.mjs");
await import("./settling.mjs");
await import("./pausing.mjs");
await import("./upstream.mjs");
await import("./jobs.mjs");
await import("./job_runs.mjs");
await import("./keyboard.mjs");
await import("./hostile.mjs");
await import("./looks.mjs");
await import("./panic.mjs");
await import("./reviewed.mjs");
