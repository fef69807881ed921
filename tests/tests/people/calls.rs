//! RPCs of people: those that only they make, those of an attestation, and what is refused.

use postern_origin::client::{Endpoint, Wire};
use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::program::Postern;
use postern_system_tests::rpc::{self, BINARY};
use postern_system_tests::runner::Case;
use serde_json::{Value, json};

use crate::support::{MEMBERSHIPS, Plane, asks, signed};

pub fn cases() -> Vec<Case<Plane>> {
    cases![
        r44_people_make_the_calls_that_only_people_make,
        r44_people_attest_over_grpc_web_and_through_the_bridge,
        r44_a_token_created_here_attests_beside_them,
        r44_user_tokens_that_are_none_reach_nobody,
        r44_user_tokens_manage_nothing,
        r44_where_people_do_not_pass_they_are_told,
        r44_nothing_reaches_the_plane_past_the_gateway,
    ]
}

async fn r44_people_make_the_calls_that_only_people_make(plane: &Plane) {
    let organization = plane.organization().await;
    let owner = plane.owner(&organization.name);
    let answer = asks(&plane.gateway, MEMBERSHIPS, &owner.jwt).await;
    let message = answer.accepted();
    let said = String::from_utf8_lossy(&message);
    assert!(said.contains(&organization.name), "{said}");
    let id = answer.header("x-request-id").expect("an id");
    let line = plane.gateway.log_line(id).await;
    assert_eq!(line["tier"], "person", "{line}");
    assert_eq!(line["user_id"], owner.id.to_string(), "{line}");
    assert_eq!(line["outcome"], "ok", "{line}");
    assert_eq!(line.get("token_id"), None, "{line}");
    // Nothing that is kept or told has the token.
    let signature = owner.jwt.rsplit('.').next().expect("a signature");
    assert!(!plane.gateway.serve().log().contains(signature));
    let holding = plane.gateway.serve().holding(signature);
    assert!(holding.is_empty(), "{holding:?} hold the token");
    // A token of the organization, of the plane's own, adopted or not, makes no such call.
    let token = organization
        .mint_for_release(&plane.gateway, "opaque")
        .await;
    let refused = asks(&plane.gateway, MEMBERSHIPS, &token.token).await;
    refused.refused(7, "operation not allowed");
}

async fn r44_people_attest_over_grpc_web_and_through_the_bridge(plane: &Plane) {
    let organization = plane.organization().await;
    let owner = plane.owner(&organization.name);
    let url = plane.gateway.url(0);
    let postern = Postern::new(&[("POSTERN_URL", &url)]);
    let bridge = postern.bridge().await;
    let endpoints = [
        Endpoint::web(&url, &owner.jwt, Wire::Binary),
        Endpoint::web(&url, &owner.jwt, Wire::Text),
        Endpoint::native(&bridge.url, &owner.jwt),
    ];
    for endpoint in endpoints {
        attests(plane, endpoint.expect("an address")).await;
    }
}

async fn r44_a_token_created_here_attests_beside_them(plane: &Plane) {
    let organization = plane.organization().await;
    let token = organization
        .mint_for_release(&plane.gateway, "opaque")
        .await;
    let url = plane.gateway.url(0);
    let endpoint = Endpoint::web(&url, &token.token, Wire::Binary);
    attests(plane, endpoint.expect("an address")).await;
}

async fn attests(plane: &Plane, endpoint: Endpoint) {
    let mut sequence = plane.sequence(endpoint);
    let ended = async {
        sequence.init().await?;
        sequence.add().await?;
        sequence.status().await?;
        sequence.push().await
    };
    let ended = ended.await;
    assert!(ended.is_ok(), "{}", sequence.transcript());
}

async fn r44_user_tokens_that_are_none_reach_nobody(plane: &Plane) {
    let organization = plane.organization().await;
    let owner = plane.owner(&organization.name);
    let good = forge::part(&owner.jwt, 1);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        signed(plane, &claims)
    };
    let mut endless = good.clone();
    endless.as_object_mut().expect("an object").remove("exp");
    let both = json!(["api-token-auth.chainloop", "user-auth.chainloop"]);
    let head = json!({ "alg": "HS256", "typ": "JWT" });
    let stale = forge::jwt(&head, &good.to_string(), &plane.keys.k0);
    let refused = "the credential was refused";
    let rows = [
        ("an API audience beside it", with("aud", both), refused),
        (
            "an id of a token",
            with("jti", good["user_id"].clone()),
            refused,
        ),
        ("no expiry", signed(plane, &endless), refused),
        ("expired", with("exp", json!(1)), "JWT token has expired"),
        ("another key", stale, "Fail to parse JWT token "),
    ];
    plane.origin.reset().await;
    for (what, token, message) in rows {
        println!("{what}");
        let answer = asks(&plane.gateway, MEMBERSHIPS, &token).await;
        answer.refused(16, message);
    }
    let paths = plane.origin.paths().await;
    assert!(!paths.contains(&MEMBERSHIPS.to_owned()), "{paths:?}");
}

async fn r44_user_tokens_manage_nothing(plane: &Plane) {
    let organization = plane.organization().await;
    let owner = plane.owner(&organization.name);
    for (method, path) in [
        ("GET", "/org/tokens"),
        ("GET", "/org/audit"),
        ("PUT", "/org/upstream"),
        ("GET", "/orgs"),
    ] {
        let call = plane.gateway.call(method, path).bearer(&owner.jwt);
        let call = call.organization(&organization.name).json(&json!({}));
        call.send().await.problem(403, "person_manages");
    }
    let body = json!({ "token": owner.jwt });
    let adopting = organization.call(&plane.gateway, "POST", "/org/tokens/adopt");
    let answer = adopting.json(&body).send().await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

async fn r44_where_people_do_not_pass_they_are_told(plane: &Plane) {
    let organization = plane.organization().await;
    let owner = plane.owner(&organization.name);
    let answer = asks(&plane.closed, MEMBERSHIPS, &owner.jwt).await;
    answer.refused(
        7,
        "user tokens do not pass here: send a token of the gateway, or have an operator set `PEOPLE` to `pass`",
    );
    let call = plane.closed.call("GET", "/org/tokens").bearer(&owner.jwt);
    call.send().await.problem(403, "people_denied");
    for path in ["/auth/login", "/openapi.yaml", "/prom/x/metrics"] {
        let answer = plane.closed.call("GET", path).send().await;
        answer.problem(404, "not_found");
    }
}

async fn r44_nothing_reaches_the_plane_past_the_gateway(plane: &Plane) {
    let organization = plane.organization().await;
    let owner = plane.owner(&organization.name);
    let token = plane.api_token(&organization.name);
    plane.origin.reset().await;
    for credential in [&owner.jwt, &token.jwt] {
        let call = plane.past("POST", MEMBERSHIPS).bearer(credential);
        let call = call.header("content-type", BINARY);
        let answer = call.body(rpc::frame(0, b"")).send().await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (403, "no service token\n")
        );
        for path in ["/infoz", "/auth/login", "/openapi.yaml", "/prom/x/metrics"] {
            let answer = plane.past("GET", path).bearer(credential).send().await;
            assert_eq!(answer.status, 403, "{path}");
        }
    }
    let endpoint = Endpoint::web(&plane.origin.url, &owner.jwt, Wire::Binary);
    let mut sequence = plane.sequence(endpoint.expect("an address"));
    assert!(sequence.init().await.is_err(), "{}", sequence.transcript());
    let native = Endpoint::native(&plane.origin.url, &owner.jwt);
    let mut sequence = plane.sequence(native.expect("an address"));
    assert!(sequence.init().await.is_err(), "{}", sequence.transcript());
}
