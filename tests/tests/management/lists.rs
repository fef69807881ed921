//! Lists of tokens, single tokens and what a revoke answers.

use std::collections::BTreeSet;

use postern_system_tests::organization::{RELEASE, SHOP, fields, id};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

use crate::support::{TOKEN, assert_recent, listed, set};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        a_token_reads_as_it_is_listed,
        r19_lists_filter_by_status_scope_and_project,
        r20_an_empty_parameter_is_a_mistake,
        r10_r19_system_tokens_are_listed_only_when_asked_for,
        r20_pages_hold_every_row_once,
        r11_a_revoke_answers_with_the_first_moment,
    ]
}

async fn a_token_reads_as_it_is_listed(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = [
        organization
            .mint(
                &suite.gateway,
                &json!({ "name": "a", "description": "é \"quoted\"" }),
            )
            .await,
        organization
            .mint(
                &suite.gateway,
                &json!({ "name": "b", "project": SHOP, "format": "jwt", "expires_in": "1d" }),
            )
            .await,
        organization
            .mint_for_release(&suite.gateway, "opaque")
            .await,
    ];
    let answer = organization
        .call(&suite.gateway, "GET", "/org/tokens")
        .send()
        .await;
    let list = answer.json(200);
    assert_eq!(
        fields(&list),
        set(["tokens", "next_cursor", "searched_all"])
    );
    let rows = list["tokens"].as_array().expect("a list");
    assert_eq!(
        rows.iter().map(id).collect::<BTreeSet<_>>(),
        minted.iter().map(|token| token.id.clone()).collect()
    );
    for token in &minted {
        let row = rows.iter().find(|row| id(row) == token.id).expect("listed");
        assert_eq!(fields(row), listed());
        assert_eq!(&organization.token(&suite.gateway, &token.id).await, row);
        let upper = organization
            .token(&suite.gateway, &token.id.to_uppercase())
            .await;
        assert_eq!(&upper, row, "ids may come in capitals");
        for field in TOKEN {
            assert_eq!(row[field], token.answer[field], "{field}");
        }
        assert_eq!(
            (&row["revoked_at"], &row["last_used_at"], &row["uses"]),
            (&Value::Null, &Value::Null, &json!(0))
        );
        assert_eq!(
            row["minted_by"],
            Value::Null,
            "the administrator is no token"
        );
    }
}

async fn r19_lists_filter_by_status_scope_and_project(suite: &Suite) {
    let organization = suite.organization().await;
    organization.create_project(&suite.gateway, "second").await;
    let mint = async |body: Value| organization.mint(&suite.gateway, &body).await.id;
    let wide = mint(json!({})).await;
    let shop = mint(json!({ "project": SHOP })).await;
    let release = mint(json!({ "project": SHOP, "workflow": RELEASE })).await;
    let second = mint(json!({ "project": "second" })).await;
    let gone = mint(json!({ "project": SHOP })).await;
    organization.revoke(&suite.gateway, &gone).await;
    let brief = mint(json!({ "expires_in": "1s" })).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;

    let all = [&wide, &shop, &release, &second, &gone, &brief];
    let by_id = format!("project={}", organization.shop.to_uppercase());
    let rows: [(&str, &[&String]); 13] = [
        ("", &[&wide, &shop, &release, &second]),
        ("status=active", &[&wide, &shop, &release, &second]),
        ("status=revoked", &[&gone]),
        ("status=all", &all),
        ("scope=organization", &[&wide]),
        ("scope=project", &[&shop, &second]),
        ("scope=workflow", &[&release]),
        ("project=shop", &[&shop, &release]),
        ("project=second", &[&second]),
        (&by_id, &[&shop, &release]),
        ("project=shop&scope=project&status=all", &[&shop, &gone]),
        ("project=shop&scope=workflow&status=revoked", &[]),
        ("scope=organization&status=all", &[&wide, &brief]),
    ];
    for (query, expected) in rows {
        let expected: BTreeSet<String> = expected.iter().map(|id| (*id).clone()).collect();
        assert_eq!(
            organization.token_ids(&suite.gateway, query).await,
            expected,
            "{query}"
        );
    }
    // One that is not there is a mistake, and no empty list; so is another organization's.
    let stranger = suite.organization().await;
    for project in ["nowhere", "SHOP", &stranger.shop, &random_id()] {
        let call = organization.call(
            &suite.gateway,
            "GET",
            &format!("/org/tokens?project={project}"),
        );
        let problem = call.send().await.problem(404, "not_found");
        assert_eq!(problem["detail"], "no such project");
    }
    let wrong = [
        ("status=dead", "status_invalid"),
        ("scope=all", "scope_invalid"),
        ("include_system=yes", "include_system_invalid"),
        ("uses_days=0", "uses_days_invalid"),
        ("uses_days=31", "uses_days_invalid"),
        ("uses_days=-1", "uses_days_invalid"),
        ("uses_days=1.5", "uses_days_invalid"),
        ("limit=0", "limit_invalid"),
        ("limit=501", "limit_invalid"),
        ("limit=-1", "limit_invalid"),
        ("limit=x", "limit_invalid"),
        ("cursor=x", "cursor_invalid"),
        ("statuss=all", "query_invalid"),
        ("status=all&status=active", "query_invalid"),
    ];
    for (query, code) in wrong {
        let call = organization.call(&suite.gateway, "GET", &format!("/org/tokens?{query}"));
        call.send().await.problem(400, code);
    }
}

/// An empty variable of a script selects nothing, and must not select all.
async fn r20_an_empty_parameter_is_a_mistake(suite: &Suite) {
    let organization = suite.organization().await;
    let pages: &[&str] = &["limit", "cursor"];
    let tokens: &[&str] = &[
        "status",
        "scope",
        "project",
        "minted_by",
        "include_system",
        "uses_days",
        "limit",
        "cursor",
    ];
    for (path, parameters) in [
        ("/orgs", pages),
        ("/org/projects", pages),
        ("/org/projects/shop/workflows", pages),
        ("/org/tokens", tokens),
        ("/org/audit/checkpoints", pages),
    ] {
        for parameter in parameters {
            for query in [format!("{parameter}="), (*parameter).to_owned()] {
                let call = organization.call(&suite.gateway, "GET", &format!("{path}?{query}"));
                let problem = call.send().await.problem(400, "query_invalid");
                let detail = format!(
                    "the parameter `{parameter}` is empty: give it a value, or leave it out"
                );
                assert_eq!(problem["detail"], detail, "{path}?{query}");
            }
        }
    }
}

async fn r10_r19_system_tokens_are_listed_only_when_asked_for(suite: &Suite) {
    let organization = suite.organization().await;
    let plain = organization.mint(&suite.gateway, &json!({})).await;
    let system = organization
        .mint(&suite.gateway, &json!({ "system": true }))
        .await;
    assert_eq!(system.answer["is_system"], true);
    assert_eq!(
        organization.token_ids(&suite.gateway, "").await,
        [plain.id.clone()].into()
    );
    assert_eq!(
        organization
            .token_ids(&suite.gateway, "include_system=false")
            .await,
        [plain.id.clone()].into()
    );
    let both = organization
        .token_ids(&suite.gateway, "include_system=true")
        .await;
    assert_eq!(both, [plain.id, system.id.clone()].into());
    rpc::call(
        &suite.gateway,
        FIND_OR_CREATE,
        &system.token,
        &rpc::names(SHOP, RELEASE),
    )
    .send()
    .await
    .accepted();
    organization.revoke(&suite.gateway, &system.id).await;
    let revoked = organization
        .token_ids(&suite.gateway, "include_system=true&status=revoked")
        .await;
    assert_eq!(revoked, [system.id].into());
}

async fn r20_pages_hold_every_row_once(suite: &Suite) {
    let organization = suite.organization().await;
    let mut minted = Vec::new();
    for _ in 0..7 {
        minted.push(organization.mint(&suite.gateway, &json!({})).await.id);
    }
    let page = async |limit: usize, cursor: Option<&str>| {
        let cursor = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let call = organization.call(
            &suite.gateway,
            "GET",
            &format!("/org/tokens?limit={limit}{cursor}"),
        );
        let answer = call.send().await.json(200);
        let ids: Vec<_> = answer["tokens"]
            .as_array()
            .expect("a list")
            .iter()
            .map(id)
            .collect();
        (ids, answer["next_cursor"].as_str().map(str::to_owned))
    };
    let (whole, end) = page(500, None).await;
    assert_eq!(end, None);
    assert_eq!(
        whole.iter().collect::<BTreeSet<_>>(),
        minted.iter().collect()
    );
    for limit in [1, 2, 3, 6, 7, 8] {
        let (mut rows, mut cursor) = page(limit, None).await;
        while let Some(next) = cursor {
            let (more, then) = page(limit, Some(&next)).await;
            assert!(!more.is_empty() && more.len() <= limit, "{limit}: {more:?}");
            assert_eq!(
                page(limit, Some(&next)).await,
                (more.clone(), then.clone()),
                "the same page again"
            );
            rows.extend(more);
            cursor = then;
        }
        assert_eq!(rows, whole, "pages of {limit}");
    }
    // What is minted while somebody turns pages neither repeats nor hides a row.
    let (mut rows, mut cursor) = page(3, None).await;
    while let Some(next) = cursor {
        organization.mint(&suite.gateway, &json!({})).await;
        let (more, then) = page(3, Some(&next)).await;
        rows.extend(more);
        cursor = then;
    }
    assert_eq!(rows, whole);
}

async fn r11_a_revoke_answers_with_the_first_moment(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let token = organization
            .mint(&suite.gateway, &json!({ "format": format }))
            .await;
        let path = format!("/org/tokens/{}", token.id);
        let first = organization
            .call(&suite.gateway, "DELETE", &path)
            .send()
            .await
            .json(200);
        assert_eq!(fields(&first), set(["final_at", "id", "revoked_at"]));
        assert_eq!(first["id"], token.id);
        assert_recent(&first["revoked_at"]);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let again = organization.call(
            &suite.gateway,
            "DELETE",
            &path.to_uppercase().replace("/ORG/TOKENS", "/org/tokens"),
        );
        // Of the same revoke; it was final by then.
        let again = again.send().await.json(200);
        assert_eq!(again["id"], first["id"]);
        assert_eq!(again["revoked_at"], first["revoked_at"]);
        assert_eq!(
            organization.token(&suite.gateway, &token.id).await["revoked_at"],
            first["revoked_at"]
        );
        assert!(
            !organization
                .token_ids(&suite.gateway, "")
                .await
                .contains(&token.id)
        );
        assert!(
            organization
                .token_ids(&suite.gateway, "status=revoked")
                .await
                .contains(&token.id)
        );
    }
}
