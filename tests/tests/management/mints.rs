//! What a mint answers, and which names it takes.

use postern_domain::token::base62_id;
use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::organization::{Minted, RELEASE, SHOP, fields, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{TOKEN, assert_recent, millis, now, set};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r2_a_mint_answers_once_with_the_token,
        r8_an_empty_body_mints_a_token_with_a_generated_name,
        r3_a_jwt_carries_its_scope_and_nothing_else,
        r7_an_expiry_is_echoed_in_both_forms,
        r1_projects_and_workflows_are_taken_by_name_or_id,
        r8_a_name_is_free_again_after_a_revoke,
        r8_names_that_look_the_same_are_the_same,
    ]
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

    // Its end is in whole seconds: a shorter one could be over before it is asked for again.
    let brief = json!({ "name": "brief", "expires_in": "3s" });
    organization.mint(&suite.gateway, &brief).await;
    organization
        .minting(&suite.gateway, &brief)
        .send()
        .await
        .problem(409, "name_taken");
    tokio::time::sleep(std::time::Duration::from_millis(3_200)).await;
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
