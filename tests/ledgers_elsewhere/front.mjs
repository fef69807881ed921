// The built module with its Ledgers in another process: each object passes its calls on to the one of its name there. In
// return that process has the D1 of this one, at /record.

import { DurableObject } from "cloudflare:workers";
import gateway from "./index.js";

export * from "./index.js";

export class Ledger extends DurableObject {
  fetch(request) {
    const { pathname, search } = new URL(request.url);
    const there = new Request(new URL(pathname + search, this.env.LEDGERS_URL), request);
    there.headers.set("ledger-name", this.ctx.id.name);
    return fetch(there);
  }
}

export default {
  ...gateway,
  fetch(request, env, context) {
    return new URL(request.url).pathname === "/record" ? record(request, env.DB) : gateway.fetch(request, env, context);
  },
};

async function record(request, db) {
  const { call, statements } = await request.json();
  const bound = statements.map(({ statement, params }) => db.prepare(statement).bind(...params));
  try {
    const told = call === "batch" ? await db.batch(bound) : await bound[0][call]();
    return Response.json({ told });
  } catch (error) {
    return Response.json({ error: error.message });
  }
}
