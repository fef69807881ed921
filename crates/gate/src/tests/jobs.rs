//! Job tokens that are shown as they are (R47): what becomes of a call that shows one, from its head to the
//! origin.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::calls::{init_answer, names};
use crate::Gate;
use crate::config::Config;
use crate::testing::drive::{Answer, Outcome, Sent, drive, drive_route, header};
use crate::testing::{ISOLATE, World, facts, project};
use postern_domain::id::Id;
use postern_domain::policy::Policy;
use postern_domain::route::{Answers, Place, Route, Segment, Source};
use postern_domain::rpc::{Access, Effect, Narrow};
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_domain::token::{Signed, TokenFacts, Verifier};
use postern_domain::trust::{ForgeId, Identity, Issuers, Job, JobFacts, Loopback};
use postern_ledger::Liveness;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const CALL: &str = "/controlplane.v1.AttestationService/Init";
const RUN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

fn config(mode: &str) -> Config {
    let ring = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    Config::read(|name| match name {
        "ORIGIN_URL" => Some("http://127.0.0.1:1".to_owned()),
        "TOKEN_KEYS" | "ASSERTION_KEYS" => Some(ring.to_owned()),
        "REVOCATION_LEASE_MS" => Some("0".to_owned()),
        "ORIGIN_AUTH" => Some(mode.to_owned()),
        "CI_ISSUERS" => Some("github".to_owned()),
        "CI_AUDIENCES" => Some("https://gate.example".to_owned()),
        _ => None,
    })
    .expect("a good configuration")
}

/// A text of the form of a job token, which nobody has signed: whether somebody did, others say.
fn token(issuer: &str, length: usize) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": "RS256", "kid": "a", "typ": "JWT"}));
    let payload = part(json!({"iss": issuer, "padding": "x".repeat(length)}));
    format!("{header}.{payload}.{}", "A".repeat(342))
}

/// What it becomes: a token of the project.
fn becomes(world: &World) -> TokenFacts {
    let issuers = Issuers::parse("github", Loopback::Refused).expect("an issuer");
    let id = |number| ForgeId::new(number).expect("an id");
    let identity = Identity::Repository {
        repository_id: id(74),
        repository_owner_id: id(65),
    };
    let issuer = issuers.named("github").expect("a known one").clone();
    let job = JobFacts::of(&Job::new(issuer, identity), Id::from_u128(9));
    TokenFacts {
        policies: vec![Policy::parse("workflow_run:create").expect("a policy")],
        verifier: Verifier::Jwt {
            signed: Some(Signed {
                kid: GITHUB.to_owned(),
                digest: "d".repeat(64),
            }),
        },
        expires_at: Some(world.now().plus_millis(600_000)),
        ci_job: Some(Box::new(job)),
        ..facts(7, Scope::Project { project: project() })
    }
}

/// A gateway whose Ledger makes a token of a job token.
fn world(mode: &str) -> World {
    let world = World {
        gate: Gate::new(Rc::new(config(mode)), ISOLATE).into(),
        ..World::new()
    };
    let answer = init_answer(RUN, "release", "shop");
    *world.origin.borrow_mut() = Ok(Answer::message(&answer));
    let facts = becomes(&world);
    *world.identified.borrow_mut() = Some(facts.clone());
    world.keep(facts);
    world
}

fn call(world: &World, token: &str, named: Option<&str>) -> Outcome {
    let mut sent = Sent::grpc_web(
        CALL,
        Some(&format!("Bearer {token}")),
        &names("shop", "release"),
    );
    sent.headers
        .extend(named.map(|name| header("postern-organization", name)));
    drive(world, &sent).expect("a call")
}

fn asked(world: &World) -> Vec<String> {
    let asked = world.take_asked();
    let questions = ["identify", "admit", "find"];
    let is_question = |line: &String| questions.iter().any(|one| line.starts_with(one));
    asked.into_iter().filter(is_question).collect()
}

#[test]
fn r47_the_first_call_has_its_job_token_made_known_and_later_ones_do_not() {
    let world = world("assertion");
    let first = call(&world, &token(GITHUB, 0), None);
    assert_eq!(first.verdict(), "allowed");
    let questions = asked(&world);
    assert_eq!(questions.first().map(String::as_str), Some("identify -"));
    let admits = questions.iter().filter(|one| one.starts_with("admit"));
    assert_eq!(admits.count(), 1, "{questions:?}");
    let later = call(&world, &token(GITHUB, 0), None);
    assert_eq!(later.verdict(), "allowed");
    let questions = asked(&world);
    assert!(
        questions.iter().all(|one| one.starts_with("admit")),
        "{questions:?}"
    );
    // Another organization may be meant: that is found out anew.
    call(&world, &token(GITHUB, 0), Some("acme"));
    assert_eq!(
        asked(&world).first().map(String::as_str),
        Some("identify acme")
    );
}

#[test]
fn r47_the_origin_never_sees_a_job_token() {
    for mode in ["assertion", "upstream"] {
        let world = world(mode);
        let outcome = call(&world, &token(GITHUB, 0), Some("acme"));
        let Some(seen) = outcome.forwarded else {
            // Without a stored credential a call is refused, and not sent without.
            assert_eq!(mode, "upstream");
            assert!(outcome.got.is_err());
            continue;
        };
        let names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.contains(&"authorization"), "{names:?}");
        assert!(!names.contains(&"postern-organization"), "{names:?}");
        assert!(names.contains(&"postern-assertion"), "{names:?}");
        for (_, value) in &seen.headers {
            assert!(!value.contains(&token(GITHUB, 0)));
        }
        let (_, assertion) = seen
            .headers
            .iter()
            .find(|(name, _)| name == "postern-assertion")
            .expect("the assertion");
        let claims = assertion.split('.').nth(1).expect("claims");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["ci_job"]["repository_id"], "74");
    }
    let world = world("passthrough");
    let outcome = call(&world, &token(GITHUB, 0), None);
    assert_eq!(outcome.verdict(), "job_token_refused");
    let error = outcome.got.expect_err("refused");
    assert!(
        error.private().contains("`passthrough`"),
        "{}",
        error.private()
    );
    assert_eq!(asked(&world), Vec::<String>::new());
}

#[test]
fn r47_a_job_token_opens_no_more_than_its_token() {
    // Revoked, or expired: as any other.
    let world = world("assertion");
    call(&world, &token(GITHUB, 0), None);
    for kept in world.tokens.borrow_mut().values_mut() {
        kept.liveness = Liveness::Revoked;
    }
    let revoked = call(&world, &token(GITHUB, 0), None);
    assert_eq!(revoked.verdict(), "credential_refused");
    world.now.set(world.now.get() + 600_000);
    world.take_asked();
    let ended = call(&world, &token(GITHUB, 0), None);
    assert_eq!(ended.verdict(), "job_token_refused");
    assert_eq!(asked(&world), Vec::<String>::new());

    // A job that meets no rule.
    let world = self::world("assertion");
    *world.identified.borrow_mut() = None;
    let refused = call(&world, &token(GITHUB, 0), None);
    assert_eq!(refused.verdict(), "job_token_refused");
    let error = refused.got.expect_err("refused");
    assert_eq!(error.public(), postern_domain::trust::REFUSED);
    assert_eq!(error.private(), "the job meets no rule");

    // A Ledger whose token is not that of what was signed.
    let world = self::world("assertion");
    let mut other = becomes(&world);
    other.ci_job = None;
    *world.identified.borrow_mut() = Some(other);
    let refused = call(&world, &token(GITHUB, 0), None);
    assert_eq!(refused.verdict(), "credential_refused");
}

#[test]
fn r47_only_texts_of_known_issuers_are_looked_at() {
    let world = world("assertion");
    let rows = [
        (token(GITHUB, 0), "allowed"),
        // Longer than other credentials, and no longer than job tokens.
        (token(GITHUB, 6_500), "allowed"),
        (token(GITHUB, 13_000), "credential_malformed"),
        (
            token("https://elsewhere.example", 0),
            "credential_malformed",
        ),
        (
            token("https://elsewhere.example", 6_500),
            "credential_malformed",
        ),
        (token(&format!("{GITHUB}/"), 0), "credential_malformed"),
        (format!("pst_{}", "x".repeat(9_000)), "credential_malformed"),
    ];
    for (text, expected) in rows {
        world.take_asked();
        let outcome = call(&world, &text, None);
        assert_eq!(outcome.verdict(), expected, "{} bytes", text.len());
        let identified = asked(&world).iter().any(|one| one.starts_with("identify"));
        assert_eq!(identified, expected == "allowed");
    }
    // Where none are known, it is what it was before.
    let world = World::new();
    let outcome = call(&world, &token(GITHUB, 0), None);
    assert_eq!(outcome.verdict(), "credential_malformed");
    // Management knows none.
    let header = format!("Bearer {}", token(GITHUB, 0));
    let shown = crate::credential::present(
        Some(&header),
        &config("assertion"),
        Timestamp::from_millis(0),
    );
    let error = shown.expect_err("refused");
    assert_eq!(error, crate::error::CredentialError::JobManages);
}

/// A route whose body goes on before it is whole; the credential is looked at again behind the answer.
static STREAMED: Route = Route {
    name: "POST /things",
    method: "POST",
    segments: &[Segment::Literal("things")],
    allow: "POST",
    access: Access::Token,
    policies: &["workflow_run:create"],
    effect: Effect::Write,
    organization: None,
    project: Some(Source {
        place: Place::Header("x-project"),
        optional: true,
    }),
    workflow: None,
    run: None,
    narrow: Narrow::Named,
    query: None,
    answers: Answers::Content,
    people: false,
    stream: true,
};

#[test]
fn r47_a_job_token_is_looked_at_again_behind_a_streamed_body() {
    let world = world("assertion");
    let sent = Sent {
        method: "POST",
        path: "/things".to_owned(),
        query: String::new(),
        headers: vec![
            header("authorization", &format!("Bearer {}", token(GITHUB, 0))),
            header("x-project", "shop"),
        ],
        body: b"content".to_vec(),
    };
    let outcome = drive_route(&world, &sent, &STREAMED).expect("a request");
    assert_eq!(outcome.verdict(), "allowed");
    assert!(outcome.forwarded.is_some());
    let admits = asked(&world);
    let admits = admits.iter().filter(|one| one.starts_with("admit"));
    assert_eq!(
        admits.count(),
        2,
        "before the body goes on, and behind the answer"
    );
    // Revoked while the body was on its way.
    world.stops_after.set(Some(1));
    world.stops_with.set(Some(Liveness::Revoked));
    let outcome = drive_route(&world, &sent, &STREAMED).expect("a request");
    assert_eq!(outcome.verdict(), "credential_refused");
}
