//! Calls of the API from head to answer, in the test world: each with its status, what it notes, and
//! what was asked in which order.

mod refusals;

use std::rc::Rc;

use super::testing::Sent;
use super::*;
use crate::error::Error;
use crate::testing::{ADMIN, World, config, facts, now_or_never, project, workflow};
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;
use postern_domain::token::TokenFacts;
use postern_gate::origin_tokens;
use postern_wire::jwt;

/// A body on its way. What becomes of it stands among what the world was asked.
struct Uploading<'w> {
    world: &'w World,
    declared: Option<u64>,
    bytes: Vec<u8>,
}

impl Upload for Uploading<'_> {
    type Content = Vec<u8>;

    fn declared(&self) -> Option<u64> {
        self.declared
    }

    async fn read(&self, limit: usize, _: u32) -> Result<Vec<u8>> {
        self.world.asked.borrow_mut().push("body".to_owned());
        match self.bytes.len() > limit {
            true => Err(Error::BodyTooLarge { limit }),
            false => Ok(self.bytes.clone()),
        }
    }

    async fn discard(&self, _: u64, _: u32) {
        self.world.asked.borrow_mut().push("no body".to_owned());
    }
}

/// Sends a request with a body.
fn send(world: &World, sent: &Sent, body: &[u8]) -> (Result<Answer>, Notes) {
    send_to(config(), world, sent, body)
}

/// Sends it to a gateway with this configuration.
fn send_to(config: Config, world: &World, sent: &Sent, body: &[u8]) -> (Result<Answer>, Notes) {
    let mut notes = Notes::default();
    let upload = Uploading {
        world,
        declared: None,
        bytes: body.to_vec(),
    };
    let (request, config) = (sent.request(), Rc::new(config));
    let answered = now_or_never(answer(&request, &upload, &config, world, &mut notes));
    (answered, notes)
}

/// A request of the administrator, for the organization of the world.
fn by_admin(method: &'static str, path: &str) -> Sent {
    Sent::new(method, path)
        .with("authorization", &format!("Bearer {ADMIN}"))
        .with("postern-organization", "acme")
        .with("content-type", "application/json")
}

/// A token of the world, as text.
fn kept(world: &World) -> String {
    kept_as(world, facts(7, Scope::Organization))
}

/// The same, with a policy.
fn kept_with(world: &World, policy: &str) -> String {
    let mut facts = facts(7, Scope::Organization);
    facts.policies = vec![Policy::parse(policy).expect("a policy")];
    kept_as(world, facts)
}

fn kept_as(world: &World, facts: TokenFacts) -> String {
    world.keep(facts.clone());
    let issued = jwt::issue(&facts, &config().token_keys).expect("issues");
    issued.token.expose().to_owned()
}

fn id() -> String {
    facts(7, Scope::Organization).id.to_string()
}

/// Whether an answer with a secret is kept from caches.
const SECRET: bool = true;

#[test]
fn each_call_has_its_status() {
    let (id, origin) = (id(), origin_tokens::jwt(&origin_tokens::claims()));
    let token = |rest: &str| format!("/org/tokens/{id}{rest}");
    let adopt = format!(r#"{{"token":"{origin}"}}"#);
    let rows = [
        ("GET", "/orgs", "", 200, !SECRET),
        ("HEAD", "/orgs", "", 200, !SECRET),
        ("POST", "/orgs", r#"{"name":"x"}"#, 201, !SECRET),
        ("PATCH", "/orgs/acme", "{}", 200, !SECRET),
        ("GET", "/org/projects", "", 200, !SECRET),
        ("POST", "/org/projects", r#"{"name":"x"}"#, 201, !SECRET),
        ("GET", "/org/projects/shop/workflows", "", 200, !SECRET),
        (
            "POST",
            "/org/projects/shop/workflows",
            r#"{"name":"x"}"#,
            201,
            !SECRET,
        ),
        ("GET", "/org/tokens", "", 200, !SECRET),
        ("POST", "/org/tokens", "", 201, SECRET),
        (
            "POST",
            "/org/tokens/revoke",
            r#"{"never_used":true}"#,
            200,
            !SECRET,
        ),
        ("POST", "/org/tokens/adopt", &adopt, 201, SECRET),
        ("DELETE", &token(""), "", 200, !SECRET),
        ("POST", &token("/rotate"), "", 201, SECRET),
        ("POST", &token("/release"), "", 200, !SECRET),
        ("GET", "/org/audit", "", 200, !SECRET),
        ("GET", "/org/audit/checkpoints", "", 200, !SECRET),
        ("POST", "/org/audit/checkpoints", "", 201, !SECRET),
        (
            "POST",
            "/explain",
            r#"{"operation":"token.list"}"#,
            200,
            SECRET,
        ),
        ("POST", "/leaks", r#"{"tokens":["x"]}"#, 202, SECRET),
    ];
    for (method, path, body, status, secret) in rows {
        let world = World::new();
        kept(&world);
        let (answered, notes) = send(&world, &by_admin(method, path), body.as_bytes());
        let answer = answered.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.no_store, secret, "{method} {path}");
        assert!(!answer.is_early && !answer.deprecated, "{method} {path}");
        assert!(notes.operation.is_some(), "{method} {path}");
    }
}

#[test]
fn r11_who_would_rather_not_wait_for_a_revoke_gets_202() {
    for (prefer, status, early) in [("respond-async", 202, true), ("return=minimal", 200, false)] {
        let world = World::new();
        kept(&world);
        let path = format!("/org/tokens/{}", id());
        let sent = by_admin("DELETE", &path).with("prefer", prefer);
        let answer = send(&world, &sent, b"").0.expect("revokes");
        assert_eq!(
            (answer.status, answer.is_early),
            (status, early),
            "{prefer}"
        );
    }
}

#[test]
fn a_form_shows_a_token_to_oauth() {
    for (path, expected) in [
        ("/oauth/introspect", r#""active":true"#),
        ("/oauth/revoke", "{}"),
    ] {
        let world = World::new();
        let token = kept(&world);
        let sent = Sent::new("POST", path)
            .with("authorization", &format!("Bearer {ADMIN}"))
            .with("content-type", "application/x-www-form-urlencoded");
        let (answered, notes) = send(&world, &sent, format!("token={token}").as_bytes());
        let answer = answered.expect("answers");
        assert_eq!((answer.status, answer.no_store), (200, true), "{path}");
        let Content::Json(text) = answer.content else {
            panic!("{path}: no document")
        };
        assert!(text.contains(expected), "{path}: {text}");
        // To revoke a token, its holder shows nothing but the token.
        assert_eq!(notes.caller.is_some(), path == "/oauth/introspect");
        let revoked = world
            .take_asked()
            .iter()
            .any(|asked| asked.starts_with("revoke "));
        assert_eq!(revoked, path == "/oauth/revoke");
    }
}

#[test]
fn r35_an_export_is_lines_and_has_no_parameters() {
    let world = World::new();
    let accept = |path| by_admin("GET", path).with("accept", "application/x-ndjson");
    let answer = send(&world, &accept("/org/audit"), b"").0.expect("exports");
    assert!(answer.no_store);
    assert_eq!(
        answer.headers().first(),
        Some(&("content-type", "application/x-ndjson".into()))
    );
    let Content::Lines(first, mut rest) = answer.content else {
        panic!("no lines")
    };
    // A log without rows: the checkpoint is the only line, and nothing follows it.
    let text = String::from_utf8(first).expect("text");
    assert!(
        text.contains("checkpoint") && text.ends_with('\n'),
        "{text}"
    );
    assert_eq!(now_or_never(rest.next(&world)), Ok(None));

    let refused = send(&world, &accept("/org/audit?limit=1"), b"").0;
    assert_eq!(refused.expect_err("a parameter").code(), "query_invalid");
}

#[test]
fn r40_the_body_is_here_before_anybody_is_asked_about_the_credential() {
    let rows = [
        ("POST", "/org/tokens", "", "body"),
        ("GET", "/org/tokens", "", "no body"),
        ("DELETE", "/org/tokens/x", "", "no body"),
        ("PATCH", "/orgs/acme", "{}", "body"),
        ("POST", "/explain", r#"{"operation":"token.list"}"#, "body"),
        ("POST", "/oauth/introspect", "token=x", "body"),
    ];
    for (method, path, body, expected) in rows {
        let world = World::new();
        let token = kept(&world);
        let content_type = match path {
            "/oauth/introspect" => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        let sent = Sent::new(method, path)
            .with("authorization", &format!("Bearer {token}"))
            .with("content-type", content_type);
        drop(send(&world, &sent, body.as_bytes()));
        let asked = world.take_asked();
        assert_eq!(asked.first().map(String::as_str), Some(expected), "{path}");
        assert!(asked.iter().any(|asked| asked == "admit"), "{path}");
    }
}

#[test]
fn a_report_is_looked_into_once_its_answer_has_left() {
    let world = World::new();
    let token = kept(&world);
    let sent = Sent::new("POST", "/leaks").with("content-type", "application/json");
    let body = format!(r#"{{"tokens":["{token}"]}}"#);
    let answer = send(&world, &sent, body.as_bytes()).0.expect("answers");
    assert_eq!(world.take_asked(), ["body", "take leaks/unknown"]);
    let later = answer.later.expect("work");
    let line = now_or_never(later.run(&world));
    assert_eq!(
        (&line["event"], &line["acted"]),
        (&"leak_report".into(), &1.into())
    );
    assert_eq!(line["failures"].as_array().map(Vec::len), Some(0));
    assert_eq!(world.brake.counted.take(), []);
}

#[test]
fn the_log_tells_who_called_and_for_which_organization() {
    let world = World::new();
    let (_, notes) = send(&world, &by_admin("GET", "/org/tokens"), b"");
    assert_eq!(notes.operation, Some("token.list"));
    assert_eq!(notes.organization.as_deref(), Some("acme"));
    let (caller, at) = notes.caller.expect("a caller");
    assert_eq!((caller.tier(), at.as_millis()), ("admin", world.now.get()));
    assert_eq!(notes.warning, None);

    // A token is of an organization already: what it names beside that is nobody's.
    let token = kept(&world);
    let sent = Sent::new("GET", "/org/tokens")
        .with("authorization", &format!("Bearer {token}"))
        .with("postern-organization", "else");
    let (_, notes) = send(&world, &sent, b"");
    assert!(notes.caller.is_some());
    assert_eq!(notes.organization, None);
}

#[test]
fn r25_a_workflow_token_that_reads_is_told_that_this_ends() {
    let world = World::new();
    let scope = Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    let facts = facts(7, scope);
    world.keep(facts.clone());
    let issued = jwt::issue(&facts, &config().token_keys).expect("issues");
    let mut config = config();
    config.admin = None;
    config.ways_in.workflow_read = true;
    let credential = format!("Bearer {}", issued.token.expose());
    let sent = Sent::new("GET", "/org/tokens").with("authorization", &credential);
    let (answered, notes) = send_to(config, &world, &sent, b"");
    assert!(answered.expect("lists").deprecated);
    let line = notes.warning.expect("a warning");
    assert_eq!(line["event"], "workflow_read_use");
}
