// The built module, each of whose answers tells in a header what wasm called for it, objects in this isolate included. True
// for one request at a time.

import { calls } from "./count.mjs";
import Gateway from "./index.js";

export * from "./index.js";

export default class extends Gateway {
  async fetch(request) {
    const before = { ...calls };
    const answer = await super.fetch(request);
    const made = Object.entries(calls).map(([name, count]) => [name, count - (before[name] ?? 0)]);
    const headers = new Headers(answer.headers);
    headers.set("x-crossings", JSON.stringify(Object.fromEntries(made.filter(([, count]) => count > 0))));
    return new Response(answer.body, { status: answer.status, headers });
  }
}
