//! What the origin gets: the credential, the address, the trace; and what it answers.

use postern_origin::sha256_hex;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, CANCEL, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_address, random_id};
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::{assert_run_open, authorization_sha256};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        the_origin_gets_the_credential_as_it_was_written,
        the_origin_sees_the_platforms_address_and_nothing_forged,
        without_the_platforms_address_the_origin_gets_none,
        a_trace_is_continued_and_a_broken_one_begins_anew,
        refusals_of_the_origin_pass_as_they_are,
        the_administrator_key_attests_nothing,
    ]
}

async fn the_origin_gets_the_credential_as_it_was_written(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    for written in [
        format!("Bearer {}", token.token),
        format!("bearer {}", token.token),
        format!("BEARER  {}", token.token),
    ] {
        suite.origin.reset().await;
        let body = rpc::frame(0, &rpc::names(SHOP, RELEASE));
        let call = rpc::anonymous(&suite.gateway, 0, FIND_OR_CREATE, body)
            .header("authorization", &written);
        call.send().await.accepted();
        let calls = suite.origin.calls().await;
        assert_eq!(
            calls[0]["headers"]["authorization_sha256"],
            json!([sha256_hex(written.as_bytes())])
        );
    }
}

/// Every header by which a caller could pose as somebody else, each with a value that must not arrive anywhere.
const SPOOFS: [&str; 28] = [
    "cf-connecting-ipv6",
    "cf-ew-via",
    "cf-ipcountry",
    "cf-pseudo-ipv4",
    "cf-ray",
    "cf-visitor",
    "cf-worker",
    "cookie",
    "fastly-client-ip",
    "forwarded",
    "keep-alive",
    "postern-assertion",
    "postern-organization",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
];

async fn the_origin_sees_the_platforms_address_and_nothing_forged(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let address = random_address();
    let message = rpc::names(SHOP, RELEASE);
    let plain = rpc::call(&suite.gateway, FIND_OR_CREATE, &token.token, &message)
        .without("cf-connecting-ip");
    let mut call = plain
        .from(&address)
        .header("x-harmless", "passes")
        .header("te", "forged");
    for name in SPOOFS {
        call = call.header(name, "forged, 6.6.6.6");
    }
    call = call
        .header("connection", "x-nominated, authorization")
        .header("x-nominated", "forged");
    suite.origin.reset().await;
    let answer = call.send().await;
    answer.accepted();

    let calls = suite.origin.calls().await;
    assert_eq!(calls.len(), 1);
    let headers = calls[0]["headers"].as_object().expect("headers");
    assert_eq!(headers["x-forwarded-for"], json!([address]));
    assert_eq!(headers["x-harmless"], json!(["passes"]));
    assert_eq!(
        headers["authorization_sha256"],
        json!([authorization_sha256(&token)]),
        "`Connection` cannot remove it"
    );
    assert_eq!(
        headers["x-request-id"],
        json!([answer.header("x-request-id").expect("a request id")])
    );
    let text = Value::Object(headers.clone()).to_string();
    assert!(
        !text.contains("forged") && !text.contains("6.6.6.6"),
        "this arrived: {headers:#?}"
    );
    for name in [
        "cf-connecting-ip",
        "cookie",
        "forwarded",
        "x-real-ip",
        "te",
        "expect",
        "upgrade",
        "x-nominated",
    ] {
        assert!(
            !headers.contains_key(name),
            "`{name}` arrived: {headers:#?}"
        );
    }
}

async fn without_the_platforms_address_the_origin_gets_none(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "jwt")
        .await;
    let message = rpc::names(SHOP, RELEASE);
    for address in [None, Some("6.6.6.6, 7.7.7.7"), Some("nonsense")] {
        let call = rpc::call(&suite.gateway, FIND_OR_CREATE, &token.token, &message);
        let mut call = call
            .without("cf-connecting-ip")
            .header("x-forwarded-for", "6.6.6.6");
        if let Some(address) = address {
            call = call.from(address);
        }
        suite.origin.reset().await;
        call.send().await.accepted();
        let calls = suite.origin.calls().await;
        assert_eq!(
            calls[0]["headers"].get("x-forwarded-for"),
            None,
            "{address:?}"
        );
    }
}

async fn a_trace_is_continued_and_a_broken_one_begins_anew(suite: &Suite) {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "jwt")
        .await;
    let message = rpc::names(SHOP, RELEASE);
    let arrived = async |traceparent: Option<&str>| -> (Vec<String>, Value) {
        let mut call = rpc::call(&suite.gateway, FIND_OR_CREATE, &token.token, &message);
        if let Some(traceparent) = traceparent {
            call = call
                .header("traceparent", traceparent)
                .header("tracestate", "a=b");
        }
        suite.origin.reset().await;
        call.send().await.accepted();
        let calls = suite.origin.calls().await;
        let header = calls[0]["headers"]["traceparent"][0]
            .as_str()
            .expect("a traceparent")
            .to_owned();
        (
            header.split('-').map(str::to_owned).collect(),
            calls[0]["headers"]["tracestate"].clone(),
        )
    };

    let (parts, state) = arrived(Some(&format!("00-{TRACE}-00f067aa0ba902b7-01"))).await;
    assert_eq!(
        (parts[0].as_str(), parts[1].as_str(), parts[3].as_str()),
        ("00", TRACE, "01")
    );
    assert_ne!(
        parts[2], "00f067aa0ba902b7",
        "under a parent id of the gate's own"
    );
    assert_eq!(state, json!(["a=b"]));

    for broken in [
        None,
        Some("00-xyz"),
        Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
    ] {
        let (parts, state) = arrived(broken).await;
        assert_eq!(
            parts.iter().map(String::len).collect::<Vec<_>>(),
            [2, 32, 16, 2],
            "{parts:?}"
        );
        assert!(
            parts[1] != TRACE && parts[1].bytes().any(|digit| digit != b'0'),
            "{parts:?}"
        );
        assert_eq!(
            state,
            Value::Null,
            "the state of a trace that was not taken over"
        );
    }
}

async fn refusals_of_the_origin_pass_as_they_are(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
    let message = rpc::store(&run, b"not a bundle").encode_to_vec();
    let (ending, _) = rpc::call(&suite.gateway, STORE, &token.token, &message)
        .send()
        .await
        .ending();
    assert_eq!(ending.code, 3);
    assert!(
        ending
            .message
            .starts_with("attestation_bundle: not a JSON object"),
        "{ending:?}"
    );
    assert_run_open(suite, &run).await;

    let cancel = rpc::cancel(&run).encode_to_vec();
    rpc::call(&suite.gateway, CANCEL, &token.token, &cancel)
        .send()
        .await
        .accepted();
    let (ending, _) = rpc::call(&suite.gateway, CANCEL, &token.token, &cancel)
        .send()
        .await
        .ending();
    assert_eq!(ending.code, 9);
    assert!(
        ending.message.starts_with("workflow run has ended already"),
        "{ending:?}"
    );
}

async fn the_administrator_key_attests_nothing(suite: &Suite) {
    suite.origin.reset().await;
    let calls = [
        (FIND_OR_CREATE, rpc::names(SHOP, RELEASE)),
        (INIT, rpc::names(SHOP, RELEASE)),
        (STORE, rpc::store(&random_id(), b"{}").encode_to_vec()),
        (CANCEL, rpc::cancel(&random_id()).encode_to_vec()),
    ];
    for (path, message) in calls {
        let answer = rpc::call(&suite.gateway, path, &suite.keys.admin, &message)
            .send()
            .await;
        answer.refused(7, "operation not allowed");
    }
    suite.origin.assert_untouched("the administrator key").await;
}
