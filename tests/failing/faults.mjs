// What fails, and how: the stores, the objects, whoever is asked over HTTP, and the clock.
//   down   every question fails at once
//   slow   every answer comes SLOW_MS later
//   lying  every question has an answer at once that is well-formed and not true, and nothing is done
//   half   what is asked for is done, and then the answer breaks off
// The clock: it stands still; it takes ten times as long; it is an hour ahead; it jumps by up to 20 s, ahead and back.

import { env } from "cloudflare:workers";

const SLOW_MS = 3_000;
const faults = new Map();

export function set({ part, fault, url }) {
  if (fault === null) faults.delete(part);
  else faults.set(part, { fault, url, began: now() });
}

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const lost = () => new Error("Network connection lost.");

/** Asks a part, in the way it fails at the moment. */
export async function through(part, ask, lie, cut) {
  switch (faults.get(part)?.fault) {
    case "down":
      throw lost();
    case "slow":
      await later(SLOW_MS);
      return ask();
    case "lying":
      return lie();
    case "half": {
      const answer = await ask();
      if (cut !== undefined) return cut(answer);
      throw lost();
    }
    default:
      return ask();
  }
}

function fail(prototype, part, name, lie, cut) {
  const call = prototype[name];
  prototype[name] = function (...values) {
    if (!faults.has(part)) return call.apply(this, values);
    return through(part, () => call.apply(this, values), () => lie(...values), cut);
  };
}

// D1 as if it had nothing, and took everything.
const nothing = () => ({ success: true, results: [], meta: { changes: 0 } });
fail(Object.getPrototypeOf(env.DB), "d1", "batch", (statements) => statements.map(nothing));
const statement = Object.getPrototypeOf(env.DB.prepare("select 1"));
for (const name of ["all", "run"]) fail(statement, "d1", name, nothing);
fail(statement, "d1", "first", () => null);
fail(statement, "d1", "raw", () => []);

// KV tells of one key what it has of another.
let another = null;
const kv = Object.getPrototypeOf(env.FACTS);
fail(kv, "kv", "get", () => another, (text) => (typeof text === "string" ? text.slice(0, text.length / 2) : text));
fail(kv, "kv", "put", () => undefined);
const failing = kv.get;
kv.get = async function (...values) {
  const known = await failing.apply(this, values);
  if (!faults.has("kv") && typeof known === "string") another = known;
  return known;
};

// The first bytes of an answer, and then its end.
function cut(answer) {
  const body = answer.body?.pipeThrough(
    new TransformStream({
      transform(bytes, controller) {
        controller.enqueue(bytes.subarray(0, 8));
        controller.error(lost());
      },
    }),
  );
  return new Response(body, answer);
}

const page = () => new Response("<p>Everything is fine.</p>", { headers: { "content-type": "text/html" } });
const lies = {
  origin: page,
  // Well-formed, and of a person that may nothing.
  session: () => Response.json({ user_id: "somebody", organizations: [] }),
  issuer: () => Response.json({ keys: [] }),
};

const { fetch } = globalThis;
globalThis.fetch = function (input, init) {
  const address = typeof input === "string" ? input : input.url;
  // The longest beginning counts: the session endpoint may lie below the origin.
  const parts = [...faults].filter(([, { url }]) => url !== undefined && address.startsWith(url));
  const [part] = parts.sort(([, one], [, other]) => other.url.length - one.url.length)[0] ?? [];
  const ask = () => fetch.call(globalThis, input, init);
  if (part === undefined) return ask();
  return through(part, ask, lies[part.split("-")[0]], cut);
};

const now = Date.now.bind(Date);
Date.now = function () {
  const fault = faults.get("clock");
  if (fault === undefined) return now();
  switch (fault.fault) {
    case "down":
      return fault.began;
    case "slow":
      return Math.floor(fault.began + (now() - fault.began) / 10);
    case "lying":
      return now() + 3_600_000;
    default:
      return now() + Math.floor((Math.random() - 0.5) * 40_000);
  }
};
