// A Durable Object that knows what is revoked, for the hand-tuned peers: one question, or the log since a version.

import { DurableObject } from "cloudflare:workers";

export class Revocations extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec("create table if not exists revoked (version integer primary key autoincrement, id text unique not null)");
  }

  fetch(request) {
    const [, verb, what] = request.url.slice(request.url.indexOf("/", 8)).split("/");
    if (verb === "since") {
      const rows = this.sql.exec("select version, id from revoked where version > ?", Number(what)).toArray();
      return Response.json(rows);
    }
    const row = this.sql.exec("select 1 from revoked where id = ?", what).toArray();
    return new Response(null, { status: row.length === 0 ? 204 : 410 });
  }
}
