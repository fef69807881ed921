//! Names in the audit log: which tokens and actors a reader means by one, and the names of what is shown.

use super::*;
use crate::ports::NamedToken;
use postern_domain::id::TokenId;
use postern_domain::token::{Format, display_prefix};

fn token(bits: u128, format: Format, name: &str) -> NamedToken {
    NamedToken {
        id: TokenId::from_u128(bits),
        format,
        name: name.to_owned(),
        project: None,
        workflow: None,
    }
}

/// Two tokens of one name, one whose ids begin alike, and one more.
fn world() -> World {
    let world = World::new();
    world.named.replace(vec![
        token(1 << 120, Format::Opaque, "ci"),
        token(2 << 120, Format::Jwt, "ci"),
        token((2 << 120) + 1, Format::Jwt, "twin"),
        token(3 << 120, Format::Opaque, "deployer"),
        token(4 << 120, Format::Opaque, "team:ci"),
    ]);
    let former = (TokenId::from_u128(3 << 120), "stolen".to_owned());
    world.former.replace(vec![former]);
    let actors = ["admin-token:alice", "admin-token:ci", "session:kim"];
    world.actors.replace(actors.map(str::to_owned).into());
    world
}

fn prefix(bits: u128, format: Format) -> String {
    display_prefix(format, TokenId::from_u128(bits))
}

/// The tokens and actors that a query means, or the code of its refusal.
fn meant(asked: AskedEvents<'_>) -> core::result::Result<(Vec<u128>, Vec<String>), &'static str> {
    let query = EventQuery::parse(asked).map_err(|error| error.code())?;
    let filter = now_or_never(names::meant(&query, log(), &world()));
    let filter = filter.map_err(|error| error.code())?;
    let ids = filter.tokens.iter().map(|id| id.as_u128()).collect();
    Ok((ids, filter.actors))
}

#[test]
fn r48_a_token_of_the_log_is_named_by_id_prefix_or_name() {
    let of = |token: &str| {
        meant(AskedEvents {
            token: Some(token),
            ..AskedEvents::default()
        })
        .map(|(ids, _)| ids)
    };
    let opaque = prefix(1 << 120, Format::Opaque);
    assert_eq!(of("ci"), Ok(vec![1 << 120, 2 << 120]));
    assert_eq!(of("deployer"), Ok(vec![3 << 120]));
    assert_eq!(of("stolen"), Ok(vec![3 << 120]), "what it was called once");
    assert_eq!(of(&opaque), Ok(vec![1 << 120]));
    assert_eq!(of(opaque.get(..9).expect("characters")), Ok(vec![1 << 120]));
    assert_eq!(of("jwt_02000000"), Ok(vec![2 << 120, (2 << 120) + 1]));
    // Of a JWT: no key begins so.
    assert_eq!(of(&prefix(2 << 120, Format::Opaque)), Err("not_found"));
    // A token that was forgotten has events all the same.
    assert_eq!(of(&TokenId::from_u128(77).to_string()), Ok(vec![77]));
    assert_eq!(of("nobody"), Err("not_found"));
}

#[test]
fn r48_an_actor_is_named_as_it_stands_there_or_by_the_name_of_its_token_key_or_person() {
    let by = |actor: &str| {
        let (actors, refused) = match meant(AskedEvents {
            actor: Some(actor),
            ..AskedEvents::default()
        }) {
            Ok((_, actors)) => (actors, None),
            Err(code) => (Vec::new(), Some(code)),
        };
        (actors.join(" "), refused)
    };
    let token = |bits, format| format!("org-token:{}", prefix(bits, format));
    let deployer = token(3 << 120, Format::Opaque);
    let key = prefix(3 << 120, Format::Opaque);
    let id = |bits: u128| TokenId::from_u128(bits).to_string();
    let rows = [
        ("org-token:pst_00000000", "org-token:pst_00000000"),
        ("session:nobody", "session:nobody"),
        ("admin-token:team:x", "admin-token:team:x"),
        ("idle-sweep", "idle-sweep"),
        ("admin-token", "admin-token"),
        ("Administrator key", "admin-token"),
        ("administrator key alice", "admin-token:alice"),
        ("alice", "admin-token:alice"),
        ("kim", "session:kim"),
        ("deployer", &deployer),
        ("stolen", &deployer),
        (&key, &deployer),
        (&id(3 << 120), &deployer),
        // Two tokens that one actor stands for.
        ("jwt_02000000", &token(2 << 120, Format::Jwt)),
        // What looks like an actor and is the name of a token.
        ("team:ci", &token(4 << 120, Format::Opaque)),
    ];
    for (actor, expected) in rows {
        assert_eq!(by(actor), (expected.to_owned(), None), "{actor}");
    }
    let both = format!(
        "admin-token:ci {} {}",
        token(2 << 120, Format::Jwt),
        token(1 << 120, Format::Opaque)
    );
    assert_eq!(by("ci"), (both, None));
    for nobody in [
        "alic",
        "nosuch",
        "pst_zzzz",
        "administrator keys",
        &id(77),
        "x:y",
    ] {
        assert_eq!(by(nobody), (String::new(), Some("not_found")), "{nobody}");
    }
}

#[test]
fn r48_more_tokens_of_a_name_than_can_be_listed_are_an_error() {
    let world = world();
    let many = (0..=u128::from(MAX_NAMED)).map(|n| token(n, Format::Jwt, "many"));
    world.named.replace(many.collect());
    let query = EventQuery::parse(AskedEvents {
        token: Some("many"),
        ..AskedEvents::default()
    });
    let query = query.expect("a query");
    let refused = now_or_never(names::meant(&query, log(), &world));
    assert_eq!(
        refused.map_err(|error| error.code()),
        Err("token_ambiguous")
    );
    world.named.borrow_mut().pop();
    let all = now_or_never(names::meant(&query, log(), &world)).expect("a filter");
    assert_eq!(all.tokens.len(), MAX_NAMED as usize);
}

#[test]
fn r48_addresses_and_requests_are_read_as_events_have_them() {
    let read = |address, request_id| {
        let query = EventQuery::parse(AskedEvents {
            address,
            request_id,
            ..AskedEvents::default()
        });
        let query = query.map_err(|error| error.code())?;
        let filter = now_or_never(names::meant(&query, log(), &world())).expect("a filter");
        assert!(!filter.is_whole(), "gaps are no faults");
        Ok((filter.address, filter.request_id))
    };
    let address = Some("2001:db8::1".to_owned());
    assert_eq!(read(Some("2001:DB8:0:0::1"), None), Ok((address, None)));
    assert_eq!(read(None, Some("r1")), Ok((None, Some("r1".to_owned()))));
    assert_eq!(read(Some("nowhere"), None), Err("address_invalid"));
    assert_eq!(
        read(None, Some(&*"r".repeat(201))),
        Err("request_id_invalid")
    );
}

#[test]
fn r48_events_have_the_names_of_their_tokens() {
    let event = |sequence: u64, actor: &str, token: u128| {
        let content = serde_json::json!({
            "organization_id": organization().id, "sequence": sequence, "at": 1_000,
            "action": "token.mint", "token_id": TokenId::from_u128(token),
            "origin": { "actor": actor, "tier": "t", "address": null, "user_agent": null, "request_id": "r" },
        });
        listed(sequence, &content.to_string())
    };
    let world = world();
    world.named.borrow_mut()[1].project = Some("shop".to_owned());
    world.named.borrow_mut()[1].workflow = Some("release".to_owned());
    let by_token = format!("org-token:{}", prefix(3 << 120, Format::Opaque));
    world.events.replace(vec![
        event(3, &by_token, 1 << 120),
        // Two tokens begin so, and the other is not known.
        event(2, "org-token:jwt_02000000", 77),
        event(1, "admin-token:alice", 2 << 120),
    ]);
    let page = shown(&world, &EventQuery::default(), &span());
    let names = |member: &str| -> Vec<serde_json::Value> {
        let events = page["events"].as_array().expect("a list").iter();
        events.map(|event| event[member].clone()).collect()
    };
    let null = serde_json::Value::Null;
    assert_eq!(
        names("token_name"),
        ["ci".into(), null.clone(), "ci".into()]
    );
    assert_eq!(
        names("actor_name"),
        ["deployer".into(), null.clone(), null.clone()]
    );
    assert_eq!(
        names("token_project"),
        [null.clone(), null.clone(), "shop".into()]
    );
    assert_eq!(
        names("token_workflow"),
        [null.clone(), null, "release".into()]
    );
}

#[test]
fn r10_a_system_token_has_a_name_in_the_log_for_administrators_alone() {
    let world = world();
    let system = TokenId::from_u128(3 << 120);
    world.named_system.replace(vec![system]);
    let actor = format!("org-token:{}", prefix(3 << 120, Format::Opaque));
    let content = serde_json::json!({
        "organization_id": organization().id, "sequence": 1, "at": 1_000,
        "action": "token.mint", "token_id": system,
        "origin": { "actor": actor, "tier": "t", "address": null, "user_agent": null, "request_id": "r" },
    });
    world.events.replace(vec![listed(1, &content.to_string())]);
    let found = |with_system: bool, token: Option<&str>, actor: Option<&str>| {
        let asked = AskedEvents {
            token,
            actor,
            ..AskedEvents::default()
        };
        let query = EventQuery::parse(asked).expect("a query");
        let log = Log {
            with_system,
            ..log()
        };
        let filter = now_or_never(names::meant(&query, log, &world));
        filter.map(|_| ()).map_err(|error| error.code())
    };
    let prefix = prefix(3 << 120, Format::Opaque);
    for (token, actor) in [
        (Some("deployer"), None),
        (Some(&*prefix), None),
        (None, Some(&*prefix)),
    ] {
        assert_eq!(found(true, token, actor), Ok(()), "{token:?} {actor:?}");
        let hidden = found(false, token, actor);
        assert_eq!(hidden, Err("not_found"), "{token:?} {actor:?}");
    }
    let names = |caller: &Caller, acme: Option<&str>| {
        let query = EventQuery::default();
        let page = now_or_never(list(caller, acme, &query, &span(), &config(), &world));
        let page = page.expect("a page");
        let page = serde_json::to_value(page).expect("serializes");
        let event = &page["events"][0];
        (event["token_name"].clone(), event["actor_name"].clone())
    };
    let null = serde_json::Value::Null;
    let seen = names(&Caller::Administrator(None), Some("acme"));
    assert_eq!(seen, ("deployer".into(), "deployer".into()));
    let reader = holder(Scope::Organization, &["audit:read"]);
    assert_eq!(names(&reader, None), (null.clone(), null));
}
