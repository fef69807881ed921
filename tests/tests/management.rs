//! The management API as the contract has it: what each call answers, which fields and no others, what lists show and
//! how they page, and that the plaintext of a token is nowhere but in the answer that made it.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use postern_domain::token::base62_id;
use postern_system_tests::forge::{self};
use postern_system_tests::gateway::files;
use postern_system_tests::organization::{Minted, OTHER, Organization, RELEASE, SHOP, fields, id};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, random_name, runner};
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            organizations_are_made_and_listed,
            limits_of_an_organization_change_and_nothing_else,
            projects_and_workflows_are_made_and_listed,
            ids_may_be_given,
            r2_a_mint_answers_once_with_the_token,
            r8_an_empty_body_mints_a_token_with_a_generated_name,
            r3_a_jwt_carries_its_scope_and_nothing_else,
            r7_an_expiry_is_echoed_in_both_forms,
            a_token_reads_as_it_is_listed,
            r19_lists_filter_by_status_scope_and_project,
            r20_an_empty_parameter_is_a_mistake,
            r10_r19_system_tokens_are_listed_only_when_asked_for,
            r20_pages_hold_every_row_once,
            r11_a_revoke_answers_with_the_first_moment,
            another_organizations_token_does_not_exist,
            r1_projects_and_workflows_are_taken_by_name_or_id,
            r8_a_name_is_free_again_after_a_revoke,
            r8_names_that_look_the_same_are_the_same,
            the_log_names_operation_caller_and_token,
            r2_no_secret_is_stored_or_logged,
            health_and_readiness_are_open,
            unknown_paths_do_not_exist,
            wrong_methods_are_told_the_right_ones,
        ],
    )
}

/// Fields of a token wherever it is shown.
const TOKEN: [&str; 14] = [
    "id",
    "name",
    "description",
    "format",
    "prefix",
    "organization",
    "project",
    "workflow",
    "policies",
    "is_system",
    "adopted",
    "created_at",
    "created_by",
    "expires_at",
];

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.into_iter().collect()
}

/// The fields of a token that is listed.
fn listed() -> BTreeSet<&'static str> {
    set(TOKEN.into_iter().chain([
        "minted_by",
        "last_used_at",
        "uses",
        "daily_uses",
        "revoked_at",
        "quarantined_at",
    ]))
}

/// Milliseconds since the epoch of an RFC 3339 moment in UTC.
fn millis(moment: &Value) -> i64 {
    let text = moment
        .as_str()
        .unwrap_or_else(|| panic!("{moment} is no moment"));
    assert!(text.ends_with('Z'), "{text} is not in UTC");
    postern_wire::rfc3339::parse(text)
        .unwrap_or_else(|| panic!("{text} is no moment"))
        .as_millis()
}

fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(now.as_millis()).expect("before the year 292 million")
}

#[track_caller]
fn assert_recent(moment: &Value) {
    assert!(
        (now() - millis(moment)).abs() < 60_000,
        "{moment} is not now"
    );
}

async fn organizations_are_made_and_listed(suite: &Suite) {
    let make = |body: Value| {
        suite
            .gateway
            .call("POST", "/orgs")
            .bearer(&suite.keys.admin)
            .json(&body)
            .send()
    };
    let (plain, full) = (random_name("plain"), random_name("full"));
    let first = make(json!({ "name": plain })).await.json(201);
    assert_eq!(
        fields(&first),
        set([
            "id",
            "name",
            "mint_ceiling",
            "effective_mint_ceiling",
            "max_idle_days",
            "on_leak",
            "created_at"
        ])
    );
    assert_eq!(
        (
            &first["name"],
            &first["mint_ceiling"],
            &first["max_idle_days"]
        ),
        (&json!(plain), &Value::Null, &json!(0))
    );
    assert_recent(&first["created_at"]);
    let second = make(json!({ "name": full, "mint_ceiling": 7, "max_idle_days": 30 }))
        .await
        .json(201);
    assert_eq!(
        (&second["mint_ceiling"], &second["max_idle_days"]),
        (&json!(7), &json!(30))
    );

    let call = suite
        .gateway
        .call("GET", "/orgs?limit=500")
        .bearer(&suite.keys.admin);
    let list = call.send().await.json(200);
    assert_eq!(fields(&list), set(["organizations", "next_cursor"]));
    let listed = list["organizations"].as_array().expect("a list");
    for made in [&first, &second] {
        assert_eq!(
            listed.iter().filter(|row| *row == made).count(),
            1,
            "{made} in {list}"
        );
    }
}

async fn limits_of_an_organization_change_and_nothing_else(suite: &Suite) {
    let organization = suite.organization().await;
    let row = async || {
        let call = suite.gateway.call("GET", "/orgs?limit=500");
        let list = call.bearer(&suite.keys.admin).send().await.json(200);
        let rows = list["organizations"].as_array().expect("a list");
        let row = rows.iter().find(|row| id(row) == organization.id);
        row.expect("listed").clone()
    };
    let path = format!("/orgs/{}", organization.name);
    let patch = |body: Value| {
        suite
            .gateway
            .call("PATCH", &path)
            .bearer(&suite.keys.admin)
            .json(&body)
            .send()
    };
    let mut expected = row().await;
    let default = expected["effective_mint_ceiling"].clone();
    let rows = [
        (json!({ "mint_ceiling": 7 }), json!(7), json!(0)),
        (json!({ "max_idle_days": 365 }), json!(7), json!(365)),
        (json!({}), json!(7), json!(365)),
        (json!({ "mint_ceiling": 0 }), json!(0), json!(365)),
        (
            json!({ "mint_ceiling": null, "max_idle_days": 1 }),
            Value::Null,
            json!(1),
        ),
        (json!({ "max_idle_days": 0 }), Value::Null, json!(0)),
    ];
    for (body, ceiling, days) in rows {
        let answer = patch(body.clone()).await.json(200);
        expected["effective_mint_ceiling"] = match &ceiling {
            Value::Null => default.clone(),
            own => own.clone(),
        };
        expected["mint_ceiling"] = ceiling;
        expected["max_idle_days"] = days;
        assert_eq!(answer, expected, "{body}");
        assert_eq!(row().await, expected, "{body}, as it is listed");
    }
    let wrong = [
        (json!({ "max_idle_days": 366 }), "max_idle_days_invalid"),
        (json!({ "max_idle_days": -1 }), "body_invalid"),
        (json!({ "max_idle_days": 1.5 }), "body_invalid"),
        (json!({ "max_idle_days": "30" }), "body_invalid"),
        (
            json!({ "mint_ceiling": 10_000_001 }),
            "mint_ceiling_invalid",
        ),
        (json!({ "mint_ceiling": -1 }), "body_invalid"),
        (json!({ "mint_ceiling": "7" }), "body_invalid"),
        (json!({ "name": "other" }), "body_invalid"),
        (json!({ "id": random_id() }), "body_invalid"),
        (
            json!({ "mint_ceiling": 1, "created_at": "2020-01-01T00:00:00Z" }),
            "body_invalid",
        ),
        (json!([]), "body_invalid"),
    ];
    for (body, code) in wrong {
        patch(body).await.problem(400, code);
        assert_eq!(row().await, expected);
    }
    let unknown = format!("/orgs/{}", random_name("none"));
    let call = suite.gateway.call("PATCH", &unknown);
    let call = call.bearer(&suite.keys.admin).json(&json!({}));
    call.send().await.problem(404, "not_found");
    let nobody = suite.gateway.call("PATCH", &path).json(&json!({}));
    nobody.send().await.problem(401, "credential_missing");
}

async fn projects_and_workflows_are_made_and_listed(suite: &Suite) {
    let organization = suite.organization().await;
    let shape = set(["id", "name", "created_at"]);
    let path = format!("/org/projects/{SHOP}/workflows");
    let list = organization
        .call(&suite.gateway, "GET", "/org/projects")
        .send()
        .await
        .json(200);
    assert_eq!(fields(&list), set(["projects", "next_cursor"]));
    let projects = list["projects"].as_array().expect("a list");
    assert_eq!(
        projects.iter().map(id).collect::<Vec<_>>(),
        [organization.shop.as_str()]
    );
    let list = organization
        .call(&suite.gateway, "GET", &path)
        .send()
        .await
        .json(200);
    assert_eq!(fields(&list), set(["workflows", "next_cursor"]));
    let workflows = list["workflows"].as_array().expect("a list");
    let names: BTreeSet<_> = workflows
        .iter()
        .map(|row| (id(row), row["name"].as_str().expect("a name")))
        .collect();
    assert_eq!(
        names,
        [
            (organization.release.clone(), RELEASE),
            (organization.other.clone(), OTHER)
        ]
        .into()
    );
    for row in projects.iter().chain(workflows) {
        assert_eq!(fields(row), shape, "{row}");
        assert_recent(&row["created_at"]);
    }
    // The same name is free in another organization and in another project.
    let neighbour = suite.organization().await;
    assert_ne!(neighbour.shop, organization.shop);
    organization.create_project(&suite.gateway, "second").await;
    let again = organization
        .create_workflow(&suite.gateway, "second", RELEASE)
        .await;
    assert_ne!(again, organization.release);
}

async fn ids_may_be_given(suite: &Suite) {
    let (organization_id, project_id, workflow_id) = (random_id(), random_id(), random_id());
    let organization = Organization::with(
        &suite.gateway,
        &suite.keys.admin,
        &json!({ "id": organization_id }),
    )
    .await;
    assert_eq!(organization.id, organization_id);
    let make = |path: &str, name: &str, id: &str| {
        organization
            .call(&suite.gateway, "POST", path)
            .json(&json!({ "name": name, "id": id.to_uppercase() }))
            .send()
    };
    assert_eq!(
        id(&make("/org/projects", "known", &project_id).await.json(201)),
        project_id
    );
    assert_eq!(
        id(
            &make("/org/projects/known/workflows", "build", &workflow_id)
                .await
                .json(201)
        ),
        workflow_id
    );
    let token = organization
        .mint(
            &suite.gateway,
            &json!({ "project": "known", "workflow": "build" }),
        )
        .await;
    assert_eq!(token.answer["organization"]["id"], organization_id);
    assert_eq!(token.answer["project"]["id"], project_id);
    assert_eq!(token.answer["workflow"]["id"], workflow_id);
}

async fn r2_a_mint_answers_once_with_the_token(suite: &Suite) {
    let organization = suite.organization().await;
    let body = json!({
        "name": "ci", "description": "for the pipeline", "project": SHOP, "workflow": RELEASE,
        "policies": ["workflow_run:read", "cas_artifact:create", "workflow_run:read"],
    });
    let answer = organization.minting(&suite.gateway, &body).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let minted = answer.json(201);
    assert_eq!(
        fields(&minted),
        set(TOKEN.into_iter().chain(["token", "warning"]))
    );
    assert_eq!(minted["name"], "ci");
    assert_eq!(minted["description"], "for the pipeline");
    assert_eq!(minted["format"], "opaque", "the default");
    assert_eq!(
        minted["organization"],
        json!({ "id": organization.id, "name": organization.name })
    );
    assert_eq!(
        minted["project"],
        json!({ "id": organization.shop, "name": SHOP })
    );
    assert_eq!(
        minted["workflow"],
        json!({ "id": organization.release, "name": RELEASE })
    );
    assert_eq!(
        minted["policies"],
        json!(["cas_artifact:create", "workflow_run:read"]),
        "sorted, each once"
    );
    assert_eq!(
        (&minted["is_system"], &minted["expires_at"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(minted["created_by"], "admin-token");
    assert!(
        minted["warning"]
            .as_str()
            .is_some_and(|text| text.contains("not be shown again")),
        "{minted}"
    );
    assert_recent(&minted["created_at"]);

    // pst_<22>_<48>: the form that secret scanners look for; the id in it is the row's.
    let token = minted["token"].as_str().expect("the plaintext");
    let row = postern_domain::id::TokenId::parse(&id(&minted)).expect("a UUID");
    let (head, tail) = token.rsplit_once('_').expect("a separator");
    assert_eq!(head, format!("pst_{}", base62_id(row)));
    assert!(
        tail.len() == 48 && tail.bytes().all(|digit| digit.is_ascii_alphanumeric()),
        "{tail}"
    );
    assert_eq!(forge::with_checksum(token), token, "the checksum fits");
    assert_eq!(
        minted["prefix"].as_str(),
        token.get(..12),
        "the prefix is the visible start"
    );
}

async fn r8_an_empty_body_mints_a_token_with_a_generated_name(suite: &Suite) {
    let organization = suite.organization().await;
    let bare = organization
        .call(&suite.gateway, "POST", "/org/tokens")
        .send()
        .await
        .json(201);
    let braces = organization.mint(&suite.gateway, &json!({})).await.answer;
    for minted in [bare, braces] {
        assert_eq!(
            minted["name"].as_str(),
            Some(format!("token-{}", &id(&minted)[..8]).as_str())
        );
        assert_eq!(
            (&minted["project"], &minted["workflow"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(
            (&minted["description"], &minted["format"]),
            (&Value::Null, &json!("opaque"))
        );
        let policies = minted["policies"].as_array().expect("the default policies");
        assert!(
            policies.contains(&json!("project_api_token:create")),
            "{minted}"
        );
        assert!(
            !policies.iter().any(|policy| policy
                .as_str()
                .is_some_and(|p| p.starts_with("org_api_token"))),
            "{minted}"
        );
    }
}

async fn r3_a_jwt_carries_its_scope_and_nothing_else(suite: &Suite) {
    let organization = suite.organization().await;
    let own = |minted: &Minted| {
        json!({
            "jti": minted.id, "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"],
            "token_name": minted.answer["name"], "org_id": organization.id, "org_name": organization.name,
        })
    };
    let mint = async |mut body: Value| {
        body["format"] = json!("jwt");
        organization.mint(&suite.gateway, &body).await
    };
    let wide = mint(json!({ "name": "wide" })).await;
    assert_eq!(
        forge::part(&wide.token, 0),
        json!({ "alg": "HS256", "typ": "JWT", "kid": "k2" })
    );
    assert_eq!(forge::part(&wide.token, 1), own(&wide));
    assert_eq!(wide.answer["prefix"], format!("jwt_{}", &wide.id[..8]));

    let project = mint(json!({ "name": "middle", "project": SHOP })).await;
    let mut expected = own(&project);
    expected["project_id"] = json!(organization.shop);
    expected["project_name"] = json!(SHOP);
    assert_eq!(forge::part(&project.token, 1), expected);

    let narrow =
        mint(json!({ "name": "narrow", "project": SHOP, "workflow": RELEASE, "expires_in": "1h" }))
            .await;
    let mut expected = own(&narrow);
    expected["project_id"] = json!(organization.shop);
    expected["project_name"] = json!(SHOP);
    expected["workflow_id"] = json!(organization.release);
    expected["workflow_name"] = json!(RELEASE);
    expected["exp"] = json!(millis(&narrow.answer["expires_at"]) / 1000);
    assert_eq!(forge::part(&narrow.token, 1), expected);

    // Signed with the first key of the ring, by somebody else's arithmetic.
    let payload = forge::part(&narrow.token, 1).to_string();
    let signed = narrow.token.rsplit_once('.').expect("three parts");
    let ours = forge::jwt(&forge::header(), &payload, &suite.keys.k2);
    assert_eq!(ours.split('.').count(), 3);
    let signature =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signed.1)
            .expect("base64url");
    assert_eq!(signature, forge::hs256(&suite.keys.k2, signed.0.as_bytes()));
}

async fn r7_an_expiry_is_echoed_in_both_forms(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let body = json!({ "expires_at": "2099-12-31T23:59:59.9+01:00", "format": format });
        let minted = organization.mint(&suite.gateway, &body).await;
        assert_eq!(
            minted.answer["expires_at"], "2099-12-31T22:59:59Z",
            "whole seconds, in UTC"
        );
        assert_eq!(
            organization.token(&suite.gateway, &minted.id).await["expires_at"],
            "2099-12-31T22:59:59Z"
        );
        for (span, seconds) in [
            ("90d", 90 * 86_400),
            ("1d12h", 129_600),
            ("PT1H", 3_600),
            ("P1DT12H", 129_600),
        ] {
            let minted = organization
                .mint(
                    &suite.gateway,
                    &json!({ "expires_in": span, "format": format }),
                )
                .await;
            let off = millis(&minted.answer["expires_at"]) - now() - seconds * 1000;
            assert!(off.abs() < 60_000, "{span}: {}", minted.answer);
        }
    }
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
    assert_eq!(fields(&list), set(["tokens", "next_cursor"]));
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
        assert_eq!(fields(&first), set(["id", "revoked_at"]));
        assert_eq!(first["id"], token.id);
        assert_recent(&first["revoked_at"]);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let again = organization.call(
            &suite.gateway,
            "DELETE",
            &path.to_uppercase().replace("/ORG/TOKENS", "/org/tokens"),
        );
        assert_eq!(again.send().await.json(200), first);
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

async fn another_organizations_token_does_not_exist(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;
        let path = format!("/org/tokens/{}", token.id);
        for method in ["GET", "DELETE"] {
            let theirs = stranger
                .call(&suite.gateway, method, &path)
                .send()
                .await
                .problem(404, "not_found");
            let unknown = format!("/org/tokens/{}", random_id());
            let unknown = stranger
                .call(&suite.gateway, method, &unknown)
                .send()
                .await
                .problem(404, "not_found");
            assert_eq!(theirs["detail"], unknown["detail"]);
        }
        assert_eq!(
            organization.token(&suite.gateway, &token.id).await["revoked_at"],
            Value::Null
        );
        rpc::call(
            &suite.gateway,
            FIND_OR_CREATE,
            &token.token,
            &rpc::names(SHOP, RELEASE),
        )
        .send()
        .await
        .accepted();
    }
    assert_eq!(
        stranger.token_ids(&suite.gateway, "status=all").await,
        BTreeSet::new()
    );
}

async fn r8_a_name_is_free_again_after_a_revoke(suite: &Suite) {
    let organization = suite.organization().await;
    let body = json!({ "name": "deploy" });
    let first = organization.mint(&suite.gateway, &body).await;
    organization
        .minting(&suite.gateway, &body)
        .send()
        .await
        .problem(409, "name_taken");
    // Names of a project's tokens are apart from the organization's own.
    let scoped = json!({ "name": "deploy", "project": SHOP });
    organization.mint(&suite.gateway, &scoped).await;
    organization
        .minting(&suite.gateway, &scoped)
        .send()
        .await
        .problem(409, "name_taken");
    let narrower = json!({ "name": "deploy", "project": SHOP, "workflow": RELEASE });
    organization
        .minting(&suite.gateway, &narrower)
        .send()
        .await
        .problem(409, "name_taken");
    organization.revoke(&suite.gateway, &first.id).await;
    let second = organization.mint(&suite.gateway, &body).await;
    assert_ne!(second.id, first.id);

    let brief = json!({ "name": "brief", "expires_in": "1s" });
    organization.mint(&suite.gateway, &brief).await;
    organization
        .minting(&suite.gateway, &brief)
        .send()
        .await
        .problem(409, "name_taken");
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    organization.mint(&suite.gateway, &brief).await;
}

async fn r1_projects_and_workflows_are_taken_by_name_or_id(suite: &Suite) {
    let organization = suite.organization().await;
    let stranger = suite.organization().await;
    let gateway = &suite.gateway;
    for project in [SHOP, &organization.shop] {
        let path = format!("/org/projects/{project}/workflows");
        let page = organization
            .call(gateway, "GET", &path)
            .send()
            .await
            .json(200);
        let names: Vec<_> = page["workflows"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| &row["name"])
            .collect();
        assert!(names.contains(&&json!(RELEASE)), "{page}");
        for workflow in [RELEASE, &organization.release] {
            let body = json!({ "project": project, "workflow": workflow });
            let minted = organization.mint(gateway, &body).await;
            assert_eq!(
                minted.answer["project"],
                json!({ "id": organization.shop, "name": SHOP })
            );
            assert_eq!(
                minted.answer["workflow"],
                json!({ "id": organization.release, "name": RELEASE })
            );
        }
        let bulk = json!({ "project": project, "dry_run": true });
        let call = organization
            .call(gateway, "POST", "/org/tokens/revoke")
            .json(&bulk);
        assert!(call.send().await.json(200)["matched"].as_u64() > Some(1));
    }
    let elsewhere = organization.create_project(gateway, "second").await;
    for (project, workflow, status, code) in [
        (stranger.shop.as_str(), None, 404, "not_found"),
        (SHOP, Some(&stranger.release), 404, "not_found"),
        (
            &elsewhere,
            Some(&organization.release),
            400,
            "workflow_of_other_project",
        ),
    ] {
        let body = json!({ "project": project, "workflow": workflow });
        organization
            .minting(gateway, &body)
            .send()
            .await
            .problem(status, code);
    }
    // A name in the form of another project's id is the name.
    let confusing = organization.create_project(gateway, &elsewhere).await;
    let minted = organization
        .mint(gateway, &json!({ "project": elsewhere }))
        .await;
    assert_eq!(minted.answer["project"]["id"], confusing);
}

async fn r8_names_that_look_the_same_are_the_same(suite: &Suite) {
    let organization = suite.organization().await;
    let gateway = &suite.gateway;
    let name = |name: &str| json!({ "name": name });
    for (one, other) in [
        ("caf\u{e9}", "cafe\u{301}"),
        ("nai\u{308}f", "na\u{ef}f"),
        ("deploy", "de\u{200b}ploy\u{2060}"),
        ("\u{61c}ci", "ci"),
    ] {
        let first = organization.mint(gateway, &name(one)).await;
        assert_eq!(first.answer["name"], one, "as it was given");
        let again = organization.minting(gateway, &name(other)).send().await;
        again.problem(409, "name_taken");
        // Its own successor may have it.
        let rotated = organization
            .rotating(gateway, &first.id, &json!({}))
            .send()
            .await
            .json(201);
        assert_eq!(rotated["name"], one);
        let id = rotated["id"].as_str().expect("an id");
        organization.revoke(gateway, id).await;
        organization.mint(gateway, &name(other)).await;
    }
    for nothing in ["\u{3164}", "\u{200b}", " \u{ad}\u{e0041} ", "\u{2800}"] {
        let problem = organization
            .minting(gateway, &name(nothing))
            .send()
            .await
            .problem(400, "name_invalid");
        assert_eq!(
            problem["detail"],
            "`name` must have a character that can be seen"
        );
    }
}

async fn the_log_names_operation_caller_and_token(suite: &Suite) {
    let organization = suite.organization().await;
    let answer = organization
        .minting(&suite.gateway, &json!({}))
        .send()
        .await;
    let request_id = answer
        .header("x-request-id")
        .expect("a request id")
        .to_owned();
    let minted = answer.json(201);
    let line = suite.gateway.log_line(&request_id).await;
    assert_eq!(line["operation"], "token.create", "{line}");
    assert_eq!(
        (&line["status"], &line["outcome"], &line["tier"]),
        (&json!(201), &json!("ok"), &json!("admin"))
    );
    let token = minted["token"].as_str().expect("the plaintext");

    let call = rpc::call(
        &suite.gateway,
        FIND_OR_CREATE,
        token,
        &rpc::names(SHOP, RELEASE),
    )
    .send()
    .await;
    call.accepted();
    let line = suite
        .gateway
        .log_line(call.header("x-request-id").expect("a request id"))
        .await;
    assert_eq!(
        line["operation"], "AttestationService/FindOrCreateWorkflow",
        "{line}"
    );
    assert_eq!(
        (&line["token_id"], &line["token_prefix"]),
        (&minted["id"], &minted["prefix"]),
        "{line}"
    );
    assert_eq!(line["tier"], "token", "{line}");
}

async fn r2_no_secret_is_stored_or_logged(suite: &Suite) {
    let organization = suite.organization().await;
    let marker = random_name("marker");
    let opaque = organization
        .mint(&suite.gateway, &json!({ "name": marker }))
        .await;
    let jwt = organization
        .mint(
            &suite.gateway,
            &json!({ "name": format!("{marker}-jwt"), "format": "jwt" }),
        )
        .await;
    for token in [&opaque, &jwt] {
        rpc::call(
            &suite.gateway,
            FIND_OR_CREATE,
            &token.token,
            &rpc::names(SHOP, RELEASE),
        )
        .send()
        .await
        .accepted();
        // Where a token could be written down by mistake: a refused call that carries it.
        suite
            .gateway
            .call("GET", "/orgs")
            .bearer(&token.token)
            .send()
            .await
            .problem(403, "operation_not_allowed");
    }
    organization.revoke(&suite.gateway, &opaque.id).await;
    let shown = organization.snapshot(&suite.gateway).await.to_string();
    let signature = jwt.token.rsplit('.').next().expect("a signature");
    let secrets = [
        &opaque.token[27..],
        &opaque.token[27..59],
        jwt.token.as_str(),
        signature,
        &suite.keys.admin,
    ];
    for secret in secrets {
        assert!(!shown.contains(secret), "a list shows a secret");
        assert!(
            !suite.gateway.serve().log().contains(secret),
            "the log has a secret"
        );
    }

    let mut seen_marker = false;
    for file in files(&suite.gateway.serve().state()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let has = |text: &str| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        seen_marker |= has(&marker);
        for secret in secrets {
            assert!(!has(secret), "{} has a secret", file.display());
        }
    }
    assert!(seen_marker, "the search finds what is stored");
}

async fn health_and_readiness_are_open(suite: &Suite) {
    let health = suite.gateway.call("GET", "/healthz").send().await;
    assert_eq!(health.header("cache-control"), Some("no-store"));
    assert_eq!(health.json(200), json!({ "status": "ok" }));
    let ready = suite.gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(
        ready,
        json!({
            "status": "ready",
            "revocation_bound_seconds": 0,
            "dependencies": { "configuration": "ready", "record": "ready", "ledger": "ready", "facts": "ready", "audit": "ready" },
            "unheeded_variables": [],
            "client_addresses": "readable",
        })
    );
    let head = suite.gateway.call("HEAD", "/healthz").send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

async fn unknown_paths_do_not_exist(suite: &Suite) {
    let paths = [
        "/",
        "/org",
        "/orgs/",
        "/orgs/x/y",
        "/org/",
        "/org/token",
        "/org/tokens/a/b",
        "/org/tokens/a/rotate/",
        "/org/tokens/a/rotate/b",
        "/org/tokens/revoke/a",
        "/org/tokens/revoke/",
        "/oauth",
        "/oauth/",
        "/oauth/token",
        "/oauth/revoke/",
        "/org/projects/",
        "/org/projects/shop",
        "/org/projects/shop/workflows/",
        "/org/projects/shop/workflows/release",
        "/Orgs",
        "/ORG/tokens",
        "//orgs",
        "/org//tokens",
        "/org/tokens%2F",
        "/healthz/",
        "/readyz/x",
        "/Healthz",
        "/controlplane",
        "/controlplane.v2.X/Y",
        "/admin",
        "/.dev.vars",
    ];
    for path in paths {
        for method in ["GET", "POST", "DELETE"] {
            let call = suite.gateway.call(method, path).bearer(&suite.keys.admin);
            call.send().await.problem(404, "not_found");
            suite
                .gateway
                .call(method, path)
                .send()
                .await
                .problem(404, "not_found");
        }
    }
}

async fn wrong_methods_are_told_the_right_ones(suite: &Suite) {
    let token = format!("/org/tokens/{}", random_id());
    let rotate = format!("{token}/rotate");
    let rows = [
        (
            "/orgs",
            &["PUT", "DELETE", "PATCH"][..],
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            "/org/projects",
            &["PUT", "DELETE", "PATCH"],
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            "/org/projects/shop/workflows",
            &["PUT", "DELETE"],
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            "/org/tokens",
            &["PUT", "DELETE", "PATCH"],
            "GET, HEAD, OPTIONS, POST",
        ),
        (
            &token,
            &["PUT", "POST", "PATCH"],
            "DELETE, GET, HEAD, OPTIONS",
        ),
        (&rotate, &["GET", "PUT", "DELETE", "PATCH"], "OPTIONS, POST"),
        (
            "/org/tokens/revoke",
            &["GET", "PUT", "DELETE", "PATCH"],
            "OPTIONS, POST",
        ),
        (
            "/orgs/acme",
            &["GET", "POST", "PUT", "DELETE"],
            "OPTIONS, PATCH",
        ),
        (
            "/oauth/introspect",
            &["GET", "PUT", "DELETE"],
            "OPTIONS, POST",
        ),
        ("/oauth/revoke", &["GET", "PUT", "DELETE"], "OPTIONS, POST"),
        ("/healthz", &["POST", "DELETE"], "GET, HEAD, OPTIONS"),
        ("/readyz", &["POST", "PUT"], "GET, HEAD, OPTIONS"),
    ];
    for (path, methods, allow) in rows {
        for method in methods {
            let answer = suite
                .gateway
                .call(method, path)
                .bearer(&suite.keys.admin)
                .send()
                .await;
            answer.problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        }
    }
}
