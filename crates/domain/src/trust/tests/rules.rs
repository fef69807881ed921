//! What is refused when a rule is made.

use super::*;

fn refused(draft: &RuleDraft) -> RuleError {
    let gives = gives(project(), None);
    TrustRule::new(Id::from_u128(1), draft, gives, &issuers()).expect_err("refused")
}

#[test]
fn a_rule_that_any_repository_meets_is_refused() {
    let of = |issuer: &str| RuleDraft {
        issuer: issuer.to_owned(),
        ..RuleDraft::default()
    };
    let id = Some(number(7));
    let subject = |text: &str| RuleDraft {
        subject: Some(text.to_owned()),
        ..of("https://ci.example/oidc")
    };
    let rows = [
        (of("github"), RuleError::Unpinned("repository_id")),
        (
            RuleDraft {
                repository_id: id,
                ..of("github")
            },
            RuleError::Unpinned("repository_owner_id"),
        ),
        // Every repository of an owner.
        (
            RuleDraft {
                repository_owner_id: id,
                ..of("github")
            },
            RuleError::Unpinned("repository_id"),
        ),
        // A name pins nothing.
        (
            RuleDraft {
                repository: Some("acme/shop".to_owned()),
                ..of("github")
            },
            RuleError::Unpinned("repository_id"),
        ),
        (
            RuleDraft {
                namespace_id: id,
                ..of("gitlab")
            },
            RuleError::Unpinned("project_id"),
        ),
        (
            RuleDraft {
                project_id: id,
                ..of("gitlab")
            },
            RuleError::Unpinned("namespace_id"),
        ),
        (
            RuleDraft {
                project_id: id,
                ..of("github")
            },
            RuleError::OtherForge("project_id"),
        ),
        (
            RuleDraft {
                repository_id: id,
                ..of("gitlab")
            },
            RuleError::OtherForge("repository_id"),
        ),
        (
            RuleDraft {
                subject: Some("x".to_owned()),
                ..of("github")
            },
            RuleError::OtherForge("subject"),
        ),
        (
            of("https://ci.example/oidc"),
            RuleError::Unpinned("subject"),
        ),
        (subject(""), RuleError::Subject),
        (subject("*"), RuleError::Subject),
        (subject("job:*"), RuleError::Subject),
        (subject("j\u{f6}b"), RuleError::Subject),
        (subject("a\nb"), RuleError::Subject),
        (subject(&"a".repeat(256)), RuleError::Subject),
        (
            RuleDraft {
                repository: Some("a\nb".to_owned()),
                ..draft()
            },
            RuleError::Repository,
        ),
    ];
    for (draft, error) in rows {
        assert_eq!(refused(&draft), error, "{draft:?}");
    }
    let told = refused(&of("github")).to_string();
    assert_eq!(
        told,
        "`repository_id`: add it; without it, jobs of any repository would meet this rule"
    );
    let known = [
        "github",
        "gitlab",
        "https://ci.example/oidc",
        "gitlab=https://git.example/gl",
    ];
    for unknown in [
        "",
        "gitea",
        "https://ci.example/oidc/",
        "https://evil.example",
    ] {
        let known = known.map(str::to_owned).to_vec();
        assert_eq!(
            refused(&of(unknown)),
            RuleError::UnknownIssuer(known),
            "{unknown}"
        );
    }
}

#[test]
fn a_condition_that_no_token_meets_is_refused() {
    let with = |set: fn(&mut ConditionsDraft)| {
        let mut draft = draft();
        set(&mut draft.conditions);
        draft
    };
    let rows = [
        (
            with(|c| c.workflow = Some(String::new())),
            ConditionError::Workflow,
        ),
        (
            with(|c| c.workflow = Some("release".to_owned())),
            ConditionError::Workflow,
        ),
        (
            with(|c| c.workflow = Some("*.yml".to_owned())),
            ConditionError::Workflow,
        ),
        (
            with(|c| c.workflow = Some("release.yml@refs/heads/main".to_owned())),
            ConditionError::Workflow,
        ),
        (
            with(|c| c.workflow = Some("acme/shop/.github/workflows/a.yml".to_owned())),
            ConditionError::Workflow,
        ),
        (
            with(|c| c.workflow = Some(".github/workflows/../a.yml".to_owned())),
            ConditionError::Workflow,
        ),
        (
            with(|c| c.workflow = Some(".yml".to_owned())),
            ConditionError::Workflow,
        ),
        (
            with(|c| c.reusable_workflow = Some("a.yml@refs/tags/v1".to_owned())),
            ConditionError::ReusableWorkflow,
        ),
        // Whoever may push a branch there can write another file of this name.
        (
            with(|c| c.reusable_workflow = Some("acme/p/.github/workflows/a.yml".to_owned())),
            ConditionError::ReusableWorkflow,
        ),
        (
            with(|c| c.reusable_workflow = Some("acme/p/.github/workflows/a.yml@".to_owned())),
            ConditionError::ReusableWorkflow,
        ),
        (
            with(|c| c.reusable_workflow = Some("acme/p/a.yml@refs/tags/v1".to_owned())),
            ConditionError::ReusableWorkflow,
        ),
        (
            with(|c| c.reusable_workflow = Some("acme/p/.github/workflows/a.yml@v1".to_owned())),
            ConditionError::ReusableWorkflow,
        ),
        (
            with(|c| {
                c.reusable_workflow = Some("*/p/.github/workflows/a.yml@refs/tags/v1".to_owned());
            }),
            ConditionError::ReusableWorkflow,
        ),
        (
            with(|c| c.environment = Some(String::new())),
            ConditionError::Environment,
        ),
        (
            with(|c| c.environment = Some("prod*".to_owned())),
            ConditionError::Environment,
        ),
        (
            with(|c| c.git_ref = Some("main".to_owned())),
            ConditionError::Ref,
        ),
        (
            with(|c| c.git_ref = Some("refs/heads/*".to_owned())),
            ConditionError::Ref,
        ),
        // Any branch under a ruleset.
        (
            with(|c| c.protected_ref = true),
            ConditionError::ProtectedRefAlone,
        ),
        (
            with(|c| {
                c.protected_ref = true;
                c.workflow = Some("release.yml".to_owned());
                c.events = vec!["push".to_owned()];
            }),
            ConditionError::ProtectedRefAlone,
        ),
        (
            with(|c| c.events = vec!["Push".to_owned()]),
            ConditionError::Event,
        ),
        (
            with(|c| c.events = vec![String::new()]),
            ConditionError::Event,
        ),
        (
            with(|c| c.events = vec!["push".to_owned(); MAX_EVENTS + 1]),
            ConditionError::TooManyEvents,
        ),
    ];
    for (draft, error) in rows {
        assert_eq!(
            refused(&draft),
            RuleError::Condition(error),
            "{:?}",
            draft.conditions
        );
    }
}

#[test]
fn conditions_that_an_issuer_does_not_tell_are_refused() {
    let gitlab = RuleDraft {
        issuer: "gitlab".to_owned(),
        project_id: Some(number(1)),
        namespace_id: Some(number(2)),
        conditions: ConditionsDraft {
            reusable_workflow: Some("acme/p/.github/workflows/a.yml".to_owned()),
            ..ConditionsDraft::default()
        },
        ..RuleDraft::default()
    };
    let error = ConditionError::NotClaimed("reusable_workflow");
    assert_eq!(refused(&gitlab), RuleError::Condition(error));
    let mut github = draft();
    github.conditions.protected_environment = true;
    let error = ConditionError::NotClaimed("protected_environment");
    assert_eq!(refused(&github), RuleError::Condition(error));
    let other = RuleDraft {
        issuer: "https://ci.example/oidc".to_owned(),
        subject: Some("job".to_owned()),
        conditions: ConditionsDraft {
            protected_ref: true,
            ..ConditionsDraft::default()
        },
        ..RuleDraft::default()
    };
    let error = ConditionError::NotClaimed("protected_ref");
    assert_eq!(refused(&other), RuleError::Condition(error));
}

#[test]
fn a_rule_gives_a_project_at_most_for_an_hour_at_most() {
    let policy = |text: &str| Policy::parse(text).expect("a policy");
    let one = || vec![policy("workflow_run:create")];
    let many = |count| {
        (0..count)
            .map(|n| policy(&format!("r:{}", "a".repeat(n + 1))))
            .collect()
    };
    let rows = [
        (
            Scope::Organization,
            one(),
            None,
            RuleError::WholeOrganization,
        ),
        (project(), Vec::new(), None, RuleError::NoPolicy),
        (project(), one(), Some(0), RuleError::Life),
        (
            project(),
            one(),
            Some(MIN_LIFE_SECONDS - 1),
            RuleError::Life,
        ),
        (
            project(),
            one(),
            Some(MAX_LIFE_SECONDS + 1),
            RuleError::Life,
        ),
    ];
    for (scope, policies, life, error) in rows {
        assert_eq!(Gives::new(scope, policies, life), Err(error));
    }
    assert!(Gives::new(project(), many(MAX_POLICIES), None).is_ok());
    let twice = Gives::new(workflow(), [one(), one()].concat(), None).expect("something");
    assert_eq!(twice.policies(), one());
    assert_eq!(twice.longest_life_seconds(), DEFAULT_LIFE_SECONDS);
}

#[test]
fn the_id_of_a_job_token_is_visible_ascii() {
    for text in ["", "a b", "a\n", "\u{e9}", &"a".repeat(MAX_JTI + 1)] {
        assert!(Jti::parse(text).is_err(), "{text:?}");
    }
    assert!(Jti::parse(&"a".repeat(MAX_JTI)).is_ok());
}
