//! Which events count: those that only people with write access can cause, and those that a rule names.

use super::*;

/// A rule about [`job`]'s repository that names some events.
fn naming(events: &[&str]) -> TrustRule {
    let mut draft = draft();
    draft.conditions.events = events.iter().map(|name| (*name).to_owned()).collect();
    rule(1, &draft)
}

#[test]
fn events_that_outsiders_can_cause_count_only_where_they_are_named() {
    let silent = naming(&[]);
    let event = |name: &str| Job {
        event: text(name),
        ..job()
    };
    for name in [
        "push",
        "release",
        "create",
        "workflow_dispatch",
        "repository_dispatch",
        "schedule",
        "deployment",
        "merge_group",
    ] {
        assert_eq!(meets(&silent, &event(name)), Ok(()), "{name}");
    }
    // A pull request of a fork and one of the repository look the same in a token.
    for name in [
        "pull_request",
        "pull_request_target",
        "pull_request_review",
        "pull_request_review_comment",
        "workflow_run",
        "issue_comment",
        "issues",
        "discussion",
        "discussion_comment",
        "fork",
        "watch",
        "check_run",
        "check_suite",
        "status",
        "page_build",
        // Of another forge, in other letters, and of tomorrow.
        "web",
        "api",
        "Push",
        "push2",
        "an_event_of_tomorrow",
    ] {
        assert_eq!(
            meets(&silent, &event(name)),
            Err(Unmet::OutsideEvent),
            "{name}"
        );
    }
    let naming = naming(&["pull_request_target", "push", "an_event_of_tomorrow"]);
    for name in ["pull_request_target", "push", "an_event_of_tomorrow"] {
        assert_eq!(meets(&naming, &event(name)), Ok(()), "{name}");
    }
    for name in ["pull_request", "release"] {
        assert_eq!(meets(&naming, &event(name)), Err(Unmet::Event), "{name}");
    }
    let none = Job {
        event: None,
        ..job()
    };
    assert_eq!(meets(&silent, &none), Err(Unmet::OutsideEvent));
    assert_eq!(meets(&naming, &none), Err(Unmet::Event));
}

#[test]
fn gitlabs_events_are_its_own() {
    let silent = rule(1, &gitlab_draft());
    let event = |name: &str| Job {
        event: text(name),
        ..gitlab_job("gitlab", "gitlab.com")
    };
    for name in [
        "push", "web", "webide", "api", "trigger", "schedule", "pipeline",
    ] {
        assert_eq!(meets(&silent, &event(name)), Ok(()), "{name}");
    }
    for name in [
        "merge_request_event",
        "external_pull_request_event",
        "parent_pipeline",
        "chat",
        "external",
        "ondemand_dast_scan",
        "release",
        "workflow_dispatch",
        "an_event_of_tomorrow",
    ] {
        assert_eq!(
            meets(&silent, &event(name)),
            Err(Unmet::OutsideEvent),
            "{name}"
        );
    }
}
