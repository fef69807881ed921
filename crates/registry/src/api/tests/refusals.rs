//! What the API refuses, when, and what is counted or written down of it.

use super::*;
use crate::error::CredentialError;

#[test]
fn r40_a_text_that_cannot_be_a_credential_is_refused_before_the_body_is_read() {
    for path in ["/org/tokens", "/explain", "/oauth/introspect"] {
        let world = World::new();
        let sent = Sent::new("POST", path)
            .with("authorization", "Bearer garbage")
            .with("content-type", "application/json");
        let (answered, notes) = send(&world, &sent, b"{}");
        let error = answered.expect_err("no credential");
        assert!(matches!(error, Error::Credential(_)), "{path}: {error:?}");
        assert_eq!(world.take_asked(), Vec::<String>::new(), "{path}");
        assert!(
            notes.operation.is_some() && notes.caller.is_none(),
            "{path}"
        );
        let counted = world.brake.counted.take();
        let [(bucket, _)] = counted.as_slice() else {
            panic!("{path}: counted {counted:?}")
        };
        assert_eq!(bucket, "unknown");
    }
}

#[test]
fn who_shows_nothing_is_refused_and_not_counted() {
    for path in ["/org/tokens", "/explain", "/oauth/introspect"] {
        let world = World::new();
        let (answered, _) = send(&world, &Sent::new("POST", path), b"");
        let missing = Error::Credential(CredentialError::Missing);
        assert_eq!(answered.expect_err("nothing is shown"), missing, "{path}");
        assert_eq!(world.brake.counted.take(), [], "{path}");
    }
}

#[test]
fn a_credential_that_its_ledger_refuses_is_counted() {
    let world = World::new();
    let token = kept(&world);
    world.tokens.borrow_mut().clear();
    world.brake.is_on.set(true);
    let sent = Sent::new("GET", "/org/tokens").with("authorization", &format!("Bearer {token}"));
    let (answered, _) = send(&world, &sent, b"");
    assert_eq!(answered.expect_err("unknown").code(), "too_many_failures");
}

#[test]
fn each_body_has_its_limit() {
    const KIB: u64 = 1024;
    let form = "application/x-www-form-urlencoded";
    let rows = [
        ("/org/tokens", "application/json", 64 * KIB),
        ("/explain", "application/json", 16 * KIB),
        ("/leaks", "application/json", 1024 * KIB),
        ("/oauth/introspect", form, 16 * KIB),
        ("/oauth/revoke", form, 16 * KIB),
    ];
    for (path, content_type, limit) in rows {
        let world = World::new();
        let sent = Sent::new("POST", path)
            .with("authorization", &format!("Bearer {ADMIN}"))
            .with("content-type", content_type);
        let (request, config) = (sent.request(), Rc::new(config()));
        for (declared, is_refused) in [(limit, false), (limit + 1, true)] {
            let upload = Uploading {
                world: &world,
                declared: Some(declared),
                bytes: Vec::new(),
            };
            let notes = &mut Notes::default();
            let answered = now_or_never(answer(&request, &upload, &config, &world, notes));
            let too_large = matches!(&answered, Err(Error::BodyTooLarge { .. }));
            assert_eq!(too_large, is_refused, "{path} {declared}");
        }
    }
}

#[test]
fn a_report_without_any_credential_counts_like_a_refused_one() {
    let world = World::new();
    let sent = Sent::new("POST", "/leaks").with("content-type", "application/json");
    let body = br#"{"tokens":["garbage"]}"#;
    let answer = send(&world, &sent, body).0.expect("answers");
    assert!(answer.later.is_none());
    let cause = CredentialError::Refused("a report without any credential");
    assert_eq!(world.brake.counted.take(), [("unknown".to_owned(), cause)]);

    world.brake.is_on.set(true);
    let refused = send(&world, &sent, body).0.expect_err("too many");
    assert_eq!(refused.code(), "too_many_failures");
    // Not declared as JSON: nothing is read at all.
    world.take_asked();
    let refused = send(&world, &Sent::new("POST", "/leaks"), body).0;
    assert_eq!(
        refused.expect_err("no JSON").code(),
        "unsupported_media_type"
    );
    assert_eq!(world.take_asked(), Vec::<String>::new());
}

#[test]
fn r35_a_refused_mint_adoption_or_rotation_is_written_down() {
    let rotate = format!("/org/tokens/{}/rotate", id());
    let rows = [
        ("/org/tokens", "refused mint_rate_exceeded mint".to_owned()),
        (
            &rotate,
            format!("refused mint_rate_exceeded token:{}", id()),
        ),
    ];
    for (path, expected) in rows {
        let world = World::new();
        kept(&world);
        world.bucket.set(0);
        let (answered, notes) = send(&world, &by_admin("POST", path), b"");
        assert_eq!(answered.expect_err("no mint").code(), "mint_rate_exceeded");
        assert!(world.take_asked().contains(&expected), "{path}");
        assert_eq!(notes.failures, []);
    }
    // Where that fails, the refusal stands, and the log has the cause.
    let world = World::new();
    world.bucket.set(0);
    world.ledger_down.set(true);
    let (answered, notes) = send(&world, &by_admin("POST", "/org/tokens"), b"");
    assert_eq!(answered.expect_err("no mint").code(), "mint_rate_exceeded");
    let failure = ("audit.mint_refused", "the Ledger is down".to_owned());
    assert_eq!(notes.failures, [failure]);
}

#[test]
fn what_no_table_has_is_not_found_whoever_asks() {
    let world = World::new();
    for (method, path, code) in [
        ("GET", "/", "not_found"),
        ("POST", "/oauth/other", "not_found"),
        ("GET", "/oauth/revoke", "method_not_allowed"),
        ("PUT", "/org/tokens", "method_not_allowed"),
    ] {
        let (answered, notes) = send(&world, &Sent::new(method, path), b"");
        assert_eq!(answered.expect_err("no route").code(), code, "{path}");
        assert_eq!(notes.operation, None);
    }
    assert_eq!(world.take_asked(), Vec::<String>::new());
}

/// What the calls of the token of the world have come to.
fn ended(world: &World) -> Vec<postern_ledger::TokenActivity> {
    let organization = facts(7, Scope::Organization).organization.id;
    let activity = &mut world.gate.borrow_mut().memory.activity;
    let batch = activity.batch(Some(organization), Timestamp::from_millis(world.now.get()));
    batch.map_or(Vec::new(), |batch| batch.command.tokens.clone())
}

/// Credentials that failed before any organization was known.
fn offline(world: &World) -> u64 {
    let activity = &mut world.gate.borrow_mut().memory.activity;
    let batch = activity.batch(None, Timestamp::from_millis(world.now.get()));
    batch.map_or(0, |batch| batch.command.offline)
}

#[test]
fn r49_a_call_of_the_api_is_counted_when_it_ends() {
    let question = br#"{"operation":"token.list"}"#;
    // The call, its body, and what it comes to; nothing = it was allowed.
    let rows: [(&str, &str, &[u8], &[&str]); 4] = [
        ("GET", "/org/tokens", b"", &[]),
        ("POST", "/explain", question, &[]),
        ("GET", "/org/tokens?limit=0", b"", &["limit_invalid"]),
        ("GET", "/orgs", b"", &["operation_not_allowed"]),
    ];
    for (method, path, body, refused) in rows {
        let world = World::new();
        let token = kept_with(&world, "project_api_token:list");
        let sent = Sent::new(method, path)
            .with("authorization", &format!("Bearer {token}"))
            .with("content-type", "application/json")
            .with("user-agent", "curl/8");
        let (answered, _) = send(&world, &sent, body);
        let code = answered.as_ref().err().map(Error::code);
        assert_eq!(code.as_slice(), refused, "{path}");
        let told = ended(&world);
        let [told] = told.as_slice() else {
            panic!("{path}: {told:?}")
        };
        let reasons: Vec<_> = told.refused.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(reasons, refused, "{path}");
        assert_eq!(told.allowed, u64::from(refused.is_empty()), "{path}");
        assert_eq!(offline(&world), 0, "{path}");
    }
}

#[test]
fn r49_a_revoked_token_is_counted_by_its_organization_and_what_is_no_token_by_the_gateway() {
    let world = World::new();
    let token = kept(&world);
    for kept in world.tokens.borrow_mut().values_mut() {
        kept.liveness = postern_ledger::Liveness::Revoked;
    }
    let by = |token: &str| {
        Sent::new("GET", "/org/tokens").with("authorization", &format!("Bearer {token}"))
    };
    let (answered, _) = send(&world, &by(&token), b"");
    assert_eq!(answered.expect_err("revoked").code(), "credential_refused");
    let told = ended(&world);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].refused, [("credential_refused".to_owned(), 1)]);
    assert_eq!((told[0].allowed, offline(&world)), (0, 0));

    let unknown = World::new();
    for text in ["garbage", token.as_str()] {
        assert!(send(&unknown, &by(text), b"").0.is_err(), "{text}");
    }
    assert_eq!(
        send(&unknown, &Sent::new("GET", "/org/tokens"), b"")
            .0
            .err()
            .map(|error| error.code()),
        Some("credential_missing")
    );
    assert_eq!(ended(&unknown), []);
    assert_eq!(offline(&unknown), 2, "to say nothing is no failure");
}
