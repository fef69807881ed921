//! Every call of the operation table for every kind of caller, against the answers written down in
//! `decisions.txt`. A row without a line, or a line without a row, fails; so does a changed answer.
//! With `POSTERN_WRITE_DOCUMENTS=1` the file is written anew, to be read before it is committed.

use std::rc::Rc;

use super::people::{bearer, token};
use crate::config::Config;
use crate::credential::present;
use crate::error::CredentialError;
use crate::testing::drive::{Answer, Sent, drive};
use crate::testing::{self, ADMIN, World, project, workflow};
use postern_domain::decide::RunFacts;
use postern_domain::id::{Id, RunId};
use postern_domain::policy::defaults;
use postern_domain::rpc::{OrganizationAt, Path, ProjectAt, Rpc, rpcs};
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::Liveness;
use postern_wire::jwt;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/decisions.txt");

/// The kinds of callers, and the project and workflow that their requests are about.
const KINDS: [(&str, (&str, &str)); 13] = [
    ("nobody", OWN),
    ("garbage", OWN),
    ("expired", OWN),
    ("revoked", OWN),
    ("administrator", OWN),
    ("without-policies", FAR),
    ("organization", FAR),
    ("right-project", BESIDE),
    ("wrong-project", FAR),
    ("right-workflow", OWN),
    ("wrong-workflow", BESIDE),
    ("system", FAR),
    ("person", FAR),
];

const OWN: (&str, &str) = ("shop", "release");
const BESIDE: (&str, &str) = ("shop", "other");
const FAR: (&str, &str) = ("elsewhere", "release");

#[test]
fn r30_every_call_is_decided_for_every_kind_of_caller() {
    let mut lines = vec![heading()];
    for rpc in rpcs() {
        let answers = KINDS.map(|(kind, about)| answer(rpc, kind, about));
        lines.push(line(rpc.method, answers.map(String::from).as_slice()));
    }
    let made = lines.join("\n") + "\n";
    if std::env::var_os("POSTERN_WRITE_DOCUMENTS").is_some() {
        std::fs::write(FILE, &made).expect("written");
    }
    let told = std::fs::read_to_string(FILE).expect("decisions.txt");
    for (told, made) in told.lines().zip(made.lines()) {
        assert_eq!(told, made, "{}", heading());
    }
    assert_eq!(told.lines().count(), 1 + rpcs().count());
}

fn heading() -> String {
    line("call", &KINDS.map(|(kind, _)| kind.to_owned()))
}

fn line(method: &str, answers: &[String]) -> String {
    let cells: String = answers
        .iter()
        .map(|answer| format!(" {answer:<21}"))
        .collect();
    format!("{method:<45}{cells}").trim_end().to_owned()
}

/// The code of the answer; `allowed` where there is none.
fn answer(rpc: &'static Rpc, kind: &str, about: (&str, &str)) -> &'static str {
    let world = World::new();
    if kind == "person" {
        world.configure(&Rc::new(Config {
            people: true,
            ..testing::config()
        }));
    }
    for (n, (project, workflow)) in (1..).zip([OWN, BESIDE, FAR]) {
        let facts = RunFacts {
            project: project.to_owned(),
            workflow: workflow.to_owned(),
            workflow_id: None,
            upstream: None,
        };
        let key = (
            testing::facts(7, Scope::Organization).organization.id,
            Id::from_u128(n),
        );
        world.runs.borrow_mut().insert(key, facts);
    }
    // Where it could hand something out, it says that there is nothing.
    *world.origin.borrow_mut() = Ok(match rpc.hands_out {
        Some(_) => Answer::message(b""),
        None => Answer::ended(0),
    });
    let header = header(&world, kind);
    let sent = Sent::grpc_web(&rpc.path(), header.as_deref(), &message(rpc, about));
    let outcome = drive(&world, &sent).expect("a call");
    let verdict = outcome.verdict();
    // A yes goes to the origin under the call's own path, and nothing else does.
    let target = outcome.forwarded.map(|seen| seen.target);
    let expected = (verdict == "allowed").then(|| rpc.path());
    assert_eq!(target, expected, "{} {kind}", rpc.method);
    verdict
}

/// The `Authorization` of a caller; its token is known to the world.
fn header(world: &World, kind: &str) -> Option<String> {
    match kind {
        "nobody" => return None,
        "garbage" => return Some("Bearer garbage".to_owned()),
        "person" => return Some(bearer(&token(&serde_json::json!({})))),
        "administrator" => return Some(format!("Bearer {ADMIN}")),
        _ => {}
    }
    let scope = match kind {
        "right-project" | "wrong-project" => Scope::Project { project: project() },
        "right-workflow" | "wrong-workflow" | "expired" | "revoked" => Scope::Workflow {
            project: project(),
            workflow: workflow(),
        },
        _ => Scope::Organization,
    };
    let facts = TokenFacts {
        policies: match kind {
            "without-policies" => Vec::new(),
            _ => defaults(&scope),
        },
        is_system: kind == "system",
        expires_at: (kind == "expired").then(|| Timestamp::from_millis(1_000)),
        ..testing::facts(7, scope)
    };
    let token = jwt::issue(&facts, &testing::config().token_keys)
        .expect("issues")
        .token;
    world.keep(facts);
    if kind == "revoked" {
        world.revoke(Liveness::Revoked);
    }
    Some(format!("Bearer {}", token.expose()))
}

/// A message about this project and workflow, as the call's row says that it is written.
fn message(rpc: &Rpc, (project, workflow): (&str, &str)) -> Vec<u8> {
    let identity = rpc.identity;
    let mut message = Vec::new();
    match identity.organization {
        OrganizationAt::Nowhere => {}
        OrganizationAt::Name(path) => message.extend(put(path, "acme")),
        OrganizationAt::Id(path) => message.extend(put(
            path,
            &Id::<postern_domain::id::Organization>::from_u128(1).to_string(),
        )),
    }
    match identity.project {
        ProjectAt::Nowhere => {}
        ProjectAt::Name(path) | ProjectAt::Names(path) => message.extend(put(path, project)),
        ProjectAt::Reference(path) => {
            let inner = put(&[2], project);
            message.extend(field(path, &inner));
        }
    }
    if let Some(path) = identity.workflow {
        message.extend(put(path, workflow));
    }
    if let Some(path) = identity.run {
        let found = (1..).zip([OWN, BESIDE, FAR]);
        let run = found
            .into_iter()
            .find(|(_, about)| *about == (project, workflow));
        let id = RunId::from_u128(run.expect("a run").0);
        message.extend(put(path, &id.to_string()));
    } else if let Some(path) = identity.digest {
        message.extend(put(path, "sha256:aa"));
    }
    message
}

fn put(path: Path, text: &str) -> Vec<u8> {
    field(path, text.as_bytes())
}

fn field(path: Path, content: &[u8]) -> Vec<u8> {
    let [number] = path else {
        panic!("all paths of the table have one step")
    };
    let head = [
        u8::try_from(number << 3 | 2).expect("a small number"),
        u8::try_from(content.len()).expect("short"),
    ];
    [&head[..], content].concat()
}

#[test]
fn a_garbage_credential_has_no_form() {
    // What the matrix calls garbage: a word of no form that this registry issues.
    let config = testing::config();
    let now = World::new().now();
    let error = present(Some("Bearer garbage"), &config, now).expect_err("garbage");
    assert_eq!(error, CredentialError::NoForm);
}
