// The built module, each of whose dependencies fails as a test wants it: `POST /faults` with
// `{"part": …, "fault": "down" | "slow" | "lying" | "half" | null, "url": …}`; `url` is how addresses of a part begin that is
// reached by `fetch`. It holds in this isolate and, in the first one, in the objects.

import { set, through } from "./faults.mjs";
import * as gateway from "./index.js";

export * from "./index.js";

// What an object answers that is not the one it seems to be.
const nonsense = () => Response.json({ answer: "yes" });

export class Ledger extends gateway.Ledger {
  fetch(request) {
    return through("ledger", () => super.fetch(request), nonsense);
  }
}

export class MintLimiter extends gateway.MintLimiter {
  fetch(request) {
    return through("limiter", () => super.fetch(request), nonsense);
  }
}

export default {
  ...gateway.default,
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/faults") return gateway.default.fetch(request, env, context);
    set(await request.json());
    return new Response("done\n");
  },
};
