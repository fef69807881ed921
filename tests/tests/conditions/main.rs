//! Conditions on a token and edits of it (R53), in every isolate and every way in: from where, how often, and what was
//! true before an edit.

use std::process::ExitCode;

use postern_system_tests::audit;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Call;
use postern_system_tests::life;
use postern_system_tests::organization::{Minted, Organization, SHOP};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, runner};
use serde_json::{Value, json};

const ISOLATES: u16 = 3;
/// The address that calls of `life` come from, and another one.
const HERE: &str = "10.9.8.7";
const ELSEWHERE: &str = "198.51.100.9";

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        cases![
            r53_ranges_hold_in_every_way_in,
            r53_an_edit_is_final_when_it_answers,
            r53_calls_per_minute_are_one_count_for_all_isolates,
            r53_children_and_successors_lie_within_their_creator,
            r53_an_edit_only_narrows,
            r53_a_renamed_token_is_found_by_its_new_name,
            r53_what_an_edit_has_made_outlives_the_gateway,
        ],
    )
}

/// What an attestation call of a token is answered from an address: the status of gRPC.
async fn attests(gateway: &Gateway, isolate: u16, token: &str, address: &str) -> i32 {
    let call = life::call(gateway, isolate, token);
    let answer = call.without("cf-connecting-ip").from(address).send().await;
    answer.ending().0.code
}

fn edit(gateway: &Gateway, organization: &Organization, id: &str, body: &Value) -> Call {
    let path = format!("/org/tokens/{id}");
    organization.call(gateway, "PATCH", &path).json(body)
}

async fn minted(suite: &Suite, body: &Value) -> (Organization, Minted) {
    let organization = suite.organization().await;
    let token = organization.mint(&suite.gateway, body).await;
    (organization, token)
}

async fn r53_ranges_hold_in_every_way_in(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let body = json!({ "format": format, "address_ranges": ["10.9.8.0/24", "2001:db8::/32"] });
        let token = organization.mint(gateway, &body).await;
        for isolate in 0..ISOLATES {
            assert_eq!(
                attests(gateway, isolate, &token.token, HERE).await,
                0,
                "{format}"
            );
            assert_eq!(
                attests(gateway, isolate, &token.token, ELSEWHERE).await,
                7,
                "{format}"
            );
            assert_eq!(
                attests(gateway, isolate, &token.token, "2001:db8::9").await,
                0
            );
        }
        let list = |address: &str| {
            let call = gateway.call("GET", "/org/tokens").bearer(&token.token);
            call.without("cf-connecting-ip").from(address).send()
        };
        list(HERE).await.json(200);
        list(ELSEWHERE).await.problem(403, "address_not_allowed");
        let forged = gateway
            .call("GET", "/org/tokens")
            .bearer(&token.token)
            .without("cf-connecting-ip")
            .from(ELSEWHERE)
            .header("x-forwarded-for", HERE);
        forged.send().await.problem(403, "address_not_allowed");
        // Its holder can end it from anywhere.
        let revoke = gateway
            .call("POST", "/oauth/revoke")
            .from(ELSEWHERE)
            .form(&[("token", &token.token)]);
        revoke.send().await.json(200);
        assert_eq!(
            attests(gateway, 0, &token.token, ELSEWHERE).await,
            16,
            "{format}"
        );
    }
}

async fn r53_an_edit_is_final_when_it_answers(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for round in 0..10 {
        let token = organization.mint(gateway, &json!({})).await;
        for isolate in 0..ISOLATES {
            assert_eq!(
                attests(gateway, isolate, &token.token, ELSEWHERE).await,
                0,
                "{round}"
            );
        }
        let body = json!({ "address_ranges": ["10.9.8.0/24"] });
        edit(gateway, &organization, &token.id, &body)
            .send()
            .await
            .json(200);
        for isolate in 0..ISOLATES {
            let code = attests(gateway, isolate, &token.token, ELSEWHERE).await;
            assert_eq!(code, 7, "isolate {isolate}, round {round}");
            assert_eq!(attests(gateway, isolate, &token.token, HERE).await, 0);
        }
    }
}

async fn r53_calls_per_minute_are_one_count_for_all_isolates(suite: &Suite) {
    const LIMIT: usize = 12;
    let gateway = &suite.gateway;
    let (_, token) = minted(suite, &json!({ "calls_per_minute": LIMIT })).await;
    let mut passed = 0;
    for call in 0..2 * LIMIT {
        let isolate = u16::try_from(call).expect("few") % ISOLATES;
        match attests(gateway, isolate, &token.token, HERE).await {
            0 => passed += 1,
            8 => {}
            other => panic!("call {call} was answered {other}"),
        }
    }
    // Exact below 120: a part is one call.
    assert_eq!(passed, LIMIT);
    let list = gateway.call("GET", "/org/tokens").bearer(&token.token);
    let answer = list.send().await;
    answer.problem(429, "calls_exceeded");
    let wait: u64 = answer
        .header("retry-after")
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    assert!((1..=61).contains(&wait), "{wait}");
}

async fn r53_children_and_successors_lie_within_their_creator(suite: &Suite) {
    let gateway = &suite.gateway;
    let body = json!({ "address_ranges": ["10.9.0.0/16"], "calls_per_minute": 1_000 });
    let (organization, creator) = minted(suite, &body).await;
    let create = |body: Value| {
        let call = organization.minting_as(gateway, &creator, &body);
        call.without("cf-connecting-ip").from(HERE)
    };
    let inherits = create(json!({ "project": SHOP })).send().await.json(201);
    assert_eq!(inherits["address_ranges"], body["address_ranges"]);
    assert_eq!(inherits["calls_per_minute"], body["calls_per_minute"]);
    let narrower =
        json!({ "project": SHOP, "address_ranges": ["10.9.8.0/24"], "calls_per_minute": 5 });
    let narrower = create(narrower).send().await.json(201);
    assert_eq!(narrower["address_ranges"], json!(["10.9.8.0/24"]));
    for wider in [
        json!({ "project": SHOP, "address_ranges": ["10.0.0.0/8"] }),
        json!({ "project": SHOP, "address_ranges": ["10.9.8.0/24", "192.0.2.1"] }),
        json!({ "project": SHOP, "calls_per_minute": 1_001 }),
    ] {
        let refused = create(wider).send().await;
        refused.problem(403, "conditions_exceeded");
    }
    let id = narrower["id"].as_str().expect("an id");
    let successor = organization.rotating(gateway, id, &json!({})).send().await;
    let successor = successor.json(201);
    assert_eq!(successor["address_ranges"], json!(["10.9.8.0/24"]));
    assert_eq!(successor["calls_per_minute"], json!(5));
}

async fn r53_an_edit_only_narrows(suite: &Suite) {
    let gateway = &suite.gateway;
    let body =
        json!({ "address_ranges": ["10.9.0.0/16"], "calls_per_minute": 60, "expires_in": "1h" });
    let (organization, token) = minted(suite, &body).await;
    let before = organization.token(gateway, &token.id).await;
    for wider in [
        json!({ "address_ranges": [] }),
        json!({ "address_ranges": ["10.0.0.0/8"] }),
        json!({ "calls_per_minute": 61 }),
        json!({ "expires_in": "2h" }),
        json!({ "policies": ["org_api_token:*"] }),
    ] {
        let answer = edit(gateway, &organization, &token.id, &wider).send().await;
        answer.problem(409, "edit_widens");
    }
    assert_eq!(organization.token(gateway, &token.id).await, before);
    let narrower = json!({
        "address_ranges": ["10.9.8.0/24"], "calls_per_minute": 59, "policies": [], "description": "kept short",
    });
    let answer = edit(gateway, &organization, &token.id, &narrower)
        .send()
        .await;
    let told = answer.json(200);
    let after = organization.token(gateway, &token.id).await;
    for (member, value) in narrower.as_object().expect("an object") {
        assert_eq!(&told[member], value, "{member}");
        assert_eq!(&after[member], value, "{member}");
    }
}

async fn r53_a_renamed_token_is_found_by_its_new_name(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, token) = minted(suite, &json!({ "name": "former-name" })).await;
    let body = json!({ "name": "later-name" });
    edit(gateway, &organization, &token.id, &body)
        .send()
        .await
        .json(200);
    for (query, found) in [("q=later", 1), ("q=former", 0)] {
        let rows = organization.tokens(gateway, query).await;
        assert_eq!(rows.len(), found, "{query}");
    }
    // The audit log knows it by both, and says what it was called.
    for name in ["former-name", "later-name"] {
        let query = format!("token={name}&action=token.edit");
        let events = audit::events(gateway, &organization, &query).await;
        assert_eq!(events.len(), 1, "{name}");
        assert_eq!(events[0]["changes"]["name.before"], "former-name", "{name}");
    }
    // Its former name is free.
    organization
        .mint(gateway, &json!({ "name": "former-name" }))
        .await;
    let taken = json!({ "name": "former-name" });
    let answer = edit(gateway, &organization, &token.id, &taken).send().await;
    answer.problem(409, "name_taken");
}

async fn r53_what_an_edit_has_made_outlives_the_gateway(suite: &Suite) {
    let serve = suite.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let token = organization.mint(&gateway, &json!({})).await;
    let body = json!({ "address_ranges": ["10.9.8.0/24"] });
    edit(&gateway, &organization, &token.id, &body)
        .send()
        .await
        .json(200);
    gateway.stop();
    let gateway = serve.start().await;
    assert_eq!(attests(&gateway, 0, &token.token, ELSEWHERE).await, 7);
    assert_eq!(attests(&gateway, 0, &token.token, HERE).await, 0);
    gateway.stop();
}
