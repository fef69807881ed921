//! What goes to the origin: which credential, since when, and nothing without one.

use postern_origin::sha256_hex;
use postern_system_tests::organization::{OTHER, RELEASE, SHOP};
use postern_system_tests::rpc::{self, INIT};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::{
    ISOLATES, MISSING, UNAVAILABLE, clear, find, path, seen, sent, set, set_one, store, text,
};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r42_tokens_created_here_attest_with_the_stored_credential,
        r42_without_a_credential_nothing_reaches_the_origin,
        r42_the_narrowest_credential_is_sent,
        r42_a_change_is_final_when_it_has_answered,
        r42_a_run_keeps_the_credential_that_it_began_under,
    ]
}

async fn r42_tokens_created_here_attest_with_the_stored_credential(suite: &Suite) {
    let organization = suite.organization().await;
    let stored = set_one(suite, &organization).await;
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;
        suite.origin.reset().await;
        let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
        for isolate in 0..ISOLATES {
            if isolate == 0 {
                store(&suite.gateway, isolate, &token, &run)
                    .await
                    .accepted();
            } else {
                find(&suite.gateway, isolate, &token, RELEASE)
                    .await
                    .accepted();
            }
        }
        let seen = seen(suite).await;
        assert!(seen.len() >= 5, "{seen:?}");
        assert!(seen.iter().all(|own| *own == sent(&stored)), "{seen:?}");
    }
}

async fn r42_without_a_credential_nothing_reaches_the_origin(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    suite.origin.reset().await;
    for _ in 0..2 {
        find(&suite.gateway, 0, &token, RELEASE)
            .await
            .refused(9, MISSING);
        let unknown = random_id();
        store(&suite.gateway, 0, &token, &unknown)
            .await
            .refused(14, UNAVAILABLE);
    }
    suite.origin.assert_untouched("no credential is set").await;
    // What needs no credential goes without one, and not with the caller's.
    let status = "/controlplane.v1.StatusService/Statusz";
    let call = rpc::call(&suite.gateway, status, &token.token, b"");
    call.send().await.accepted();
    assert_eq!(seen(suite).await, [Value::Null]);
}

async fn r42_the_narrowest_credential_is_sent(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint(&suite.gateway, &json!({})).await;
    let scopes = [
        (None, None),
        (Some(SHOP), None),
        (Some(SHOP), Some(RELEASE)),
    ];
    let mut texts = Vec::new();
    for (project, workflow) in scopes {
        let own = text();
        let body = json!({ "credential": own });
        let place = path(project, workflow);
        let answer = set(&suite.gateway, &organization, &place, &body).await;
        let mut scope = json!({});
        for (name, value) in [("project", project), ("workflow", workflow)] {
            if let Some(value) = value {
                scope[name] = value.into();
            }
        }
        assert_eq!(answer["scope"], scope);
        assert_eq!(answer["digest"], sha256_hex(own.as_bytes())[..16]);
        assert_eq!(answer["set_by"], "admin-token");
        assert_eq!(answer.get("replaced"), None);
        texts.push(own);
    }
    let rows = [(RELEASE, 2), (OTHER, 1)];
    for (workflow, expected) in rows {
        suite.origin.reset().await;
        find(&suite.gateway, 0, &token, workflow).await.accepted();
        assert_eq!(seen(suite).await, [sent(&texts[expected])], "{workflow}");
    }
    // Without it the next wider one.
    for (place, expected) in [
        (path(Some(SHOP), Some(RELEASE)), 1),
        (path(Some(SHOP), None), 0),
    ] {
        let answer = clear(&suite.gateway, &organization, &place).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        suite.origin.reset().await;
        find(&suite.gateway, 0, &token, RELEASE).await.accepted();
        assert_eq!(seen(suite).await, [sent(&texts[expected])], "{place}");
    }
}

async fn r42_a_change_is_final_when_it_has_answered(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint(&suite.gateway, &json!({})).await;
    let everywhere = async |expected: Option<&str>| {
        suite.origin.reset().await;
        for isolate in 0..ISOLATES {
            let answer = find(&suite.gateway, isolate, &token, RELEASE).await;
            match expected {
                Some(_) => drop(answer.accepted()),
                None => answer.refused(9, MISSING),
            }
        }
        let expected: Vec<Value> = match expected {
            Some(text) => vec![sent(text); usize::from(ISOLATES)],
            None => Vec::new(),
        };
        assert_eq!(seen(suite).await, expected);
    };
    for _ in 0..10 {
        let first = set_one(suite, &organization).await;
        everywhere(Some(&first)).await;
        // Nothing that is remembered outlasts the answer, in whichever direction.
        let second = set_one(suite, &organization).await;
        everywhere(Some(&second)).await;
        let answer = clear(&suite.gateway, &organization, &path(None, None)).await;
        assert_eq!(answer.status, 204);
        everywhere(None).await;
        let answer = clear(&suite.gateway, &organization, &path(None, None)).await;
        answer.problem(404, "upstream_not_set");
    }
}

async fn r42_a_run_keeps_the_credential_that_it_began_under(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let (old, new, last) = (text(), text(), text());
    let place = path(Some(SHOP), None);
    let gateway = &suite.gateway;
    set(
        gateway,
        &organization,
        &place,
        &json!({ "credential": old }),
    )
    .await;
    let runs = [
        rpc::begin(gateway, &token.token, SHOP, RELEASE).await,
        rpc::begin(gateway, &token.token, SHOP, RELEASE).await,
        rpc::begin(gateway, &token.token, SHOP, RELEASE).await,
    ];
    // The report of a run comes behind the answer to its Init.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let body = json!({ "credential": new, "keep_replaced_seconds": 600 });
    let answer = set(gateway, &organization, &place, &body).await;
    let digest = &sha256_hex(old.as_bytes())[..16];
    assert_eq!(answer["replaced"]["digest"], digest);
    for (isolate, run) in [(0, &runs[0]), (1, &runs[1])] {
        suite.origin.reset().await;
        store(gateway, isolate, &token, run).await.accepted();
        assert_eq!(seen(suite).await, [sent(&old)], "isolate {isolate}");
    }
    suite.origin.reset().await;
    let names = rpc::init(SHOP, RELEASE).encode_to_vec();
    let call = rpc::call(gateway, INIT, &token.token, &names);
    call.send().await.accepted();
    let all = seen(suite).await;
    assert!(all.iter().all(|own| *own == sent(&new)), "{all:?}");
    // A clear takes what is kept along.
    clear(gateway, &organization, &place).await;
    suite.origin.reset().await;
    store(gateway, 1, &token, &runs[2])
        .await
        .refused(9, MISSING);
    suite.origin.assert_untouched("it was cleared").await;
    set(
        gateway,
        &organization,
        &place,
        &json!({ "credential": last }),
    )
    .await;
    store(gateway, 1, &token, &runs[2]).await.accepted();
    assert_eq!(seen(suite).await, [sent(&last)]);
}
