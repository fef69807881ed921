//! What a token has been through and what it takes up: uses as lists show them (R13), names that dead tokens give back
//! (R8), limits of an organization that change while it lives (R14, R27).

use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::gateway::Gateway;
use postern_system_tests::life::{self, accepted, assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, id};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_name, runner};
use serde_json::{Value, json};

const ISOLATES: u16 = 4;
const FORMATS: [&str; 2] = ["opaque", "jwt"];
/// The ceiling of organizations that have none of their own.
const CEILING: usize = 5;
/// How far behind uses may be (R13).
const BEHIND: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| {
            serve
                .set("ORG_TOKEN_MINT_CEILING", &CEILING.to_string())
                .isolates(ISOLATES)
        }),
        cases![
            r13_uses_are_counted_exactly_and_shown_within_a_minute,
            r13_looking_at_a_token_is_no_use_of_it,
            r8_a_name_is_free_again_when_its_token_has_ended,
            r14_idle_days_are_0_to_365,
            r27_a_ceiling_holds_from_the_moment_it_is_set,
            r27_only_living_tokens_count_for_a_ceiling,
        ],
    )
}

/// Changes the limits of an organization.
async fn limit(suite: &Suite, organization: &Organization, limits: &Value) -> Value {
    let path = format!("/orgs/{}", organization.name);
    let call = suite.gateway.call("PATCH", &path).bearer(&suite.keys.admin);
    call.json(limits).send().await.json(200)
}

/// Polls until a token's row in the list shows at least that many uses; gives the row.
async fn shown(gateway: &Gateway, organization: &Organization, of: &str, uses: u64) -> Value {
    let deadline = Instant::now() + BEHIND;
    loop {
        let rows = organization.tokens(gateway, "status=all").await;
        let row = rows.iter().find(|row| id(row) == of).expect("listed");
        if row["uses"].as_u64().expect("a number") >= uses {
            return row.clone();
        }
        assert!(
            Instant::now() < deadline,
            "after {} s: {row}, and not {uses} uses",
            BEHIND.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn r13_uses_are_counted_exactly_and_shown_within_a_minute(suite: &Suite) {
    const CALLS: u64 = 50;
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let opaque = organization.mint_for_release(gateway, "opaque").await;
    let jwt = organization.mint_for_release(gateway, "jwt").await;
    let unused = organization.mint_for_release(gateway, "opaque").await;
    let manager = organization.mint(gateway, &json!({})).await;
    let mut total = 0;
    for round in 1..=2 {
        let begun = now();
        let calls: Vec<_> = (0..CALLS)
            .flat_map(|_| (0..ISOLATES).flat_map(|isolate| [(isolate, &opaque), (isolate, &jwt)]))
            .map(|(isolate, token)| life::call(gateway, isolate, &token.token))
            .collect();
        // Sixteen at a time, from all sides.
        let mut calls = calls.into_iter();
        let mut lanes = Vec::new();
        let each = calls.len().div_ceil(16);
        while calls.len() > 0 {
            let lane: Vec<_> = calls.by_ref().take(each).collect();
            lanes.push(tokio::spawn(async move {
                for call in lane {
                    call.send().await.accepted();
                }
            }));
        }
        for lane in lanes {
            lane.await.expect("every call was accepted");
        }
        // Management calls are uses as well.
        for _ in 0..3 {
            let call = organization.call_as(gateway, &manager, "GET", "/org/tokens");
            call.send().await.json(200);
        }
        let (ended, waiting) = (now(), Instant::now());
        total += CALLS * u64::from(ISOLATES);
        for (token, uses) in [(&opaque, total), (&jwt, total), (&manager, 3 * round)] {
            let row = shown(gateway, &organization, &token.id, uses).await;
            assert_eq!(row["uses"], uses, "each use once: {row}");
            let at = millis(&row["last_used_at"]);
            assert!(
                (begun..=ended).contains(&at),
                "used from {begun} to {ended}: {row}"
            );
            assert_eq!(organization.token(gateway, &token.id).await, row);
            assert_eq!(row["daily_uses"], Value::Null, "nobody asked");
        }
        // All of it is today's, or yesterday's where midnight was in between.
        let rows = organization.tokens(gateway, "uses_days=3").await;
        for (token, uses) in [(&opaque, total), (&jwt, total), (&unused, 0)] {
            let row = rows.iter().find(|row| id(row) == token.id).expect("listed");
            let days = row["daily_uses"].as_array().expect("days");
            let [before, yesterday, today] = days.as_slice() else {
                panic!("three days: {row}")
            };
            let count = |day: &Value| day.as_u64().expect("a count");
            assert_eq!(count(before), 0, "{row}");
            assert_eq!(count(yesterday) + count(today), uses, "{row}");
        }
        println!(
            "uses: {} calls in {} ms on {ISOLATES} isolates, all shown {} ms after the last",
            2 * CALLS * u64::from(ISOLATES),
            ended - begun,
            waiting.elapsed().as_millis()
        );
    }
    let row = organization.token(gateway, &unused.id).await;
    assert_eq!(
        (&row["uses"], &row["last_used_at"]),
        (&json!(0), &Value::Null)
    );
}

async fn r13_looking_at_a_token_is_no_use_of_it(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let manager = organization.mint(gateway, &json!({})).await;
    let watched = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let jwt = json!({ "project": SHOP, "format": "jwt" });
    let watched_jwt = organization.mint(gateway, &jwt).await;
    let dead = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    assert!(accepted(gateway, 0, &dead.token).await);
    organization.revoke(gateway, &dead.id).await;
    for isolate in 0..ISOLATES {
        for token in [&watched, &watched_jwt] {
            let call = gateway.call_on(isolate, "POST", "/oauth/introspect");
            let call = call.bearer(&suite.keys.admin);
            let call = call.form(&[("token", token.token.as_str())]);
            assert_eq!(call.send().await.json(200)["active"], true);
            let path = format!("/org/tokens/{}", token.id);
            let call = organization.call_as(gateway, &manager, "GET", &path);
            call.send().await.json(200);
            let dry = json!({ "ids": [token.id], "dry_run": true });
            let answer = organization.revoking(gateway, &dry).send().await.json(200);
            assert_eq!(
                (&answer["matched"], &answer["used_in_last_day"]),
                (&json!(1), &json!(0))
            );
        }
        // A refused call is no use either.
        assert!(!accepted(gateway, isolate, &dead.token).await);
    }
    // When the manager's uses are there, those of the others would be.
    let calls = u64::from(ISOLATES) * 2;
    let row = shown(gateway, &organization, &manager.id, calls).await;
    assert_eq!(row["uses"], calls);
    for token in [&watched, &watched_jwt] {
        let row = organization.token(gateway, &token.id).await;
        assert_eq!(
            (&row["uses"], &row["last_used_at"]),
            (&json!(0), &Value::Null)
        );
    }
    let row = shown(gateway, &organization, &dead.id, 1).await;
    assert_eq!(row["uses"], 1, "the one from before its revoke");
}

async fn r8_a_name_is_free_again_when_its_token_has_ended(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        for scope in [json!({}), json!({ "project": SHOP })] {
            let mut body = scope.clone();
            body["name"] = json!("deploy");
            body["format"] = json!(format);
            let taken = async || {
                let call = organization.minting(gateway, &body);
                call.send().await.problem(409, "name_taken");
            };
            let mut brief = body.clone();
            brief["expires_in"] = json!("2s");
            let first = organization.mint(gateway, &brief).await;
            taken().await;
            let left = millis(&first.answer["expires_at"]) - now();
            let left = u64::try_from(left).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(left + 50)).await;
            // Expired: free, and the expired one stays what it was.
            let second = organization.mint(gateway, &body).await;
            let row = organization.token(gateway, &first.id).await;
            assert_eq!(
                (&row["name"], &row["revoked_at"]),
                (&json!("deploy"), &Value::Null)
            );
            taken().await;
            // Revoked by its id.
            organization.revoke(gateway, &second.id).await;
            let third = organization.mint(gateway, &body).await;
            taken().await;
            // By its holder.
            let form = [("token", third.token.as_str())];
            let call = gateway.call("POST", "/oauth/revoke").form(&form);
            call.send().await.json(200);
            let fourth = organization.mint(gateway, &body).await;
            taken().await;
            // With others.
            let answer = organization.revoking(gateway, &json!({ "ids": [fourth.id] }));
            assert_eq!(answer.send().await.json(200)["matched"], 1);
            let fifth = organization.mint(gateway, &body).await;
            taken().await;
            for token in [&second, &third, &fourth] {
                assert_dead(gateway, token, "revoked, whoever has its name").await;
            }
            assert_live(gateway, &fifth, "it has the name").await;
            organization.revoke(gateway, &fifth.id).await;
        }
    }
}

async fn r14_idle_days_are_0_to_365(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let path = format!("/orgs/{}", organization.name);
    let rows = [
        (json!(366), "max_idle_days_invalid"),
        (json!(4_294_967_295_u32), "max_idle_days_invalid"),
        (json!(4_294_967_296_u64), "body_invalid"),
        (json!(-1), "body_invalid"),
        (json!(0.5), "body_invalid"),
        (json!("30"), "body_invalid"),
        (json!(true), "body_invalid"),
        (json!([30]), "body_invalid"),
    ];
    for (days, code) in rows {
        let call = gateway.call("PATCH", &path).bearer(&suite.keys.admin);
        let call = call.json(&json!({ "max_idle_days": days }));
        call.send().await.problem(400, code);
        let body = json!({ "name": random_name("idle"), "max_idle_days": days });
        let call = gateway.call("POST", "/orgs").bearer(&suite.keys.admin);
        call.json(&body).send().await.problem(400, code);
    }
    for days in [365, 1, 0] {
        let limits = json!({ "max_idle_days": days });
        let row = limit(suite, &organization, &limits).await;
        assert_eq!(row["max_idle_days"], days);
        // A token of today is not idle under any limit.
        let token = organization.mint_for_release(gateway, "opaque").await;
        assert_live(gateway, &token, "minted just now").await;
    }
}

async fn fill(gateway: &Gateway, organization: &Organization, count: usize) -> Vec<Minted> {
    let mut minted = Vec::new();
    for _ in 0..count {
        minted.push(organization.mint(gateway, &json!({})).await);
    }
    minted
}

/// Asserts that the next mint meets this ceiling.
async fn full(gateway: &Gateway, organization: &Organization, ceiling: usize) {
    let before = organization.token_ids(gateway, "status=all").await;
    let call = organization.minting(gateway, &json!({}));
    let problem = call.send().await.problem(429, "mint_ceiling_reached");
    let detail = problem["detail"].as_str().expect("a text");
    assert!(
        detail.contains(&format!("limit of {ceiling} active tokens")),
        "{detail}"
    );
    assert_eq!(
        organization.token_ids(gateway, "status=all").await,
        before,
        "a refused mint made nothing"
    );
}

async fn r27_a_ceiling_holds_from_the_moment_it_is_set(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mut minted = fill(gateway, &organization, CEILING).await;
    full(gateway, &organization, CEILING).await;
    limit(suite, &organization, &json!({ "mint_ceiling": 6 })).await;
    minted.extend(fill(gateway, &organization, 1).await);
    full(gateway, &organization, 6).await;
    // Lower than what lives: nothing dies of it.
    limit(suite, &organization, &json!({ "mint_ceiling": 2 })).await;
    full(gateway, &organization, 2).await;
    for token in &minted {
        assert!(accepted(gateway, 0, &token.token).await);
    }
    // 0 is no ceiling, and not none of its own.
    limit(suite, &organization, &json!({ "mint_ceiling": 0 })).await;
    minted.extend(fill(gateway, &organization, CEILING).await);
    // Other limits do not touch it.
    limit(suite, &organization, &json!({ "max_idle_days": 9 })).await;
    minted.extend(fill(gateway, &organization, 1).await);
    limit(suite, &organization, &json!({ "mint_ceiling": null })).await;
    full(gateway, &organization, CEILING).await;
    assert_eq!(
        organization.token_ids(gateway, "").await,
        minted.iter().map(|token| token.id.clone()).collect()
    );
}

async fn r27_only_living_tokens_count_for_a_ceiling(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let brief = organization
        .mint(gateway, &json!({ "expires_in": "2s" }))
        .await;
    let rest = fill(gateway, &organization, CEILING - 2).await;
    let manager = organization.mint(gateway, &json!({})).await;
    if now() < millis(&brief.answer["expires_at"]) - 500 {
        full(gateway, &organization, CEILING).await;
    }
    // The ceiling is the organization's, whoever mints.
    let left = millis(&brief.answer["expires_at"]) - now();
    tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0) + 50)).await;
    let child = json!({ "project": SHOP, "workflow": RELEASE });
    organization.mint_as(gateway, &manager, &child).await;
    full(gateway, &organization, CEILING).await;
    let call = organization.minting_as(gateway, &manager, &child);
    call.send().await.problem(429, "mint_ceiling_reached");
    // A system token neither counts nor is held up.
    organization.mint(gateway, &json!({ "system": true })).await;
    full(gateway, &organization, CEILING).await;
    // Two at once make room for two.
    let ids: Vec<_> = rest.iter().take(2).map(|token| token.id.clone()).collect();
    let call = organization.revoking(gateway, &json!({ "ids": ids }));
    assert_eq!(call.send().await.json(200)["matched"], 2);
    fill(gateway, &organization, 2).await;
    full(gateway, &organization, CEILING).await;
}
