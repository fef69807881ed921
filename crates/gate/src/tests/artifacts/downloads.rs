//! Downloads through the gateway: who may have one, what is asked for it in which order, and what
//! passes of the store's answer.

use super::links::with_store;
use super::*;
use crate::artifacts::download::Fetched;
use crate::testing::drive::Seen;

const URL: &str = "https://cas.example/base/download/";

fn get(digest: &str, credential: Option<&str>) -> Sent {
    let authorization = credential.map(|value| header("authorization", value));
    Sent {
        method: "GET",
        path: format!("/cas/download/{digest}"),
        query: String::new(),
        headers: authorization.into_iter().collect(),
        body: Vec::new(),
    }
}

/// A world in which the store has an artifact, in these pieces.
fn stored(pieces: &[&str]) -> (World, String) {
    let (world, credential) = with_store(0, Scope::Organization);
    *world.artifact_way.borrow_mut() = Ok(handed_out(SECRET));
    let mut store = world.store.borrow_mut();
    store.answer.status = 200;
    store.pieces = pieces
        .iter()
        .map(|piece| piece.as_bytes().to_vec())
        .collect();
    drop(store);
    (world, credential)
}

#[test]
fn r46_a_download_is_asked_for_written_down_and_fetched_in_this_order() {
    let (world, credential) = stored(&["hel", "lo"]);
    world.store.borrow_mut().answer.disposition = Some("attachment; filename=a.txt".to_owned());
    let outcome = drive(&world, &get(DIGEST, Some(&credential))).expect("a route");
    let got = outcome.got.expect("it passes");
    assert_eq!((got.status, got.body.as_slice()), (200, &b"hello"[..]));
    let way = "look up /controlplane.v1.CASCredentialsService/Get";
    let asked = ["body", "admit", way, "record", "download"];
    assert_eq!(world.take_asked(), asked);
    let [Seen { body, headers, .. }] = outcome.lookups.as_slice() else {
        panic!("one question");
    };
    let asked = [&[0x08, 1][..], &message::text(2, DIGEST)].concat();
    assert_eq!(body.as_deref(), Some(frame(0, &asked).as_slice()));
    assert!(headers.contains(&header("authorization", &credential)));
    let store = world.store.borrow();
    assert_eq!(store.asked, [format!("{URL}{DIGEST}?t={SECRET}")]);
    assert!(!store.broken_off);
    let expected = [
        ("content-disposition", "attachment; filename=\"a.txt\""),
        ("content-type", "application/octet-stream"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-request-id", "r1"),
        (
            "content-security-policy",
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    assert_eq!(
        got.headers,
        expected.map(|(name, value)| header(name, value))
    );
    let recorded = world.recorded.take();
    let [event] = recorded.as_slice() else {
        panic!("{} events", recorded.len());
    };
    assert_eq!(event.call, "GET /cas/download/{digest}");
    assert_eq!(event.role.as_deref(), Some("downloader"));
    assert_eq!(
        event.target.as_deref(),
        Some(&*format!("artifact:{DIGEST}"))
    );
}

#[test]
fn r46_another_content_than_the_artifact_is_broken_off() {
    for (pieces, passes) in [
        (&["hellp"][..], ""),
        (&["hel", "l"], "hel"),
        (&["hello", "o"], "hello"),
        (&[], ""),
    ] {
        let (world, credential) = stored(pieces);
        let outcome = drive(&world, &get(DIGEST, Some(&credential))).expect("a route");
        let got = outcome.got.expect("it begins");
        assert_eq!(got.body, passes.as_bytes(), "{pieces:?}");
        assert!(world.store.borrow().broken_off, "{pieces:?}");
    }
}

#[test]
fn r46_without_a_store_there_is_no_such_route() {
    let (world, credential) = world(0, Scope::Organization);
    assert!(drive(&world, &get(DIGEST, Some(&credential))).is_none());
    let (world, credential) = stored(&["hello"]);
    assert!(drive(&world, &get(&format!("{DIGEST}/more"), Some(&credential))).is_none());
    let mut post = get(DIGEST, Some(&credential));
    post.method = "POST";
    let outcome = drive(&world, &post).expect("a path");
    assert_eq!(outcome.verdict(), "method_not_allowed");
}

/// Nothing is asked of the store, and nothing of the origin where the token may not.
#[test]
fn r46_who_may_not_have_an_artifact_gets_none() {
    let scopes = [
        (Scope::Organization, "allowed"),
        // The credential that the origin is asked with may see other projects' artifacts.
        (
            Scope::Project { project: project() },
            "operation_not_allowed",
        ),
        (narrow(), "operation_not_allowed"),
    ];
    for (scope, verdict) in scopes {
        let (world, credential) = with_store(0, scope);
        *world.artifact_way.borrow_mut() = Ok(handed_out(SECRET));
        world.store.borrow_mut().answer.status = 200;
        world.store.borrow_mut().pieces = vec![b"hello".to_vec()];
        let outcome = drive(&world, &get(DIGEST, Some(&credential))).expect("a route");
        assert_eq!(outcome.verdict(), verdict);
        assert_eq!(outcome.lookups.is_empty(), verdict != "allowed");
    }
    let (world, credential) = stored(&["hello"]);
    world
        .tokens
        .borrow_mut()
        .values_mut()
        .for_each(|kept| kept.facts.policies.clear());
    let outcome = drive(&world, &get(DIGEST, Some(&credential))).expect("a route");
    assert_eq!(outcome.verdict(), "operation_not_allowed");
    let outcome = drive(&world, &get(DIGEST, None)).expect("a route");
    assert_eq!(outcome.verdict(), "credential_missing");
    let (world, credential) = stored(&["hello"]);
    world.revoke(Liveness::Revoked);
    let outcome = drive(&world, &get(DIGEST, Some(&credential))).expect("a route");
    assert_eq!(outcome.verdict(), "credential_refused");
    assert!(outcome.lookups.is_empty() && world.store.borrow().asked.is_empty());
}

/// The write is what lets it pass.
#[test]
fn r46_a_download_that_is_not_written_down_does_not_begin() {
    for (live, verdict) in [
        (Liveness::Revoked, "credential_refused"),
        (Liveness::Live, "unavailable"),
    ] {
        let (world, credential) = with_store(1_000, Scope::Organization);
        *world.artifact_way.borrow_mut() = Ok(handed_out(SECRET));
        world.store.borrow_mut().answer.status = 200;
        let first = drive(&world, &get(DIGEST, Some(&credential))).expect("a route");
        assert_eq!(first.verdict(), "allowed");
        world.store.borrow_mut().asked.clear();
        world.revoke(live);
        world.ledger_down.set(live == Liveness::Live);
        let outcome = drive(&world, &get(DIGEST, Some(&credential))).expect("a route");
        assert_eq!(outcome.verdict(), verdict);
        assert_eq!(outcome.lookups.len(), 1);
        assert!(world.store.borrow().asked.is_empty(), "{verdict}");
        assert!(!has_secret(&outcome));
    }
}

#[test]
fn r46_why_there_is_no_artifact() {
    let way = |status| Answer::ended(status);
    let store = |status| Fetched {
        status,
        disposition: None,
    };
    let good = || handed_out(SECRET);
    let rows = [
        (way(5), store(200), "not_found"),
        (way(7), store(200), "not_found"),
        (handed_out(""), store(200), "not_found"),
        (good(), store(404), "not_found"),
        (way(16), store(200), "origin_unavailable"),
        (way(14), store(200), "origin_unavailable"),
        (handed_out("a b&c"), store(200), "origin_unavailable"),
        (good(), store(302), "origin_unavailable"),
        (good(), store(401), "origin_unavailable"),
        (good(), store(206), "origin_unavailable"),
        (good(), store(500), "origin_unavailable"),
    ];
    for (way, answer, verdict) in rows {
        let (world, credential) = stored(&["hello"]);
        let told = format!("{way:?} {answer:?}");
        *world.artifact_way.borrow_mut() = Ok(way);
        world.store.borrow_mut().answer = answer;
        let outcome = drive(&world, &get(DIGEST, Some(&credential))).expect("a route");
        assert_eq!(outcome.verdict(), verdict, "{told}");
        assert!(!has_secret(&outcome), "{told}");
    }
}

#[test]
fn r46_the_digest_and_the_query_are_strict() {
    let hex = DIGEST.strip_prefix("sha256:").expect("its beginning");
    let (world, credential) = stored(&["hello"]);
    for digest in [hex, "sha256:00", &DIGEST.to_uppercase(), "sha512:00"] {
        let outcome = drive(&world, &get(digest, Some(&credential))).expect("a route");
        assert_eq!(outcome.verdict(), "digest_invalid", "{digest}");
        assert!(outcome.lookups.is_empty());
    }
    let token = credential.strip_prefix("Bearer ").expect("a token");
    let good = format!("t={token}");
    let rows = [
        (good.clone(), false, "allowed"),
        (good.clone(), true, "credential_malformed"),
        ("t=".to_owned(), false, "query_invalid"),
        ("x=1".to_owned(), true, "query_invalid"),
        (format!("{good}&t=a"), false, "query_invalid"),
        (format!("{good}&filename=a"), false, "query_invalid"),
        ("t=a%20b".to_owned(), false, "query_invalid"),
        ("t=abc".to_owned(), false, "credential_refused"),
    ];
    for (query, with_header, verdict) in rows {
        let (world, _) = stored(&["hello"]);
        let mut sent = get(DIGEST, with_header.then_some(credential.as_str()));
        sent.query.clone_from(&query);
        let outcome = drive(&world, &sent).expect("a route");
        assert_eq!(outcome.verdict(), verdict, "{query}");
        if let [seen] = outcome.lookups.as_slice() {
            // As the caller's own, as if it had come in the header.
            assert!(seen.headers.contains(&header("authorization", &credential)));
            assert!(!seen.target.contains(token));
        }
    }
}
