//! Mints that ask for the wrong thing, or too often.

use std::collections::BTreeSet;

use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Organization, RELEASE, SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_address, root};
use serde_json::{Value, json};

use crate::support::refuse_all;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r1_r7_r8_mints_that_ask_for_the_wrong_thing,
        r26_r28_an_address_mints_as_often_as_it_may,
    ]
}

async fn r1_r7_r8_mints_that_ask_for_the_wrong_thing(suite: &Suite) {
    let organization = suite.organization().await;
    organization.create_project(&suite.gateway, "second").await;
    organization
        .create_workflow(&suite.gateway, "second", "elsewhere")
        .await;
    let long = |count: usize| "é".repeat(count);
    let many: Vec<String> = (0..101)
        .map(|index| format!("a{}:read", "b".repeat(index)))
        .collect();
    let row = |body: Value, code: &'static str| (body, 400, code);
    let rows = [
        row(json!({ "name": long(101) }), "name_invalid"),
        row(json!({ "name": "" }), "name_invalid"),
        row(json!({ "name": "   " }), "name_invalid"),
        row(json!({ "name": "a\nb" }), "name_invalid"),
        row(json!({ "description": long(501) }), "description_invalid"),
        row(json!({ "description": "a\u{0}b" }), "description_invalid"),
        row(json!({ "workflow": RELEASE }), "workflow_without_project"),
        row(
            json!({ "project": SHOP, "workflow": "elsewhere" }),
            "workflow_of_other_project",
        ),
        row(
            json!({ "project": "second", "workflow": RELEASE }),
            "workflow_of_other_project",
        ),
        (json!({ "project": "nowhere" }), 404, "not_found"),
        (json!({ "project": "" }), 404, "not_found"),
        (
            json!({ "project": "nowhere", "workflow": RELEASE }),
            404,
            "not_found",
        ),
        (
            json!({ "project": SHOP, "workflow": "nowhere" }),
            404,
            "not_found",
        ),
        row(
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
            "expiry_in_the_past",
        ),
        row(json!({ "expires_at": "2099-01-01" }), "expires_at_invalid"),
        row(
            json!({ "expires_at": "2099-01-01T00:00:00" }),
            "expires_at_invalid",
        ),
        row(json!({ "expires_at": "" }), "expires_at_invalid"),
        row(json!({ "expires_in": "0s" }), "expires_in_invalid"),
        row(json!({ "expires_in": "-1d" }), "expires_in_invalid"),
        row(json!({ "expires_in": "1y" }), "expires_in_invalid"),
        row(json!({ "expires_in": "36501d" }), "expires_in_invalid"),
        row(
            json!({ "expires_at": "2099-01-01T00:00:00Z", "expires_in": "1d" }),
            "expiry_ambiguous",
        ),
        row(
            json!({ "policies": ["workflw_run:read"] }),
            "policy_unknown",
        ),
        row(
            json!({ "policies": ["workflow:read", "everything:*"] }),
            "policy_unknown",
        ),
        row(json!({ "policies": ["everything"] }), "policies_invalid"),
        row(json!({ "policies": ["*"] }), "policies_invalid"),
        row(json!({ "policies": ["*:a"] }), "policies_invalid"),
        row(json!({ "policies": ["*:*"] }), "policies_invalid"),
        row(json!({ "policies": ["a:**"] }), "policies_invalid"),
        row(json!({ "policies": ["a:b*"] }), "policies_invalid"),
        row(
            json!({ "policies": ["workflow:read", "Workflow:read"] }),
            "policies_invalid",
        ),
        row(json!({ "policies": many }), "policies_invalid"),
        row(json!({ "policies": "workflow:read" }), "body_invalid"),
        row(json!({ "format": "pem" }), "body_invalid"),
        row(json!({ "name": 7 }), "body_invalid"),
        row(json!({ "system": "yes" }), "body_invalid"),
        row(json!({ "expires_in": 3600 }), "body_invalid"),
        row(json!({ "scope": "organization" }), "body_invalid"),
    ];
    let bodies: Vec<String> = rows.iter().map(|(body, ..)| body.to_string()).collect();
    let calls = rows
        .iter()
        .zip(&bodies)
        .map(|((body, status, code), text)| {
            (
                text.as_str(),
                organization.minting(&suite.gateway, body),
                *status,
                *code,
            )
        })
        .collect();
    let problems = refuse_all(suite, &organization, calls).await;
    let detail = |what: &str| {
        let at = bodies
            .iter()
            .position(|body| body.contains(what))
            .unwrap_or_else(|| panic!("no row with {what}"));
        problems[at]["detail"]
            .as_str()
            .expect("a detail")
            .to_owned()
    };
    // R1: the message says which of the two it is; R7, R8: what to do.
    assert_eq!(
        detail("{\"workflow\":\"release\"}"),
        "`workflow` needs a `project`: name the project of the workflow too"
    );
    assert_eq!(
        detail("elsewhere"),
        "`workflow` does not belong to the requested `project`"
    );
    assert_eq!(detail("{\"project\":\"nowhere\"}"), "no such project");
    assert_eq!(detail("\"workflow\":\"nowhere\""), "no such workflow");
    assert_eq!(
        detail(&long(101)),
        "`name` must be at most 100 characters long"
    );
    // The control: what is just inside is minted.
    let policies = policies();
    assert!(policies.len() > 40, "{policies:?}");
    let just = json!({ "name": long(100), "description": long(500), "policies": policies, "expires_in": "36500d" });
    organization.mint(&suite.gateway, &just).await;
}

/// Every policy that a call of the control plane asks for, and each of their resources as a whole.
fn policies() -> BTreeSet<String> {
    let calls = std::fs::read_to_string(root().join("docs/RPCS.md")).expect("the list of calls");
    let is_policy = |text: &&str| {
        let letter = |b: u8| b.is_ascii_lowercase() || b == b'_';
        text.split_once(':').is_some_and(|(resource, action)| {
            [resource, action]
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(letter))
        })
    };
    calls
        .split('`')
        .filter(is_policy)
        .flat_map(|policy| {
            let resource = policy.split(':').next().unwrap_or_default();
            [policy.to_owned(), format!("{resource}:*")]
        })
        .collect()
}

async fn r26_r28_an_address_mints_as_often_as_it_may(suite: &Suite) {
    let serve = suite.serve().set("MINT_PER_HOUR", "3").isolates(2);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let mint = |gateway: &Gateway, isolate: u16, address: &str| {
        let call = gateway
            .call_on(isolate, "POST", "/org/tokens")
            .bearer(&suite.keys.admin);
        call.organization(&organization.name)
            .from(address)
            .json(&json!({}))
    };
    let limited = |answer: &Answer| {
        let problem = answer.problem(429, "mint_rate_exceeded");
        let wait: u64 = answer
            .header("retry-after")
            .expect("a wait")
            .parse()
            .expect("seconds");
        assert!(
            (1_100..=1_200).contains(&wait),
            "one of three an hour comes back after 20 minutes, not {wait} s"
        );
        let told = format!("this address can create 3 tokens an hour: try again in {wait} s");
        assert_eq!(problem["detail"], told);
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some(r#""mint";q=3;w=3600"#)
        );
        assert_eq!(
            answer.header("ratelimit"),
            Some(format!(r#""mint";r=0;t={wait}"#).as_str())
        );
    };

    let address = "192.0.2.7";
    // What mints nothing costs nothing.
    for _ in 0..5 {
        let wrong = mint(&gateway, 0, address)
            .json(&json!({ "name": 7 }))
            .without("content-type");
        wrong
            .header("content-type", "application/json")
            .send()
            .await
            .problem(400, "body_invalid");
    }
    mint(&gateway, 0, address)
        .body(json!({ "name": "taken" }).to_string())
        .send()
        .await
        .json(201);
    for _ in 0..5 {
        let taken = mint(&gateway, 1, address).body(json!({ "name": "taken" }).to_string());
        taken.send().await.problem(409, "name_taken");
    }
    let mut ids = vec![];
    for isolate in [1, 0] {
        ids.push(id(&mint(&gateway, isolate, address).send().await.json(201)));
    }
    // One count for all isolates, and not to be talked out of.
    for isolate in [0, 1] {
        limited(&mint(&gateway, isolate, address).send().await);
        let forged = mint(&gateway, isolate, address).header("x-forwarded-for", &random_address());
        limited(
            &forged
                .header("x-real-ip", &random_address())
                .header("forwarded", "for=10.1.1.1")
                .send()
                .await,
        );
        limited(&mint(&gateway, isolate, "::ffff:192.0.2.7").send().await);
    }
    // Only minting is limited, and only there.
    organization.token_ids(&gateway, "").await;
    gateway
        .call("DELETE", &format!("/org/tokens/{}", ids[0]))
        .bearer(&suite.keys.admin)
        .organization(&organization.name)
        .from(address)
        .send()
        .await
        .json(200);
    limited(&mint(&gateway, 0, address).send().await);
    mint(&gateway, 0, "192.0.2.8").send().await.json(201);

    // An IPv6 network counts as one; its neighbour by itself.
    for host in [
        "2001:db8:1:2::1",
        "2001:db8:1:2:ffff::2",
        "2001:db8:1:2:1:2:3:4",
    ] {
        mint(&gateway, 1, host).send().await.json(201);
    }
    limited(&mint(&gateway, 0, "2001:db8:1:2::9").send().await);
    mint(&gateway, 0, "2001:db8:1:3::1").send().await.json(201);

    // Whoever has no address shares one bucket with all who have none.
    for address in ["nonsense", "192.0.2.9, 192.0.2.10", "fe80::1%eth0"] {
        mint(&gateway, 0, address).send().await.json(201);
    }
    limited(&mint(&gateway, 0, "more nonsense").send().await);
    limited(
        &mint(&gateway, 0, "192.0.2.99")
            .without("cf-connecting-ip")
            .send()
            .await,
    );
    gateway.stop();

    let gateway = serve.start().await;
    limited(&mint(&gateway, 1, address).send().await);
    limited(&mint(&gateway, 1, "2001:db8:1:2::77").send().await);
    mint(&gateway, 1, "192.0.2.8").send().await.json(201);
    gateway.kill();
    let gateway = serve.start().await;
    limited(&mint(&gateway, 0, address).send().await);
    mint(&gateway, 0, "192.0.2.8").send().await.json(201);
    limited(&mint(&gateway, 0, "192.0.2.8").send().await);
    gateway.stop();
}
