//! Explanations as rows: what is asked, of whom, and what would be decided.

use super::*;
use crate::authenticate::present;
use crate::body::READ;
use crate::testing::{self, ADMIN, World, now_or_never, project, workflow};
use postern_domain::conditions::{AddressRange, Conditions};
use postern_domain::id::Id;
use postern_domain::policy::defaults;
use postern_domain::scope::Scope;
use postern_domain::token::TokenFacts;
use postern_domain::upstream::{Credential, Reach};
use postern_gate::config::origin_auth::OriginAuth;
use postern_ledger::GivenUpstream;
use postern_wire::jwt::issue;
use serde_json::{Value, json};

const RUN: &str = "00000000-0000-4000-8000-00000000000a";

fn credential(world: &World, scope: Scope) -> String {
    credential_of(world, 7, scope)
}

fn credential_of(world: &World, id: u128, scope: Scope) -> String {
    let facts = TokenFacts {
        policies: defaults(&scope),
        ..testing::facts(id, scope)
    };
    world.keep(facts.clone());
    let token = issue(&facts, &testing::config().token_keys)
        .expect("issues")
        .token;
    token.expose().to_owned()
}

fn ask(world: &World, credential: &str, question: &Value) -> Result<Value> {
    ask_with(world, credential, question, &testing::config())
}

fn ask_with(world: &World, credential: &str, question: &Value, config: &Config) -> Result<Value> {
    let header = format!("Bearer {credential}");
    let presented = std::rc::Rc::new(present(Some(&header), config, world.now())?);
    let body = question.to_string();
    let told = now_or_never(explain(
        &presented,
        (body.as_bytes(), Some([192, 0, 2, 1].into())),
        READ,
        &mut None,
        config,
        world,
    ))?;
    Ok(serde_json::to_value(told).expect("serializes"))
}

fn release() -> Scope {
    Scope::Workflow {
        project: project(),
        workflow: workflow(),
    }
}

#[test]
fn what_a_workflow_token_may() {
    let world = World::new();
    let token = credential(&world, release());
    let named = |operation: &str, project: &str, workflow: &str| json!({ "operation": operation, "project": project, "workflow": workflow });
    let rows = [
        (named("AttestationService/Init", "shop", "release"), None),
        (
            named(
                "/controlplane.v1.AttestationService/Init",
                "shop",
                "release",
            ),
            None,
        ),
        (
            named("AttestationService/Init", "shop", "other"),
            Some("other_workflow"),
        ),
        (
            named("AttestationService/Init", "elsewhere", "release"),
            Some("other_project"),
        ),
        (
            json!({ "operation": "AttestationService/Init" }),
            Some("not_confined"),
        ),
        (
            json!({ "operation": "AttestationService/Store", "run": RUN }),
            Some("unknown_run"),
        ),
        (
            json!({ "operation": "token.create" }),
            Some("operation_not_allowed"),
        ),
        (
            json!({ "operation": "project.create" }),
            Some("operation_not_allowed"),
        ),
        (
            json!({ "operation": "AttestationService/Nothing" }),
            Some("operation_not_allowed"),
        ),
    ];
    for (question, code) in rows {
        let told = ask(&world, &token, &question).expect("explained");
        assert_eq!(told["allowed"], code.is_none(), "{question}: {told}");
        let refusal = told["refusal"]["code"].as_str();
        assert_eq!(refusal, code, "{question}: {told}");
        assert_eq!(told["caller"]["workflow"], "release");
    }
}

#[test]
fn policies_are_told_one_by_one() {
    let world = World::new();
    let token = credential(&world, Scope::Organization);
    let told = ask(&world, &token, &json!({ "operation": "audit.read" })).expect("explained");
    assert_eq!(told["allowed"], false);
    let policies = json!([{ "policy": "audit:read", "held": false }]);
    assert_eq!(told["needs"]["policies"], policies);
    let nothing = ask(&world, &token, &json!({ "operation": "no such thing" }));
    let nothing = nothing.expect("explained");
    assert_eq!(nothing["needs"], Value::Null);
}

#[test]
fn the_administrator_key_manages_and_attests_nothing() {
    let world = World::new();
    for (operation, allowed) in [
        ("project.create", true),
        ("token.revoke", true),
        ("AttestationService/Init", false),
    ] {
        let told = ask(&world, ADMIN, &json!({ "operation": operation })).expect("explained");
        assert_eq!(told["allowed"], allowed, "{operation}");
    }
}

#[test]
fn a_known_run_is_held_against_the_scope() {
    let world = World::new();
    let token = credential(&world, release());
    let id = (Id::from_u128(1), RunId::parse(RUN).expect("a UUID"));
    for (workflow, code) in [("release", None), ("other", Some("other_workflow"))] {
        let facts = RunFacts {
            project: "shop".to_owned(),
            workflow: workflow.to_owned(),
            workflow_id: None,
            upstream: None,
        };
        world.runs.borrow_mut().insert(id, facts);
        // What an isolate has learned of a run stays.
        *world.gate.borrow_mut() = postern_gate::Gate::new(
            std::rc::Rc::new(testing::config()),
            postern_gate::testing::ISOLATE,
        );
        let question = json!({ "operation": "AttestationService/Store", "run": RUN });
        let told = ask(&world, &token, &question).expect("explained");
        assert_eq!(told["refusal"]["code"].as_str(), code, "{told}");
        let own = code.is_none();
        let run = json!({
            "known": true,
            "project": own.then_some("shop"),
            "workflow": own.then_some("release"),
        });
        assert_eq!(
            told["run"], run,
            "whose run it is, only the own workflow is told"
        );
    }
}

/// Only a caller who may make the call learns whose run it is.
#[test]
fn r30_a_run_of_others_is_not_told() {
    let id = (Id::from_u128(1), RunId::parse(RUN).expect("a UUID"));
    let facts = RunFacts {
        project: "secret".to_owned(),
        workflow: "hidden".to_owned(),
        workflow_id: None,
        upstream: None,
    };
    let world_with_run = || {
        let world = World::new();
        world.runs.borrow_mut().insert(id, facts.clone());
        world
    };
    let rpcs = postern_domain::rpc::rpcs().map(|rpc| rpc.method.to_owned());
    let managed = explained().map(|operation| operation.name().to_owned());
    let operations: Vec<String> = rpcs.chain(managed).collect();
    for scope in [release(), Scope::Project { project: project() }] {
        let world = world_with_run();
        let token = credential(&world, scope);
        for operation in &operations {
            let question = json!({ "operation": operation, "run": RUN, "project": "shop", "workflow": "release" });
            let told = ask(&world, &token, &question).expect("explained");
            let text = told.to_string();
            assert!(
                !text.contains("secret") && !text.contains("hidden"),
                "{text}"
            );
            let open = told["needs"]["access"] == "open";
            assert!(open || told["allowed"] == false, "{text}");
        }
    }
    let world = world_with_run();
    let token = credential(&world, Scope::Organization);
    let question = json!({ "operation": "AttestationService/Store", "run": RUN });
    let told = ask(&world, &token, &question).expect("explained");
    assert_eq!(told["run"]["workflow"], "hidden", "its organization may");
    let question = json!({ "operation": "token.list", "run": RUN });
    let told = ask(&world, &token, &question).expect("explained");
    assert_eq!(told["run"], Value::Null, "that is about no run");
}

#[test]
fn wrong_questions_and_refused_credentials() {
    let world = World::new();
    let token = credential(&world, release());
    for question in [
        json!({}),
        json!({ "operation": 1 }),
        json!({ "operation": "token.create", "more": true }),
        json!({ "operation": "x".repeat(MAX_NAME + 1) }),
        json!({ "operation": "token.create", "run": "no uuid" }),
    ] {
        let refused = ask(&world, &token, &question).expect_err("refused");
        assert!(matches!(refused, Error::Invalid { .. }), "{refused:?}");
    }
    world.tokens.borrow_mut().clear();
    let refused = ask(&world, &token, &json!({ "operation": "token.create" }));
    assert!(matches!(refused, Err(Error::Credential(_))));
}

/// For every call, an allowed caller is told so, and any other is told why not.
#[test]
fn every_call_can_be_asked_about() {
    let world = World::new();
    let token = credential(&world, Scope::Organization);
    let facts = RunFacts {
        project: "shop".to_owned(),
        workflow: "release".to_owned(),
        workflow_id: None,
        upstream: None,
    };
    let id = (Id::from_u128(1), RunId::parse(RUN).expect("a UUID"));
    world.runs.borrow_mut().insert(id, facts);
    for rpc in postern_domain::rpc::rpcs() {
        let mut question = json!({ "operation": rpc.method });
        if rpc.identity.run.is_some() && rpc.identity.digest.is_none() {
            let refused = ask(&world, &token, &question).expect_err(rpc.method);
            assert_eq!(refused.code(), "run_id_invalid", "{}", rpc.method);
            question["run"] = RUN.into();
        }
        let told = ask(&world, &token, &question).expect("explained");
        let missing = |needed: &Value| needed["held"] == false;
        let policies = told["needs"]["policies"].as_array().expect("policies");
        let opens = !matches!(rpc.access, Access::Person | Access::Closed);
        let expected = opens && !policies.iter().any(missing);
        assert_eq!(told["allowed"], expected, "{}: {told}", rpc.method);
    }
}

/// Which credential would go to the origin: its digest and what it is set for, and that a call without
/// one would be refused.
#[test]
fn r42_the_credential_that_would_be_sent_is_told_and_never_its_text() {
    let world = World::new();
    let token = credential(&world, release());
    let upstream = Config {
        origin_auth: OriginAuth::Upstream,
        ..testing::config()
    };
    let init =
        json!({ "operation": "AttestationService/Init", "project": "shop", "workflow": "release" });
    let told = ask_with(&world, &token, &init, &upstream).expect("explained");
    assert_eq!(told["allowed"], false);
    assert_eq!(told["refusal"]["code"], "upstream_missing");
    assert_eq!(told["upstream"], Value::Null);

    let set = Credential::parse("a-stored-text".to_owned()).expect("good");
    *world.upstream.borrow_mut() = Some(GivenUpstream {
        id: Id::from_u128(1),
        reach: Reach::of(Some("shop"), None),
        sealed: "sealed-text".to_owned(),
        digest: set.digest(),
        until: None,
    });
    let told = ask_with(&world, &token, &init, &upstream).expect("explained");
    assert_eq!(told["allowed"], true);
    let expected = json!({ "digest": set.digest().as_str(), "scope": { "project": "shop" } });
    assert_eq!(told["upstream"], expected);
    assert!(!told.to_string().contains("sealed-text"));

    // A call that has no place for a project is not sent on with that of one, whatever is asked.
    let wide = credential_of(&world, 8, Scope::Organization);
    for (operation, digest) in [
        (
            "AttestationService/FindOrCreateWorkflow",
            set.digest().as_str().into(),
        ),
        ("ContextService/Current", Value::Null),
    ] {
        let question = json!({ "operation": operation, "project": "shop", "workflow": "x" });
        let told = ask_with(&world, &wide, &question, &upstream).expect("explained");
        assert_eq!(told["upstream"]["digest"], digest, "{told}");
        assert_eq!(told["allowed"], digest != Value::Null, "{told}");
    }

    // What is refused, what is open, what is ours, and what another mode sends has none.
    let other =
        json!({ "operation": "AttestationService/Init", "project": "shop", "workflow": "x" });
    let rows = [
        (other, &upstream),
        (json!({ "operation": "StatusService/Statusz" }), &upstream),
        (json!({ "operation": "token.create" }), &upstream),
        (init, &testing::config()),
    ];
    for (question, config) in rows {
        let told = ask_with(&world, &token, &question, config).expect("explained");
        assert_eq!(told["upstream"], Value::Null, "{question}");
    }
}

/// A token that can be used from these ranges alone, so often; and a run of its workflow.
fn conditioned(world: &World, ranges: &[&str], calls: Option<u32>) -> String {
    let ranges = ranges.iter();
    let ranges = ranges.map(|text| AddressRange::parse(text).expect("a range"));
    let conditions = Conditions::new(ranges.collect(), calls).expect("good conditions");
    let facts = TokenFacts {
        policies: defaults(&release()),
        conditions: conditions.map(Box::new),
        ..testing::facts(7, release())
    };
    world.keep(facts.clone());
    let run = RunFacts {
        project: "shop".to_owned(),
        workflow: "release".to_owned(),
        workflow_id: None,
        upstream: None,
    };
    let id = (Id::from_u128(1), RunId::parse(RUN).expect("a UUID"));
    world.runs.borrow_mut().insert(id, run);
    let issued = issue(&facts, &testing::config().token_keys).expect("issues");
    issued.token.expose().to_owned()
}

/// The questions are asked from 192.0.2.1.
#[test]
fn r53_a_call_that_the_conditions_refuse_is_refused() {
    let store = json!({ "operation": "AttestationService/Store", "run": RUN });
    let other =
        json!({ "operation": "AttestationService/Init", "project": "shop", "workflow": "x" });
    let open = json!({ "operation": "StatusService/Statusz" });
    let (here, elsewhere): (&[&str], &[&str]) = (&["192.0.2.0/24"], &["198.51.100.0/24"]);
    let rows = [
        (here, None, 0, &store, None),
        (elsewhere, None, 0, &store, Some("address_not_allowed")),
        (&[], Some(5), 5, &store, None),
        (&[], Some(5), 0, &store, Some("calls_exceeded")),
        // Before anything else, as for the call;
        (here, None, 0, &other, Some("other_workflow")),
        (elsewhere, None, 0, &other, Some("address_not_allowed")),
        (elsewhere, Some(5), 0, &other, Some("address_not_allowed")),
        // and not where the call needs no credential.
        (elsewhere, Some(5), 0, &open, None),
    ];
    for (ranges, limit, left, question, code) in rows {
        let world = World::new();
        world.calls.set(left);
        let token = conditioned(&world, ranges, limit);
        let told = ask(&world, &token, question).expect("explained");
        let refusal = told["refusal"]["code"].as_str();
        assert_eq!(refusal, code, "{ranges:?} {limit:?} {question}: {told}");
        assert_eq!(told["allowed"], code.is_none());
        if question == &store {
            let own = code.is_none().then_some("release");
            assert_eq!(told["run"]["workflow"].as_str(), own, "{told}");
        }
    }
}

#[test]
fn r53_to_ask_takes_one_call() {
    let world = World::new();
    world.calls.set(5);
    let token = conditioned(&world, &[], Some(5));
    let question = json!({ "operation": "AttestationService/Store", "run": RUN });
    for left in [4, 3] {
        ask(&world, &token, &question).expect("explained");
        assert_eq!(world.calls.get(), left);
    }
}
