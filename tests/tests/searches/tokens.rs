//! Searches for tokens: by words, ids, prefixes and secrets.

use postern_system_tests::forge;
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r48_words_find_tokens_wherever_they_stand,
        r48_ids_and_prefixes_find_tokens,
        r48_filters_meet_searches,
        r48_a_secret_finds_its_token_and_is_left_nowhere,
        r48_a_secret_of_elsewhere_is_answered_like_one_of_nobody,
        r48_a_query_takes_no_secret,
    ]
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
    let described =
        mint(json!({ "name": "a", "description": "Signs \"v2.1\"; nightly, too" })).await;
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
    assert_eq!(
        (ids(&first), ids(&second)),
        (vec![child.id], vec![scoped.id])
    );
    assert_eq!(second["next_cursor"], Value::Null);
    // What a token of projects sees: not the organization's own.
    let call = organization.call_as(&suite.gateway, &minter, "GET", "/org/tokens?q=nightly");
    assert_eq!(ids(&call.send().await.json(200)), ids(&first));
}

async fn r48_ids_and_prefixes_find_tokens(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;
        let prefix = token.answer["prefix"]
            .as_str()
            .expect("a prefix")
            .to_owned();
        let one = vec![token.id.clone()];
        for text in [
            prefix.as_str(),
            &format!("{prefix}…"),
            &token.id,
            &token.id.to_uppercase(),
        ] {
            assert_eq!(found(suite, &organization, text).await, one, "{text}");
        }
        let by = async |text: &str| {
            searched(suite, &organization, &json!({ "text": text })).await["found_by"].clone()
        };
        assert_eq!(by(&prefix).await, "prefix");
        assert_eq!(by(&token.id).await, "id");
        organization.revoke(&suite.gateway, &token.id).await;
        assert_eq!(
            found(suite, &organization, &token.id).await,
            one,
            "in any state"
        );
        assert_eq!(
            found(suite, &organization, &prefix).await,
            Vec::<String>::new(),
            "of active ones"
        );
    }
    assert_eq!(
        found(suite, &organization, &random_id()).await,
        Vec::<String>::new()
    );
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
        (
            format!("unused_since={far}&q=ci"),
            vec![&never, &sooner, &soon],
        ),
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
    let opaque = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let body = json!({ "name": "gone", "format": "jwt", "expires_in": "1d" });
    let gone = organization.mint(&suite.gateway, &body).await;
    organization.revoke(&suite.gateway, &gone.id).await;
    [opaque, gone]
}

async fn r48_a_secret_finds_its_token_and_is_left_nowhere(suite: &Suite) {
    let organization = suite.organization().await;
    for token in secrets(suite, &organization).await {
        let secret = &token.token;
        for text in [
            secret.clone(),
            format!("Authorization: Bearer {secret}\r\n"),
            format!("T='{secret}'"),
        ] {
            let answer = searched(
                suite,
                &organization,
                &json!({ "text": text, "scope": "project" }),
            )
            .await;
            assert_eq!(ids(&answer), [token.id.as_str()]);
            assert_eq!(
                (&answer["found_by"], &answer["genuine"]),
                (&json!("secret"), &json!(true))
            );
            assert!(
                !answer.to_string().contains(secret),
                "the answer repeats it"
            );
        }
        let seen = organization.token(&suite.gateway, &token.id).await;
        assert_eq!(
            (&seen["uses"], &seen["last_used_at"]),
            (&json!(0), &Value::Null),
            "no use of it"
        );
        // Neither whole nor what is secret of it.
        let (_, end) = secret.split_at(secret.len() - 20);
        let log = suite.gateway.serve().log();
        assert!(log.contains("token.list"), "the log has the searches");
        assert!(!log.contains(end), "the log has it");
        assert_eq!(
            suite.gateway.serve().holding(end),
            Vec::<std::path::PathBuf>::new()
        );
    }
}

async fn r48_a_secret_of_elsewhere_is_answered_like_one_of_nobody(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let holder = organization.mint(&suite.gateway, &json!({})).await;
    let [foreign, _] = secrets(suite, &stranger).await;
    let wide = organization
        .mint(&suite.gateway, &json!({ "name": "wide" }))
        .await;
    let system = organization
        .mint(&suite.gateway, &json!({ "system": true }))
        .await;
    let nobody = forge::opaque(&random_id(), &suite.keys.root());
    let ask = async |token: &str| -> Value {
        let call = organization.call_as(&suite.gateway, &holder, "POST", "/org/tokens/search");
        call.json(&json!({ "text": token })).send().await.json(200)
    };
    let expected = ask(&nobody).await;
    assert_eq!(
        (ids(&expected), &expected["genuine"]),
        (Vec::new(), &json!(true))
    );
    // Of another organization, of another level, and a system token.
    for token in [&foreign, &wide, &system] {
        assert_eq!(ask(&token.token).await, expected);
    }
    // An administrator is told where to look, and nothing of the token.
    let call = organization.call(&suite.gateway, "POST", "/org/tokens/search");
    let told = call.json(&json!({ "text": foreign.token })).send().await;
    let told = told.json(200);
    assert_eq!(
        told["elsewhere"]["organization"]["name"],
        json!(stranger.name)
    );
    assert_eq!(ids(&told), Vec::<String>::new());
    // What no key of this gateway has made.
    let damaged = forge::damage(&foreign.token, &(30..31));
    for text in [damaged, foreign.token[..60].to_owned()] {
        let answer = ask(&text).await;
        assert_eq!(
            (ids(&answer), &answer["genuine"]),
            (Vec::new(), &json!(false)),
            "{text}"
        );
    }
}

async fn r48_a_query_takes_no_secret(suite: &Suite) {
    let organization = suite.organization().await;
    for token in secrets(suite, &organization).await {
        for path in [
            "/org/tokens?q=",
            "/org/tokens?project=",
            "/org/tokens?minted_by=",
            "/org/audit?token=",
            "/org/audit?actor=",
            "/org/audit?request_id=",
            "/org/audit?address=",
            "/org/activity?token=",
        ] {
            let path = format!("{path}{}", token.token);
            let answer: Answer = organization.call(&suite.gateway, "GET", &path).send().await;
            answer.problem(400, "secret_in_query");
        }
        let (_, end) = token.token.split_at(token.token.len() - 20);
        assert!(
            !suite.gateway.serve().log().contains(end),
            "the log has the query"
        );
    }
}
