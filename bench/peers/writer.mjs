// What a mint and its revoke leave in D1 and KV, and nothing else: so that a soak can tell the stores' memory from the gate's.

export default {
  async fetch(request, env) {
    const id = crypto.randomUUID();
    const insert = (table, value) => env.DB.prepare(`insert into ${table} (id, hash) values (?, ?)`).bind(id, value);
    const text = "x".repeat(600);
    await env.DB.batch([insert("tokens", id + text), insert("events", text)]);
    await env.FACTS.put(id, text);
    const revoke = env.DB.prepare("update tokens set revoked_at = 1 where id = ?").bind(id);
    await env.DB.batch([revoke, env.DB.prepare("insert into events (id, hash) values (?, ?)").bind(`${id}-`, text)]);
    return new Response(null, { status: 204 });
  },
};
