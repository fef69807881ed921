// Claims as GitHub Actions, GitLab CI and plain issuers write them, by what their documentation says of them:
// docs.github.com/actions/reference/security/oidc, docs.gitlab.com/ci/secrets/id_token_authentication.

import { randomUUID } from "node:crypto";

const COMMIT = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

/** A job of GitHub Actions; `subject` is `sub` in front of its context. */
function github(subject) {
  const workflow = "demo/shop/.github/workflows/release.yml@refs/heads/main";
  return {
    sub: `${subject}:ref:refs/heads/main`,
    ref: "refs/heads/main",
    sha: COMMIT,
    repository: "demo/shop",
    repository_owner: "demo",
    repository_owner_id: "65",
    run_id: "16001234567",
    run_number: "10",
    run_attempt: "1",
    repository_visibility: "private",
    repository_id: "74",
    actor_id: "12",
    actor: "octocat",
    workflow: "release",
    head_ref: "",
    base_ref: "",
    event_name: "push",
    ref_protected: "true",
    ref_type: "branch",
    workflow_ref: workflow,
    workflow_sha: COMMIT,
    job_workflow_ref: workflow,
    job_workflow_sha: COMMIT,
    runner_environment: "github-hosted",
  };
}

/** A job of GitLab CI. */
function gitlab(url) {
  const place = url.split("://")[1];
  return {
    namespace_id: "72",
    namespace_path: "demo/team",
    project_id: "20",
    project_path: "demo/team/shop",
    user_id: "1",
    user_login: "sample-user",
    user_email: "sample@example.com",
    user_access_level: "developer",
    pipeline_id: "574",
    pipeline_source: "push",
    job_id: "302",
    job_project_id: "20",
    job_project_path: "demo/team/shop",
    job_namespace_id: "72",
    job_namespace_path: "demo/team",
    ref: "main",
    ref_type: "branch",
    ref_path: "refs/heads/main",
    ref_protected: "true",
    runner_id: 1,
    runner_environment: "gitlab-hosted",
    sha: COMMIT,
    project_visibility: "private",
    ci_config_ref_uri: `${place}/demo/team/shop//.gitlab-ci.yml@refs/heads/main`,
    ci_config_sha: COMMIT,
    sub: "project_path:demo/team/shop:ref_type:branch:ref:main",
  };
}

const SHAPES = {
  /** The form of `sub` for repositories that were made, renamed or transferred since July 2026. */
  github: () => github("repo:demo@65/shop@74"),
  /** The form before. */
  "github-old": () => github("repo:demo/shop"),
  gitlab,
  plain: () => ({ sub: "job/demo/shop" }),
};

/** The names of the shapes. */
export const SHAPE_NAMES = Object.keys(SHAPES);

/** The claims of a new token. `seconds` = how long it lives. */
export function claims(shape, url, seconds) {
  const now = Math.floor(Date.now() / 1000);
  return {
    jti: randomUUID(),
    iss: url,
    aud: url,
    ...SHAPES[shape](url),
    iat: now,
    nbf: now - 5,
    exp: now + seconds,
  };
}
