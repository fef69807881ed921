// The Ledgers of the built module alone, for a gateway in another process, whose D1 they write to.

import "./record.mjs";

export * from "./index.js";

export default {
  fetch(request, env) {
    const name = request.headers.get("ledger-name");
    return name === null ? new Response("only Ledgers\n") : env.LEDGER.getByName(name).fetch(request);
  },
  // The hourly event is the gateway's.
  scheduled() {},
};
