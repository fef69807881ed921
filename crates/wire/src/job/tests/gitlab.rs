//! Tokens as GitLab makes them.

use super::*;
use postern_domain::trust::{ForgeId, Identity};

/// The claims of a job of GitLab CI.
fn claims() -> Value {
    json!({
        "namespace_id": "72", "namespace_path": "acme/team",
        "project_id": "20", "project_path": "acme/team/shop",
        "user_id": "1", "user_login": "sample-user", "user_email": "sample@example.com",
        "pipeline_id": "574", "pipeline_source": "push", "job_id": "302",
        "ref": "release/1.x", "ref_type": "branch", "ref_path": "refs/heads/release/1.x", "ref_protected": "true",
        "groups_direct": ["acme", "acme/team"],
        "environment": "production", "environment_protected": "false", "deployment_tier": "production",
        "runner_id": 1, "runner_environment": "gitlab-hosted",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "ci_config_ref_uri": "gitlab.com/acme/team/shop//.gitlab-ci.yml@refs/heads/release/1.x",
        "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "project_visibility": "private",
        "jti": "235b3a54-b797-45c7-ae9a-f72d7bc6ef5b",
        "iat": NOW - 10, "nbf": NOW - 15, "exp": NOW + 7_200,
        "iss": GITLAB, "aud": [format!("{GATE}/acme")],
        "sub": "project_path:acme/team/shop:ref_type:branch:ref:release/1.x",
    })
}

/// A token of GitLab's with changed claims.
fn with(changes: &Value) -> String {
    signed(
        &header().to_string(),
        &changed(claims(), changes).to_string(),
    )
}

#[test]
fn gitlabs_tokens() {
    let verified = present(&with(&json!({}))).expect("GitLab's");
    let job = verified.job();
    assert_eq!(
        job.identity,
        Identity::Project {
            project_id: ForgeId::new(20).expect("an id"),
            namespace_id: ForgeId::new(72).expect("an id"),
        }
    );
    assert_eq!(
        job.git_ref.as_ref().map(|name| name.as_str()),
        Some("refs/heads/release/1.x")
    );
    assert_eq!(
        (job.ref_protected, job.environment_protected),
        (Some(true), Some(false))
    );
    assert_eq!(job.job_id, ForgeId::new(302));
    assert_eq!(
        verified.ends_at(),
        Timestamp::from_millis((NOW + 7_200) * 1000)
    );
    // A job that may run for a month: the token ends a day after it was made.
    let long = with(&json!({"exp": NOW + 2_600_000}));
    let verified = present(&long).expect("GitLab's");
    assert_eq!(
        verified.ends_at(),
        Timestamp::from_millis((NOW - 10 + MAX_AGE_SECONDS) * 1000)
    );
    for (changes, fault) in [
        (
            json!({"ref_type": "commit"}),
            "`ref_type` is of another form",
        ),
        (
            json!({"ref": "a b"}),
            "`ref` has a character that must not be there",
        ),
        (
            json!({"namespace_path": "acme"}),
            "`project_path` and `namespace_path` contradict each other",
        ),
        (
            json!({"namespace_id": null}),
            "`namespace_id` is missing or empty",
        ),
        (
            json!({"job_project_id": "21"}),
            "`project_id` and `job_project_id` contradict each other",
        ),
        (
            json!({"job_namespace_id": 73}),
            "`namespace_id` and `job_namespace_id` contradict each other",
        ),
        (
            json!({"job_project_id": "x"}),
            "`job_project_id` has a character that must not be there",
        ),
        (
            json!({"project_id": "acme"}),
            "`project_id` has a character that must not be there",
        ),
        (
            json!({"pipeline_source": null}),
            "`pipeline_source` is missing or empty",
        ),
        (
            json!({"environment_protected": "maybe"}),
            "`environment_protected` is of another type",
        ),
    ] {
        let refusal = present(&with(&changes)).expect_err("refused");
        assert_eq!(refusal.to_string(), fault, "{changes}");
    }
}

#[test]
fn gitlabs_job_runs_in_the_project_that_its_token_is_about() {
    // Older tokens do not say where the job runs; newer ones say both.
    for changes in [
        json!({"job_project_id": "20", "job_namespace_id": "72"}),
        json!({"job_project_id": 20, "job_namespace_id": null}),
    ] {
        assert!(present(&with(&changes)).is_ok(), "{changes}");
    }
}

#[test]
fn the_branch_of_a_merge_request_is_no_reference_of_the_project() {
    for (event, own) in [
        ("push", true),
        ("web", true),
        ("an_event_of_tomorrow", true),
        ("merge_request_event", false),
        ("external_pull_request_event", false),
        ("parent_pipeline", false),
    ] {
        // A fork's branch has the same name as the protected one.
        let changes = json!({"pipeline_source": event, "ref": "main", "ref_protected": "true"});
        let verified = present(&with(&changes)).expect(event);
        let job = verified.job();
        let name = job.git_ref.as_ref().map(|name| name.as_str());
        assert_eq!(name, own.then_some("refs/heads/main"), "{event}");
        assert_eq!(job.ref_protected, own.then_some(true), "{event}");
    }
}

#[test]
fn a_user_may_be_in_many_groups() {
    let groups: Vec<String> = (0..200)
        .map(|n| format!("acme/a-team-with-a-long-name/and-another-{n}"))
        .collect();
    let token = with(&json!({"groups_direct": groups}));
    assert!(token.len() > crate::bearer::MAX_CREDENTIAL && token.len() <= MAX_JOB_TOKEN);
    assert!(present(&token).is_ok());
}
