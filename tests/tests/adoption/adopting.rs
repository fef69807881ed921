//! Adopting a token: what is taken, what is refused, and what it counts as.

use std::collections::BTreeSet;

use postern_system_tests::forge;
use postern_system_tests::organization::{Minted, OTHER, Organization, SHOP, fields};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

use crate::support::{
    ISOLATES, adopt, adopted, adopting, adopting_here, assert_live, assert_refused, changed,
    claims, find_or_create, for_release, header, jwt, seconds_from_now,
};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r39_what_cannot_be_adopted,
        r39_places_of_the_claims_must_be_here,
        r39_a_token_is_adopted_once,
        r39_of_many_adoptions_at_once_one_is_done,
        r15_r39_it_takes_what_minting_takes,
        r26_r27_r39_adoptions_count_as_mints,
        r8_r39_names,
        r39_lists_show_what_was_adopted,
        r9_r39_an_adopted_token_is_not_rotated,
    ]
}

async fn r39_what_cannot_be_adopted(suite: &Suite) {
    let organization = suite.organization().await;
    let elsewhere = suite.organization().await;
    let good = claims(&organization);
    let opaque = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let minted = organization.mint_for_release(&suite.gateway, "jwt").await;
    let with = |changes: Value| jwt(suite, &changed(&good, &changes));
    let under = |header: Value, key: &[u8]| forge::jwt(&header, &good.to_string(), key);
    let k9 = json!({ "alg": "HS256", "kid": "k9" });
    let none = json!({ "alg": "none" });
    let hs384 = json!({ "alg": "HS384" });
    let rows = [
        ("no JWT", "garbage".to_owned(), "jwt_invalid"),
        ("an opaque key", opaque.token.clone(), "jwt_invalid"),
        ("alg none", under(none, &suite.keys.origin), "jwt_invalid"),
        (
            "alg HS384",
            forge::jwt_384(&hs384, &good.to_string(), &suite.keys.origin),
            "jwt_invalid",
        ),
        (
            "a retired key",
            under(header(), &suite.keys.k0),
            "jwt_key_unknown",
        ),
        (
            "an unknown kid",
            under(k9, &suite.keys.k2),
            "jwt_key_unknown",
        ),
        ("minted here", minted.token.clone(), "jwt_not_adoptable"),
        (
            "a user's",
            with(json!({ "aud": "user-auth.chainloop" })),
            "jwt_not_adoptable",
        ),
        (
            "a robot account's",
            with(json!({ "aud": "attestations.chainloop" })),
            "jwt_not_adoptable",
        ),
        (
            "a CI provider's",
            with(json!({ "aud": "chainloop" })),
            "jwt_not_adoptable",
        ),
        (
            "an instance token",
            with(json!({ "scope": "INSTANCE_ADMIN", "org_id": "", "org_name": "" })),
            "jwt_not_adoptable",
        ),
        (
            "expired",
            with(json!({ "exp": seconds_from_now(-1) })),
            "token_expired_already",
        ),
        // Numbers that a reader of JavaScript would change on the way to the Ledger.
        (
            "an end beyond 2^53",
            with(json!({ "exp": 9_007_199_254_740_993_i64 })),
            "jwt_invalid",
        ),
        (
            "an end far beyond 2^53",
            with(json!({ "exp": 1_000_000_000_000_000_000_i64 })),
            "jwt_invalid",
        ),
        (
            "of another organization",
            with(json!({ "org_id": elsewhere.id, "org_name": elsewhere.name })),
            "organization_conflict",
        ),
    ];
    let before = organization.snapshot(&suite.gateway).await;
    for (what, token, code) in rows {
        let call = adopting_here(suite, &organization, &token, &json!({}));
        let answer = call.send().await;
        answer.problem(400, code);
        assert!(
            !answer.text().contains(&token),
            "{what}: the token is echoed"
        );
        let log = suite.gateway.serve().log();
        assert!(!log.contains(&token), "{what}: the token is logged");
    }
    assert_eq!(organization.snapshot(&suite.gateway).await, before);
    // The control: as it is, it can.
    adopt(suite, &organization, &good, &json!({})).await;
    let method = organization.call(&suite.gateway, "GET", "/org/tokens/adopt");
    let answer = method.send().await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("OPTIONS, POST"));
}

async fn r39_places_of_the_claims_must_be_here(suite: &Suite) {
    let organization = suite.organization().await;
    let (project, workflow) = (random_id(), random_id());
    let members = json!({
        "project_id": project, "project_name": "later",
        "workflow_id": workflow, "workflow_name": "build",
    });
    let claims = changed(&claims(&organization), &members);
    let missing = async |what: &str, name: &str, id: &str| {
        let call = adopting_here(suite, &organization, &jwt(suite, &claims), &json!({}));
        let problem = call.send().await.problem(404, "not_registered");
        let told = format!(
            "the token is for the {what} `{name}`, which is not registered here: create it first, with the id {id}"
        );
        assert_eq!(problem["detail"], told);
    };
    missing("project", "later", &project).await;
    let call = organization.call(&suite.gateway, "POST", "/org/projects");
    let body = json!({ "name": "later", "id": project });
    call.json(&body).send().await.json(201);
    missing("workflow", "build", &workflow).await;
    let path = "/org/projects/later/workflows";
    let call = organization.call(&suite.gateway, "POST", path);
    let body = json!({ "name": "build", "id": workflow });
    call.json(&body).send().await.json(201);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    find_or_create(suite, &token.token, "later", "build")
        .await
        .accepted();

    let other = changed(
        &for_release(&organization),
        &json!({ "project_id": random_id() }),
    );
    let other = changed(&claims, &other);
    let call = adopting_here(suite, &organization, &jwt(suite, &other), &json!({}));
    call.send().await.problem(409, "claims_conflict");
    let wider = changed(&claims, &for_release(&organization));
    let more = json!({ "workflow": OTHER });
    let call = adopting_here(suite, &organization, &jwt(suite, &wider), &more);
    call.send().await.problem(400, "scope_conflict");
}

async fn r39_a_token_is_adopted_once(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({ "project": SHOP })).await;
    // Neither wider nor under another name.
    for more in [
        json!({}),
        json!({ "project": SHOP }),
        json!({ "name": "other" }),
    ] {
        let call = adopting_here(suite, &organization, &token.token, &more);
        call.send().await.problem(409, "already_adopted");
    }
    let row = organization.token(&suite.gateway, &token.id).await;
    assert_eq!(row["project"]["name"], SHOP);
    assert_eq!(row["name"], claims["token_name"]);
    // Nor is one that was minted here, written as the origin would.
    let minted = organization.mint_for_release(&suite.gateway, "jwt").await;
    let rewritten = jwt(suite, &forge::part(&minted.token, 1));
    let call = adopting_here(suite, &organization, &rewritten, &json!({}));
    call.send().await.problem(409, "already_adopted");
    assert_live(suite, &minted.token).await;
}

async fn r39_of_many_adoptions_at_once_one_is_done(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &claims(&organization));
    let mut tries = Vec::new();
    for lane in 0..8 {
        let more = match lane % 2 {
            0 => json!({}),
            _ => json!({ "project": SHOP, "name": format!("lane-{lane}") }),
        };
        let gateway = &suite.gateway;
        let call = adopting(gateway, &organization, lane % ISOLATES, &token, &more);
        tries.push(tokio::spawn(call.send()));
    }
    let mut done = Vec::new();
    for attempt in tries {
        let answer = attempt.await.expect("an answer");
        match answer.status {
            201 => done.push(answer.json(201)),
            _ => {
                answer.problem(409, "already_adopted");
            }
        }
    }
    assert_eq!(done.len(), 1, "{done:#?}");
    let token = adopted(token, done.remove(0));
    let row = organization.token(&suite.gateway, &token.id).await;
    for field in ["name", "project"] {
        assert_eq!(row[field], token.answer[field], "{field}");
    }
    assert_eq!(
        organization.token_ids(&suite.gateway, "status=all").await,
        [token.id.clone()].into()
    );
    assert_live(suite, &token.token).await;
}

async fn r15_r39_it_takes_what_minting_takes(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let elsewhere = suite.organization().await;
    let manager = organization.mint(gateway, &json!({})).await;
    let stranger = elsewhere.mint(gateway, &json!({})).await;
    let short = json!({ "expires_in": "1h" });
    let short = organization.mint(gateway, &short).await;
    let powerless = organization.mint(gateway, &json!({ "policies": [] })).await;
    let in_shop = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let in_release = organization.mint_for_release(gateway, "jwt").await;
    let (wide, narrow) = (json!({}), json!({ "project": SHOP }));
    let rows = [
        (&manager, &wide, 403, "project_required"),
        (&short, &narrow, 403, "lifetime_exceeded"),
        (&powerless, &narrow, 403, "operation_not_allowed"),
        (&in_shop, &narrow, 403, "operation_not_allowed"),
        (&in_release, &narrow, 403, "operation_not_allowed"),
        (&stranger, &narrow, 400, "organization_conflict"),
    ];
    let exp = json!({ "exp": seconds_from_now(7200) });
    let claims = changed(&claims(&organization), &exp);
    let before = organization.snapshot(gateway).await;
    let adopting_as = |caller: &Minted, token: &str, more: &Value| {
        let mut body = more.clone();
        body["token"] = json!(token);
        let call = organization.call_as(gateway, caller, "POST", "/org/tokens/adopt");
        call.json(&body)
    };
    for (caller, more, status, code) in rows {
        let call = adopting_as(caller, &jwt(suite, &claims), more);
        call.send().await.problem(status, code);
    }
    assert_eq!(organization.snapshot(gateway).await, before);
    let call = adopting_as(&manager, &jwt(suite, &claims), &narrow);
    let token = adopted(jwt(suite, &claims), call.send().await.json(201));
    let prefix = manager.answer["prefix"].as_str().expect("a prefix");
    assert_eq!(token.answer["created_by"], format!("org-token:{prefix}"));
    let row = organization.token(gateway, &token.id).await;
    assert_eq!(row["minted_by"], manager.id);
    assert_live(suite, &token.token).await;
    // What was minted by a token goes with it.
    let selector = json!({ "minted_by": manager.id });
    let answer = organization.revoking(gateway, &selector).send().await;
    assert_eq!(answer.json(200)["ids"], json!([token.id]));
    assert_refused(suite, &token.token, "revoked token").await;
}

async fn r26_r27_r39_adoptions_count_as_mints(suite: &Suite) {
    let ceiling = json!({ "mint_ceiling": 2 });
    let organization = Organization::with(&suite.gateway, &suite.keys.admin, &ceiling).await;
    let first = adopt(suite, &organization, &claims(&organization), &json!({})).await;
    organization.mint(&suite.gateway, &json!({})).await;
    let second = jwt(suite, &claims(&organization));
    let refused = || async {
        let call = adopting_here(suite, &organization, &second, &json!({}));
        call.send().await.problem(429, "mint_ceiling_reached");
    };
    refused().await;
    assert_refused(suite, &second, "unknown token").await;
    organization.revoke(&suite.gateway, &first.id).await;
    let call = adopting_here(suite, &organization, &second, &json!({}));
    call.send().await.json(201);

    // The bucket of the address, with mints and adoptions in it.
    let serve = suite.serve().set("MINT_PER_HOUR", "2");
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let adopt = async |token: &str| {
        let call = adopting(&gateway, &organization, 0, token, &json!({}));
        call.send().await
    };
    // A refusal costs nothing.
    let expired = json!({ "exp": seconds_from_now(-1) });
    let expired = jwt(suite, &changed(&claims(&organization), &expired));
    for _ in 0..4 {
        adopt(&expired).await.problem(400, "token_expired_already");
    }
    organization.mint(&gateway, &json!({})).await;
    let token = jwt(suite, &claims(&organization));
    adopt(&token).await.json(201);
    let late = adopt(&jwt(suite, &claims(&organization))).await;
    late.problem(429, "mint_rate_exceeded");
    assert!(late.header("retry-after").is_some());
    gateway.stop();
}

async fn r8_r39_names(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    organization.mint(gateway, &json!({ "name": "ci" })).await;
    let named = json!({ "token_name": "ci" });
    let claims = changed(&claims(&organization), &named);
    let taken = json!({ "name": "ci" });
    let call = adopting_here(suite, &organization, &jwt(suite, &claims), &taken);
    call.send().await.problem(409, "name_taken");
    // The claimed name gives way.
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    assert_eq!(token.answer["name"], format!("token-{}", &token.id[..8]));
    assert_live(suite, &token.token).await;
    // In a project it is free.
    let another = changed(&claims, &json!({ "jti": random_id() }));
    let token = adopt(suite, &organization, &another, &json!({ "project": SHOP })).await;
    assert_eq!(token.answer["name"], "ci");
    let token = adopt(
        suite,
        &organization,
        &self::claims(&organization),
        &json!({ "name": "é by hand" }),
    )
    .await;
    assert_eq!(token.answer["name"], "é by hand");
}

async fn r39_lists_show_what_was_adopted(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization.mint_for_release(&suite.gateway, "jwt").await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    let told: BTreeSet<(String, bool)> = organization
        .tokens(&suite.gateway, "status=active")
        .await
        .iter()
        .map(|row| {
            let id = row["id"].as_str().expect("an id").to_owned();
            (id, row["adopted"].as_bool().expect("a word on it"))
        })
        .collect();
    let expected = [(minted.id, false), (token.id.clone(), true)];
    assert_eq!(told, expected.into());
    let row = organization.token(&suite.gateway, &token.id).await;
    for field in fields(&token.answer) {
        assert_eq!(row[field], token.answer[field], "{field}");
    }
}

async fn r9_r39_an_adopted_token_is_not_rotated(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    let before = organization.snapshot(&suite.gateway).await;
    let call = organization.rotating(&suite.gateway, &token.id, &json!({}));
    let problem = call.send().await.problem(409, "adopted_token");
    let told = "the origin created this token and would not know a successor from here: create one there, adopt it, then \
                revoke this one";
    assert_eq!(problem["detail"], told);
    assert_eq!(organization.snapshot(&suite.gateway).await, before);
    assert_live(suite, &token.token).await;
}
