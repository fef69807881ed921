// Ties workerd's life to the Node that has Miniflare start it. Does nothing where nobody gave it the program that can.

import { createRequire } from "node:module";

/** Has Miniflare start workerd through `cargo xtask`'s binary (guard.rs). Before the first Miniflare. */
export function guardWorkerd() {
  const guard = process.env.POSTERN_GUARD;
  if (!guard) return;
  const inMiniflare = createRequire(createRequire(import.meta.url).resolve("miniflare"));
  process.env.POSTERN_GUARDED_WORKERD = process.env.MINIFLARE_WORKERD_PATH ?? inMiniflare("workerd").default;
  process.env.POSTERN_GUARD_PARENT = String(process.pid);
  process.env.MINIFLARE_WORKERD_PATH = guard;
}
