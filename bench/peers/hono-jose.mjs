// What one would write first: Hono, jose, and a look in D1 on each request whether the token is revoked. With
// CACHE_SECONDS an isolate believes for so long what D1 said.

import { Hono } from "hono";
import { jwtVerify } from "jose";
import { bearer, forward, refused } from "./forward.mjs";

const app = new Hono();
const cache = new Map();
let key;

async function lives(id, env) {
  const keep = Number(env.CACHE_SECONDS ?? 0) * 1000;
  const known = keep && cache.get(id);
  if (known && Date.now() - known.at < keep) return known.lives;
  const row = await env.DB.prepare("select revoked_at from tokens where id = ?").bind(id).first();
  const lives = row !== null && row.revoked_at === null;
  if (keep) cache.set(id, { at: Date.now(), lives });
  return lives;
}

app.all("*", async (context) => {
  key ??= new TextEncoder().encode(context.env.SECRET);
  try {
    const { payload } = await jwtVerify(bearer(context.req.raw), key, { algorithms: ["HS256"], audience: "api" });
    if (!(await lives(payload.jti, context.env))) return refused();
  } catch {
    return refused();
  }
  return forward(context.req.raw, context.env);
});

export default app;
