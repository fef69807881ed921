//! The forms that are kept, and that what is read in them passes the same door.

use super::*;

#[test]
fn the_forms_that_are_kept_are_pinned() {
    let mut draft = draft();
    draft.conditions = ConditionsDraft {
        workflow: Some("release.yml".to_owned()),
        reusable_workflow: Some("Acme/Pipes/.github/workflows/b.yml@refs/tags/v1".to_owned()),
        environment: Some("Production".to_owned()),
        protected_environment: false,
        git_ref: Some("refs/heads/main".to_owned()),
        protected_ref: true,
        events: vec!["push".to_owned(), "create".to_owned(), "push".to_owned()],
    };
    let rule = rule(9, &draft);
    let json = serde_json::to_string(&rule).expect("JSON");
    assert_eq!(
        json,
        r#"{"id":"00000000-0000-0000-0000-000000000009","asks":{"issuer":"github","repository":"acme/shop","repository_id":74,"repository_owner_id":65,"conditions":{"workflow":".github/workflows/release.yml","reusable_workflow":"acme/pipes/.github/workflows/b.yml@refs/tags/v1","environment":"production","ref":"refs/heads/main","protected_ref":true,"events":["create","push"]}},"gives":{"scope":{"level":"project","project":{"id":"00000000-0000-0000-0000-000000000002","name":"shop"}},"policies":["workflow_run:create"],"longest_life_seconds":900}}"#
    );
    assert_eq!(
        serde_json::from_str::<TrustRule>(&json).ok().as_ref(),
        Some(&rule)
    );
    assert!(rule.asks_the_same(&rule.clone()));
    // What a store has passes the same door.
    for (from, to) in [
        ("\"repository_id\":74,", ""),
        (
            "\"longest_life_seconds\":900",
            "\"longest_life_seconds\":86400",
        ),
        (
            "\"issuer\":\"github\"",
            "\"issuer\":\"https://ci.example/oidc\"",
        ),
        ("refs/heads/main", "main"),
        // A condition that this release does not know, in each part.
        ("{\"id\"", "{\"only_on_mondays\":true,\"id\""),
        ("{\"issuer\"", "{\"only_on_mondays\":true,\"issuer\""),
        ("{\"workflow\"", "{\"only_on_mondays\":true,\"workflow\""),
        ("{\"scope\"", "{\"only_on_mondays\":true,\"scope\""),
    ] {
        let changed = json.replacen(from, to, 1);
        assert_ne!(changed, json, "{from}");
        assert!(
            serde_json::from_str::<TrustRule>(&changed).is_err(),
            "{changed}"
        );
    }

    let facts = JobFacts::of(&job(), Id::from_u128(9));
    let json = serde_json::to_string(&facts).expect("JSON");
    assert_eq!(
        json,
        r#"{"rule":"00000000-0000-0000-0000-000000000009","issuer":"github","identity":{"kind":"repository","repository_id":74,"repository_owner_id":65},"repository":"acme/shop","run_id":1234,"run_attempt":2,"commit":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","ref":"refs/heads/main","event":"push","environment":"Production","workflow":"acme/shop/.github/workflows/release.yml@refs/heads/main","actor":"octocat","actor_id":12,"runner_environment":"github-hosted"}"#
    );
    assert_eq!(serde_json::from_str::<JobFacts>(&json).ok(), Some(facts));
}

#[test]
fn a_condition_that_is_there_has_a_value() {
    let with = |conditions: &str| {
        let text = format!(
            r#"{{"issuer":"github","repository_id":74,"repository_owner_id":65,"conditions":{conditions}}}"#
        );
        serde_json::from_str::<RuleDraft>(&text)
    };
    assert!(with("{}").is_ok());
    for (condition, value) in [
        ("workflow", r#""release.yml""#),
        (
            "reusable_workflow",
            r#""a/b/.github/workflows/c.yml@refs/tags/v1""#,
        ),
        ("environment", r#""production""#),
        ("ref", r#""refs/heads/main""#),
        ("protected_ref", "true"),
        ("protected_environment", "true"),
        ("events", r#"["push"]"#),
    ] {
        assert!(
            with(&format!(r#"{{"{condition}":{value}}}"#)).is_ok(),
            "{condition}"
        );
        // What a template makes of a variable that is not set.
        let null = with(&format!(r#"{{"{condition}":null}}"#));
        let error = null.expect_err(condition).to_string();
        assert!(error.starts_with("invalid type: null"), "{error}");
    }
    assert!(with("null").is_err());
}

#[test]
fn protection_of_an_environment_is_kept() {
    let mut draft = super::gitlab_draft();
    draft.conditions.protected_environment = true;
    let rule = rule(9, &draft);
    let json = serde_json::to_string(&rule).expect("JSON");
    assert!(
        json.contains(r#""conditions":{"protected_environment":true}"#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<TrustRule>(&json).ok(), Some(rule));
    let facts = JobFacts::of(&gitlab_job("gitlab", "gitlab.com"), Id::from_u128(9));
    let json = serde_json::to_string(&facts).expect("JSON");
    assert!(json.contains(r#""environment_protected":true"#), "{json}");
    assert_eq!(serde_json::from_str::<JobFacts>(&json).ok(), Some(facts));
}
