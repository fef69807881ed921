//! Who sets credentials, what is refused, and where their text is not.

use postern_system_tests::cases;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{clear, path, set, text};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r42_who_manages_credentials_and_what_is_refused,
        r42_the_text_is_in_no_store_log_answer_or_event,
        r42_an_explanation_tells_which_would_be_sent,
    ]
}

async fn r42_who_manages_credentials_and_what_is_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let gateway = &suite.gateway;
    let manager = ["upstream_credential:update", "upstream_credential:read"];
    let manager = organization
        .mint(gateway, &json!({ "policies": manager }))
        .await;
    let plain = organization.mint(gateway, &json!({})).await;
    let body = json!({ "project": SHOP, "policies": ["upstream_credential:*"] });
    let narrow = organization.mint(gateway, &body).await;
    let body = json!({ "credential": text() });
    let place = path(None, None);
    for (token, allowed) in [(&manager, true), (&plain, false), (&narrow, false)] {
        let call = |method| organization.call_as(gateway, token, method, &place);
        for call in [call("PUT").json(&body), call("GET"), call("DELETE")] {
            let answer = call.send().await;
            match allowed {
                true => assert!(matches!(answer.status, 200 | 204), "{}", answer.text()),
                false => drop(answer.problem(403, "operation_not_allowed")),
            }
        }
    }
    // A token that was revoked sets nothing any more.
    organization.revoke(gateway, &manager.id).await;
    let call = organization.call_as(gateway, &manager, "PUT", &place);
    assert_eq!(call.json(&body).send().await.status, 401);

    let rows = [
        (json!({ "credential": "" }), 400, "credential_invalid"),
        (json!({ "credential": "a b" }), 400, "credential_invalid"),
        (
            json!({ "credential": "a\r\nx: y" }),
            400,
            "credential_invalid",
        ),
        (
            json!({ "credential": "x".repeat(8_193) }),
            400,
            "credential_invalid",
        ),
        (
            json!({ "credential": "x".repeat(100_000) }),
            413,
            "body_too_large",
        ),
        (
            json!({ "credential": "a", "keep_replaced_seconds": 86_401 }),
            400,
            "keep_replaced_seconds_invalid",
        ),
        (json!({}), 400, "body_invalid"),
    ];
    for (body, status, code) in rows {
        let call = organization.call(gateway, "PUT", &place).json(&body);
        call.send().await.problem(status, code);
    }
    let answer = organization.call(gateway, "GET", &place).send().await;
    answer.problem(404, "upstream_not_set");
    let nowhere = path(Some("nowhere"), None);
    let answer = organization.call(gateway, "GET", &nowhere).send().await;
    answer.problem(404, "not_found");
    let whole = json!({ "credential": "x".repeat(8_192) });
    set(gateway, &organization, &place, &whole).await;
}

async fn r42_the_text_is_in_no_store_log_answer_or_event(suite: &Suite) {
    let organization = suite.organization().await;
    let gateway = &suite.gateway;
    let token = organization.mint_for_release(gateway, "opaque").await;
    let stored = text();
    let place = path(Some(SHOP), Some(RELEASE));
    let body = json!({ "credential": stored });
    let answer = set(gateway, &organization, &place, &body).await;
    assert!(!answer.to_string().contains(&stored));
    let read = organization
        .call(gateway, "GET", &place)
        .send()
        .await
        .json(200);
    assert_eq!(read, answer);
    rpc::begin(gateway, &token.token, SHOP, RELEASE).await;
    clear(gateway, &organization, &place).await;

    let events = organization.all(gateway, "/org/audit", "", "events").await;
    let told: Vec<&Value> = events
        .iter()
        .filter(|event| event["target"] == "workflow:shop/release")
        .filter(|event| {
            event["action"]
                .as_str()
                .is_some_and(|name| name.starts_with("upstream."))
        })
        .collect();
    let actions: Vec<&Value> = told.iter().map(|event| &event["action"]).collect();
    assert_eq!(actions, ["upstream.clear", "upstream.set"]);
    for event in told {
        assert_eq!(event["changes"]["digest"], answer["digest"]);
        assert_eq!(event["actor"], "admin-token");
    }
    assert!(!json!(events).to_string().contains(&stored));
    assert!(!gateway.serve().log().contains(&stored));
    let holding = gateway.serve().holding(&stored);
    assert!(holding.is_empty(), "{holding:?} hold the text");
}

async fn r42_an_explanation_tells_which_would_be_sent(suite: &Suite) {
    let organization = suite.organization().await;
    let gateway = &suite.gateway;
    let token = organization.mint_for_release(gateway, "jwt").await;
    let question =
        json!({ "operation": "AttestationService/Init", "project": SHOP, "workflow": RELEASE });
    let ask = async || {
        let call = gateway.call("POST", "/explain").bearer(&token.token);
        call.json(&question).send().await.json(200)
    };
    let told = ask().await;
    assert_eq!(told["allowed"], false);
    assert_eq!(told["refusal"]["code"], "upstream_missing");
    let place = path(Some(SHOP), None);
    let set = set(
        gateway,
        &organization,
        &place,
        &json!({ "credential": text() }),
    )
    .await;
    let told = ask().await;
    assert_eq!(told["allowed"], true);
    assert_eq!(
        told["upstream"],
        json!({ "digest": set["digest"], "scope": { "project": SHOP } })
    );
}
