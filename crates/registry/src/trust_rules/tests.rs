//! Trust rules (R47): who adds, reads and removes which, what is refused, and that none gives more than
//! its author could.

mod adding;
mod authors;
mod federated;
mod presented;
mod testing_tokens;

use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::testing::trust::{GATE, config};
use crate::testing::{self, World, facts, now_or_never, requester};
use postern_domain::caller::Session;
use postern_domain::policy::{Policy, defaults};
use postern_domain::role::policies_of;
use postern_domain::scope::Scope;
use postern_domain::session::UserId;

const ACME: Option<&str> = Some("acme");
/// A rule that is taken.
fn rule() -> Value {
    json!({
        "issuer": "github",
        "repository": "acme/shop",
        "repository_id": 74,
        "repository_owner_id": "65",
        "project": "shop",
        "workflow": "release",
        "policies": ["workflow_run:read"],
        "longest_life": "10m",
    })
}

/// The same with other members; `null` takes one out.
fn with(changes: Value) -> Value {
    let mut rule = rule();
    for (name, value) in changes.as_object().expect("members") {
        let members = rule.as_object_mut().expect("an object");
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    rule
}

fn add_by(caller: &Caller, body: &Value, world: &World) -> Result<Value> {
    let body = body.to_string();
    let meant = (body.as_bytes(), requester());
    let added = now_or_never(add(caller, ACME, meant, &config(), world))?;
    Ok(serde_json::to_value(&added).expect("serializes"))
}

fn added(body: &Value, world: &World) -> Value {
    add_by(&Caller::Administrator(None), body, world).expect("added")
}

fn session(role: &str) -> Caller {
    Caller::Session(Rc::new(Session {
        user: UserId::parse("u1").expect("an id"),
        organization: testing::organization().named(),
        policies: policies_of(role),
    }))
}

fn token(scope: Scope, more: &[&str]) -> Caller {
    let mut row = facts(8, scope);
    row.policies = defaults(&row.scope);
    let policies = more
        .iter()
        .map(|text| Policy::parse(text).expect("a policy"));
    row.policies.extend(policies);
    Caller::Token(Rc::new(row))
}
