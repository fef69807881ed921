// What GET /readyz says: asked without a credential, for the view "Status", the overview and the version at the foot of the page.

const PATIENCE_MS = 10_000;

/** The parts that an answer of the gateway depends on: name, and what it is for. */
export const PARTS = {
  configuration: ["Configuration", "every setting has a value that can be used"],
  record: ["D1 database", "organizations, projects, workflows, the list of tokens and the audit log"],
  ledger: ["Ledger (Durable Object)", "knows which tokens are active; without it every call is refused"],
  facts: ["KV cache", "which organization a key or a name belongs to, near the caller; without it D1 is asked"],
  audit: ["Audit log (D1)", "has the rows that the Ledgers wrote and no others; if not, somebody has written to it"],
};

/**
 * `kind` is `ready`, `unavailable`, `misconfigured` (with `problems`), `unreachable` or `odd`; `body` the answer, `region` the
 * data centre of Cloudflare that gave it, where one did, and `trace` its request id.
 */
export async function ask() {
  let answer;
  try {
    answer = await fetch("/readyz", { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    return { kind: "unreachable" };
  }
  const trace = answer.headers.get("x-request-id");
  const region = /-([A-Z]{3})$/.exec(answer.headers.get("cf-ray") ?? "")?.[1];
  let body;
  try {
    body = await answer.json();
  } catch {
    return { kind: "odd", trace };
  }
  if (Array.isArray(body?.problems)) return { kind: "misconfigured", problems: body.problems.map(String), trace, region };
  if (typeof body?.dependencies !== "object" || body.dependencies === null) return { kind: "odd", trace };
  return { kind: body.status === "ready" ? "ready" : "unavailable", body, trace, region };
}

/** `[name, state]` of each part, in the order of the list above. */
export function partsOf(body) {
  const known = Object.keys(PARTS);
  const place = ([name]) => (known.indexOf(name) + known.length + 1) % (known.length + 1);
  return Object.entries(body.dependencies).sort((a, b) => place(a) - place(b));
}

/** How soon a revoke is final: the lease, a hundredth of it and 50 ms at most (docs/OPERATIONS.md). */
export function finalText(milliseconds) {
  if (milliseconds === 0) return "when it is answered; every call is checked live";
  return `when it is answered, which takes ${((milliseconds * 1.01 + 50) / 1_000).toFixed(1)} s at most`;
}
