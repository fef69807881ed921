// Answers of the API about what was called and refused, with more of it than a case can cause: thirty days, bursts, hostile names.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const id = (number) => `5f0c5c0e-0000-4000-8000-${String(number).padStart(12, "0")}`;
const request = (number) => String(number).padStart(32, "0");

export const TOKENS = [
  { id: id(1), name: "release pipeline", prefix: "pst_1aaaaaaa" },
  { id: id(2), name: "a-token-with-a-very-long-name-that-somebody-once-chose-for-a-reason", prefix: "pst_2bbbbbbb" },
  { id: id(3), name: "<b>bold</b> \u202eevil", prefix: "pst_3ccccccc" },
];
const REASONS = ["not_confined", "operation_not_allowed", "other_project", "token_expired", "unknown_run", "body_too_large", "a_new_reason"];
const OPERATIONS = ["AttestationService/Init", "WorkflowRunService/List", "GET /v1/attestations/{digest}"];

export const OVERVIEW = {
  tokens: { active: 227, expiring: 12, never_expire: 41, unused: 33, quarantined: 2, created_today: 9, more: false }, ceiling: 10_000,
  mints_by_hour: Array.from({ length: 48 }, (_, at) => ({
    hour: new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - (47 - at) * HOUR_MS).toISOString(), created: at === 30 ? 64 : at % 5 === 0 ? 3 : 0,
  })),
};

/** `calls` more refused ones than there are at first. */
export function activity(calls = 0) {
  const now = Date.now();
  const recent = Array.from({ length: 40 + calls }, (_, at) => {
    const number = 40 + calls - at;
    return {
      at: new Date(now - at * 97_000).toISOString(), operation: OPERATIONS[Math.floor(number / 3) % 3], reason: REASONS[number % 7],
      token: number % 9 === 0 ? null : TOKENS[number % 3], address: number % 4 === 0 ? "2001:db8:1234:5678:9abc:def0:1234:5678" : "192.0.2.7",
      request_id: request(number), user_agent: "grpc-node-js/1.10.1",
    };
  });
  const days = Array.from({ length: 30 }, (_, at) => ({
    date: new Date(now - (29 - at) * DAY_MS).toISOString().slice(0, 10), allowed: at < 4 ? 0 : 400 + at * 20,
    refused: at < 8 ? {} : Object.fromEntries(REASONS.slice(0, 1 + (at % 7)).map((code, rank) => [code, 30 - rank * 3])), origin_trouble: at % 9 === 0 ? 12 : 0,
  }));
  return { days, recent, most_refused: TOKENS.map((token, at) => ({ token, refused: 900 >> at })), callers: null, offline_failures: { today: 30, yesterday: 4 } };
}

export const CALLERS = [{ address: "192.0.2.7", user_agent: "grpc-node-js/1.10.1", last_at: new Date().toISOString(), calls: 120 }];

/** Has the page's calls about activity answered with these. `more()` says how many refused calls have come meanwhile. */
export async function answerActivity(page, { more = () => 0, asked = [] } = {}) {
  await page.route("**/org/overview", (route) => route.fulfill({ json: OVERVIEW }));
  await page.route("**/org/activity?*", (route) => {
    const query = new URL(route.request().url()).searchParams;
    asked.push(Object.fromEntries(query));
    const answer = activity(more());
    const of = query.get("token");
    if (of) Object.assign(answer, { recent: answer.recent.filter(({ token }) => token?.id === of), callers: CALLERS });
    return route.fulfill({ json: answer });
  });
}
