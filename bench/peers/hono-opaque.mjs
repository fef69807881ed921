// The same for opaque keys: Hono, SHA-256 of the key, and its row in D1 on each request.

import { Hono } from "hono";
import { bearer, forward, refused } from "./forward.mjs";

const app = new Hono();

app.all("*", async (context) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(bearer(context.req.raw)));
  const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const row = await context.env.DB.prepare("select revoked_at from tokens where hash = ?").bind(hash).first();
  if (row === null || row.revoked_at !== null) return refused();
  return forward(context.req.raw, context.env);
});

export default app;
