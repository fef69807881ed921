// Job tokens, and answers of the API about them that no case can have from a gateway without a CI system and a forge.

const part = (object) => Buffer.from(JSON.stringify(object)).toString("base64url");

/** A job token as GitHub writes it, with a signature of nobody's. */
export function jobToken(claims = {}) {
  const now = Math.floor(Date.now() / 1_000);
  const payload = {
    iss: "https://token.actions.githubusercontent.com", aud: "https://gate.example/acme", exp: now + 300, iat: now, jti: "e1", sub: "repo:acme/shop:environment:production",
    repository: "acme/shop", repository_id: "638201", repository_owner: "acme", repository_owner_id: "4477",
    workflow_ref: "acme/shop/.github/workflows/release.yml@refs/heads/main", environment: "production", ref: "refs/heads/main",
    event_name: "push", run_id: "9876543210", ...claims,
  };
  return `${part({ alg: "RS256", kid: "k", typ: "JWT" })}.${part(payload)}.${Buffer.from("signature").toString("base64url")}`;
}

/** As GitLab writes it. */
export const gitlabToken = () => jobToken({
  iss: "https://gitlab.com", repository: undefined, repository_id: undefined, repository_owner_id: undefined, workflow_ref: undefined,
  project_path: "acme/tools/shop", project_id: "99", namespace_id: "12", ci_config_ref_uri: "gitlab.com/acme/tools/shop//.gitlab-ci.yml@refs/heads/main",
  ref: "main", ref_type: "branch", pipeline_source: "push",
});

export const FOUND = { repository: "acme/shop", repository_id: 638201, repository_owner_id: 4477 };
const POLICIES = ["cas_artifact:create", "workflow_run:read"];
const GIVES = { project: { id: "94069568-e642-4167-b040-c591e68f7402", name: "shop" }, workflow: { id: "0b7e8d3c-23a4-4dd5-9f1f-3a0c6a2b0d11", name: "release" }, policies: POLICIES };

export const RULES = [
  { id: "5f0c5c0e-0000-4000-8000-000000000001", issuer: "github", ...FOUND, conditions: { workflow: ".github/workflows/release.yml", environment: "production" } },
  { id: "5f0c5c0e-0000-4000-8000-000000000002", issuer: "gitlab=https://gitlab.example.com", repository: "acme/a-project-with-a-long-name/and-folders", project_id: 99, namespace_id: 12,
    conditions: { ref: "refs/heads/main", protected_ref: true, events: ["push", "schedule"] } },
  { id: "5f0c5c0e-0000-4000-8000-000000000003", issuer: "https://ci.example.com", subject: "job:nightly", conditions: {} },
].map((rule) => ({ ...GIVES, ...rule, longest_life_seconds: 900, created_at: "2026-11-28T10:00:00.000Z", created_by: "admin-token" }));

/** What a job was, as a token of it has it. */
export const JOB = {
  rule: RULES[0].id, issuer: "github", identity: { kind: "repository", repository_id: 638201, repository_owner_id: 4477 }, repository: "acme/shop",
  run_id: 9876543210, run_attempt: 2, commit: "1f0c7d5b1a2c3d4e5f60718293a4b5c6d7e8f901", ref: "refs/tags/v1.4.0", event: "release",
  environment: "production", workflow: "acme/shop/.github/workflows/release.yml@refs/tags/v1.4.0", actor: "kim", actor_id: 17,
};

const unmet = (id, unmet, asks, says) => ({ id, repository: "acme/shop", chosen: false, met: false, unmet, asks, says });
export const TESTED = {
  verified: true, refusal: null, job: JOB, gives: { ...GIVES, expires_at: "2026-11-29T10:15:00.000Z" },
  rules: [
    unmet(RULES[1].id, "repository", "99", "638201"), unmet("x3", "environment", "production", "staging"), unmet("x4", "outside_event", null, "pull_request"),
    { id: "x2", repository: "acme/shop", chosen: false, met: true, unmet: null }, { id: RULES[0].id, repository: "acme/shop", chosen: true, met: true, unmet: null },
  ],
};

export const ISSUERS = ["github", "gitlab", "gitlab=https://gitlab.example.com", "https://ci.example.com"];
const AUDIENCES = ["https://gate.example/acme"];

const problem = (status, code, detail) => ({ status, contentType: "application/problem+json", body: JSON.stringify({ code, detail, status }) });

/** Has calls of a page for trust rules answered with these; of what is not given, the gateway's own answers stay. */
export async function answer(page, { rules, found, tested, refused } = {}) {
  if (rules) await page.route("**/org/trust-rules", (route) => (route.request().method() === "GET" ? route.fulfill({ json: { trust_rules: rules, issuers: ISSUERS, audiences: AUDIENCES } }) : route.fallback()));
  if (refused) await page.route("**/org/trust-rules", (route) => (route.request().method() === refused.method ? route.fulfill(problem(...refused.with)) : route.fallback()));
  if (found) await page.route("**/org/trust-rules/find", (route) => route.fulfill(found.repository ? { json: found } : problem(...found)));
  if (tested) await page.route("**/org/trust-rules/test", (route) => route.fulfill({ json: tested }));
}
