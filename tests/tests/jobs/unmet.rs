//! Jobs that are what they say, and that no rule of their organization is about.

use postern_system_tests::organization::{Organization, id};
use serde_json::{Value, json};

use crate::hostile::Tried;
use crate::rules::explained;
use crate::support::Jobs;

const NO_RULE: &str = "the job meets no rule";

/// What a rule asks, what a job is instead, and what the organization's people are told.
type Row = (&'static str, Value, Value, &'static str);

/// All of them, in one organization: each rule is about a repository of its own.
pub async fn try_all(jobs: &Jobs, tried: &mut Tried) {
    let organization = jobs.bare_organization().await;
    for (number, (what, conditions, claims, unmet)) in (3_000..).zip(github()) {
        let rule = json!({ "repository_id": number, "conditions": conditions });
        let rule = jobs.trust(&organization, &rule).await;
        let mut own = json!({ "repository_id": number.to_string() });
        merge(&mut own, &claims);
        let row = (what, "github", own, unmet);
        try_one(jobs, tried, &organization, &rule, row).await;
    }
    for (number, (what, conditions, claims, unmet)) in (4_000..).zip(gitlab()) {
        let mut rule = jobs.of_gitlab();
        merge(
            &mut rule,
            &json!({ "project_id": number, "conditions": conditions }),
        );
        let rule = jobs.trust(&organization, &rule).await;
        let number = number.to_string();
        let mut own = json!({ "project_id": number, "job_project_id": number });
        merge(&mut own, &claims);
        let row = (what, "gitlab", own, unmet);
        try_one(jobs, tried, &organization, &rule, row).await;
    }
    let rule = jobs.trust(&organization, &jobs.of_plain("other")).await;
    for (what, subject) in [
        ("another subject", "job/demo/shop2"),
        ("a subject in another case", "job/Demo/shop"),
        ("a subject that goes on", "job/demo/shop/x"),
        ("the beginning of a subject", "job/demo"),
    ] {
        let row = (what, "other", json!({ "sub": subject }), "subject");
        try_one(jobs, tried, &organization, &rule, row).await;
    }
    assert_eq!(jobs.tokens(&organization).await, Vec::<Value>::new());
}

async fn try_one(
    jobs: &Jobs,
    tried: &mut Tried,
    organization: &Organization,
    rule: &Value,
    (what, issuer, claims, unmet): (&str, &str, Value, &str),
) {
    let asked = json!({ "claims": claims });
    let token = jobs.job_of(issuer, organization, &asked).await;
    tried.refused(jobs, what, &token, NO_RULE).await;
    let told = explained(jobs, organization, &token).await;
    assert_eq!(told["verified"], true, "{what}: {told}");
    assert_eq!(told["gives"], Value::Null, "{what}: {told}");
    let rules = told["rules"].as_array().expect("a list");
    let found = rules.iter().find(|one| one["id"] == id(rule));
    let found = found.unwrap_or_else(|| panic!("{what}: the rule is not there: {told}"));
    assert_eq!(
        (what, found["unmet"].as_str(), found["met"].as_bool()),
        (what, Some(unmet), Some(false)),
        "{found}"
    );
}

fn merge(object: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().expect("an object") {
        object[name] = value.clone();
    }
}

fn github() -> Vec<Row> {
    let none = || json!({});
    let reusable = "demo/pipes/.github/workflows/build.yml";
    let called = |version: &str| format!("{reusable}@{version}");
    let file = |place: &str| json!({ "workflow_ref": format!("{place}@refs/heads/main") });
    let event = |name: &str| json!({ "event_name": name });
    let pull = json!({
        "event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "patch-1", "base_ref": "main",
        "ref_protected": "false",
    });
    vec![
        (
            "another repository of the same owner",
            none(),
            json!({ "repository_id": "75", "repository": "demo/other" }),
            "repository",
        ),
        (
            "a repository of the same name that was made anew",
            none(),
            json!({ "repository_id": "76" }),
            "repository",
        ),
        (
            "a repository that was transferred",
            none(),
            json!({ "repository_owner_id": "66", "repository_owner": "buyer", "repository": "buyer/shop" }),
            "owner",
        ),
        (
            "the name of an account, taken by somebody else",
            none(),
            json!({ "repository_owner_id": "67" }),
            "owner",
        ),
        ("the pull request of a fork", none(), pull, "outside_event"),
        (
            "pull_request_target",
            none(),
            event("pull_request_target"),
            "outside_event",
        ),
        (
            "workflow_run",
            none(),
            event("workflow_run"),
            "outside_event",
        ),
        (
            "issue_comment",
            none(),
            event("issue_comment"),
            "outside_event",
        ),
        (
            "an event of next year",
            none(),
            event("telepathy"),
            "outside_event",
        ),
        (
            "an event in another case",
            none(),
            event("Push"),
            "outside_event",
        ),
        (
            "another event than the rule names",
            json!({ "events": ["release"] }),
            none(),
            "event",
        ),
        (
            "pull_request_target, where pull_request is named",
            json!({ "events": ["pull_request"] }),
            event("pull_request_target"),
            "event",
        ),
        (
            "another environment",
            json!({ "environment": "production" }),
            json!({ "environment": "staging" }),
            "environment",
        ),
        (
            "no environment",
            json!({ "environment": "production" }),
            none(),
            "environment",
        ),
        (
            "an empty environment",
            json!({ "environment": "production" }),
            json!({ "environment": "" }),
            "environment",
        ),
        (
            "an environment with the sign of Kelvin",
            json!({ "environment": "kiosk" }),
            json!({ "environment": "\u{212a}iosk" }),
            "environment",
        ),
        (
            "another branch",
            json!({ "ref": "refs/heads/main" }),
            json!({ "ref": "refs/heads/next" }),
            "ref",
        ),
        (
            "a tag of the branch's name",
            json!({ "ref": "refs/heads/main" }),
            json!({ "ref": "refs/tags/main", "ref_type": "tag" }),
            "ref",
        ),
        (
            "a branch in another case",
            json!({ "ref": "refs/heads/main" }),
            json!({ "ref": "refs/heads/Main" }),
            "ref",
        ),
        (
            "no reference",
            json!({ "ref": "refs/heads/main" }),
            json!({ "ref": null }),
            "ref",
        ),
        (
            "a branch that is not protected",
            json!({ "ref": "refs/heads/main", "protected_ref": true }),
            json!({ "ref_protected": "false" }),
            "unprotected_ref",
        ),
        (
            "a branch of which that is not said",
            json!({ "ref": "refs/heads/main", "protected_ref": true }),
            json!({ "ref_protected": null }),
            "unprotected_ref",
        ),
        (
            "another file",
            json!({ "workflow": "release.yml" }),
            file("demo/shop/.github/workflows/test.yml"),
            "workflow",
        ),
        (
            "a file of another repository",
            json!({ "workflow": "release.yml" }),
            file("evil/shop/.github/workflows/release.yml"),
            "workflow",
        ),
        (
            "a file whose name goes on",
            json!({ "workflow": "release.yml" }),
            file("demo/shop/.github/workflows/release.yml2"),
            "workflow",
        ),
        (
            "a file further in",
            json!({ "workflow": "release.yml" }),
            file("demo/shop/.github/workflows/x/release.yml"),
            "workflow",
        ),
        (
            "a file without a version",
            json!({ "workflow": "release.yml" }),
            json!({ "workflow_ref": "demo/shop/.github/workflows/release.yml" }),
            "workflow",
        ),
        (
            "another version of a reusable workflow",
            json!({ "reusable_workflow": called("refs/tags/v1") }),
            json!({ "job_workflow_ref": called("refs/tags/v2") }),
            "reusable_workflow",
        ),
        (
            "a branch of a reusable workflow",
            json!({ "reusable_workflow": called("refs/tags/v1") }),
            json!({ "job_workflow_ref": called("refs/heads/v1") }),
            "reusable_workflow",
        ),
        (
            "the reusable workflow of another repository",
            json!({ "reusable_workflow": called("refs/tags/v1") }),
            json!({ "job_workflow_ref": "evil/pipes/.github/workflows/build.yml@refs/tags/v1" }),
            "reusable_workflow",
        ),
        (
            "no reusable workflow",
            json!({ "reusable_workflow": called("refs/tags/v1") }),
            json!({ "job_workflow_ref": null }),
            "reusable_workflow",
        ),
        (
            "two versions of a reusable workflow",
            json!({ "reusable_workflow": called("refs/tags/v1") }),
            json!({ "job_workflow_ref": format!("{reusable}@x@refs/tags/v1") }),
            "reusable_workflow",
        ),
    ]
}

fn gitlab() -> Vec<Row> {
    let none = || json!({});
    let source = |name: &str| json!({ "pipeline_source": name });
    vec![
        (
            "GitLab: another project",
            none(),
            json!({ "project_id": "21", "job_project_id": "21" }),
            "repository",
        ),
        (
            "GitLab: a project that was transferred",
            none(),
            json!({ "namespace_id": "73", "job_namespace_id": "73" }),
            "owner",
        ),
        (
            "GitLab: a merge request",
            none(),
            source("merge_request_event"),
            "outside_event",
        ),
        (
            "GitLab: a child pipeline",
            none(),
            source("parent_pipeline"),
            "outside_event",
        ),
        (
            "GitLab: a merge request of a branch called main",
            json!({ "ref": "refs/heads/main", "events": ["merge_request_event"] }),
            source("merge_request_event"),
            "ref",
        ),
        (
            "GitLab: an environment in another case",
            json!({ "environment": "production" }),
            json!({ "environment": "Production" }),
            "environment",
        ),
        (
            "GitLab: an environment that is not protected",
            json!({ "environment": "production", "protected_environment": true }),
            json!({ "environment": "production", "environment_protected": "false" }),
            "unprotected_environment",
        ),
        (
            "GitLab: a branch that is not protected",
            json!({ "protected_ref": true }),
            json!({ "ref_protected": "false" }),
            "unprotected_ref",
        ),
        (
            "GitLab: another file",
            json!({ "workflow": ".gitlab-ci.yml" }),
            json!({ "ci_config_ref_uri": "gitlab.com/demo/team/shop//.gitlab-ci.yml@refs/heads/main" }),
            "workflow",
        ),
    ]
}
