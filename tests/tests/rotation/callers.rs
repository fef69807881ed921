//! Which tokens are rotated, by whom, and for how long.

use postern_system_tests::life::{assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Minted, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

use crate::support::{FORMATS, ids, past};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r9_a_life_is_lengthened_only_by_who_could_mint_it,
        r9_an_expiry_that_is_none_is_refused,
        r9_a_token_that_does_not_live_cannot_be_rotated,
        r9_what_is_not_there_cannot_be_rotated,
        r9_a_system_token_is_rotated_by_the_administrator_alone,
        r18_a_rotation_hands_out_nothing_that_its_caller_could_not_mint,
    ]
}

async fn r9_a_life_is_lengthened_only_by_who_could_mint_it(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in FORMATS {
        let manager = json!({ "format": format, "expires_at": "2098-01-01T00:00:00Z" });
        let manager = organization.mint(gateway, &manager).await;
        let rotate = async |old: &Minted, body: Value| {
            let path = format!("/org/tokens/{}/rotate", old.id);
            let call = organization.call_as(gateway, &manager, "POST", &path);
            call.json(&body).send().await
        };
        let body =
            json!({ "project": SHOP, "format": format, "expires_at": "2097-01-01T00:00:00Z" });
        let old = organization.mint(gateway, &body).await;
        let before = organization.tokens(gateway, "status=all").await.len();
        for wished in ["2098-01-01T00:00:01Z", "2099-01-01T00:00:00Z"] {
            let answer = rotate(&old, json!({ "expires_at": wished })).await;
            answer.problem(403, "lifetime_exceeded");
        }
        assert_eq!(
            organization.tokens(gateway, "status=all").await.len(),
            before
        );
        assert_live(gateway, &old, "nothing came of it").await;
        // As long as the manager itself lives it could mint one, so it may lengthen to that.
        let answer = rotate(&old, json!({ "expires_at": "2098-01-01T00:00:00Z" })).await;
        let second = Minted::of(answer.json(201));
        assert_eq!(second.answer["expires_at"], "2098-01-01T00:00:00Z");
        let answer = rotate(&second, json!({ "expires_at": "2097-06-01T00:00:00Z" })).await;
        let third = Minted::of(answer.json(201));
        assert_eq!(third.answer["expires_at"], "2097-06-01T00:00:00Z");
        assert_eq!(
            Minted::of(rotate(&third, json!({})).await.json(201)).answer["expires_at"],
            "2097-06-01T00:00:00Z",
            "the old end unless asked"
        );

        // Policies that the manager does not hold: it could mint none of these at all.
        let body = json!({
            "project": SHOP, "format": format, "expires_at": "2097-01-01T00:00:00Z",
            "policies": ["cas_backend:update"],
        });
        let foreign = organization.mint(gateway, &body).await;
        let answer = rotate(&foreign, json!({ "expires_at": "2097-01-01T00:00:01Z" })).await;
        answer.problem(403, "policy_not_held");
        assert_live(gateway, &foreign, "nothing came of it").await;

        // The administrator can mint any, and make one eternal that was not.
        let body = json!({ "expires_at": "2099-01-01T00:00:00Z" });
        let longer = organization.rotate(gateway, &foreign.id, &body).await;
        assert_eq!(longer.answer["expires_at"], "2099-01-01T00:00:00Z");
        let shorter = organization
            .rotate(gateway, &longer.id, &json!({ "expires_in": "1h" }))
            .await;
        let left = millis(&shorter.answer["expires_at"]) - now();
        assert!((3_500_000..=3_600_000).contains(&left), "{left}");
    }
}

async fn r9_an_expiry_that_is_none_is_refused(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let old = organization.mint(gateway, &json!({})).await;
    let before = organization.snapshot(gateway).await;
    let rows = [
        (
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
            "expiry_in_the_past",
        ),
        (json!({ "expires_at": "tomorrow" }), "expires_at_invalid"),
        (json!({ "expires_in": "1y" }), "expires_in_invalid"),
        (
            json!({ "expires_at": "2099-01-01T00:00:00Z", "expires_in": "1h" }),
            "expiry_ambiguous",
        ),
    ];
    for (body, code) in rows {
        let call = organization.rotating(gateway, &old.id, &body);
        call.send().await.problem(400, code);
    }
    assert_eq!(organization.snapshot(gateway).await, before);
}

async fn r9_a_token_that_does_not_live_cannot_be_rotated(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in FORMATS {
        let mint = async |body: Value| {
            let mut body = body;
            body["format"] = json!(format);
            organization.mint(gateway, &body).await
        };
        let revoked = mint(json!({})).await;
        organization.revoke(gateway, &revoked.id).await;
        let expired = mint(json!({ "expires_in": "1s" })).await;
        let rotated = mint(json!({})).await;
        organization.rotate(gateway, &rotated.id, &json!({})).await;
        let retiring = mint(json!({})).await;
        organization
            .rotate(gateway, &retiring.id, &json!({ "overlap": "1h" }))
            .await;
        past(millis(&expired.answer["expires_at"])).await;
        let before = organization.snapshot(gateway).await;
        let rows = [
            ("revoked", &revoked),
            ("expired", &expired),
            ("rotated", &rotated),
            ("retiring", &retiring),
        ];
        for (what, token) in rows {
            for body in [json!({}), json!({ "overlap": "1m" })] {
                // An expired token has no time left to overlap; either refusal tells that.
                let call = organization.rotating(gateway, &token.id, &body);
                let problem = call.send().await.problem(409, "token_not_live");
                assert!(
                    problem["detail"]
                        .as_str()
                        .is_some_and(|text| text.contains("create a new one")),
                    "{what}"
                );
            }
        }
        assert_eq!(organization.snapshot(gateway).await, before);
        assert_live(gateway, &retiring, "its overlap goes on").await;
    }
}

async fn r9_what_is_not_there_cannot_be_rotated(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let theirs = stranger.mint(gateway, &json!({})).await;
    for id in [random_id(), theirs.id.clone()] {
        let call = organization.rotating(gateway, &id, &json!({}));
        let problem = call.send().await.problem(404, "not_found");
        assert_eq!(problem["detail"], "no such token");
    }
    for id in ["x", "00000000-0000-0000-0000-00000000000", "%20", "revoke"] {
        let call = organization.rotating(gateway, id, &json!({}));
        call.send().await.problem(400, "token_id_invalid");
    }
    let path = format!("/org/tokens/{}/rotate", theirs.id);
    let nobody = gateway.call("POST", &path).json(&json!({}));
    nobody.send().await.problem(401, "credential_missing");
    let unnamed = gateway.call("POST", &path).bearer(&suite.keys.admin);
    unnamed.send().await.problem(400, "organization_required");
    assert_live(gateway, &theirs, "not theirs to rotate").await;
    assert_eq!(
        organization.token_ids(gateway, "status=all").await,
        ids([]),
        "nothing was minted"
    );
}

async fn r9_a_system_token_is_rotated_by_the_administrator_alone(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let stars = json!({ "policies": ["org_api_token:*", "project_api_token:*"] });
    let managers = [
        organization.mint(gateway, &json!({})).await,
        organization.mint(gateway, &stars).await,
    ];
    for scope in [
        json!({ "system": true }),
        json!({ "system": true, "project": SHOP }),
    ] {
        let old = organization.mint(gateway, &scope).await;
        let path = format!("/org/tokens/{}/rotate", old.id);
        for caller in managers.iter().chain([&old]) {
            let call = organization.call_as(gateway, caller, "POST", &path);
            let answer = call.send().await;
            if caller.id == old.id && scope["project"].is_string() {
                answer.problem(403, "operation_not_allowed");
            } else {
                answer.problem(404, "not_found");
            }
        }
        assert_live(gateway, &old, "nobody else rotates it").await;
        let new = organization.rotate(gateway, &old.id, &json!({})).await;
        assert_eq!(new.answer["is_system"], true);
        assert_dead(gateway, &old, "rotated").await;
        assert_live(gateway, &new, "its successor").await;
        assert!(
            !organization
                .token_ids(gateway, "status=all")
                .await
                .contains(&new.id),
            "hidden still"
        );
    }
}

/// Whoever rotates gets the successor's plaintext: a mint in all but the name.
async fn r18_a_rotation_hands_out_nothing_that_its_caller_could_not_mint(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let starred = json!({ "policies": ["org_api_token:*"] });
    let starred = organization.mint(gateway, &starred).await;
    let default = organization.mint(gateway, &json!({})).await;
    let brief = organization
        .mint(gateway, &json!({ "expires_in": "1h" }))
        .await;
    let wide = organization.mint(gateway, &json!({})).await;
    let foreign = json!({ "project": SHOP, "policies": ["cas_backend:update"] });
    let foreign = organization.mint(gateway, &foreign).await;
    let eternal = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let rotate = |caller: &Minted, token: &Minted| {
        let path = format!("/org/tokens/{}/rotate", token.id);
        organization.call_as(gateway, caller, "POST", &path).send()
    };
    for (caller, token) in [(&starred, &wide), (&default, &foreign)] {
        let answer = rotate(caller, token).await;
        answer.problem(403, "policy_not_held");
        assert_live(gateway, token, "nothing came of it").await;
    }
    // Refused, or as long as its caller lives: both keep the rule.
    let answer = rotate(&brief, &eternal).await;
    if answer.status == 201 {
        let successor = answer.json(201);
        assert!(
            millis(&successor["expires_at"]) <= millis(&brief.answer["expires_at"]),
            "{successor}"
        );
    } else {
        answer.problem(403, "lifetime_exceeded");
        assert_live(gateway, &eternal, "nothing came of it").await;
    }
}
