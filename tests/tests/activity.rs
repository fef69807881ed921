//! What calls have come to (R49): counted by token, day and outcome, only allowed ones as uses; the last refused ones;
//! who called; for whom that is; and the header that tells when a token ends.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::gateway::Gateway;
use postern_system_tests::life::{self, REFUSED, accepted};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, id};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, runner};
use serde_json::{Value, json};

const ISOLATES: u16 = 2;
/// How far behind counts may be.
const BEHIND: Duration = Duration::from_secs(60);
/// Where nobody answers.
const NOBODY: &str = "http://127.0.0.1:1";

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![
            r49_calls_count_by_what_they_come_to_and_only_allowed_ones_are_uses,
            r49_calls_count_the_same_where_each_asks_its_ledger,
            r49_a_call_that_the_origin_does_not_answer_is_no_use,
            r49_activity_is_for_who_reads_the_audit_log,
            a_token_that_ends_soon_says_so,
        ],
    )
}

/// Polls what calls have come to until enough of them have ended; gives it.
async fn ended(gateway: &Gateway, organization: &Organization, query: &str, calls: u64) -> Value {
    let deadline = Instant::now() + BEHIND;
    let path = format!("/org/activity?days=2{query}");
    loop {
        let told = organization
            .call(gateway, "GET", &path)
            .send()
            .await
            .json(200);
        let found = total(&told, "allowed") + total(&told, "origin_trouble") + refused(&told);
        if found >= calls {
            return told;
        }
        assert!(Instant::now() < deadline, "{found} of {calls}: {told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Of today and yesterday: midnight may have been in between.
fn total(told: &Value, member: &str) -> u64 {
    let days = told["days"].as_array().expect("days").iter();
    days.map(|day| day[member].as_u64().expect("a count")).sum()
}

fn refused(told: &Value) -> u64 {
    let days = told["days"].as_array().expect("days").iter();
    let codes = days.flat_map(|day| day["refused"].as_object().expect("codes").values());
    codes.map(|calls| calls.as_u64().expect("a count")).sum()
}

fn refused_by(told: &Value, code: &str) -> u64 {
    let days = told["days"].as_array().expect("days").iter();
    days.filter_map(|day| day["refused"][code].as_u64()).sum()
}

async fn uses(gateway: &Gateway, organization: &Organization, token: &Minted, uses: u64) {
    let deadline = Instant::now() + BEHIND;
    loop {
        let row = organization.token(gateway, &token.id).await;
        if row["uses"] == uses {
            return;
        }
        assert!(row["uses"].as_u64() < Some(uses), "too many: {row}");
        assert!(Instant::now() < deadline, "not {uses} uses: {row}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn r49_calls_count_by_what_they_come_to_and_only_allowed_ones_are_uses(setup: &Setup) {
    counts(setup, "1000").await;
}

async fn r49_calls_count_the_same_where_each_asks_its_ledger(setup: &Setup) {
    counts(setup, "0").await;
}

async fn counts(setup: &Setup, lease_ms: &str) {
    const CALLS: u64 = 20;
    let serve = setup.serve().isolates(ISOLATES);
    let gateway = serve.set("REVOCATION_LEASE_MS", lease_ms).start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let opaque = organization.mint_for_release(&gateway, "opaque").await;
    let jwt = organization.mint_for_release(&gateway, "jwt").await;
    for token in [&opaque, &jwt] {
        for isolate in 0..ISOLATES {
            for _ in 0..CALLS {
                assert!(accepted(&gateway, isolate, &token.token).await);
            }
            // Another project than the token's.
            let names = rpc::names("other", RELEASE);
            let call = rpc::call_on(&gateway, isolate, FIND_OR_CREATE, &token.token, &names);
            let call = call.header("user-agent", "a-curious-tool/1");
            assert_eq!(call.send().await.ending().0.code, 7);
        }
    }
    // Management counts as well.
    let manager = organization.mint(&gateway, &json!({})).await;
    let list = organization.call_as(&gateway, &manager, "GET", "/org/tokens");
    list.send().await.json(200);
    let create = organization.call_as(&gateway, &manager, "GET", "/org/audit");
    create.send().await.problem(403, "operation_not_allowed");
    organization.revoke(&gateway, &jwt.id).await;
    for isolate in 0..ISOLATES {
        let call = life::call(&gateway, isolate, &jwt.token).send().await;
        call.refused(16, REFUSED);
    }

    let isolates = u64::from(ISOLATES);
    let all = 2 * isolates * (CALLS + 1) + 2 + isolates;
    let told = ended(&gateway, &organization, "", all).await;
    assert_eq!(total(&told, "allowed"), 2 * isolates * CALLS + 1, "{told}");
    assert_eq!(total(&told, "origin_trouble"), 0, "{told}");
    assert_eq!(refused_by(&told, "other_project"), 2 * isolates, "{told}");
    assert_eq!(refused_by(&told, "operation_not_allowed"), 1, "{told}");
    assert_eq!(refused_by(&told, "credential_refused"), isolates, "{told}");
    assert_eq!(refused(&told), 3 * isolates + 1, "{told}");
    assert_eq!(told["callers"], Value::Null);

    // The last ones first, with who called from where.
    let recent = told["recent"].as_array().expect("a list");
    assert_eq!(recent.len() as u64, 3 * isolates + 1);
    let moments: Vec<i64> = recent
        .iter()
        .map(|call| life::millis(&call["at"]))
        .collect();
    assert!(moments.is_sorted_by(|one, next| one >= next), "{moments:?}");
    assert_eq!(recent[0]["reason"], "credential_refused");
    assert_eq!(recent[0]["token"]["id"], json!(jwt.id));
    let tried = recent.iter().find(|call| call["reason"] == "other_project");
    let tried = tried.expect("it is there");
    assert_eq!(tried["user_agent"], "a-curious-tool/1");
    assert_eq!(
        tried["operation"],
        "AttestationService/FindOrCreateWorkflow"
    );
    assert!(
        tried["address"].is_string() && tried["request_id"].is_string(),
        "{tried}"
    );
    let most = &told["most_refused"][0];
    assert_eq!(
        (&most["token"]["id"], &most["refused"]),
        (&json!(jwt.id), &json!(2 * isolates))
    );

    let query = format!("&token={}", opaque.id);
    let told = ended(&gateway, &organization, &query, isolates * (CALLS + 1)).await;
    assert_eq!(total(&told, "allowed"), isolates * CALLS, "{told}");
    let of = |call: &Value| call["token"]["id"] == json!(opaque.id);
    assert!(
        told["recent"].as_array().expect("a list").iter().all(of),
        "{told}"
    );
    let callers = told["callers"].as_array().expect("a list");
    let calls = callers
        .iter()
        .map(|caller| caller["calls"].as_u64().expect("a count"));
    assert_eq!(calls.sum::<u64>(), isolates * CALLS, "{told}");
    assert!(
        callers
            .iter()
            .all(|caller| caller["user_agent"] != "a-curious-tool/1"),
        "{told}"
    );

    for token in [&opaque, &jwt] {
        uses(&gateway, &organization, token, isolates * CALLS).await;
    }
    uses(&gateway, &organization, &manager, 1).await;
    gateway.stop();
}

async fn r49_a_call_that_the_origin_does_not_answer_is_no_use(setup: &Setup) {
    let gateway = setup.serve().set("ORIGIN_URL", NOBODY).start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "opaque").await;
    for _ in 0..3 {
        let call = life::call(&gateway, 0, &token.token).send().await;
        assert_eq!(call.ending().0.code, 14);
    }
    let query = format!("&token={}", token.id);
    let told = ended(&gateway, &organization, &query, 3).await;
    assert_eq!(total(&told, "origin_trouble"), 3, "{told}");
    assert_eq!((total(&told, "allowed"), refused(&told)), (0, 0), "{told}");
    assert_eq!(told["callers"][0]["calls"], 3, "{told}");
    let row = organization.token(&gateway, &token.id).await;
    assert_eq!(
        (&row["uses"], &row["last_used_at"]),
        (&json!(0), &Value::Null)
    );
    gateway.stop();
}

async fn r49_activity_is_for_who_reads_the_audit_log(setup: &Setup) {
    let gateway = setup.serve().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let reader = json!({ "policies": ["audit:read"] });
    let reader = organization.mint(&gateway, &reader).await;
    let other = organization.mint(&gateway, &json!({})).await;
    let read = async |token: &Minted| {
        let call = organization.call_as(&gateway, token, "GET", "/org/activity");
        call.send().await
    };
    read(&other).await.problem(403, "operation_not_allowed");
    let told = read(&reader).await.json(200);
    assert_eq!(told["days"].as_array().expect("days").len(), 30);
    assert_eq!(told["offline_failures"], Value::Null, "it is the gateway's");

    // What is no token at all counts for the gateway, and for nobody else.
    let before = refused(&told);
    for _ in 0..3 {
        let call = gateway
            .call("GET", "/org/tokens")
            .bearer("not-a-credential");
        call.send().await.problem(401, "credential_refused");
    }
    let deadline = Instant::now() + BEHIND;
    loop {
        let call = organization.call(&gateway, "GET", "/org/activity");
        let told = call.send().await.json(200);
        let failures = &told["offline_failures"];
        let days = [&failures["today"], &failures["yesterday"]];
        let failed: u64 = days.iter().map(|day| day.as_u64().expect("a count")).sum();
        if failed == 3 {
            break;
        }
        assert!(failed < 3 && Instant::now() < deadline, "{told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // `other` was refused once.
    let told = ended(&gateway, &organization, "", 1).await;
    assert!(refused(&told) <= before + 1, "{told}");

    for (query, status, code) in [
        ("days=0", 400, "days_invalid"),
        ("days=31", 400, "days_invalid"),
        ("token=ci", 400, "token_id_invalid"),
        (
            "token=00000000-0000-4000-8000-000000000009",
            404,
            "not_found",
        ),
        ("limit=1", 400, "query_invalid"),
    ] {
        let path = format!("/org/activity?{query}");
        let call = organization.call(&gateway, "GET", &path);
        call.send().await.problem(status, code);
    }
    gateway.stop();
}

async fn a_token_that_ends_soon_says_so(setup: &Setup) {
    const EXPIRES: &str = "postern-token-expires";
    let gateway = setup.serve().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    for (expires_in, told) in [("13d", true), ("30d", false)] {
        for format in ["opaque", "jwt"] {
            let body = json!({ "project": SHOP, "format": format, "expires_in": expires_in });
            let token = organization.mint(&gateway, &body).await;
            let end = token.answer["expires_at"].as_str().expect("an end");
            let call = life::call(&gateway, 0, &token.token).send().await;
            call.accepted();
            assert_eq!(
                call.header(EXPIRES),
                told.then_some(end),
                "{expires_in} {format}"
            );
        }
        let body = json!({ "expires_in": expires_in });
        let manager = organization.mint(&gateway, &body).await;
        let end = manager.answer["expires_at"].as_str().expect("an end");
        let list = organization.call_as(&gateway, &manager, "GET", "/org/tokens");
        let list = list.send().await;
        list.json(200);
        assert_eq!(list.header(EXPIRES), told.then_some(end), "{expires_in}");
    }
    let list = organization
        .call(&gateway, "GET", "/org/tokens")
        .send()
        .await;
    assert!(!id(&list.json(200)["tokens"][0]).is_empty());
    assert_eq!(
        list.header(EXPIRES),
        None,
        "the administrator key has no end"
    );
    gateway.stop();
}
