//! Who reads the audit log, what of it, and what is written into it.

mod checked;
mod named;

use std::rc::Rc;

use super::*;
use crate::testing::{World, config, now_or_never, organization, project, workflow};
use crate::{organization as organizations, refusal, registry};
use postern_domain::audit::{Action, Requester};
use postern_domain::decide::Denial;
use postern_domain::id::Id;
use postern_domain::name::TokenName;
use postern_domain::policy::Policy;
use postern_domain::scope::{Named, Scope};
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};

fn holder(scope: Scope, policies: &[&str]) -> Caller {
    let policy = |text: &&str| Policy::parse(text).expect("a policy");
    Caller::Token(Rc::new(TokenFacts {
        id: Id::from_u128(7),
        name: TokenName::parse("reader").expect("a name"),
        organization: Named {
            id: organization().id,
            name: organization().name,
        },
        scope,
        verifier: Verifier::Jwt { signed: None },
        policies: policies.iter().map(policy).collect(),
        is_system: false,
        expires_at: None,
        ci_job: None,
        conditions: None,
        revision: 0,
    }))
}

fn requester() -> Requester {
    Requester {
        actor: "admin-token".to_owned(),
        tier: "administrator-key".to_owned(),
        address: None,
        user_agent: None,
        request_id: "r".to_owned(),
    }
}

fn span() -> Span {
    Span::parse(None, None).expect("the defaults")
}

#[test]
fn r35_the_log_is_for_who_holds_audit_read_at_the_level_of_the_organization() {
    let project_scope = || Scope::Project { project: project() };
    let workflow_scope = || Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    let rows = [
        (Caller::Administrator(None), true),
        (holder(Scope::Organization, &["audit:read"]), true),
        (holder(Scope::Organization, &["audit:*"]), true),
        (holder(Scope::Organization, &[]), false),
        (
            holder(Scope::Organization, &["audit:list", "org_api_token:*"]),
            false,
        ),
        (holder(project_scope(), &["audit:read"]), false),
        (holder(workflow_scope(), &["audit:*"]), false),
    ];
    for (caller, allowed) in rows {
        let world = World::new();
        let acme = Some("acme");
        let what = format!("{caller:?}");
        let answers = [
            now_or_never(list(
                &caller,
                acme,
                &EventQuery::default(),
                &span(),
                &config(),
                &world,
            ))
            .err(),
            now_or_never(export(&caller, acme, &world)).err(),
            now_or_never(checkpoint(&caller, acme, &world)).err(),
            now_or_never(checkpoints(&caller, acme, &span(), &config(), &world)).err(),
        ];
        let expected = (!allowed).then_some(Error::Denied(Denial::Operation));
        for (place, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer, expected, "{what}, call {place}");
        }
        if !allowed {
            assert_eq!(world.take_asked(), Vec::<String>::new(), "{what}");
        }
    }
}

#[test]
fn r35_no_token_holds_audit_read_by_default() {
    for policy in postern_domain::policy::defaults(&Scope::Organization) {
        assert!(!policy.covers("audit:read"), "{policy}");
    }
}

#[test]
fn r35_filters_that_no_event_could_fit_are_refused() {
    let refused = |words: [Option<&str>; 5]| {
        let [action, actor, token, since, until] = words;
        let asked = AskedEvents {
            action,
            actor,
            token,
            since,
            until,
            ..AskedEvents::default()
        };
        EventQuery::parse(asked).map_err(|error| error.code())
    };
    let id = "00000000-0000-0000-0000-000000000001";
    let filter = refused([
        Some("token.mint_refused"),
        Some("org-token:pst_00000000"),
        Some(id),
        Some("2026-11-22T00:00:00Z"),
        Some("2026-11-23T00:00:00Z"),
    ]);
    let query = filter.expect("a filter");
    let filter = now_or_never(names::meant(&query, log(), &World::new()));
    let filter = filter.expect("a filter");
    assert_eq!(filter.action, Some(Action::TokenMintRefused));
    assert_eq!(filter.tokens, [Id::from_u128(1)]);
    assert_eq!(filter.actors, ["org-token:pst_00000000"]);
    assert!(filter.since < filter.until);
    let rows = [
        (
            [Some("token.minted"), None, None, None, None],
            "action_invalid",
        ),
        (
            [None, Some(&*"ü".repeat(201)), None, None, None],
            "actor_invalid",
        ),
        (
            [None, None, Some(&*"x".repeat(101)), None, None],
            "token_id_invalid",
        ),
        (
            [None, None, None, Some("yesterday"), None],
            "moment_invalid",
        ),
        (
            [None, None, None, None, Some("2026-11-22")],
            "moment_invalid",
        ),
    ];
    for (words, code) in rows {
        assert_eq!(refused(words), Err(code));
    }
}

/// The log as an administrator reads it.
fn log() -> Log {
    Log {
        organization: organization().id,
        with_system: true,
    }
}

fn listed(sequence: u64, content: &str) -> Listed {
    Listed {
        place: EventCursor {
            at: Timestamp::from_millis(1_000),
            sequence,
        },
        row: Row {
            content: content.to_owned(),
            previous: "00".to_owned(),
            link: "01".to_owned(),
            kid: "k1".to_owned(),
            mended: None,
        },
    }
}

#[test]
fn r35_rows_of_earlier_and_later_releases_are_shown() {
    let earlier = r#"{"organization_id":"00000000-0000-0000-0000-000000000001","sequence":1,"at":1000,"action":"token.mint","token_id":"00000000-0000-0000-0000-000000000002","token_prefix":"pst_0000","origin":{"actor":"admin-token","tier":"administrator-key","address":"192.0.2.1","user_agent":null,"request_id":"r"}}"#;
    let later = r#"{"organization_id":"00000000-0000-0000-0000-000000000001","sequence":2,"at":1000,"action":"token.praised","origin":{"actor":"somebody","tier":"a-new-one","address":null,"user_agent":null,"request_id":"r"},"outcome":"name_taken","new":{"member":1}}"#;
    let world = World::new();
    world
        .events
        .replace(vec![listed(2, later), listed(1, earlier)]);
    let page = shown(&world, &EventQuery::default(), &span());
    let events = page["events"].as_array().expect("a list");
    assert_eq!(events[0]["action"], "token.praised");
    assert_eq!(events[0]["outcome"], "name_taken");
    assert_eq!(events[0]["token_id"], serde_json::Value::Null);
    assert_eq!(events[1]["outcome"], "ok");
    assert_eq!(events[1]["at"], "1970-01-01T00:00:01Z");
    assert_eq!(events[1]["address"], "192.0.2.1");
    assert_eq!(events[1]["kid"], "k1");
}

/// A page as it is answered.
fn shown(world: &World, filter: &EventQuery, span: &Span) -> serde_json::Value {
    let (admin, acme) = (Caller::Administrator(None), Some("acme"));
    let page = now_or_never(list(&admin, acme, filter, span, &config(), world));
    serde_json::to_value(page.expect("a page")).expect("serializes")
}

#[test]
fn r35_only_refusals_of_mints_are_written_down() {
    let rows = [
        (
            Error::Denied(Denial::Operation),
            Some("operation_not_allowed"),
        ),
        (Error::Denied(Denial::Lifetime), Some("lifetime_exceeded")),
        (
            Error::MintCeiling { ceiling: 1 },
            Some("mint_ceiling_reached"),
        ),
        (
            Error::MintRate {
                limit: 1,
                retry_after_seconds: 1,
            },
            Some("mint_rate_exceeded"),
        ),
        (
            Error::Conflict {
                code: "name_taken",
                detail: String::new(),
            },
            Some("name_taken"),
        ),
        (Error::invalid("body_invalid", "…"), None),
        (Error::NotFound { what: "project" }, None),
        (Error::unavailable("D1"), None),
    ];
    for (error, expected) in rows {
        let world = World::new();
        let id = "00000000-0000-0000-0000-00000000000a";
        let junk = format!("{}-pst_looks_like_a_secret", "x".repeat(7_000));
        let rotation = format!("token:{id}");
        // What is no id is a text of the caller's own, and is not repeated.
        let targets = [
            (None, "mint"),
            (Some(id), &*rotation),
            (Some(&*junk), "mint"),
        ];
        for (rotated, target) in targets {
            let admin = Caller::Administrator(None);
            let noted = refusal::note(&error, &admin, Some("acme"), rotated, requester(), &world);
            assert_eq!(now_or_never(noted), Ok(()));
            let expected: Vec<String> = expected
                .map(|code| format!("refused {code} {target}"))
                .into_iter()
                .collect();
            assert_eq!(world.take_asked(), expected);
        }
    }
    // Nobody's organization: nowhere to write it.
    let world = World::new();
    let error = Error::MintCeiling { ceiling: 1 };
    let admin = Caller::Administrator(None);
    let noted = refusal::note(&error, &admin, Some("other"), None, requester(), &world);
    let failed = now_or_never(noted).expect_err("no such organization");
    assert_eq!(failed.code(), "not_found");
    assert_eq!(world.take_asked(), Vec::<String>::new());
}

#[test]
fn r35_changes_of_the_registry_are_written_down() {
    let world = World::new();
    let (admin, acme) = (Caller::Administrator(None), Some("acme"));
    let name = br#"{"name":"x"}"#;
    let created = now_or_never(organizations::create(
        &admin,
        name,
        requester(),
        &config(),
        &world,
    ));
    created.expect("creates");
    let created = now_or_never(registry::create_project(
        &admin,
        acme,
        name,
        requester(),
        &world,
    ));
    created.expect("creates");
    let created = registry::create_workflow(&admin, acme, "shop", name, requester(), &world);
    now_or_never(created).expect("creates");
    let body = br#"{"mint_ceiling":null,"max_idle_days":9,"on_leak":"quarantine"}"#;
    let updated = now_or_never(organizations::update(
        &admin,
        "acme",
        body,
        requester(),
        &config(),
        &world,
    ));
    updated.expect("updates");
    let updated = now_or_never(organizations::update(
        &admin,
        "acme",
        b"{}",
        requester(),
        &config(),
        &world,
    ));
    updated.expect("nothing to do");
    assert_eq!(
        world.take_asked(),
        [
            "create x",
            "note organization.create organization:x",
            "create x",
            "note project.create project:x",
            "create x",
            "note workflow.create workflow:shop/x",
            r#"limits None 9 {"max_idle_days":9,"max_idle_days.before":0,"mint_ceiling":null,"on_leak":"quarantine","on_leak.before":"revoke"}"#,
        ]
    );
}
