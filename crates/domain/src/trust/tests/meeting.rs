//! Which jobs meet which rules.

use super::*;

/// A rule about [`job`]'s repository with some conditions.
fn asking(set: impl Fn(&mut ConditionsDraft)) -> TrustRule {
    let mut draft = draft();
    set(&mut draft.conditions);
    rule(1, &draft)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_repository_is_known_by_its_ids() {
    let identity = |repository, owner| Identity::Repository {
        repository_id: number(repository),
        repository_owner_id: number(owner),
    };
    let rule = rule(1, &draft());
    // Renamed: the ids hold, and the new name is what is kept and shown.
    let renamed = Job {
        repository: text("acme/store"),
        ..job()
    };
    assert_eq!(meets(&rule, &renamed), Ok(()));
    assert_eq!(
        JobFacts::of(&renamed, rule.id()).repository,
        text("acme/store")
    );
    let rows = [
        // Deleted, and made again under the same name.
        (
            Job {
                identity: identity(75, 65),
                ..job()
            },
            Unmet::Repository,
        ),
        // Transferred.
        (
            Job {
                identity: identity(74, 66),
                ..job()
            },
            Unmet::Owner,
        ),
        // Somebody else's, under the same name: GitHub gives the name of a deleted owner away.
        (
            Job {
                identity: identity(75, 66),
                ..job()
            },
            Unmet::Repository,
        ),
        (
            Job {
                issuer: issuer("gitlab"),
                ..job()
            },
            Unmet::Issuer,
        ),
        (gitlab_job("gitlab", "gitlab.com"), Unmet::Issuer),
    ];
    for (job, unmet) in rows {
        assert_eq!(meets(&rule, &job), Err(unmet), "{job:?}");
    }
}

#[test]
fn other_issuers_know_a_job_by_its_whole_subject() {
    let draft = RuleDraft {
        issuer: "https://ci.example/oidc".to_owned(),
        subject: some("job/shop/release"),
        ..RuleDraft::default()
    };
    let rule = rule(1, &draft);
    let job = |subject: &str| {
        let subject = JobText::parse(subject).expect("a text");
        Job::new(
            issuer("https://ci.example/oidc"),
            Identity::Subject { subject },
        )
    };
    assert_eq!(meets(&rule, &job("job/shop/release")), Ok(()));
    for other in [
        "job/shop/releas",
        "job/shop/release2",
        "job/shop/Release",
        "job/shop/release/",
    ] {
        assert_eq!(meets(&rule, &job(other)), Err(Unmet::Subject), "{other}");
    }
}

#[test]
fn the_workflow_is_a_file_of_the_same_repository() {
    let rule = asking(|c| c.workflow = some("release.yml"));
    let workflow = |claimed: &str| Job {
        workflow: text(claimed),
        ..job()
    };
    for met in [
        "acme/shop/.github/workflows/release.yml@refs/heads/main",
        "acme/shop/.github/workflows/release.yml@refs/heads/a@b",
        "acme/shop/.github/workflows/release.yml@refs/pull/7/merge",
        "acme/shop/.github/workflows/release.yml@0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
    ] {
        assert_eq!(meets(&rule, &workflow(met)), Ok(()), "{met}");
    }
    for other in [
        "acme/shop/.github/workflows/release.yml",
        "acme/shop/.github/workflows/release.yml@",
        "acme/shop/.github/workflows/release.yml@main",
        "acme/shop/.github/workflows/release.yml@x.yml@refs/heads/main",
        "acme/shop/.github/workflows/Release.yml@refs/heads/main",
        "acme/shop/.github/workflows/release.yaml@refs/heads/main",
        "acme/shop/.github/workflows/x/release.yml@refs/heads/main",
        "acme/shop/release.yml@refs/heads/main",
        "evil/shop/.github/workflows/release.yml@refs/heads/main",
        "acme/shop2/.github/workflows/release.yml@refs/heads/main",
    ] {
        assert_eq!(
            meets(&rule, &workflow(other)),
            Err(Unmet::Workflow),
            "{other}"
        );
    }
    let none = Job {
        workflow: None,
        ..job()
    };
    assert_eq!(meets(&rule, &none), Err(Unmet::Workflow));
    // After a rename, the token says the new name in both.
    let renamed = Job {
        repository: text("acme/store"),
        workflow: text("acme/store/.github/workflows/release.yml@refs/heads/main"),
        ..job()
    };
    assert_eq!(meets(&rule, &renamed), Ok(()));
}

#[test]
fn gitlabs_configuration_is_a_file_of_the_same_project() {
    for (name, place) in [
        ("gitlab", "gitlab.com"),
        ("gitlab=https://git.example/gl", "git.example/gl"),
    ] {
        let draft = RuleDraft {
            issuer: name.to_owned(),
            project_id: Some(number(20)),
            namespace_id: Some(number(72)),
            conditions: ConditionsDraft {
                workflow: some(".gitlab-ci.yml"),
                ..ConditionsDraft::default()
            },
            ..RuleDraft::default()
        };
        let rule = rule(1, &draft);
        assert_eq!(meets(&rule, &gitlab_job(name, place)), Ok(()), "{name}");
        let own = gitlab_job(name, place);
        for other in [
            "evil.example/acme/team/shop//.gitlab-ci.yml@refs/heads/main",
            "gitlab.com/evil/shop//.gitlab-ci.yml@refs/heads/main",
            "gitlab.com/acme/team/shop//ci/.gitlab-ci.yml@refs/heads/main",
            "https://gitlab.com/acme/team/shop//.gitlab-ci.yml@refs/heads/main",
        ] {
            let job = Job {
                workflow: text(other),
                ..own.clone()
            };
            assert_eq!(meets(&rule, &job), Err(Unmet::Workflow), "{other}");
        }
        // The merge request of a fork: the ids are the fork's.
        let identity = Identity::Project {
            project_id: number(21),
            namespace_id: number(73),
        };
        let fork = Job {
            identity,
            ..own.clone()
        };
        assert_eq!(meets(&rule, &fork), Err(Unmet::Repository));
        // Before GitLab 18.2.2 they were the target's: then the event tells.
        let old = Job {
            event: text("merge_request_event"),
            ..own
        };
        assert_eq!(meets(&rule, &old), Err(Unmet::OutsideEvent));
    }
}

#[test]
fn a_reusable_workflow_may_be_another_repositorys_in_one_version() {
    let tagged = asking(|c| {
        c.reusable_workflow = some("Acme/pipes/.github/workflows/build.yml@refs/tags/v1")
    });
    let commit = "acme/pipes/.github/workflows/build.yml@0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";
    let pinned = asking(|c| c.reusable_workflow = some(commit));
    let job = |claimed: &str| Job {
        job_workflow: text(claimed),
        ..job()
    };
    for (claimed, expected) in [
        (
            "acme/pipes/.github/workflows/build.yml@refs/tags/v1",
            [true, false],
        ),
        (
            "ACME/Pipes/.github/workflows/build.yml@refs/tags/v1",
            [true, false],
        ),
        (commit, [false, true]),
        // A branch that somebody pushed there.
        (
            "acme/pipes/.github/workflows/build.yml@refs/heads/main",
            [false, false],
        ),
        (
            "acme/pipes/.github/workflows/build.yml@refs/heads/v1",
            [false, false],
        ),
        (
            "acme/pipes/.github/workflows/build.yml@x.yml@refs/tags/v1",
            [false, false],
        ),
        (
            "acme/pipes/.github/workflows/Build.yml@refs/tags/v1",
            [false, false],
        ),
        (
            "acme/pipes2/.github/workflows/build.yml@refs/tags/v1",
            [false, false],
        ),
        (
            "x/acme/pipes/.github/workflows/build.yml@refs/tags/v1",
            [false, false],
        ),
        ("build.yml@refs/tags/v1", [false, false]),
        ("acme/pipes/.github/workflows/build.yml", [false, false]),
        (
            "\u{e9}/.github/workflows/build.yml@refs/tags/v1",
            [false, false],
        ),
    ] {
        let met = [&tagged, &pinned].map(|rule| meets(rule, &job(claimed)));
        let expected = expected.map(|met| {
            if met {
                Ok(())
            } else {
                Err(Unmet::ReusableWorkflow)
            }
        });
        assert_eq!(met, expected, "{claimed}");
    }
    // A called workflow does not pass for the file that the run began with.
    let called = job("acme/pipes/.github/workflows/release.yml@refs/heads/main");
    let caller = asking(|c| c.workflow = some("release.yml"));
    assert_eq!(meets(&caller, &called), Ok(()));
    let foreign = Job {
        workflow: called.job_workflow.clone(),
        ..called
    };
    assert_eq!(meets(&caller, &foreign), Err(Unmet::Workflow));
}

#[test]
fn environments_are_githubs_without_case_and_gitlabs_with_it() {
    let rule = asking(|c| c.environment = some("production"));
    for (found, met) in [
        ("production", true),
        ("Production", true),
        ("PRODUCTION", true),
        ("staging", false),
    ] {
        let job = Job {
            environment: text(found),
            ..job()
        };
        let expected = if met { Ok(()) } else { Err(Unmet::Environment) };
        assert_eq!(meets(&rule, &job), expected, "{found}");
    }
    for (asked, found, met) in [
        ("kiosk", "KIOSK", true),
        // The sign of Kelvin, and the long s.
        ("kiosk", "\u{212a}iosk", false),
        ("\u{212a}iosk", "kiosk", false),
        ("\u{212a}iosk", "\u{212a}IOSK", true),
        ("kiosk", "kio\u{17f}k", false),
        ("b\u{fc}ro", "B\u{fc}ro", true),
        ("b\u{fc}ro", "b\u{dc}ro", false),
    ] {
        let rule = asking(|c| c.environment = some(asked));
        let job = Job {
            environment: text(found),
            ..job()
        };
        let expected = if met { Ok(()) } else { Err(Unmet::Environment) };
        assert_eq!(meets(&rule, &job), expected, "{asked} {found}");
    }
    let none = Job {
        environment: None,
        ..job()
    };
    assert_eq!(meets(&rule, &none), Err(Unmet::Environment));
    let mut draft = gitlab_draft();
    draft.conditions.environment = some("production");
    let rule = super::rule(1, &draft);
    let job = gitlab_job("gitlab", "gitlab.com");
    assert_eq!(meets(&rule, &job), Ok(()));
    let other = Job {
        environment: text("Production"),
        ..job
    };
    assert_eq!(meets(&rule, &other), Err(Unmet::Environment));
}

#[test]
fn references_and_their_protection() {
    let exact = asking(|c| c.git_ref = some("refs/heads/main"));
    let protected = asking(|c| {
        c.protected_ref = true;
        c.environment = some("production");
    });
    let rows = [
        (job(), Ok(()), Ok(())),
        (
            Job {
                git_ref: git_ref("refs/heads/main2"),
                ..job()
            },
            Err(Unmet::Ref),
            Ok(()),
        ),
        (
            Job {
                git_ref: git_ref("refs/tags/main"),
                ..job()
            },
            Err(Unmet::Ref),
            Ok(()),
        ),
        (
            Job {
                git_ref: None,
                ..job()
            },
            Err(Unmet::Ref),
            Ok(()),
        ),
        (
            Job {
                ref_protected: Some(false),
                ..job()
            },
            Ok(()),
            Err(Unmet::UnprotectedRef),
        ),
        (
            Job {
                ref_protected: None,
                ..job()
            },
            Ok(()),
            Err(Unmet::UnprotectedRef),
        ),
    ];
    for (job, by_name, by_protection) in rows {
        assert_eq!(meets(&exact, &job), by_name, "{job:?}");
        assert_eq!(meets(&protected, &job), by_protection, "{job:?}");
    }
}

#[test]
fn an_environment_is_protected_where_gitlab_says_so() {
    let mut draft = gitlab_draft();
    draft.conditions.protected_environment = true;
    let rule = rule(1, &draft);
    for (told, expected) in [
        (Some(true), Ok(())),
        (Some(false), Err(Unmet::UnprotectedEnvironment)),
        (None, Err(Unmet::UnprotectedEnvironment)),
    ] {
        let job = Job {
            environment_protected: told,
            ..gitlab_job("gitlab", "gitlab.com")
        };
        assert_eq!(meets(&rule, &job), expected, "{told:?}");
        let explained = explain(core::slice::from_ref(&rule), &job);
        let texts: Vec<_> = explained
            .iter()
            .map(|one| (one.wanted.as_str(), one.found.as_str()))
            .collect();
        let unmet = [("a protected one", "production")];
        let met = [("", "")];
        assert_eq!(texts, if expected.is_ok() { met } else { unmet });
    }
}
