//! Adopted tokens elsewhere: leaks, introspection, old claims, audit and stores.

use std::time::Duration;

use postern_system_tests::gateway::{Gateway, Serve, files};
use postern_system_tests::ledgers::on_ledgers;
use postern_system_tests::life::{accepted, now};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, node};
use serde_json::{Value, json};

use crate::support::{adopt, adopted, adopting, assert_live, assert_refused, changed, claims, jwt};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r39_found_in_public_introspected_and_ended_by_its_holder,
        r39_old_tokens_without_an_organization,
        r35_r39_audit_and_stores_and_a_process_that_ended_in_between,
    ]
}

async fn r39_found_in_public_introspected_and_ended_by_its_holder(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let narrow = json!({ "project": SHOP, "workflow": RELEASE });
    let token = adopt(suite, &organization, &claims(&organization), &narrow).await;
    let form = |path: &str| {
        let call = gateway.call("POST", path).from(&organization.address);
        call.form(&[("token", &token.token)])
    };
    let call = form("/oauth/introspect").bearer(&suite.keys.admin);
    let seen = call.send().await.json(200);
    assert_eq!(seen["active"], true);
    assert_eq!(seen["workflow_name"], RELEASE, "the effective scope");
    form("/oauth/revoke").send().await.json(200);
    assert_refused(suite, &token.token, "revoked token").await;

    let token = adopt(suite, &organization, &claims(&organization), &narrow).await;
    let report = gateway.call("POST", "/leaks").from(&organization.address);
    let report = report.json(&json!({ "tokens": [token.token] }));
    assert_eq!(report.send().await.status, 202);
    let deadline = now() + 10_000;
    while accepted(gateway, 0, &token.token).await {
        assert!(now() < deadline, "the report came to nothing");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_refused(suite, &token.token, "revoked token").await;
}

async fn r39_old_tokens_without_an_organization(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let elsewhere = suite.organization().await;
    let manager = organization.mint(gateway, &json!({})).await;
    for old in [
        json!({ "org_id": null, "org_name": null }),
        json!({ "org_id": "", "org_name": "" }),
    ] {
        let claims = changed(&claims(&organization), &old);
        let token = jwt(suite, &claims);
        let call = organization.call_as(gateway, &manager, "POST", "/org/tokens/adopt");
        let call = call.json(&json!({ "token": token, "project": SHOP }));
        call.send().await.problem(403, "organization_unclaimed");
        // Of two organizations one has it.
        let mut tries = Vec::new();
        for (lane, whose) in [&organization, &elsewhere].into_iter().enumerate() {
            let isolate = u16::try_from(lane).expect("two");
            let more = json!({ "project": SHOP });
            let call = adopting(gateway, whose, isolate, &token, &more);
            tries.push((whose, tokio::spawn(call.send())));
        }
        let mut owners = Vec::new();
        for (whose, attempt) in tries {
            let answer = attempt.await.expect("an answer");
            match answer.status {
                201 => owners.push(whose),
                _ => {
                    answer.problem(409, "already_adopted");
                }
            }
        }
        let [owner] = owners[..] else {
            panic!("{} organizations have it", owners.len());
        };
        let token = Minted {
            id: claims["jti"].as_str().expect("an id").to_owned(),
            answer: owner
                .token(gateway, claims["jti"].as_str().expect("an id"))
                .await,
            token,
        };
        assert_eq!(token.answer["organization"]["id"], owner.id);
        assert_live(suite, &token.token).await;
        for whose in [&organization, &elsewhere] {
            let call = adopting(gateway, whose, 0, &token.token, &json!({}));
            call.send().await.problem(409, "already_adopted");
        }
        // A claim that it does not have makes it another token.
        let claimed = changed(&claims, &json!({ "org_id": owner.id }));
        assert_refused(suite, &jwt(suite, &claimed), "organization mismatch").await;
        owner.revoke(gateway, &token.id).await;
        assert_refused(suite, &token.token, "revoked token").await;
    }
}

/// Rows of the audit log and of the Ledgers, once the gateway has stopped.
fn stored(serve: &Serve, organization: &Organization) -> Vec<Value> {
    const SCRIPT: &str = r#"
        const { DatabaseSync } = require("node:sqlite");
        const rows = [];
        for (const file of process.argv.slice(2)) {
            const db = new DatabaseSync(file);
            const has = db.prepare("select count(*) as n from pragma_table_info('audit') where name = 'sequence'").get().n;
            if (has) rows.push(...db.prepare(
                "select action, actor, token_id from audit where organization_id = ? order by sequence",
            ).all(process.argv[1]));
            db.close();
        }
        console.log(JSON.stringify(rows));
    "#;
    let files: Vec<_> = files(&serve.state())
        .into_iter()
        .filter(|file| file.extension().is_some_and(|name| name == "sqlite"))
        .collect();
    let output = node()
        .args(["--no-warnings", "-e", SCRIPT, &organization.id])
        .args(&files)
        .output()
        .expect("the checkout's node starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn r35_r39_audit_and_stores_and_a_process_that_ended_in_between(suite: &Suite) {
    let serve = suite.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let claims = claims(&organization);
    let token = jwt(suite, &claims);
    let adopt = async |gateway: &Gateway, more: &Value| {
        let call = adopting(gateway, &organization, 0, &token, more);
        adopted(token.clone(), call.send().await.json(201))
    };
    let first = adopt(&gateway, &json!({})).await;
    gateway.stop();
    // Nothing that is stored holds the token, or what makes one of its claims.
    let signature = token.rsplit_once('.').expect("three parts").1;
    let holding = serve.holding(signature);
    assert!(holding.is_empty(), "{holding:?} hold the token");

    // The process ends before the record has answered: the token is pending in the Ledger.
    on_ledgers(&serve.state(), "update tokens set state = 0");
    let gateway = serve.start().await;
    assert!(!accepted(&gateway, 0, &token).await, "it opens nothing");
    let second = adopt(&gateway, &json!({ "project": SHOP, "workflow": RELEASE })).await;
    assert_eq!(second.id, first.id);
    assert!(accepted(&gateway, 0, &token).await);
    let row = organization.token(&gateway, &first.id).await;
    assert_eq!(
        row["workflow"]["name"], RELEASE,
        "the row of the second try"
    );
    assert_eq!(row["revoked_at"], Value::Null);
    organization.revoke(&gateway, &first.id).await;
    gateway.stop();

    let rows: Vec<_> = stored(&serve, &organization)
        .into_iter()
        // The organization, its project and its workflows are events of no token.
        .filter(|row| row["token_id"] != "")
        .map(|row| {
            assert_eq!(row["token_id"], first.id, "{row}");
            (row["action"].clone(), row["actor"].clone())
        })
        .collect();
    let row = |action: &str, actor: &str| (json!(action), json!(actor));
    assert_eq!(
        rows,
        [
            row("token.adopt", "admin-token"),
            row("token.mint_abandoned", "ledger"),
            row("token.adopt", "admin-token"),
            row("token.revoke", "admin-token"),
        ]
    );
}
