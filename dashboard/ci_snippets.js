// What goes into a workflow file so that its jobs need no stored secret. It holds no secret: the job token is made anew for
// each job.

import { forgeOf } from "./ci_rules.js";
import { choice, field, h } from "./dom.js";
import { snippet } from "./secret.js";

const GITHUB = (audience) => `permissions:
  contents: read
  id-token: write # the job may ask GitHub for its job token
jobs:
  attest:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/attest
        with:
          audience: ${audience}`;

const GITLAB = (audience) => `attest:
  id_tokens:
    POSTERN_JOB_TOKEN:
      aud: ${audience}
  script:
    - postern bridge -- chainloop attestation push`;

/** Shows what a job token says, without the signature: what stands in the log of the job opens nothing. */
const LOOK = {
  github: (audience) => `curl -sS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=${encodeURIComponent(audience)}" | jq -r .value | cut -d. -f1,2`,
  gitlab: () => `echo "$POSTERN_JOB_TOKEN" | cut -d. -f1,2`,
};

/** The section for the issuers that the gateway trusts, or nothing where none of them has a snippet. */
export function snippets(issuers, audiences) {
  const forges = new Set(issuers.map(forgeOf));
  const box = h("div", {});
  const render = (audience) => {
    const made = [
      forges.has("github") && snippet("GitHub Actions", GITHUB(audience), true),
      forges.has("gitlab") && snippet("GitLab", GITLAB(audience), !forges.has("github")),
      forges.has("github") && snippet("See what a job token says, in a GitHub job", LOOK.github(audience), false),
      forges.has("gitlab") && snippet("See what a job token says, in a GitLab job", LOOK.gitlab(), false),
    ].filter(Boolean);
    box.replaceChildren(...made);
  };
  if (audiences.length === 0) return [];
  const audience = choice(audiences.map((one) => [one, one]), audiences[0]);
  audience.addEventListener("change", () => render(audience.value));
  render(audiences[0]);
  return [
    h("h2", {}, "In the workflow file"),
    h("p", {}, "The job asks its CI system for a token that is made for this gateway and organization, for the audience ", h("code", {}, audiences[0]), ". There is nothing to store."),
    audiences.length > 1 && field("Audience", audience, "The address of the gateway that the jobs use."),
    box,
  ].filter(Boolean);
}
