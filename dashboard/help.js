// The view "Help": where credentials come from, what the words mean, and where the documentation is.

import { facts, h } from "./dom.js";

const code = (text) => h("code", {}, text);

const WORDS = [
  ["Active", "The token is accepted."],
  ["Expired", "Its time is over. It cannot be made active again: create or rotate a token."],
  ["Revoked", "It was ended by somebody, or by a rule such as the limit of idle days. That is final."],
  ["Quarantined", "It was found in public, and is refused until somebody restores or revokes it."],
  ["Rotated", "A successor has taken its place. The old token works until the overlap is over."],
  ["Creator", "Who created a token: an administrator key, a person, another token, or a trust rule for CI jobs."],
  ["Origin", "The service that the gateway protects and forwards calls to."],
  ["Ledger", "The one place that knows which tokens of an organization are active."],
];

const DOCS = [
  ["README.md", "what the gateway is for, and the first ten minutes"],
  ["docs/OPERATIONS.md", "deploying, settings, backups, and what to do when a token leaked"],
  ["docs/CLI.md", "the command line: everything on these pages and more"],
  ["docs/API.md", "the API, with every error code"],
];

export function helpView() {
  return h("section", { class: "text", "aria-labelledby": "view-title" },
    h("h1", { id: "view-title", tabindex: "-1" }, "Help"),
    h("h2", {}, "What to sign in with"),
    h("p", {}, "An administrator key manages every organization. Whoever deployed the gateway has it: ", code("postern setup"), " shows it once. ",
      "A lost one is replaced with ", code("npx wrangler secret put ADMIN_TOKEN"), "."),
    h("p", {}, "A token for the whole organization manages what its policies name. An administrator creates it under “Tokens”. ",
      "Tokens for a project or a workflow attest, and cannot sign in here."),
    h("h2", {}, "A token leaked"),
    h("p", {}, "Open “Tokens” (or press the key / in any view), paste the whole token into the search, and revoke it. The answer comes when the revoke is final: no call that starts later is accepted with it. ",
      "Then look at its page, and at “Activity”, for calls that you do not know."),
    h("h2", {}, "Words"),
    facts(WORDS),
    h("h2", {}, "Documentation"),
    h("p", {}, "It is in the repository of the gateway:"),
    facts(DOCS.map(([file, about]) => [code(file), about])),
    h("p", {}, "The description of the API for programs is at ", h("a", { href: "/openapi.json" }, "/openapi.json"), "."));
}
