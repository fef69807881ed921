// What goes into a workflow file so that its jobs need no stored secret. Nothing in it is secret: the CI system signs a new
// job token for each job. docs/CI.md has the same.

import { forgeOf } from "./ci_rules.js";
import { choice, field, h } from "./dom.js";
import { RELEASES, snippet } from "./secret.js";

const GITHUB = ({ audience, url, organization, place }) => `jobs:
  attest:
    runs-on: ubuntu-latest
    permissions:
      contents: read
      id-token: write # a job token, for ${audience}
    steps:
      - uses: OWNER/REPO/actions/attest@COMMIT
        with:
          releases: ${RELEASES}
          gateway: ${url}
          organization: ${organization}
          command: |
            chainloop attestation init ${place}
            chainloop attestation add --value …
            chainloop attestation push`;

const GITLAB = ({ audience, url, organization, place }) => `include:
  - local: /ci/attest.gitlab-ci.yml # from actions/gitlab
attest:
  extends: .postern-attest
  id_tokens:
    POSTERN_ID_TOKEN:
      aud: ${audience}
  variables:
    POSTERN_URL: ${url}
    POSTERN_ORGANIZATION: ${organization}
    POSTERN_RELEASES: ${RELEASES}
    POSTERN_COMMAND:
      value: chainloop attestation init ${place} && chainloop attestation push
      expand: false`;

/** Shows what a job token says, without its signature: what then stands in the log opens nothing. */
const GITHUB_TOKEN = ({ audience }) => `curl -sS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=${audience}" | jq -r .value | cut -d. -f1,2`;
const GITLAB_TOKEN = () => `echo "$POSTERN_ID_TOKEN" | cut -d. -f1,2`;

const SNIPPETS = [
  ["github", "GitHub Actions", GITHUB], ["gitlab", "GitLab", GITLAB],
  ["github", "What to paste to add a rule, from a GitHub job", GITHUB_TOKEN], ["gitlab", "What to paste to add a rule, from a GitLab job", GITLAB_TOKEN],
];

/** The section for the issuers that the gateway trusts; the project and workflow are those of `rule`, where there is one. */
export function snippets(issuers, audiences, rule) {
  const forges = issuers.map(forgeOf);
  const place = `--project ${rule?.project.name ?? "…"} --workflow ${rule?.workflow?.name ?? "…"}`;
  const box = h("div", {});
  const render = (audience) => {
    const end = audience.lastIndexOf("/");
    const about = { audience, place, url: audience.slice(0, end), organization: audience.slice(end + 1) };
    box.replaceChildren(...SNIPPETS.filter(([forge]) => forges.includes(forge)).map(([, name, text], index) => snippet(name, text(about), index === 0)));
  };
  const audience = choice(audiences.map((one) => [one, one]), audiences[0]);
  audience.addEventListener("change", () => render(audience.value));
  render(audiences[0]);
  return [
    h("h2", {}, "In the workflow file"),
    h("p", {}, "A job asks its CI system for a token that is made for this gateway and organization. There is nothing to store."),
    audiences.length > 1 ? field("Address of the gateway", audience) : "",
    box,
  ];
}
