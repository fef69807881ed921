//! Searches for tokens and events, the overview and the dry run on a whole gateway: the index by triggers in D1, the
//! secret that is found and left nowhere, and names in the audit log.

use std::process::ExitCode;

use postern_system_tests::audit::events;
use postern_system_tests::forge;
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, id};
use postern_system_tests::runner;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            r48_words_find_tokens_wherever_they_stand,
            r48_ids_and_prefixes_find_tokens,
            r48_filters_meet_searches,
            r48_a_secret_finds_its_token_and_is_left_nowhere,
            r48_a_secret_of_elsewhere_is_answered_like_one_of_nobody,
            r48_a_query_takes_no_secret,
            r50_an_overview_counts_what_lists_show,
            r48_a_dry_run_tells_what_would_be_revoked,
            r48_the_audit_log_is_searched_by_names,
        ],
    )
}

async fn searched(suite: &Suite, organization: &Organization, body: &Value) -> Value {
    let call = organization.call(&suite.gateway, "POST", "/org/tokens/search");
    call.json(body).send().await.json(200)
}

fn ids(list: &Value) -> Vec<String> {
    let tokens = list["tokens"].as_array().expect("a list");
    tokens.iter().map(id).collect()
}

/// The ids that both ways of asking find, newest first.
async fn found(suite: &Suite, organization: &Organization, text: &str) -> Vec<String> {
    let answer = searched(suite, organization, &json!({ "text": text })).await;
    assert_eq!(answer["searched_all"], true, "{text}");
    let query = url(text);
    let listed = organization.call(&suite.gateway, "GET", &format!("/org/tokens?q={query}"));
    let listed = listed.send().await.json(200);
    assert_eq!(listed["tokens"], answer["tokens"], "{text}");
    ids(&answer)
}

/// As a part of a query.
fn url(text: &str) -> String {
    let escaped = text.bytes().map(|byte| format!("%{byte:02x}"));
    escaped.collect()
}

async fn r48_words_find_tokens_wherever_they_stand(suite: &Suite) {
    let organization = suite.organization().await;
    let mint = async |body: Value| organization.mint(&suite.gateway, &body).await;
    let minter = mint(json!({ "name": "Deployer of things" })).await;
    let described = mint(json!({ "name": "a", "description": "Signs \"v2.1\"; nightly, too" })).await;
    let scoped = mint(json!({ "name": "b", "project": SHOP, "workflow": RELEASE })).await;
    let body = json!({ "name": "ci_nightly-7", "project": SHOP, "policies": [] });
    let child = organization.mint_as(&suite.gateway, &minter, &body).await;
    let rows: [(&str, &[&Minted]); 10] = [
        ("night", &[&child, &described]),
        ("NIGHTLY too", &[&described]),
        ("v2 signs", &[&described]),
        ("shop", &[&child, &scoped]),
        ("release", &[&scoped]),
        ("release shop b", &[&scoped]),
        ("deployer", &[&child, &minter]),
        ("7 deploy", &[&child]),
        ("ightly", &[]),
        ("nightly release", &[]),
    ];
    for (text, expected) in rows {
        let expected: Vec<String> = expected.iter().map(|token| token.id.clone()).collect();
        assert_eq!(found(suite, &organization, text).await, expected, "{text}");
    }
    let listed = organization.token(&suite.gateway, &child.id).await;
    assert_eq!(listed["creator_name"], "Deployer of things");
    assert_eq!(listed["minted_by"], json!(minter.id));
    // Another organization's are not there.
    let stranger = suite.organization().await;
    assert_eq!(found(suite, &stranger, "night").await, Vec::<String>::new());
    // Page by page.
    let body = json!({ "text": "shop", "limit": 1 });
    let first = searched(suite, &organization, &body).await;
    let next = json!({ "text": "shop", "limit": 1, "cursor": first["next_cursor"] });
    let second = searched(suite, &organization, &next).await;
    assert_eq!((ids(&first), ids(&second)), (vec![child.id], vec![scoped.id]));
    assert_eq!(second["next_cursor"], Value::Null);
    // What a token of projects sees: not the organization's own.
    let call = organization.call_as(&suite.gateway, &minter, "GET", "/org/tokens?q=nightly");
    assert_eq!(ids(&call.send().await.json(200)), ids(&first));
}

async fn r48_ids_and_prefixes_find_tokens(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;
        let prefix = token.answer["prefix"].as_str().expect("a prefix").to_owned();
        let one = vec![token.id.clone()];
        for text in [prefix.as_str(), &format!("{prefix}…"), &token.id, &token.id.to_uppercase()] {
            assert_eq!(found(suite, &organization, text).await, one, "{text}");
        }
        let by = async |text: &str| searched(suite, &organization, &json!({ "text": text })).await["found_by"].clone();
        assert_eq!(by(&prefix).await, "prefix");
        assert_eq!(by(&token.id).await, "id");
        organization.revoke(&suite.gateway, &token.id).await;
        assert_eq!(found(suite, &organization, &token.id).await, one, "in any state");
        assert_eq!(found(suite, &organization, &prefix).await, Vec::<String>::new(), "of active ones");
    }
    assert_eq!(found(suite, &organization, &random_id()).await, Vec::<String>::new());
}

async fn r48_filters_meet_searches(suite: &Suite) {
    let organization = suite.organization().await;
    let mint = async |body: Value| organization.mint(&suite.gateway, &body).await.id;
    let soon = mint(json!({ "name": "soon ci", "expires_in": "2d" })).await;
    let sooner = mint(json!({ "name": "sooner ci", "expires_in": "1d" })).await;
    let never = mint(json!({ "name": "never ci" })).await;
    let ids_of = async |query: &str| {
        let call = organization.call(&suite.gateway, "GET", &format!("/org/tokens?{query}"));
        ids(&call.send().await.json(200))
    };
    let far = "2999-01-01T00:00:00Z";
    let rows: [(String, Vec<&String>); 8] = [
        (format!("expires_before={far}"), vec![&sooner, &soon]),
        (format!("expires_before={far}&q=soon"), vec![&sooner, &soon]),
        (format!("expires_before={far}&q=never"), vec![]),
        ("never_expires=true".to_owned(), vec![&never]),
        (format!("unused_since={far}&q=ci"), vec![&never, &sooner, &soon]),
        ("unused_since=2020-01-01T00:00:00Z".to_owned(), vec![]),
        ("quarantined=true".to_owned(), vec![]),
        (format!("created_after={far}"), vec![]),
    ];
    for (query, expected) in rows {
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        assert_eq!(ids_of(&query).await, expected, "{query}");
    }
}

/// An opaque key, and a JWT that was revoked.
async fn secrets(suite: &Suite, organization: &Organization) -> [Minted; 2] {
    let opaque = organization.mint_for_release(&suite.gateway, "opaque").await;
    let body = json!({ "name": "gone", "format": "jwt", "expires_in": "1d" });
    let gone = organization.mint(&suite.gateway, &body).await;
    organization.revoke(&suite.gateway, &gone.id).await;
    [opaque, gone]
}

async fn r48_a_secret_finds_its_token_and_is_left_nowhere(suite: &Suite) {
    let organization = suite.organization().await;
    for token in secrets(suite, &organization).await {
        let secret = &token.token;
        for text in [secret.clone(), format!("Authorization: Bearer {secret}\r\n"), format!("T='{secret}'")] {
            let answer = searched(suite, &organization, &json!({ "text": text, "scope": "project" })).await;
            assert_eq!(ids(&answer), [token.id.as_str()]);
            assert_eq!((&answer["found_by"], &answer["genuine"]), (&json!("secret"), &json!(true)));
            assert!(!answer.to_string().contains(secret), "the answer repeats it");
        }
        let seen = organization.token(&suite.gateway, &token.id).await;
        assert_eq!((&seen["uses"], &seen["last_used_at"]), (&json!(0), &Value::Null), "no use of it");
        // Neither whole nor what is secret of it.
        let (_, end) = secret.split_at(secret.len() - 20);
        let log = suite.gateway.serve().log();
        assert!(log.contains("token.list"), "the log has the searches");
        assert!(!log.contains(end), "the log has it");
        assert_eq!(suite.gateway.serve().holding(end), Vec::<std::path::PathBuf>::new());
    }
}

async fn r48_a_secret_of_elsewhere_is_answered_like_one_of_nobody(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let holder = organization.mint(&suite.gateway, &json!({})).await;
    let [foreign, _] = secrets(suite, &stranger).await;
    let wide = organization.mint(&suite.gateway, &json!({ "name": "wide" })).await;
    let system = organization.mint(&suite.gateway, &json!({ "system": true })).await;
    let nobody = forge::opaque(&random_id(), &suite.keys.root());
    let ask = async |token: &str| -> Value {
        let call = organization.call_as(&suite.gateway, &holder, "POST", "/org/tokens/search");
        call.json(&json!({ "text": token })).send().await.json(200)
    };
    let expected = ask(&nobody).await;
    assert_eq!((ids(&expected), &expected["genuine"]), (Vec::new(), &json!(true)));
    // Of another organization, of another level, and a system token.
    for token in [&foreign, &wide, &system] {
        assert_eq!(ask(&token.token).await, expected);
    }
    // What no key of this gateway has made.
    let damaged = forge::damage(&foreign.token, &(30..31));
    for text in [damaged, foreign.token[..60].to_owned()] {
        let answer = ask(&text).await;
        assert_eq!((ids(&answer), &answer["genuine"]), (Vec::new(), &json!(false)), "{text}");
    }
}

async fn r48_a_query_takes_no_secret(suite: &Suite) {
    let organization = suite.organization().await;
    for token in secrets(suite, &organization).await {
        for path in ["/org/tokens?q=", "/org/audit?token=", "/org/audit?actor="] {
            let path = format!("{path}{}", token.token);
            // A JWT is longer than an actor may be.
            let answer: Answer = organization.call(&suite.gateway, "GET", &path).send().await;
            let code = match path.contains("actor") && token.token.len() > 200 {
                true => "actor_invalid",
                false => "secret_in_query",
            };
            answer.problem(400, code);
        }
        let (_, end) = token.token.split_at(token.token.len() - 20);
        assert!(!suite.gateway.serve().log().contains(end), "the log has the query");
    }
}

async fn r50_an_overview_counts_what_lists_show(suite: &Suite) {
    let organization = suite.organization().await;
    let mint = async |body: Value| organization.mint(&suite.gateway, &body).await;
    mint(json!({ "name": "a", "expires_in": "1d" })).await;
    mint(json!({ "name": "b", "project": SHOP })).await;
    mint(json!({ "name": "c", "system": true })).await;
    let reader = mint(json!({ "name": "d", "expires_in": "60d" })).await;
    let gone = mint(json!({ "name": "e" })).await;
    organization.revoke(&suite.gateway, &gone.id).await;
    // The log has what it counts.
    events(&suite.gateway, &organization, "").await;
    let seen = organization.call(&suite.gateway, "GET", "/org/overview").send().await.json(200);
    let expected = json!({
        "active": 3, "expiring": 1, "never_expire": 1, "unused": 0, "quarantined": 0, "created_today": 3,
        "more": false,
    });
    // At midnight those of a moment ago are of yesterday.
    let mut tokens = seen["tokens"].clone();
    if tokens["created_today"] == 0 {
        tokens["created_today"] = json!(3);
    }
    assert_eq!(tokens, expected);
    assert_eq!(seen["ceiling"], Value::Null);
    let hours = seen["mints_by_hour"].as_array().expect("hours");
    let created: u64 = hours.iter().filter_map(|hour| hour["created"].as_u64()).sum();
    assert_eq!((hours.len(), created), (48, 5));
    let own = organization.call_as(&suite.gateway, &reader, "GET", "/org/overview");
    let own = own.send().await.json(200);
    assert_eq!((&own["tokens"]["active"], &own["mints_by_hour"]), (&json!(1), &Value::Null));
}

async fn r48_a_dry_run_tells_what_would_be_revoked(suite: &Suite) {
    let organization = suite.organization().await;
    let minter = organization.mint(&suite.gateway, &json!({ "name": "minter" })).await;
    let mint = async |body: Value| organization.mint_as(&suite.gateway, &minter, &body).await;
    let idle = mint(json!({ "name": "idle", "project": SHOP, "policies": [] })).await;
    let used = mint(json!({ "name": "used", "project": SHOP, "workflow": RELEASE, "policies": [] })).await;
    postern_system_tests::life::assert_live(&suite.gateway, &used, "before").await;
    // Uses are written within seconds.
    for _ in 0..60 {
        if organization.token(&suite.gateway, &used.id).await["uses"] != 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    for dry_run in [true, false] {
        let selector = json!({ "minted_by": minter.id, "dry_run": dry_run });
        let told = organization.revoking(&suite.gateway, &selector).send().await.json(200);
        let tokens = told["tokens"].as_array().expect("tokens");
        assert_eq!(tokens.iter().map(id).collect::<Vec<_>>(), [used.id.clone(), idle.id.clone()]);
        let first = &tokens[0];
        assert_eq!((&first["name"], &first["scope"]), (&json!("used"), &json!("workflow")));
        assert_eq!(first["workflow"]["name"], RELEASE);
        assert_eq!(first["creator_name"], "minter");
        assert_eq!(first["prefix"], used.answer["prefix"]);
        assert!(first["uses_since_yesterday"].as_u64() > Some(0), "{first}");
        assert_eq!(tokens[1]["last_used_at"], Value::Null);
        assert_eq!(told["projects"], json!([{ "name": SHOP, "count": 2 }]));
        assert_eq!(told["matched"], 2);
    }
}

async fn r48_the_audit_log_is_searched_by_names(suite: &Suite) {
    let organization = suite.organization().await;
    let minter = organization.mint(&suite.gateway, &json!({ "name": "night minter" })).await;
    let body = json!({ "name": "nightly", "project": SHOP, "policies": [] });
    let child = organization.mint_as(&suite.gateway, &minter, &body).await;
    organization.revoke(&suite.gateway, &child.id).await;
    let prefix = |token: &Minted| token.answer["prefix"].as_str().expect("a prefix").to_owned();
    let actions = async |query: String| -> Vec<Value> {
        let list = events(&suite.gateway, &organization, &query).await;
        list.iter().map(|event| event["action"].clone()).collect()
    };
    let both = [json!("token.revoke"), json!("token.mint")];
    for token in [child.id.clone(), prefix(&child), "nightly".to_owned()] {
        assert_eq!(actions(format!("token={token}")).await, both, "{token}");
    }
    for actor in [prefix(&minter), minter.id.clone(), "night%20minter".to_owned(), format!("org-token:{}", prefix(&minter))] {
        assert_eq!(actions(format!("actor={actor}")).await, both[1..], "{actor}");
    }
    let by = events(&suite.gateway, &organization, &format!("actor={}", prefix(&minter))).await;
    assert_eq!((&by[0]["token_name"], &by[0]["actor_name"]), (&json!("nightly"), &json!("night minter")));
    // By the address and the request that an event shows.
    let revoked = events(&suite.gateway, &organization, "action=token.revoke").await;
    let text = |member: &str| revoked[0][member].as_str().expect(member).to_owned();
    let of_address = actions(format!("address={}", text("address"))).await;
    assert!(of_address.contains(&both[0]), "{of_address:?}");
    assert_eq!(actions(format!("request_id={}", text("request_id"))).await, both[..1]);
    assert_eq!(actions("address=203.0.113.77".to_owned()).await, Vec::<Value>::new());
    let unknown = organization.call(&suite.gateway, "GET", "/org/audit?token=nobody");
    unknown.send().await.problem(404, "not_found");
}
