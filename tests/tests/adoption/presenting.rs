//! Presenting an adopted token: within its scope, with its registered claims, until its end.

use std::time::Duration;

use postern_origin::attestation;
use postern_origin::sha256_hex;
use postern_system_tests::forge;
use postern_system_tests::life::now;
use postern_system_tests::organization::{OTHER, RELEASE, SHOP, fields};
use postern_system_tests::rpc::{self, CANCEL, STORE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use prost::Message as _;
use serde_json::json;

use crate::support::{
    adopt, adopted, adopting_here, assert_live, assert_refused, changed, claims, find_or_create,
    for_release, header, jwt, seconds_from_now,
};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r39_an_adopted_token_attests_and_the_origin_gets_it_as_it_is,
        r39_a_token_narrowed_at_the_edge_is_refused_elsewhere,
        r30_r39_what_only_the_origin_would_keep_to_the_project_needs_the_claim,
        r39_a_token_that_was_not_adopted_opens_nothing,
        r4_r39_every_claim_must_be_as_registered,
        r2_r39_minted_and_adopted_tokens_do_not_open_each_other,
        r11_r39_a_revoked_token_is_refused_at_once_and_for_ever,
        r7_r39_an_adopted_token_ends_with_its_claim,
        r39_an_end_is_read_with_a_fraction_and_however_far,
    ]
}

async fn r39_an_adopted_token_attests_and_the_origin_gets_it_as_it_is(suite: &Suite) {
    let organization = suite.organization().await;
    let exp = seconds_from_now(3600);
    for key in [&suite.keys.origin, &suite.keys.origin_old] {
        let changes = changed(&for_release(&organization), &json!({ "exp": exp }));
        let claims = changed(&claims(&organization), &changes);
        let token = forge::jwt(&header(), &claims.to_string(), key);
        let call = adopting_here(suite, &organization, &token, &json!({}));
        let token = adopted(token, call.send().await.json(201));

        let minted = organization.mint(&suite.gateway, &json!({})).await;
        let mut as_a_mint = fields(&minted.answer);
        for left_out in ["token", "warning"] {
            assert!(as_a_mint.remove(left_out));
        }
        assert_eq!(fields(&token.answer), as_a_mint);
        assert_eq!(minted.answer["adopted"], false);
        assert_eq!(token.answer["adopted"], true);
        assert_eq!(token.answer["format"], "jwt");
        assert_eq!(token.answer["prefix"], format!("jwt_{}", &token.id[..8]));
        assert_eq!(token.answer["project"]["id"], organization.shop);
        assert_eq!(token.answer["workflow"]["name"], RELEASE);
        let end = postern_system_tests::life::millis(&token.answer["expires_at"]);
        assert_eq!(end, exp * 1000);

        suite.origin.reset().await;
        let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
        let bundle = attestation::attest("file", b"content").expect("entropy");
        let store = rpc::store(&run, &bundle.bundle).encode_to_vec();
        let call = rpc::call(&suite.gateway, STORE, &token.token, &store);
        call.send().await.accepted();
        assert_eq!(suite.origin.bundle(&run).await, bundle.bundle);
        let calls = suite.origin.calls().await;
        assert_eq!(calls.len(), 3, "{calls:#?}");
        let written = format!("Bearer {}", token.token);
        for call in calls {
            assert_eq!(
                call["headers"]["authorization_sha256"],
                json!([sha256_hex(written.as_bytes())])
            );
        }
    }
}

async fn r39_a_token_narrowed_at_the_edge_is_refused_elsewhere(suite: &Suite) {
    let organization = suite.organization().await;
    organization.create_project(&suite.gateway, "else").await;
    let wide = organization.mint(&suite.gateway, &json!({})).await;
    let others = rpc::begin(&suite.gateway, &wide.token, SHOP, OTHER).await;
    let elsewhere = rpc::begin(&suite.gateway, &wide.token, "else", RELEASE).await;
    let project = json!({ "project_id": organization.shop, "project_name": SHOP });
    let asked = [
        (json!({}), json!({ "project": SHOP, "workflow": RELEASE })),
        (project, json!({ "workflow": RELEASE })),
    ];
    let name = "API token is workflow-scoped and cannot create or look up other workflows";
    let shop = "operation not allowed: This auth token is valid only with the project \"shop\"";
    for (members, more) in asked {
        let claims = changed(&claims(&organization), &members);
        let token = adopt(suite, &organization, &claims, &more).await;
        assert_eq!(token.answer["workflow"]["id"], organization.release);
        let own = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
        suite.origin.reset().await;
        find_or_create(suite, &token.token, SHOP, OTHER)
            .await
            .refused(7, name);
        find_or_create(suite, &token.token, "else", RELEASE)
            .await
            .refused(7, shop);
        for run in [&others, &elsewhere] {
            let cancel = rpc::cancel(run).encode_to_vec();
            let call = rpc::call(&suite.gateway, CANCEL, &token.token, &cancel);
            let other = "API token is scoped to a different workflow";
            call.send().await.refused(7, other);
        }
        suite.origin.assert_untouched("outside of its scope").await;
        let cancel = rpc::cancel(&own).encode_to_vec();
        let call = rpc::call(&suite.gateway, CANCEL, &token.token, &cancel);
        call.send().await.accepted();
    }
    // Narrowed to a project.
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({ "project": SHOP })).await;
    find_or_create(suite, &token.token, SHOP, OTHER)
        .await
        .accepted();
    find_or_create(suite, &token.token, "else", RELEASE)
        .await
        .refused(7, shop);
    let list = organization.call_as(&suite.gateway, &token, "GET", "/org/tokens");
    list.send().await.problem(403, "operation_not_allowed");
}

/// A list that names no project is kept to one by the origin alone, which goes by the claims.
async fn r30_r39_what_only_the_origin_would_keep_to_the_project_needs_the_claim(suite: &Suite) {
    let organization = suite.organization().await;
    let narrow = json!({ "project": SHOP });
    let project = json!({ "project_id": organization.shop, "project_name": SHOP });
    let list = "/controlplane.v1.WorkflowService/List";
    let not_confined = "operation not allowed: the request must name the project and, for a workflow-scoped token, the \
                        workflow that the token is for";
    for (members, claimed) in [(json!({}), false), (project, true)] {
        let claims = changed(&claims(&organization), &members);
        let token = adopt(suite, &organization, &claims, &narrow).await;
        suite.origin.reset().await;
        let answer = rpc::call(&suite.gateway, list, &token.token, &[])
            .send()
            .await;
        if claimed {
            assert_ne!(answer.ending().0.code, 7, "{}", answer.text());
            assert_eq!(suite.origin.calls().await.len(), 1);
        } else {
            answer.refused(7, not_confined);
            suite
                .origin
                .assert_untouched("its claims name no project")
                .await;
        }
    }
}

async fn r39_a_token_that_was_not_adopted_opens_nothing(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = claims(&organization);
    suite.origin.reset().await;
    assert_refused(suite, &jwt(suite, &claims), "unknown token").await;
    let old = changed(&claims, &json!({ "org_id": null, "org_name": null }));
    assert_refused(suite, &jwt(suite, &old), "unknown token").await;
    // R6: what no key of ours signed is answered as stale.
    let stale = forge::jwt(&header(), &claims.to_string(), &suite.keys.k0);
    let answer = find_or_create(suite, &stale, SHOP, RELEASE).await;
    answer.refused(16, "Fail to parse JWT token ");
    suite.origin.assert_untouched("nobody adopted it").await;
}

async fn r4_r39_every_claim_must_be_as_registered(suite: &Suite) {
    let organization = suite.organization().await;
    let exp = seconds_from_now(3600);
    let members = changed(&for_release(&organization), &json!({ "exp": exp }));
    let registered = changed(&claims(&organization), &members);
    let token = adopt(suite, &organization, &registered, &json!({})).await;
    assert_live(suite, &token.token).await;
    let id = random_id();
    let rows = [
        (json!({ "org_name": "other" }), "organization mismatch"),
        (json!({ "org_name": null }), "organization mismatch"),
        (json!({ "org_id": null }), "organization mismatch"),
        (json!({ "org_id": id }), "organization mismatch"),
        (json!({ "project_id": id }), "project mismatch"),
        (json!({ "project_name": "other" }), "project mismatch"),
        (
            json!({ "workflow_id": null, "workflow_name": null }),
            "workflow mismatch",
        ),
        (
            json!({ "workflow_id": organization.other }),
            "workflow mismatch",
        ),
        (json!({ "workflow_name": OTHER }), "workflow mismatch"),
        (json!({ "token_name": "other" }), "claims mismatch"),
        (json!({ "token_name": null }), "claims mismatch"),
        (json!({ "exp": exp + 1 }), "claims mismatch"),
        (json!({ "exp": null }), "claims mismatch"),
        (
            json!({ "aud": "api-token-auth.chainloop" }),
            "claims mismatch",
        ),
        (json!({ "scope": "INSTANCE_ADMIN" }), "claims mismatch"),
        (json!({ "anything": 1 }), "claims mismatch"),
    ];
    for (changes, cause) in rows {
        let forged = jwt(suite, &changed(&registered, &changes));
        assert_refused(suite, &forged, cause).await;
    }
    assert_live(suite, &token.token).await;
    // Cold: another organization's Ledger does not know the token.
    let elsewhere = suite.organization().await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    let forged = jwt(suite, &changed(&claims, &json!({ "org_id": elsewhere.id })));
    assert_refused(suite, &forged, "unknown token").await;
    assert_live(suite, &token.token).await;
}

async fn r2_r39_minted_and_adopted_tokens_do_not_open_each_other(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization.mint_for_release(&suite.gateway, "jwt").await;
    let claims_of_minted = forge::part(&minted.token, 1);
    assert_refused(suite, &jwt(suite, &claims_of_minted), "format mismatch").await;
    assert_live(suite, &minted.token).await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    let named = forge::jwt(&forge::header(), &claims.to_string(), &suite.keys.k2);
    assert_refused(suite, &named, "format mismatch").await;
    assert_live(suite, &token.token).await;
}

async fn r11_r39_a_revoked_token_is_refused_at_once_and_for_ever(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    assert_live(suite, &token.token).await;
    let moment = organization.revoke(&suite.gateway, &token.id).await;
    assert_refused(suite, &token.token, "revoked token").await;
    // Nor does a new adoption revive it, as it stands or made anew by the origin.
    let anew = changed(&claims, &json!({ "exp": seconds_from_now(3600) }));
    for claims in [&claims, &anew] {
        let call = adopting_here(suite, &organization, &jwt(suite, claims), &json!({}));
        call.send().await.problem(409, "token_revoked");
        assert_refused(suite, &token.token, "revoked token").await;
    }
    let row = organization.token(&suite.gateway, &token.id).await;
    assert_eq!(row["revoked_at"], moment);
    // In bulk, too.
    let token = adopt(
        suite,
        &organization,
        &self::claims(&organization),
        &json!({}),
    )
    .await;
    let selector = json!({ "ids": [token.id] });
    let answer = organization
        .revoking(&suite.gateway, &selector)
        .send()
        .await;
    assert_eq!(answer.json(200)["matched"], 1);
    assert_refused(suite, &token.token, "revoked token").await;
}

async fn r7_r39_an_adopted_token_ends_with_its_claim(suite: &Suite) {
    let organization = suite.organization().await;
    let exp = seconds_from_now(4);
    let claims = changed(&claims(&organization), &json!({ "exp": exp }));
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    while now() < exp * 1000 + 50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer = find_or_create(suite, &token.token, SHOP, RELEASE).await;
    answer.refused(16, "JWT token has expired");
    let call = adopting_here(suite, &organization, &token.token, &json!({}));
    call.send().await.problem(400, "token_expired_already");
    // The origin makes the token anew for longer: the registration is not lengthened by that.
    let anew = jwt(suite, &changed(&claims, &json!({ "exp": exp + 3600 })));
    assert_refused(suite, &anew, "claims mismatch").await;
    let call = adopting_here(suite, &organization, &anew, &json!({}));
    call.send().await.problem(409, "already_adopted");
}

async fn r39_an_end_is_read_with_a_fraction_and_however_far(suite: &Suite) {
    let organization = suite.organization().await;
    for (exp, ends) in [
        (json!(1_900_000_000.5), "2030-03-17T17:46:40Z"),
        (json!((1_i64 << 53) - 1), "9999-12-31T23:59:59Z"),
    ] {
        let claims = changed(&claims(&organization), &json!({ "exp": exp }));
        let token = adopt(suite, &organization, &claims, &json!({})).await;
        assert_eq!(token.answer["expires_at"], ends, "{exp}");
        assert_live(suite, &token.token).await;
        let again = adopting_here(suite, &organization, &token.token, &json!({}));
        again.send().await.problem(409, "already_adopted");
    }
}
