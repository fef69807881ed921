// The built module on a runtime that knows jurisdictions, which workerd does not: a name in one is another object than the
// same name elsewhere, as on the platform. `GET /asked` tells which objects were asked for, in their order.

import gateway from "./index.js";

export * from "./index.js";

const asked = [];

// The name that the module expects of the binding.
class DurableObjectNamespace {
  #inner;
  #within;

  constructor(inner, within) {
    this.#inner = inner;
    this.#within = within;
  }

  getByName(name, options) {
    asked.push({ name, jurisdiction: this.#within, near: options?.locationHint ?? null });
    return this.#inner.getByName(this.#within === null ? name : `${this.#within}/${name}`, options);
  }

  jurisdiction(within) {
    if (this.#within !== null) throw new Error("a jurisdiction inside another");
    return new DurableObjectNamespace(this.#inner, within);
  }
}

const within = (env) => ({ ...env, LEDGER: new DurableObjectNamespace(env.LEDGER, null) });

export default {
  scheduled: (event, env, context) => gateway.scheduled(event, within(env), context),
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/asked") return Response.json(asked);
    return gateway.fetch(request, within(env), context);
  },
};
