//! Tier 0 (R22): management without any credential, as long as no token lives, and never where a key or the word
//! production says otherwise.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::Call;
use postern_system_tests::organization::Minted;
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, random_name, runner, stored};
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![
            r22_a_first_token_is_minted_without_any_key,
            r22_mints_at_the_same_time_make_one_first_token,
            r22_management_opens_again_only_when_no_token_lives,
            r22_pages_of_other_sites_do_not_use_the_open_door,
            r22_production_and_a_key_keep_it_shut,
        ],
    )
}

fn open(setup: &Setup) -> Serve {
    setup
        .serve()
        .set("ADMIN_TOKEN", "")
        .set("BOOTSTRAP", "open")
}

fn mint(gateway: &Gateway, isolate: u16, organization: &str, body: &Value) -> Call {
    gateway
        .call_on(isolate, "POST", "/org/tokens")
        .organization(organization)
        .json(body)
}

async fn organization(gateway: &Gateway) -> String {
    let name = random_name("org");
    let call = gateway.call("POST", "/orgs").json(&json!({ "name": name }));
    call.send().await.json(201);
    name
}

/// What no credential may do once a token lives: nothing.
async fn assert_shut(gateway: &Gateway, organization: &str) {
    for isolate in 0..gateway.isolates() {
        for (method, path) in [
            ("GET", "/orgs"),
            ("POST", "/orgs"),
            ("GET", "/org/tokens"),
            ("POST", "/org/tokens"),
            ("GET", "/org/projects"),
        ] {
            let call = gateway
                .call_on(isolate, method, path)
                .organization(organization);
            call.json(&json!({ "name": random_name("late") }))
                .send()
                .await
                .problem(401, "credential_missing");
        }
    }
}

async fn r22_a_first_token_is_minted_without_any_key(setup: &Setup) {
    let serve = open(setup).isolates(2);
    let gateway = serve.start().await;
    // A credential that is wrong is wrong here too.
    let wrong = gateway.call("GET", "/orgs").bearer(&setup.keys.admin);
    wrong.send().await.problem(401, "credential_refused");

    let acme = organization(&gateway).await;
    let project = gateway.call("POST", "/org/projects").organization(&acme);
    project
        .json(&json!({ "name": "shop" }))
        .send()
        .await
        .json(201);
    let workflow = gateway
        .call("POST", "/org/projects/shop/workflows")
        .organization(&acme);
    workflow
        .json(&json!({ "name": "release" }))
        .send()
        .await
        .json(201);
    mint(&gateway, 0, &acme, &json!({ "system": true }))
        .send()
        .await
        .problem(403, "system_token");

    let body = json!({ "project": "shop", "workflow": "release" });
    let answer = mint(&gateway, 1, &acme, &body)
        .from("192.0.2.55")
        .send()
        .await;
    let request = answer.header("x-request-id").expect("an id").to_owned();
    let minted = Minted::of(answer.json(201));
    assert_eq!(minted.answer["created_by"], "bootstrap");
    let line = gateway.log_line(&request).await;
    assert_eq!(
        (&line["tier"], &line["outcome"]),
        (&json!("bootstrap"), &json!("ok"))
    );
    let warned = format!("\"for_request\":\"{request}\"");
    let log = serve.log();
    let warning = log.lines().find(|line| line.contains(&warned));
    let warning = warning.expect("a warning of its own");
    for part in [
        "bootstrap_use",
        "\"level\":\"warning\"",
        "192.0.2.55",
        "token.create",
    ] {
        assert!(warning.contains(part), "{part} is not in {warning}");
    }

    assert_shut(&gateway, &acme).await;
    rpc::call(
        &gateway,
        FIND_OR_CREATE,
        &minted.token,
        &rpc::names("shop", "release"),
    )
    .send()
    .await
    .accepted();
    gateway.stop();
    let rows: Vec<Value> = stored::stores(&serve.state(), "d1")
        .iter()
        .filter(|store| stored::has_table(store, "audit"))
        .flat_map(|store| stored::sql(store, "select actor, action, content from audit"))
        // Every use is an event; the one of the mint is looked at closely.
        .inspect(|row| assert_eq!(row["actor"], "bootstrap", "{row}"))
        .filter(|row| row["action"] == "token.mint")
        .collect();
    let [row] = rows.as_slice() else {
        panic!("one audit row, not {rows:#?}")
    };
    assert_eq!(
        (&row["actor"], &row["action"]),
        (&json!("bootstrap"), &json!("token.mint"))
    );
    let content: Value =
        serde_json::from_str(row["content"].as_str().expect("a text")).expect("JSON");
    assert_eq!(content["origin"]["tier"], "bootstrap");
    assert_eq!(content["origin"]["address"], "192.0.2.55");

    // Another start finds it shut.
    let gateway = serve.start().await;
    assert_shut(&gateway, &acme).await;
    gateway.stop();
}

async fn r22_mints_at_the_same_time_make_one_first_token(setup: &Setup) {
    let gateway = open(setup).isolates(4).start().await;
    let acme = organization(&gateway).await;
    let calls: Vec<_> = (0..24)
        .map(|index| tokio::spawn(mint(&gateway, index % 4, &acme, &json!({})).send()))
        .collect();
    let mut minted = Vec::new();
    for call in calls {
        let answer = call.await.expect("an answer");
        match answer.status {
            201 => minted.push(Minted::of(answer.json(201))),
            // Asked before the row was there, and came to the Ledger after it.
            429 => drop(answer.problem(429, "mint_ceiling_reached")),
            _ => drop(answer.problem(401, "credential_missing")),
        }
    }
    assert_eq!(minted.len(), 1, "{minted:?}");
    assert_shut(&gateway, &acme).await;
    gateway.stop();
}

async fn r22_management_opens_again_only_when_no_token_lives(setup: &Setup) {
    let gateway = open(setup).start().await;
    let (acme, other) = (organization(&gateway).await, organization(&gateway).await);
    // A token of an organization that the call is not about shuts it too.
    let first = Minted::of(mint(&gateway, 0, &other, &json!({})).send().await.json(201));
    assert_shut(&gateway, &acme).await;
    let ended = gateway
        .call("POST", "/oauth/revoke")
        .form(&[("token", &first.token)]);
    ended.send().await.json(200);
    // D1 follows the Ledger.
    let opened = |gateway: &Gateway, organization: &str| {
        let call = mint(gateway, 0, organization, &json!({ "expires_in": "2s" }));
        async move {
            let deadline = Instant::now() + Duration::from_secs(30);
            loop {
                let answer = call.clone().send().await;
                if answer.status == 201 {
                    return Minted::of(answer.json(201));
                }
                answer.problem(401, "credential_missing");
                assert!(Instant::now() < deadline, "management does not open again");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    };
    opened(&gateway, &acme).await;
    // That one ends by itself.
    let third = opened(&gateway, &acme).await;
    assert_eq!(third.answer["created_by"], "bootstrap");
    gateway.stop();
}

async fn r22_pages_of_other_sites_do_not_use_the_open_door(setup: &Setup) {
    let gateway = open(setup).start().await;
    let make = || {
        let name = random_name("org");
        gateway.call("POST", "/orgs").json(&json!({ "name": name }))
    };
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        make()
            .header(name, value)
            .send()
            .await
            .problem(403, "cross_site");
    }
    make()
        .header("sec-fetch-site", "same-origin")
        .send()
        .await
        .json(201);
    make()
        .header("sec-fetch-site", "none")
        .send()
        .await
        .json(201);
    make()
        .header("origin", &gateway.url(0))
        .send()
        .await
        .json(201);
    gateway.stop();
}

async fn r22_production_and_a_key_keep_it_shut(setup: &Setup) {
    let production = "BOOTSTRAP is `open` although ENVIRONMENT is `production`: close it";
    let key = "BOOTSTRAP is `open` although ADMIN_TOKEN is set: one of the two is too much";
    // Production takes no origin on this machine; nothing is sent to it here.
    let live = open(setup)
        .set("ENVIRONMENT", "production")
        .set("ORIGIN_URL", "https://origin.example");
    let rows = [
        (live, production),
        (open(setup).set("ADMIN_TOKEN", &setup.keys.admin), key),
    ];
    for (serve, told) in rows {
        let gateway = serve.start().await;
        let ready = gateway.call("GET", "/readyz").send().await;
        let ready = ready.problem(503, "misconfigured");
        assert_eq!(ready["problems"], json!([told]));
        for call in [
            gateway
                .call("POST", "/orgs")
                .json(&json!({ "name": "acme" })),
            gateway.call("GET", "/orgs"),
            gateway.call("GET", "/orgs").bearer(&setup.keys.admin),
        ] {
            call.send().await.problem(503, "misconfigured");
        }
        gateway.stop();
    }
    // Closed, which is also what it is when nobody says anything.
    for serve in [
        open(setup).set("BOOTSTRAP", "closed"),
        open(setup).set("BOOTSTRAP", ""),
    ] {
        let gateway = serve.start().await;
        let call = gateway
            .call("POST", "/orgs")
            .json(&json!({ "name": "acme" }));
        call.send().await.problem(401, "credential_missing");
        gateway.stop();
    }
}
