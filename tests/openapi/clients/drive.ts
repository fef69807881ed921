// A program as a user of the gateway would write it, on types that openapi-typescript made of docs/openapi.json.
// That it compiles is half of the test: members with defaults may be left out, answers have all of theirs.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "../generated/postern.ts";

type Token = components["schemas"]["Token"];

function setting(name: string): string {
  const value = process.env[name];
  assert.ok(value, name);
  return value;
}

const client = createClient<paths>({
  baseUrl: setting("POSTERN_URL"),
  headers: {
    authorization: `Bearer ${setting("POSTERN_ADMIN")}`,
    "postern-organization": setting("POSTERN_ORGANIZATION"),
  },
});

async function listed(): Promise<Token[]> {
  const { data, error } = await client.GET("/org/tokens", { params: { query: { status: "all", limit: 500 } } });
  assert.equal(error, undefined);
  assert.ok(data);
  return data.tokens;
}

// Create: no member that has a default, and then all of them.
const bare = await client.POST("/org/tokens", { body: {} });
assert.equal(bare.response.status, 201);
assert.ok(bare.data);
assert.equal(bare.data.format, "opaque");
const made = await client.POST("/org/tokens", {
  body: { name: "ci", project: "shop", workflow: "release", expires_in: "90d", format: "jwt", system: false, policies: null },
});
assert.ok(made.data, JSON.stringify(made.error));
assert.equal(made.data.workflow?.name, "release");
assert.ok(made.data.token.split(".").length === 3);

// List.
const before = await listed();
assert.deepEqual(
  before.map((token) => token.name).sort(),
  [bare.data.name, "ci", "everything"].sort(),
);

// Rotate: with and without a body.
const id = made.data.id;
const rotated = await client.POST("/org/tokens/{id}/rotate", { params: { path: { id } }, body: { overlap: "10m" } });
assert.ok(rotated.data, JSON.stringify(rotated.error));
assert.equal(rotated.data.name, "ci");
assert.notEqual(rotated.data.id, id);
const again = await client.POST("/org/tokens/{id}/rotate", { params: { path: { id: bare.data.id } } });
assert.equal(again.response.status, 201);

// Explain, as the token.
const explained = await client.POST("/explain", {
  body: { operation: "AttestationService/Init", project: "shop", workflow: "other" },
  headers: { authorization: `Bearer ${rotated.data.token}` },
});
assert.equal(explained.data?.allowed, false);
assert.equal(explained.data?.refusal?.code, "other_workflow");

// Revoke one, and many.
const revoked = await client.DELETE("/org/tokens/{id}", { params: { path: { id: rotated.data.id } } });
assert.equal(revoked.data?.id, rotated.data.id);
const many = await client.POST("/org/tokens/revoke", { body: { project: "shop" } });
assert.equal(many.data?.dry_run, false);
const ends = new Map((await listed()).map((token) => [token.id, token.revoked_at]));
assert.ok(ends.get(rotated.data.id));

// A trust rule, what a job token gets by it, and its end.
const rule = await client.POST("/org/trust-rules", {
  body: { issuer: "https://ci.example", subject: "job:7", project: "shop", policies: ["workflow_run:read"] },
});
assert.ok(rule.data, JSON.stringify(rule.error));
assert.equal(rule.data.longest_life_seconds, 900);
const rules = await client.GET("/org/trust-rules");
assert.deepEqual(rules.data?.trust_rules, [rule.data]);
const tested = await client.POST("/org/trust-rules/test", { body: { token: "no job's" } });
assert.equal(tested.data?.verified, false);
assert.ok(tested.data.refusal);
const removed = await client.DELETE("/org/trust-rules/{id}", { params: { path: { id: rule.data.id } } });
assert.deepEqual([removed.data?.id, removed.data?.revoked_tokens], [rule.data.id, 0]);

// An error, decoded: its code is one of a closed list.
const wrong = await client.POST("/org/tokens", { body: { project: "nowhere" } });
assert.equal(wrong.response.status, 404);
assert.ok(wrong.error);
const code: components["schemas"]["ErrorCode"] = wrong.error.code;
assert.equal(code, "not_found");
assert.equal(wrong.error.detail, "no such project");
assert.match(wrong.error.request_id, /^[0-9a-f]{32}$/);

// @ts-expect-error: a member of another type than documented does not compile.
await client.POST("/org/tokens", { body: { system: "no" } });
