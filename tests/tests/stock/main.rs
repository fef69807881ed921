//! In front of a control plane that believes only tokens which it made itself (R42): what is created here attests there,
//! with the calls of the stock command line, and nothing is adopted.

mod artifacts;
mod support;

use std::process::ExitCode;

use postern_origin::client::{Endpoint, Wire};
use postern_system_tests::organization::Organization;
use postern_system_tests::program::Postern;
use postern_system_tests::{cases, runner};
use serde_json::json;

use crate::support::{ORGANIZATIONS_OWN, Plane};

fn main() -> ExitCode {
    runner::run(
        Plane::start(),
        [
            cases![
                r42_a_token_created_here_attests_there_over_grpc_web,
                r42_a_token_created_here_attests_there_through_the_bridge,
                r42_an_attestation_keeps_its_state_when_the_credential_is_replaced,
                r42_a_credential_that_ends_there_is_the_gateways_trouble,
                r42_without_the_credential_the_control_plane_refuses_what_is_created_here,
            ],
            artifacts::cases(),
        ]
        .into_iter()
        .flatten(),
    )
}

async fn r42_a_token_created_here_attests_there_over_grpc_web(plane: &Plane) {
    let organization = plane.organization().await;
    let token = organization
        .mint_for_release(&plane.gateway, "opaque")
        .await;
    for wire in [Wire::Binary, Wire::Text] {
        let url = plane.gateway.url(0);
        let endpoint = Endpoint::web(&url, &token.token, wire).expect("an address");
        attests(plane, &organization, endpoint).await;
    }
    revoked(plane, &organization, &token.id, &token.token).await;
}

async fn r42_a_token_created_here_attests_there_through_the_bridge(plane: &Plane) {
    let organization = plane.organization().await;
    let token = organization
        .mint_for_release(&plane.gateway, "opaque")
        .await;
    let postern = Postern::new(&[("POSTERN_URL", &plane.gateway.url(0))]);
    let bridge = postern.bridge().await;
    let endpoint = Endpoint::native(&bridge.url, &token.token).expect("an address");
    attests(plane, &organization, endpoint).await;
    revoked(plane, &organization, &token.id, &token.token).await;
}

/// Every call of the command line, with the state kept at the server and a file in the artifact store.
async fn attests(plane: &Plane, organization: &Organization, endpoint: Endpoint) {
    let credential = plane.credential(&organization.name);
    plane
        .set(organization, ORGANIZATIONS_OWN, &credential.jwt)
        .await;
    let mut sequence = plane.sequence(endpoint);
    let ended = async {
        sequence.init().await?;
        sequence.add().await?;
        sequence.status().await?;
        sequence.push().await
    };
    let ended = ended.await;
    println!("{}", sequence.transcript());
    assert!(ended.is_ok(), "{}", sequence.transcript());
    // Nothing that is kept or told has the text.
    let signature = credential.jwt.rsplit('.').next().expect("a signature");
    let holding = plane.gateway.serve().holding(signature);
    assert!(holding.is_empty(), "{holding:?} hold the credential");
    assert!(!plane.gateway.serve().log().contains(signature));
}

/// The end of a token here is the end of its attestations, although the credential lives.
async fn revoked(plane: &Plane, organization: &Organization, id: &str, token: &str) {
    organization.revoke(&plane.gateway, id).await;
    let url = plane.gateway.url(0);
    let endpoint = Endpoint::web(&url, token, Wire::Binary).expect("an address");
    let mut sequence = plane.sequence(endpoint);
    assert!(sequence.init().await.is_err(), "{}", sequence.transcript());
    let told = sequence.transcript().to_string();
    assert!(told.contains("UNAUTHENTICATED"), "{told}");
}

async fn r42_an_attestation_keeps_its_state_when_the_credential_is_replaced(plane: &Plane) {
    let organization = plane.organization().await;
    let token = organization
        .mint_for_release(&plane.gateway, "opaque")
        .await;
    let first = plane.credential(&organization.name);
    plane
        .set(&organization, ORGANIZATIONS_OWN, &first.jwt)
        .await;
    let url = plane.gateway.url(0);
    let endpoint = Endpoint::web(&url, &token.token, Wire::Binary).expect("an address");
    let mut sequence = plane.sequence(endpoint);
    assert!(sequence.init().await.is_ok(), "{}", sequence.transcript());

    let second = plane.credential(&organization.name);
    plane
        .set(&organization, ORGANIZATIONS_OWN, &second.jwt)
        .await;
    assert!(sequence.add().await.is_ok(), "{}", sequence.transcript());

    // Without the first one its state is a text that nobody reads.
    let body = json!({ "credential": second.jwt, "keep_replaced_seconds": 0 });
    let call = organization.call(&plane.gateway, "PUT", ORGANIZATIONS_OWN);
    call.json(&body).send().await.json(200);
    assert!(
        sequence.status().await.is_err(),
        "{}",
        sequence.transcript()
    );
    println!("{}", sequence.transcript());
}

async fn r42_a_credential_that_ends_there_is_the_gateways_trouble(plane: &Plane) {
    let organization = plane.organization().await;
    let token = organization
        .mint_for_release(&plane.gateway, "opaque")
        .await;
    let credential = plane.credential(&organization.name);
    plane
        .set(&organization, ORGANIZATIONS_OWN, &credential.jwt)
        .await;
    plane.strict.revoke(credential.id).expect("revoked");
    let url = plane.gateway.url(0);
    let endpoint = Endpoint::web(&url, &token.token, Wire::Binary).expect("an address");
    let mut sequence = plane.sequence(endpoint);
    assert!(sequence.init().await.is_err(), "{}", sequence.transcript());
    let told = sequence.transcript().to_string();
    assert!(told.contains("UNAVAILABLE"), "{told}");
    let ready = plane.gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(ready["upstream_credentials"], "refused", "{ready}");
}

async fn r42_without_the_credential_the_control_plane_refuses_what_is_created_here(plane: &Plane) {
    let organization = plane.organization().await;
    let token = organization
        .mint_for_release(&plane.gateway, "opaque")
        .await;
    let endpoint = Endpoint::web(&plane.origin.url, &token.token, Wire::Binary);
    let mut sequence = plane.sequence(endpoint.expect("an address"));
    assert!(sequence.init().await.is_err(), "{}", sequence.transcript());
    let told = sequence.transcript().to_string();
    assert!(told.contains("UNAUTHENTICATED"), "{told}");
}
