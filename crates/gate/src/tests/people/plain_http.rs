//! The control plane's plain HTTP that people need (R44, R45): who gets there, and what of its answers
//! reaches a browser.

use serde_json::json;

use super::{bearer, config, token, world};
use crate::config::Config;
use crate::config::origin_headers::OriginHeader;
use crate::testing::drive::{Answer, Outcome, Sent, drive, header};
use crate::testing::{self, World, facts, project, workflow};
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;
use postern_domain::secret::Secret;
use postern_ledger::Liveness;
use postern_wire::jwt;

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn download() -> String {
    format!("/download/sha256:{HEX}")
}

fn get(world: &World, target: &str, headers: &[(&str, &str)]) -> Option<Outcome> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = headers.iter().map(|(name, value)| header(name, value));
    let sent = Sent {
        method: "GET",
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.collect(),
        body: Vec::new(),
    };
    drive(world, &sent)
}

fn answers(world: &World, status: u16, headers: &[(&str, &str)]) {
    let headers = headers.iter().map(|(name, value)| header(name, value));
    *world.origin.borrow_mut() = Ok(Answer {
        status,
        headers: headers.collect(),
        body: Vec::new(),
    });
}

/// The values of a header in what the client gets.
fn got(outcome: &Outcome, name: &str) -> Vec<String> {
    let got = outcome.got.as_ref().expect("an answer");
    let own = got.headers.iter().filter(|(own, _)| own == name);
    own.map(|(_, value)| value.clone()).collect()
}

/// The value of a header that the origin saw.
fn seen(outcome: &Outcome, name: &str) -> Option<String> {
    let seen = outcome.forwarded.as_ref().expect("forwarded");
    let found = seen.headers.iter().find(|(own, _)| own == name);
    found.map(|(_, value)| value.clone())
}

/// A token of ours in the world, of this scope.
fn ours(world: &World, scope: Scope, policies: &[&str]) -> String {
    let mut facts = facts(7, scope);
    let policies = policies.iter().map(|text| Policy::parse(text));
    facts.policies = policies.map(|policy| policy.expect("a policy")).collect();
    let issued = jwt::issue(&facts, &testing::config().token_keys).expect("issues");
    world.keep(facts);
    bearer(issued.token.expose())
}

#[test]
fn r44_where_people_do_not_pass_their_routes_are_not_there() {
    for path in [
        "/auth/login",
        "/auth/callback",
        "/openapi.yaml",
        "/prom/acme/metrics",
        &download(),
    ] {
        assert!(
            get(&world(testing::config()), path, &[]).is_none(),
            "{path}"
        );
        assert!(get(&world(config()), path, &[]).is_some(), "{path}");
    }
}

#[test]
fn r44_artifacts_and_metrics_for_people_and_tokens() {
    let person = bearer(&token(&json!({})));
    let narrow = || Scope::Project { project: project() };
    let narrowest = || Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    let read: &[&str] = &["cas_artifact:read"];
    let rows = [
        (download(), None, "allowed"),
        (download(), Some((Scope::Organization, read)), "allowed"),
        (
            download(),
            Some((Scope::Organization, &[][..])),
            "operation_not_allowed",
        ),
        (download(), Some((narrow(), read)), "operation_not_allowed"),
        (
            download(),
            Some((narrowest(), read)),
            "operation_not_allowed",
        ),
        ("/prom/acme/metrics".to_owned(), None, "allowed"),
        (
            "/prom/acme/metrics".to_owned(),
            Some((Scope::Organization, &[][..])),
            "allowed",
        ),
        (
            "/prom/rival/metrics".to_owned(),
            Some((Scope::Organization, read)),
            "other_organization",
        ),
        (
            "/prom/Acme/metrics".to_owned(),
            Some((Scope::Organization, read)),
            "other_organization",
        ),
        (
            "/prom/acme/metrics".to_owned(),
            Some((narrow(), read)),
            "operation_not_allowed",
        ),
        (
            "/prom/acme/metrics".to_owned(),
            Some((narrowest(), read)),
            "operation_not_allowed",
        ),
        ("/prom/rival/metrics".to_owned(), None, "allowed"),
    ];
    for (path, who, expected) in rows {
        let world = world(config());
        answers(&world, 200, &[("content-type", "text/plain")]);
        let is_person = who.is_none();
        let credential = match who {
            None => person.clone(),
            Some((scope, policies)) => ours(&world, scope, policies),
        };
        let outcome = get(&world, &path, &[("authorization", &credential)]).expect("a route");
        assert_eq!(outcome.verdict(), expected, "{path}");
        let asked = world.take_asked();
        assert_eq!(
            asked.contains(&"admit".to_owned()),
            !is_person,
            "{path}: {asked:?}"
        );
        if expected == "allowed" {
            assert_eq!(seen(&outcome, "authorization").as_ref(), Some(&credential));
        }
    }
}

#[test]
fn r44_a_revoked_token_reads_no_metrics_and_nobody_does_without_one() {
    let world = world(config());
    let credential = ours(&world, Scope::Organization, &[]);
    world.revoke(Liveness::Revoked);
    for path in ["/prom/acme/metrics".to_owned(), download()] {
        let outcome = get(&world, &path, &[("authorization", &credential)]).expect("a route");
        assert_eq!(outcome.verdict(), "credential_refused");
        let outcome = get(&world, &path, &[]).expect("a route");
        assert_eq!(outcome.verdict(), "credential_missing");
        let garbage = [("authorization", "Bearer x.y.z")];
        let outcome = get(&world, &path, &garbage).expect("a route");
        assert_eq!(outcome.verdict(), "credential_malformed");
        // A token in the address is none.
        let with = format!("{path}?t=x");
        let outcome = get(&world, &with, &[("authorization", &credential)]).expect("a route");
        assert_eq!(outcome.verdict(), "query_invalid");
    }
    let asked = world.take_asked();
    let counted = asked.iter().filter(|what| *what == "count unknown").count();
    assert_eq!(
        counted,
        2 * 2,
        "refused ones are counted, missing ones are not: {asked:?}"
    );
}

#[test]
fn only_digests_are_downloaded() {
    let person = bearer(&token(&json!({})));
    for (name, is_route) in [
        (format!("sha256:{HEX}"), true),
        (format!("sha256%3A{HEX}"), true),
        (format!("sha256:{}", HEX.to_uppercase()), false),
        (format!("sha256:{HEX}0"), false),
        (format!("sha256:{}", HEX.trim_start_matches('0')), false),
        (format!("sha512:{HEX}"), false),
        (HEX.to_owned(), false),
        ("sha256:..".to_owned(), false),
        (String::new(), false),
    ] {
        let path = format!("/download/{name}");
        let found = get(&world(config()), &path, &[("authorization", &person)]);
        assert_eq!(found.is_some(), is_route, "{path}");
    }
}

#[test]
fn r45_a_sign_in_has_its_cookies_and_its_way_on_and_no_more() {
    let world = world(config());
    answers(
        &world,
        302,
        &[
            ("location", "https://idp.example/authorize?state=s"),
            ("set-cookie", "oauthState=s; Path=/; HttpOnly; Secure"),
            ("set-cookie", "session=stolen; Path=/"),
            ("clear-site-data", "*"),
            ("service-worker-allowed", "/"),
        ],
    );
    let target = "/auth/login?callback=http://localhost:7/&long-lived=true";
    let headers = [
        ("cookie", "session=secret; oauthState=old"),
        ("authorization", "Bearer x"),
    ];
    let outcome = get(&world, target, &headers).expect("a route");
    assert_eq!(
        got(&outcome, "location"),
        ["https://idp.example/authorize?state=s"]
    );
    let cookie = "oauthState=s; Path=/auth; Max-Age=600; HttpOnly; SameSite=Lax; Secure";
    assert_eq!(got(&outcome, "set-cookie"), [cookie]);
    assert_eq!(got(&outcome, "cache-control"), ["no-store"]);
    assert_eq!(got(&outcome, "referrer-policy"), ["no-referrer"]);
    assert_eq!(got(&outcome, "x-content-type-options"), ["nosniff"]);
    assert!(got(&outcome, "content-security-policy")[0].starts_with("sandbox;"));
    for name in ["clear-site-data", "service-worker-allowed"] {
        assert!(got(&outcome, name).is_empty(), "{name}");
    }
    assert_eq!(seen(&outcome, "cookie").as_deref(), Some("oauthState=old"));
    assert_eq!(seen(&outcome, "authorization"), None);
    assert_eq!(outcome.forwarded.expect("forwarded").target, target);
}

#[test]
fn r45_no_other_route_sets_cookies_or_has_them() {
    let person = bearer(&token(&json!({})));
    let headers = [
        ("authorization", person.as_str()),
        ("cookie", "oauthState=s"),
    ];
    for path in ["/openapi.yaml", "/infoz", "/prom/acme/metrics", &download()] {
        let world = world(config());
        let answer = [
            ("content-type", "application/json"),
            ("set-cookie", "oauthState=s"),
        ];
        answers(&world, 200, &answer);
        let outcome = get(&world, path, &headers).expect("a route");
        assert!(got(&outcome, "set-cookie").is_empty(), "{path}");
        assert_eq!(seen(&outcome, "cookie"), None, "{path}");
    }
}

#[test]
fn redirects_lead_on_where_a_route_says_so_and_to_pages_alone() {
    let person = bearer(&token(&json!({})));
    let store = "https://store.example/download?t=x";
    let rows = [
        (download(), store, "allowed"),
        (download(), "javascript:alert(1)", "origin_unavailable"),
        (download(), "", "origin_unavailable"),
        (
            "/auth/callback".to_owned(),
            "http://localhost:7000/?t=x",
            "allowed",
        ),
        (
            "/auth/callback".to_owned(),
            "https://evil.example/?t=x",
            "origin_unavailable",
        ),
        (
            "/auth/login".to_owned(),
            "//evil.example",
            "origin_unavailable",
        ),
        ("/prom/acme/metrics".to_owned(), store, "origin_unavailable"),
        ("/openapi.yaml".to_owned(), store, "origin_unavailable"),
        ("/infoz".to_owned(), store, "origin_unavailable"),
    ];
    for (path, location, expected) in rows {
        let world = world(config());
        answers(&world, 302, &[("location", location)]);
        let outcome = get(&world, &path, &[("authorization", &person)]).expect("a route");
        assert_eq!(outcome.verdict(), expected, "{path} {location}");
    }
}

#[test]
fn every_request_for_the_origin_carries_the_headers_that_let_it_in() {
    let world = world(Config {
        origin_headers: vec![OriginHeader {
            name: "cf-access-client-id".to_owned(),
            value: Secret::new("gateway".to_owned()),
        }],
        ..config()
    });
    let forged = [("cf-access-client-id", "caller")];
    for path in ["/auth/login", "/openapi.yaml"] {
        let outcome = get(&world, path, &forged).expect("a route");
        assert_eq!(
            seen(&outcome, "cf-access-client-id").as_deref(),
            Some("gateway")
        );
    }
    let sent = Sent::grpc_web(super::PEOPLES, Some(&bearer(&token(&json!({})))), b"");
    let outcome = drive(&world, &sent).expect("a call");
    assert_eq!(
        seen(&outcome, "cf-access-client-id").as_deref(),
        Some("gateway")
    );
}

/// The redirect to the artifact store has a credential of it in the address (R46).
#[test]
fn r46_a_tokens_way_to_an_artifact_is_written_down_before_it_has_it() {
    let store = [("location", "https://cas.example/download/x?t=credential")];
    let leased = Config {
        revocation_lease_ms: 60_000,
        ..config()
    };
    let world = world(leased);
    let token = ours(&world, Scope::Organization, &["cas_artifact:read"]);
    let verdict = |status: u16, credential: &str| {
        answers(&world, status, &store);
        let sent = [("authorization", credential)];
        get(&world, &download(), &sent).expect("a route").verdict()
    };
    assert_eq!(verdict(302, &token), "allowed");
    let written = world.recorded.take();
    let [command] = written.as_slice() else {
        panic!("one event: {written:?}");
    };
    let target = format!("artifact:sha256:{HEX}");
    assert_eq!(command.target.as_deref(), Some(target.as_str()));
    assert_eq!(command.role.as_deref(), Some("downloader"));
    assert_eq!(command.call, "GET /download/{digest}");
    // No answer with a credential, no event.
    assert_eq!(verdict(404, &token), "allowed");
    assert!(world.recorded.borrow().is_empty());
    // The lease still says that the token is active; the Ledger does not.
    world.revoke(Liveness::Revoked);
    assert_eq!(verdict(302, &token), "credential_refused");
    assert!(world.recorded.borrow().is_empty());
    // No token of ours.
    let person = bearer(&super::token(&json!({})));
    assert_eq!(verdict(302, &person), "allowed");
    assert!(world.recorded.borrow().is_empty());
}
