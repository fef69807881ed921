// Ties workerd's life to the Node that has Miniflare start it. Does nothing where nobody gave it the program that can.

import { createRequire } from "node:module";

/** Where the workerd is that Miniflare starts. */
export function workerd() {
  const inMiniflare = createRequire(createRequire(import.meta.url).resolve("miniflare"));
  return process.env.MINIFLARE_WORKERD_PATH ?? inMiniflare("workerd").default;
}

/** Has Miniflare start workerd through `cargo xtask`'s binary (guard.rs). Before the first Miniflare. */
export function guardWorkerd() {
  const guard = process.env.POSTERN_GUARD;
  if (!guard) return;
  process.env.POSTERN_GUARDED_WORKERD = workerd();
  process.env.POSTERN_GUARD_PARENT = String(process.pid);
  process.env.MINIFLARE_WORKERD_PATH = guard;
}
