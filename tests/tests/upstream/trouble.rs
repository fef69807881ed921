//! When the origin refuses a credential, and when no key opens it.

use postern_origin::sha256_hex;
use postern_system_tests::cases;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::organization::{Organization, RELEASE};
use postern_system_tests::runner::Case;
use postern_system_tests::scripted::Scripted;
use postern_system_tests::suite::Suite;
use serde_json::json;

use crate::support::{find, path, seen, sent, set, text};

const REFUSED: &str = "the origin refused the gateway's credential: tell an administrator, who can set another with `PUT /org/upstream`";

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r42_a_refusal_of_the_credential_is_the_gateways_trouble,
        r42_another_root_key_opens_nothing,
    ]
}

/// A gateway in front of an origin that answers as it is told.
async fn in_front_of_a_script(suite: &Suite) -> (Scripted, Gateway) {
    let origin = Scripted::start().await;
    let serve = Serve::new(&origin.url, &suite.keys).set("ORIGIN_AUTH", "upstream");
    let gateway = serve.start().await;
    (origin, gateway)
}

async fn r42_a_refusal_of_the_credential_is_the_gateways_trouble(suite: &Suite) {
    let (origin, gateway) = in_front_of_a_script(suite).await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let token = organization.mint(&gateway, &json!({})).await;
    let stored = text();
    let body = json!({ "credential": stored });
    set(&gateway, &organization, &path(None, None), &body).await;
    let call = async || find(&gateway, 0, &token, RELEASE).await;
    let ready = async || gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(ready().await["upstream_credentials"], "unused");

    let echo = format!("no such {stored}");
    let web = ("content-type", "application/grpc-web+proto");
    origin.answer(
        "200 OK",
        &[web, ("grpc-status", "3"), ("grpc-message", &echo)],
        b"",
    );
    call().await.refused(3, "no such [credential]");
    assert_eq!(ready().await["upstream_credentials"], "accepted");

    let refusals: [(&str, Vec<(&str, &str)>); 2] = [
        (
            "200 OK",
            vec![web, ("grpc-status", "16"), ("grpc-message", &echo)],
        ),
        ("401 Unauthorized", vec![]),
    ];
    for (status, headers) in refusals {
        origin.answer(status, &headers, b"");
        let answer = call().await;
        answer.refused(14, REFUSED);
        let id = answer.header("x-request-id").expect("an id").to_owned();
        let line = gateway.log_line(&id).await;
        assert_eq!(line["outcome"], "upstream_refused");
        let cause = line["cause"].as_str().expect("a cause");
        assert!(
            cause.contains(&sha256_hex(stored.as_bytes())[..16]),
            "{cause}"
        );
        assert!(!gateway.serve().log().contains(&stored));
    }
    assert_eq!(ready().await["upstream_credentials"], "refused");
    gateway.stop();
}

/// What an absent key has sealed is a trouble of the configuration; one that is behind the first opens.
async fn r42_another_root_key_opens_nothing(suite: &Suite) {
    let key = |name: &str, letter: &str| format!("{name}:{}", letter.repeat(42) + "A");
    let (first, second) = (key("r1", "B"), key("r2", "C"));
    let serve = suite.serve().set("ORIGIN_AUTH", "upstream");
    let serve = serve.set("ROOT_KEYS", &first);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let token = organization
        .mint(&gateway, &json!({ "format": "jwt" }))
        .await;
    let stored = text();
    let body = json!({ "credential": stored });
    set(&gateway, &organization, &path(None, None), &body).await;
    find(&gateway, 0, &token, RELEASE).await.accepted();
    gateway.stop();

    let gateway = serve.clone().set("ROOT_KEYS", &second).start().await;
    suite.origin.reset().await;
    let answer = find(&gateway, 0, &token, RELEASE).await;
    answer.refused(
        14,
        "a dependency of this answer is not available: try again",
    );
    let id = answer.header("x-request-id").expect("an id").to_owned();
    let line = gateway.log_line(&id).await;
    let cause = line["cause"].as_str().expect("a cause");
    assert!(
        cause.contains("`r1`") && cause.contains("ROOT_KEYS"),
        "{cause}"
    );
    suite.origin.assert_untouched("nothing was opened").await;
    gateway.stop();

    let both = format!("{second},{first}");
    let gateway = serve.clone().set("ROOT_KEYS", &both).start().await;
    suite.origin.reset().await;
    find(&gateway, 0, &token, RELEASE).await.accepted();
    assert_eq!(seen(suite).await, [sent(&stored)]);
    gateway.stop();
}
