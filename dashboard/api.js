// The gateway's public API. Holds the one credential of this tab, in this module's memory and nowhere else, and gives
// every failure as a Refusal. Never repeats a call by itself.

const PATIENCE_MS = 30_000;

/** What a call came back with instead of an answer. */
export class Refusal extends Error {
  constructor({ status = 0, code, detail, requestId = null, retryAfter = null }) {
    super(detail);
    Object.assign(this, { status, code, detail, requestId, retryAfter, at: Date.now() });
  }
}

let credential = null;
let organization = null;
let onUnauthorized = () => {};

/** A Bearer credential as RFC 6750 has it; anything else could not be sent. */
export const isCredential = (text) => /^[A-Za-z0-9\-._~+/]+=*$/.test(text) && text.length <= 8_192;

export function setCredential(text) {
  credential = text;
}

/** The name that calls below /org/ are about, for callers above organizations and sessions. */
export function setOrganization(name) {
  organization = name;
}

/** Called with the Refusal when the credential or session has ended. */
export function whenUnauthorized(callback) {
  onUnauthorized = callback;
}

function headers(extra) {
  const made = new Headers(extra);
  if (credential !== null) made.set("authorization", `Bearer ${credential}`);
  if (organization !== null) made.set("postern-organization", organization);
  return made;
}

async function refusal(answer) {
  const seconds = Number.parseInt(answer.headers.get("retry-after") ?? "", 10);
  let problem = {};
  try {
    problem = await answer.json();
  } catch {
    // A proxy's page, say: its status is all that is known.
  }
  const known = typeof problem?.code === "string";
  return new Refusal({
    status: answer.status,
    code: known ? problem.code : "unreadable",
    detail: known ? String(problem.detail) : `The answer (HTTP ${answer.status}) does not come from the gateway.`,
    requestId: answer.headers.get("x-request-id"),
    retryAfter: Number.isFinite(seconds) ? seconds : null,
  });
}

async function send(method, path, { body, query, accept = "application/json", quiet = false } = {}) {
  const url = new URL(path, location.origin);
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(key, value);
  }
  const extra = { accept };
  let text;
  if (method !== "GET") {
    // Writes are JSON also where they have no body: a session's must be.
    extra["content-type"] = "application/json";
    text = body === undefined ? undefined : JSON.stringify(body);
  }
  if (body instanceof URLSearchParams) {
    extra["content-type"] = "application/x-www-form-urlencoded";
    text = body.toString();
  }
  let answer;
  try {
    answer = await fetch(url, {
      method,
      headers: headers(extra),
      body: text,
      cache: "no-store",
      // Cookies go along for a login that stands in front of the gateway. A credential in the header decides.
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    const slow = error?.name === "TimeoutError";
    throw new Refusal({
      code: slow ? "slow" : "unreachable",
      detail: slow ? "The gateway has not answered for 30 s." : "The gateway cannot be reached.",
    });
  }
  if (answer.ok) return answer;
  const refused = await refusal(answer);
  if (refused.status === 401 && !quiet) onUnauthorized(refused);
  throw refused;
}

/** A call whose answer is JSON, or null where it has none. */
export async function call(method, path, options) {
  const answer = await send(method, path, options);
  if (answer.status === 204) return null;
  try {
    return await answer.json();
  } catch {
    throw new Refusal({ status: answer.status, code: "unreadable", detail: "The answer does not come from the gateway." });
  }
}

/** A call whose answer is kept as it comes. */
export async function download(path, accept) {
  return (await send("GET", path, { accept })).blob();
}

/** All rows of a list, up to `most`; `more` says whether there are others. */
export async function all(path, member, { query = {}, most = 1_000, quiet } = {}) {
  const rows = [];
  let cursor;
  do {
    const page = await call("GET", path, { query: { ...query, limit: 500, cursor }, quiet });
    rows.push(...page[member]);
    cursor = page.next_cursor;
  } while (cursor && rows.length < most);
  return { rows, more: Boolean(cursor) };
}

/** Who the pasted credential is: asked of the gateway itself. */
export function introspect(token) {
  return call("POST", "/oauth/introspect", { body: new URLSearchParams({ token }), quiet: true });
}
