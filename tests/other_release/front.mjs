// The built module beside another release: some commands reach its Ledgers as a later gateway would send them, and some
// answers come back as a later Ledger would give them.

import { Ledger as Built } from "./index.js";

export * from "./index.js";
export { default } from "./index.js";

export class Ledger extends Built {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      // A command that this release does not know.
      case "/rotate":
        return super.fetch(new Request("http://ledger/rotate-at-noon", request));
      // A member that this release does not know. To pass over it would revoke too much.
      case "/revoke-many": {
        const command = await request.json();
        command.selector.only_at_noon = true;
        return super.fetch(new Request(request.url, { method: "POST", headers: request.headers, body: JSON.stringify(command) }));
      }
      // An answer that this release does not know.
      case "/leak":
      case "/release":
        return Response.json("at_noon");
      default:
        return super.fetch(request);
    }
  }
}
