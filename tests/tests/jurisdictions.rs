//! An organization's jurisdiction and location are chosen when it is created, and every question about it goes there
//! (R52). workerd has no jurisdictions: all but the last case run on one that a module in front adds.

use std::collections::BTreeSet;
use std::process::ExitCode;

use postern_system_tests::gateway::Gateway;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, random_name, rpc, runner};
use serde_json::{Value, json};

/// UNAUTHENTICATED.
const UNAUTHENTICATED: i32 = 16;

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![
            r52_every_question_goes_to_the_jurisdiction,
            r52_the_location_is_said_before_anything_is_asked,
            r52_a_place_never_changes,
            r52_a_runtime_without_jurisdictions_creates_nothing,
        ],
    )
}

/// What each isolate asked for of this organization.
async fn asked(gateway: &Gateway, organization: &Organization) -> Vec<Value> {
    let mut found = Vec::new();
    for isolate in 0..gateway.isolates() {
        let all = gateway
            .call_on(isolate, "GET", "/asked")
            .send()
            .await
            .json(200);
        let all = all.as_array().expect("a list").clone();
        let own = all
            .into_iter()
            .filter(|one| one["name"] == organization.id.as_str());
        found.extend(own);
    }
    found
}

async fn r52_every_question_goes_to_the_jurisdiction(setup: &Setup) {
    let gateway = setup.serve().with_jurisdictions().isolates(2).start().await;
    for jurisdiction in ["eu", "us", "fedramp", "fedramp-high"] {
        let place = json!({ "jurisdiction": jurisdiction });
        let organization = Organization::with(&gateway, &setup.keys.admin, &place).await;
        for format in ["opaque", "jwt"] {
            let token = organization.mint_for_release(&gateway, format).await;
            let run = rpc::begin(&gateway, &token.token, SHOP, RELEASE).await;
            let store = |isolate| {
                let message = rpc::about(&run);
                rpc::call_on(&gateway, isolate, rpc::INITIALIZED, &token.token, &message)
            };
            store(0).send().await.accepted();
            store(1).send().await.accepted();
            organization.revoke(&gateway, &token.id).await;
            for isolate in [0, 1] {
                let (ending, _) = store(isolate).send().await.ending();
                assert_eq!(ending.code, UNAUTHENTICATED, "{}", ending.message);
            }
        }
        let path = "/org/audit/checkpoints";
        let signed = organization.call(&gateway, "POST", path).send().await;
        signed.json(201);
        let asked = asked(&gateway, &organization).await;
        let places: BTreeSet<_> = asked
            .iter()
            .map(|one| one["jurisdiction"].to_string())
            .collect();
        let expected = BTreeSet::from([format!("\"{jurisdiction}\"")]);
        assert_eq!(places, expected, "{asked:?}");
    }
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "jwt").await;
    rpc::begin(&gateway, &token.token, SHOP, RELEASE).await;
    let asked = asked(&gateway, &organization).await;
    assert!(!asked.is_empty());
    assert!(
        asked.iter().all(|one| one["jurisdiction"].is_null()),
        "{asked:?}"
    );
    gateway.stop();
}

async fn r52_the_location_is_said_before_anything_is_asked(setup: &Setup) {
    let gateway = setup.serve().with_jurisdictions().start().await;
    for (place, jurisdiction) in [
        (json!({ "location_hint": "weur" }), Value::Null),
        (
            json!({ "location_hint": "weur", "jurisdiction": "eu" }),
            json!("eu"),
        ),
    ] {
        let organization = Organization::with(&gateway, &setup.keys.admin, &place).await;
        let asked = asked(&gateway, &organization).await;
        let first =
            json!({ "name": organization.id, "jurisdiction": jurisdiction, "near": "weur" });
        assert_eq!(asked.first(), Some(&first), "{asked:?}");
    }
    gateway.stop();
}

async fn r52_a_place_never_changes(setup: &Setup) {
    let gateway = setup.serve().with_jurisdictions().start().await;
    let place = json!({ "jurisdiction": "eu", "location_hint": "eeur" });
    let organization = Organization::with(&gateway, &setup.keys.admin, &place).await;
    let admin = &setup.keys.admin;
    let patch = |body: &Value| {
        let path = format!("/orgs/{}", organization.name);
        gateway.call("PATCH", &path).bearer(admin).json(body)
    };
    for body in [
        json!({ "jurisdiction": "us" }),
        json!({ "location_hint": "me" }),
    ] {
        patch(&body).send().await.problem(400, "body_invalid");
    }
    let row = patch(&json!({ "max_idle_days": 9 })).send().await.json(200);
    assert_eq!(row["jurisdiction"], "eu");
    assert_eq!(row["location_hint"], "eeur");
    let listed = gateway.call("GET", "/orgs?limit=1").bearer(admin);
    let listed = listed.send().await.json(200);
    assert_eq!(listed["organizations"][0], row);
    gateway.stop();
}

async fn r52_a_runtime_without_jurisdictions_creates_nothing(setup: &Setup) {
    let gateway = setup.serve().start().await;
    let name = random_name("org");
    let create = |body: &Value| {
        let call = gateway.call("POST", "/orgs");
        call.bearer(&setup.keys.admin).json(body)
    };
    let refused = create(&json!({ "name": name, "jurisdiction": "eu" }));
    let refused = refused.send().await;
    refused.problem(400, "jurisdiction_unsupported");
    // The name is still free; near a place it can be kept anywhere.
    let made = create(&json!({ "name": name, "location_hint": "weur" }));
    let made = made.send().await.json(201);
    assert_eq!(made["location_hint"], "weur");
    assert_eq!(made["jurisdiction"], Value::Null);
    gateway.stop();
}
