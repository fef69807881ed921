//! A store that gives a name another organization's id: every use case that takes a name refuses
//! it, because the Ledger of that id has another name.

use std::rc::Rc;

use super::*;
use crate::audit::{self, Span};
use crate::error::Error;
use crate::mint::Client;
use crate::ports::Clock as _;
use crate::registry::read_body;
use crate::testing::{self, World, facts, now_or_never, requester};
use crate::tokens::{self, TokenQuery};
use crate::{mint, rebuild, registry};
use postern_domain::caller::Session;
use postern_domain::role::policies_of;
use postern_domain::scope::Scope;
use postern_domain::session::UserId;

const TOKEN: &str = "00000000-0000-0000-0000-000000000007";

fn from() -> Client {
    Client {
        bucket: "192.0.2.1".to_owned(),
        requester: requester(),
    }
}

/// What each use case that takes a name answers.
fn every(caller: &Caller, world: &World) -> Vec<(&'static str, Result<()>)> {
    let config = testing::config();
    let named = Some("acme");
    let page = Page::parse(None, None).expect("a page");
    let span = Span::parse(None, None).expect("a span");
    let filter = || TokenQuery::parse(tokens::Asked::default(), world.now()).expect("a filter");
    let ids = format!(r#"{{"ids":["{TOKEN}"]}}"#);
    let name = br#"{"name":"web"}"#;
    macro_rules! rows {
        ($($what:literal: $call:expr,)*) => { vec![$(($what, now_or_never($call).map(|_| ()))),*] };
    }
    rows![
        "list": tokens::list(caller, named, filter(), &page, world),
        "read": tokens::read(caller, named, TOKEN, world),
        "revoke": tokens::revoke(caller, named, TOKEN, (requester(), false), world),
        "rotate": tokens::rotate(caller, named, TOKEN, b"", from(), &config, world),
        "release": tokens::release(caller, named, TOKEN, requester(), world),
        "revoke many": tokens::revoke_many(caller, named, ids.as_bytes(), requester(), world),
        "mint": mint::mint(caller, named, b"", from(), &config, world),
        "projects": registry::list_projects(caller, named, &page, world),
        "workflows": registry::list_workflows(caller, named, "shop", &page, world),
        "create project": registry::create_project(caller, named, name, requester(), world),
        "audit": audit::list(caller, named, &audit::EventQuery::default(), &span, &config, world),
        "export": audit::export(caller, named, world),
        "checkpoint": audit::checkpoint(caller, named, world),
        "checkpoints": audit::checkpoints(caller, named, &span, &config, world),
        "rebuild": rebuild::rebuild(caller, ("acme", b"", requester()), &config, world),
        "pause": pause(caller, named, b"", (requester(), false), world),
        "resume": resume(caller, named, requester(), world),
        "update": update(caller, "acme", br#"{"max_idle_days":3}"#, requester(), &config, world),
    ]
}

fn led_astray() -> World {
    let world = World::new();
    world.keep(facts(7, Scope::Organization));
    // The stores say that `acme` is the organization 1; the Ledger of 1 is that of `globex`.
    *world.name.borrow_mut() = "globex".to_owned();
    world
}

#[test]
fn r1_a_name_of_another_ledger_opens_nothing() {
    let world = led_astray();
    for (what, answer) in every(&Caller::Administrator(None), &world) {
        let error = answer.expect_err(what);
        assert!(
            matches!(error, Error::Misdirected { .. }),
            "{what}: {error:?}"
        );
        assert_eq!(error.code(), "not_found", "{what}");
        assert_eq!(error.public(), UNKNOWN.public(), "{what}");
        assert_ne!(error.private(), error.public(), "{what}");
    }
    let told = world.take_asked();
    assert!(told.is_empty(), "{told:?}");
    // The same world with the name that it has: all of them are let in.
    let world = World::new();
    world.keep(facts(7, Scope::Organization));
    for (what, answer) in every(&Caller::Administrator(None), &world) {
        let misdirected = matches!(answer, Err(Error::Misdirected { .. }));
        assert!(!misdirected, "{what}: {answer:?}");
    }
}

#[test]
fn r23_a_session_is_not_believed_where_record_and_ledger_disagree() {
    // At the door the id came from KV; the record has another for the name.
    let world = World::new();
    let session = |id: u128| {
        Caller::Session(Rc::new(Session {
            user: UserId::parse("u1").expect("an id"),
            organization: Named {
                id: id::Id::from_u128(id),
                name: "acme".to_owned(),
            },
            policies: policies_of("owner"),
        }))
    };
    let astray = now_or_never(resolve(&session(66), None, &world));
    assert!(
        matches!(astray, Err(Error::Misdirected { .. })),
        "{astray:?}"
    );
    let own = now_or_never(resolve(&session(1), None, &world)).expect("its own");
    assert_eq!(own.id, testing::organization().id);
}

#[test]
fn r1_what_is_no_name_reaches_no_store() {
    let world = World::new();
    for name in ["", "Acme", "a/b", "ac\u{e9}", "x\r\ny"] {
        let found = now_or_never(registered(name, &world));
        assert_eq!(found, Err(UNKNOWN), "{name:?}");
    }
    assert_eq!(
        now_or_never(registered("acme", &world)),
        Ok(testing::organization().named())
    );
}

#[test]
fn what_a_change_takes_the_place_of_stands_in_its_audit_row() {
    let row = OrganizationRecord {
        id: id::Id::from_u128(1),
        name: "acme".to_owned(),
        mint_ceiling: None,
        max_idle_days: 30,
        on_leak: OnLeak::Revoke,
        federated_only: false,
        policy: OrganizationPolicy::default(),
        pause: None,
        location_hint: None,
        created_at: World::new().now(),
    };
    for (body, told) in [
        (
            r#"{"on_leak":"quarantine"}"#,
            r#"{"on_leak":"quarantine","on_leak.before":"revoke"}"#,
        ),
        (
            r#"{"mint_ceiling":7}"#,
            r#"{"mint_ceiling":7,"mint_ceiling.before":null}"#,
        ),
        // It stood there already.
        (
            r#"{"mint_ceiling":null,"max_idle_days":30,"federated_only":false}"#,
            r#"{"federated_only":false,"max_idle_days":30,"mint_ceiling":null}"#,
        ),
        ("{}", "{}"),
    ] {
        let body: update::UpdateOrganization = read_body(body.as_bytes()).expect("a body");
        let changes = body.changes(&row, &row.policy);
        let changes = serde_json::to_string(&changes).expect("serializes");
        assert_eq!(changes, told);
    }
}
