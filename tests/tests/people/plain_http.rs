//! The plane's plain HTTP through the gateway: signing in as a browser does, artifacts, metrics.

use postern_origin::client::{Endpoint, Wire};
use postern_origin::sha256_hex;
use postern_origin::strict::Role;
use postern_system_tests::cases;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::Organization;
use postern_system_tests::random_id;
use postern_system_tests::runner::Case;
use serde_json::json;

use crate::support::{MEMBERSHIPS, Plane, asks};

pub fn cases() -> Vec<Case<Plane>> {
    cases![
        r44_signing_in_through_the_gateway_gives_a_token_that_passes,
        r44_metrics_ask_the_ledger_first,
        r44_artifacts_are_downloaded_by_people,
        r44_the_description_is_open,
    ]
}

/// As a browser or `chainloop auth login` does it: the cookies of each answer go with the next request.
async fn r44_signing_in_through_the_gateway_gives_a_token_that_passes(plane: &Plane) {
    let organization = plane.organization().await;
    let email = format!("{}@example.com", random_id());
    let known = plane.strict.user(&organization.name, &email, Role::Owner);
    let id = known.expect("a user").id;
    let back = "http://localhost:7000/cli";
    let begin = format!("/auth/login?callback={back}&long-lived=true&email={email}");
    let answer = plane.gateway.call("GET", &begin).send().await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    let mut cookies = Vec::new();
    for cookie in answer.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().expect("text");
        let (pair, reach) = cookie.split_once("; ").expect("attributes");
        assert_eq!(reach, "Path=/auth; Max-Age=600; HttpOnly; SameSite=Lax");
        cookies.push(pair.to_owned());
    }
    let names: Vec<_> = cookies
        .iter()
        .filter_map(|pair| pair.split('=').next())
        .collect();
    assert_eq!(names, ["oauthState", "oauthCallback", "longLived"]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    // The identity provider, which the sample leaves out, sends the browser back here.
    let on = answer.header("location").expect("a way on").to_owned();
    assert!(on.starts_with("/auth/callback?"), "{on}");
    let without = plane.gateway.call("GET", &on).send().await;
    assert_eq!(without.status, 401, "{}", without.text());
    cookies.push("session=of-the-gateways-own".to_owned());
    let with = plane
        .gateway
        .call("GET", &on)
        .header("cookie", &cookies.join("; "));
    let answer = with.send().await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    let on = answer.header("location").expect("a way on");
    let token = on.strip_prefix(&format!("{back}?t=")).expect("a token");
    asks(&plane.gateway, MEMBERSHIPS, token).await.accepted();
    let line = plane
        .gateway
        .log_line(answer.header("x-request-id").expect("an id"))
        .await;
    assert!(!line.to_string().contains(token) && !line.to_string().contains(&id.to_string()));
    assert!(!plane.gateway.serve().log().contains(token));

    let evil = "/auth/login?callback=https://evil.example/";
    let answer = plane.gateway.call("GET", evil).send().await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

async fn r44_metrics_ask_the_ledger_first(plane: &Plane) {
    let (own, other) = (plane.organization().await, plane.organization().await);
    for one in [&own, &other] {
        plane.strict.with_metrics(&one.name).expect("known");
    }
    let wide = own.mint(&plane.gateway, &json!({ "format": "jwt" })).await;
    let narrow = own.mint_for_release(&plane.gateway, "opaque").await;
    let path = |of: &Organization| format!("/prom/{}/metrics", of.name);
    let read = async |of: &Organization, credential: &str| {
        let call = plane.gateway.call("GET", &path(of));
        call.from("10.9.8.7").bearer(credential).send().await
    };
    let answer = read(&own, &wide.token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().starts_with("# TYPE sample_runs_total"));
    read(&other, &wide.token)
        .await
        .problem(403, "other_organization");
    read(&own, &narrow.token)
        .await
        .problem(403, "operation_not_allowed");
    own.revoke(&plane.gateway, &wide.id).await;
    read(&own, &wide.token)
        .await
        .problem(401, "credential_refused");
    // The plane itself reads no organization in a user token.
    let owner = plane.owner(&own.name);
    assert_eq!(read(&own, &owner.jwt).await.status, 400);
}

async fn r44_artifacts_are_downloaded_by_people(plane: &Plane) {
    let organization = plane.organization().await;
    let owner = plane.owner(&organization.name);
    let url = plane.gateway.url(0);
    let endpoint = Endpoint::web(&url, &owner.jwt, Wire::Binary);
    let mut sequence = plane.sequence(endpoint.expect("an address"));
    let stored = async {
        sequence.init().await?;
        sequence.add().await?;
        sequence.push().await
    };
    assert!(stored.await.is_ok(), "{}", sequence.transcript());
    let content = b"what was released";
    let path = format!("/download/sha256:{}", sha256_hex(content));
    let answer = get(plane, &path, &owner.jwt).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    let to = answer.header("location").expect("the store");
    assert!(
        to.starts_with(&format!("{}/download/", plane.store())),
        "{to}"
    );
    let artifact = Call::new(&plane.gateway.http, "GET", to).send().await;
    assert_eq!(
        (artifact.status, artifact.body.as_ref()),
        (200, &content[..])
    );

    // A token is asked about first, and the plane refuses it: there downloads are for people.
    let wide = organization
        .mint(&plane.gateway, &json!({ "format": "jwt" }))
        .await;
    let answer = get(plane, &path, &wide.token).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_ne!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    organization.revoke(&plane.gateway, &wide.id).await;
    get(plane, &path, &wide.token)
        .await
        .problem(401, "credential_refused");
    let bare = plane.gateway.call("GET", &path).send().await;
    bare.problem(401, "credential_missing");
    let shown = plane
        .gateway
        .call("GET", &format!("{path}?t={}", owner.jwt));
    shown
        .bearer(&owner.jwt)
        .send()
        .await
        .problem(400, "query_invalid");
    let odd = plane
        .gateway
        .call("GET", "/download/sha256:00")
        .bearer(&owner.jwt);
    odd.send().await.problem(404, "not_found");
}

async fn get(plane: &Plane, path: &str, credential: &str) -> Answer {
    let call = plane.gateway.call("GET", path).from("10.9.8.7");
    call.bearer(credential).send().await
}

async fn r44_the_description_is_open(plane: &Plane) {
    let answer = plane.gateway.call("GET", "/openapi.yaml").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().starts_with("openapi: 3"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("sandbox;"), "{policy}");
}
