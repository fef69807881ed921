// The built module far from its Ledgers: every request to one takes LEDGER_AWAY_MS longer, half of it on the way there and
// half on the way back.

import gateway from "./index.js";

export * from "./index.js";

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

function away(stub, ms) {
  return {
    async fetch(...request) {
      await wait(ms / 2);
      const answer = await stub.fetch(...request);
      await wait(ms / 2);
      return answer;
    },
  };
}

// The name that the module expects of the binding.
class DurableObjectNamespace {
  #inner;
  #ms;

  constructor(inner, ms) {
    this.#inner = inner;
    this.#ms = ms;
  }

  getByName(name, options) {
    return away(this.#inner.getByName(name, options), this.#ms);
  }
}

const from = (env) => ({ ...env, LEDGER: new DurableObjectNamespace(env.LEDGER, Number(env.LEDGER_AWAY_MS)) });

export default {
  scheduled: (event, env, context) => gateway.scheduled(event, from(env), context),
  fetch: (request, env, context) => gateway.fetch(request, from(env), context),
};
