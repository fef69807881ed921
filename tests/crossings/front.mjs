// The built module, each of whose answers tells in a header what crossed between JavaScript and wasm for it and what was
// made, objects in this isolate included. True for one request at a time.

import { counts } from "./count.mjs";
import gateway from "./index.js";

export * from "./index.js";

export default {
  ...gateway,
  async fetch(request, env, context) {
    const before = structuredClone(counts);
    const answer = await gateway.fetch(request, env, context);
    const since = (kind) =>
      Object.fromEntries(
        Object.entries(counts[kind])
          .map(([name, count]) => [name, count - (before[kind][name] ?? 0)])
          .filter(([, count]) => count > 0),
      );
    const headers = new Headers(answer.headers);
    headers.set("x-crossings", JSON.stringify({ out: since("out"), in: since("in"), made: since("made") }));
    return new Response(answer.body, { status: answer.status, headers });
  },
};
