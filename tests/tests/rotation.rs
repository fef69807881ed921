//! Rotation (R9): the successor is the old token in all but its secret, and the old one ends when it was said to, in
//! every isolate.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use postern_system_tests::forge::{self};
use postern_system_tests::life::{accepted, assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, fields};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, runner};
use serde_json::{Value, json};

const ISOLATES: u16 = 4;
const FORMATS: [&str; 2] = ["opaque", "jwt"];

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        cases![
            r9_a_successor_is_the_old_token_in_all_but_its_secret,
            r9_without_overlap_the_old_token_is_refused_at_once_everywhere,
            r9_with_overlap_both_live_and_then_the_old_one_is_refused,
            r9_an_overlap_ends_before_the_old_token_does,
            r9_an_overlap_has_a_longest_span,
            r9_r27_overlaps_do_not_add_up_beyond_the_ceiling,
            r9_an_overlap_that_is_no_span_is_refused,
            r9_a_life_is_lengthened_only_by_who_could_mint_it,
            r9_an_expiry_that_is_none_is_refused,
            r9_a_token_that_does_not_live_cannot_be_rotated,
            r9_what_is_not_there_cannot_be_rotated,
            r9_a_system_token_is_rotated_by_the_administrator_alone,
            r8_r9_the_successor_keeps_the_name_from_others,
            r9_r27_a_rotation_at_the_ceiling_goes_through,
            r9_r11_a_revoke_ends_an_overlap_at_once,
            r9_rotations_at_the_same_time_make_one_successor,
            r9_generations_follow_each_other,
            r18_a_rotation_hands_out_nothing_that_its_caller_could_not_mint,
        ],
    )
}

fn ids<'a>(tokens: impl IntoIterator<Item = &'a Minted>) -> BTreeSet<String> {
    tokens.into_iter().map(|token| token.id.clone()).collect()
}

/// Waits until a moment is past, and a little more.
async fn past(moment: i64) {
    let left = u64::try_from(moment - now()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(left + 50)).await;
}

/// What a successor shares with the token before it.
const KEPT: [&str; 10] = [
    "name",
    "description",
    "format",
    "organization",
    "project",
    "workflow",
    "policies",
    "is_system",
    "adopted",
    "expires_at",
];

async fn r9_a_successor_is_the_old_token_in_all_but_its_secret(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let scopes = [
        json!({}),
        json!({ "project": SHOP }),
        json!({ "project": SHOP, "workflow": RELEASE }),
    ];
    let others = [
        json!({}),
        json!({ "description": "for the pipeline", "policies": ["cas_artifact:read", "workflow:*"],
                "expires_at": "2099-01-01T00:00:00Z" }),
        json!({ "description": "é", "policies": [], "system": true }),
    ];
    for format in FORMATS {
        for scope in &scopes {
            for other in &others {
                let mut body = scope.clone();
                body["format"] = json!(format);
                for (name, value) in other.as_object().expect("an object") {
                    body[name] = value.clone();
                }
                let old = organization.mint(gateway, &body).await;
                let rotate = organization.rotating(gateway, &old.id, &json!({}));
                let answer = rotate.send().await;
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                let new = Minted::of(answer.json(201));
                let mut answer = new.answer.clone();
                let replaces = answer
                    .as_object_mut()
                    .and_then(|answer| answer.remove("replaces"));
                assert_eq!(fields(&answer), fields(&old.answer), "as a mint");
                let ended = organization.token(gateway, &old.id).await;
                let expected = json!({ "id": old.id, "revoked_at": ended["revoked_at"] });
                assert_eq!(replaces, Some(expected), "and what became of the old token");
                for field in KEPT {
                    assert_eq!(new.answer[field], old.answer[field], "{field} of {body}");
                }
                for field in ["id", "token", "prefix"] {
                    assert_ne!(new.answer[field], old.answer[field], "{field} of {body}");
                }
                assert_eq!(new.answer["created_by"], "admin-token");
                let row = organization.token(gateway, &new.id).await;
                for field in KEPT {
                    assert_eq!(row[field], old.answer[field], "{field} as it is listed");
                }
                assert_eq!(row["revoked_at"], Value::Null);
                if format == "jwt" {
                    let (mut before, mut after) =
                        (forge::part(&old.token, 1), forge::part(&new.token, 1));
                    assert_eq!(after["jti"], new.id);
                    for claims in [&mut before, &mut after] {
                        claims["jti"] = Value::Null;
                    }
                    assert_eq!(after, before, "the claims, both pairs among them");
                    assert_eq!(
                        after["project_id"].is_string(),
                        scope["project"].is_string()
                    );
                    assert_eq!(
                        after["workflow_id"].is_string(),
                        scope["workflow"].is_string()
                    );
                }
                assert!(accepted(gateway, 0, &new.token).await);
                assert!(!accepted(gateway, 0, &old.token).await);
            }
        }
    }
}

async fn r9_without_overlap_the_old_token_is_refused_at_once_everywhere(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in FORMATS {
        for body in [
            None,
            Some(json!({})),
            Some(json!({ "overlap": "0" })),
            Some(json!({ "overlap": "0s" })),
            Some(json!({ "overlap": "PT0S" })),
        ] {
            let old = organization.mint_for_release(gateway, format).await;
            let other = organization.mint_for_release(gateway, format).await;
            assert_live(gateway, &old, "every isolate has it in its memory").await;
            let path = format!("/org/tokens/{}/rotate", old.id);
            let call = organization.call_on(gateway, 2, "POST", &path);
            let call = match &body {
                Some(body) => call.json(body),
                None => call,
            };
            let new = Minted::of(call.send().await.json(201));
            assert_dead(gateway, &old, "rotated without overlap").await;
            assert_live(gateway, &new, "the successor").await;
            assert_live(gateway, &other, "a bystander").await;
            let row = organization.token(gateway, &old.id).await;
            assert!((now() - millis(&row["revoked_at"])).abs() < 10_000, "{row}");
            let active = organization.token_ids(gateway, "").await;
            assert!(active.contains(&new.id) && !active.contains(&old.id));
            let revoked = organization.token_ids(gateway, "status=revoked").await;
            assert!(revoked.contains(&old.id) && !revoked.contains(&new.id));
        }
    }
}

async fn r9_with_overlap_both_live_and_then_the_old_one_is_refused(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        let old = organization.mint_for_release(gateway, format).await;
        let begun = now();
        let new = organization
            .rotate(gateway, &old.id, &json!({ "overlap": "3s" }))
            .await;
        let answered = now();
        assert_live(gateway, &old, "the overlap has begun").await;
        assert_live(gateway, &new, "the overlap has begun").await;
        let row = organization.token(gateway, &old.id).await;
        let end = millis(&row["revoked_at"]);
        assert!(
            (begun + 3_000..=answered + 3_000).contains(&end),
            "{row}: asked at {begun}, answered at {answered}"
        );
        assert_eq!(
            organization.token_ids(gateway, "").await,
            ids([&old, &new]),
            "both are active"
        );
        assert_eq!(
            organization.token_ids(gateway, "status=revoked").await,
            ids([])
        );
        // The name is the successor's now; the old one no longer counts for it.
        let body = json!({ "name": old.answer["name"], "project": SHOP });
        let call = organization.minting(gateway, &body);
        call.send().await.problem(409, "name_taken");
        assert!(
            now() < end,
            "the machine is too slow for this case: the overlap is over"
        );

        past(end).await;
        assert_dead(gateway, &old, "the overlap is over").await;
        assert_live(gateway, &new, "the overlap is over").await;
        assert_eq!(organization.token_ids(gateway, "").await, ids([&new]));
        assert_eq!(
            organization.token_ids(gateway, "status=revoked").await,
            ids([&old])
        );
        assert_eq!(
            organization.token_ids(gateway, "status=all").await,
            ids([&old, &new])
        );
        let again = organization.revoke(gateway, &old.id).await;
        assert_eq!(again, row["revoked_at"], "the first moment stands (R11)");
    }
}

async fn r9_an_overlap_ends_before_the_old_token_does(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for format in FORMATS {
        let body = json!({ "format": format, "expires_in": "1h" });
        let old = organization.mint(gateway, &body).await;
        let before = organization.snapshot(gateway).await;
        for overlap in ["61m", "2h", "1d", "P1W", "36500d"] {
            for rest in [json!({}), json!({ "expires_in": "90d" })] {
                let mut body = rest;
                body["overlap"] = json!(overlap);
                let call = organization.rotating(gateway, &old.id, &body);
                call.send().await.problem(400, "overlap_too_long");
            }
        }
        assert_eq!(organization.snapshot(gateway).await, before);
        let new = organization
            .rotate(gateway, &old.id, &json!({ "overlap": "30m" }))
            .await;
        let row = organization.token(gateway, &old.id).await;
        assert!(
            millis(&row["revoked_at"]) < millis(&row["expires_at"]),
            "{row}"
        );
        assert_eq!(new.answer["expires_at"], old.answer["expires_at"]);
        assert_live(gateway, &old, "in the overlap").await;
    }
}

async fn r9_an_overlap_has_a_longest_span(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let old = organization.mint(gateway, &json!({})).await;
    let before = organization.snapshot(gateway).await;
    for overlap in ["604801s", "8d", "P2W", "36500d"] {
        let call = organization.rotating(gateway, &old.id, &json!({ "overlap": overlap }));
        let problem = call.send().await.problem(400, "overlap_too_long");
        assert_eq!(problem["detail"], "`overlap` can be at most 7 days here");
    }
    assert_eq!(organization.snapshot(gateway).await, before);
    let new = organization
        .rotate(gateway, &old.id, &json!({ "overlap": "7d" }))
        .await;

    let serve = suite.serve().set("MAX_ROTATION_OVERLAP_DAYS", "0");
    let strict = serve.start().await;
    let other = Organization::new(&strict, &suite.keys.admin).await;
    let old = other.mint(&strict, &json!({})).await;
    let call = other.rotating(&strict, &old.id, &json!({ "overlap": "1s" }));
    let problem = call.send().await.problem(400, "overlap_too_long");
    assert_eq!(
        problem["detail"],
        "`overlap` is not allowed here: leave it out"
    );
    other
        .rotate(&strict, &old.id, &json!({ "overlap": "0" }))
        .await;
    strict.stop();
    assert!(new.answer["expires_at"].is_null());
}

async fn r9_r27_overlaps_do_not_add_up_beyond_the_ceiling(suite: &Suite) {
    let gateway = &suite.gateway;
    let one = json!({ "mint_ceiling": 1 });
    let organization = Organization::with(gateway, &suite.keys.admin, &one).await;
    let first = organization.mint_for_release(gateway, "opaque").await;
    let overlap = json!({ "overlap": "7d" });
    let second = organization.rotate(gateway, &first.id, &overlap).await;
    // The first is free beside the second; a third would make it count.
    let before = organization.snapshot(gateway).await;
    let again = organization.rotating(gateway, &second.id, &overlap);
    let problem = again.send().await.problem(429, "mint_ceiling_reached");
    assert!(
        problem["detail"]
            .as_str()
            .expect("a sentence")
            .contains("ceiling of 1"),
        "{problem}"
    );
    let mint = organization.minting(gateway, &json!({})).send().await;
    mint.problem(429, "mint_ceiling_reached");
    assert_eq!(organization.snapshot(gateway).await, before);
    // Without overlap the successor takes the place of the second: as many live as before.
    let third = organization.rotate(gateway, &second.id, &json!({})).await;
    assert_dead(gateway, &second, "rotated without overlap").await;
    for token in [&first, &third] {
        assert_live(gateway, token, "one, and one that it is beside").await;
    }
    let again = organization.rotating(gateway, &third.id, &overlap);
    again.send().await.problem(429, "mint_ceiling_reached");
    // Once the first has ended, there is room for another overlap.
    organization.revoke(gateway, &first.id).await;
    let fourth = organization.rotate(gateway, &third.id, &overlap).await;
    assert_live(gateway, &third, "in its overlap").await;
    // An old token whose successor was revoked is what counts.
    organization.revoke(gateway, &fourth.id).await;
    let mint = organization.minting(gateway, &json!({})).send().await;
    mint.problem(429, "mint_ceiling_reached");
    organization.revoke(gateway, &third.id).await;
    organization.mint(gateway, &json!({})).await;
    // System tokens are not counted, and rotate as they like.
    let mut system = organization.mint(gateway, &json!({ "system": true })).await;
    for _ in 0..3 {
        system = organization.rotate(gateway, &system.id, &overlap).await;
    }
}

async fn r9_an_overlap_that_is_no_span_is_refused(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let old = organization.mint(gateway, &json!({})).await;
    let before = organization.snapshot(gateway).await;
    for overlap in [
        "", "x", "10", "-1h", "1.5h", "1y", "1h ", "PT", "1h1d", "36501d", "0h",
    ] {
        let call = organization.rotating(gateway, &old.id, &json!({ "overlap": overlap }));
        call.send().await.problem(400, "overlap_invalid");
    }
    for body in [
        json!({ "overlap": 60 }),
        json!({ "overlap": ["1h"] }),
        json!({ "overlaps": "1h" }),
        json!({ "name": "other" }),
        json!({ "policies": [] }),
        json!({ "system": true }),
        json!({ "format": "jwt" }),
        json!({ "project": SHOP }),
        json!([]),
    ] {
        let call = organization.rotating(gateway, &old.id, &body);
        call.send().await.problem(400, "body_invalid");
    }
    let path = format!("/org/tokens/{}/rotate", old.id);
    let text = organization.call(gateway, "POST", &path);
    let text = text
        .header("content-type", "text/plain")
        .body("{\"overlap\":\"1h\"}");
    text.send().await.problem(415, "unsupported_media_type");
    assert_eq!(organization.snapshot(gateway).await, before);
    assert_live(gateway, &old, "every rotation was refused").await;
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
                        .is_some_and(|text| text.contains("mint a new one")),
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

async fn r8_r9_the_successor_keeps_the_name_from_others(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    for scope in [json!({}), json!({ "project": SHOP })] {
        let mut body = scope.clone();
        body["name"] = json!("deploy");
        let old = organization.mint(gateway, &body).await;
        for overlap in ["1h", "0"] {
            let old = if overlap == "0" {
                organization.revoke(gateway, &old.id).await;
                // The successor of before has the name; it is rotated in turn.
                let holder = organization.tokens(gateway, "").await;
                let holder = holder.iter().find(|row| {
                    row["name"] == "deploy"
                        && row["project"].is_null() == scope["project"].is_null()
                });
                holder.expect("the successor")["id"]
                    .as_str()
                    .expect("an id")
                    .to_owned()
            } else {
                old.id.clone()
            };
            let new = organization
                .rotate(gateway, &old, &json!({ "overlap": overlap }))
                .await;
            assert_eq!(new.answer["name"], "deploy");
            let taken = organization.minting(gateway, &body);
            taken.send().await.problem(409, "name_taken");
        }
        for row in organization.tokens(gateway, "").await {
            organization
                .revoke(gateway, row["id"].as_str().expect("an id"))
                .await;
        }
        organization.mint(gateway, &body).await;
    }
}

async fn r9_r27_a_rotation_at_the_ceiling_goes_through(suite: &Suite) {
    let gateway = &suite.gateway;
    let ceiling = json!({ "mint_ceiling": 2 });
    let organization = Organization::with(gateway, &suite.keys.admin, &ceiling).await;
    let first = organization.mint(gateway, &json!({})).await;
    let second = organization.mint(gateway, &json!({})).await;
    let full = async || {
        let call = organization.minting(gateway, &json!({}));
        call.send().await.problem(429, "mint_ceiling_reached");
    };
    full().await;
    let third = organization.rotate(gateway, &first.id, &json!({})).await;
    full().await;
    let fourth = organization
        .rotate(gateway, &second.id, &json!({ "overlap": "1h" }))
        .await;
    full().await;
    assert_eq!(
        organization.token_ids(gateway, "").await,
        ids([&second, &third, &fourth]),
        "a token that is being rotated out does not count"
    );
    organization.revoke(gateway, &second.id).await;
    full().await;
    organization.revoke(gateway, &third.id).await;
    organization.mint(gateway, &json!({})).await;
    full().await;
}

async fn r9_r11_a_revoke_ends_an_overlap_at_once(suite: &Suite) {
    let gateway = &suite.gateway;
    for format in FORMATS {
        let organization = suite.organization().await;
        let old = organization.mint_for_release(gateway, format).await;
        let new = organization
            .rotate(gateway, &old.id, &json!({ "overlap": "1h" }))
            .await;
        assert_live(gateway, &old, "in the overlap").await;
        let ahead = organization.token(gateway, &old.id).await;
        assert!(millis(&ahead["revoked_at"]) > now() + 3_000_000, "{ahead}");
        let at = organization.revoke(gateway, &old.id).await;
        assert_dead(gateway, &old, "revoked in the overlap").await;
        assert_live(gateway, &new, "only the old one was revoked").await;
        assert!((millis(&json!(at)) - now()).abs() < 10_000, "{at}");
        let row = organization.token(gateway, &old.id).await;
        assert_eq!(row["revoked_at"], at, "the earlier end stands");
        assert_eq!(organization.revoke(gateway, &old.id).await, at);
        assert_eq!(
            organization.token_ids(gateway, "status=revoked").await,
            ids([&old])
        );
    }
}

async fn r9_rotations_at_the_same_time_make_one_successor(suite: &Suite) {
    let gateway = &suite.gateway;
    for (format, overlap) in [("opaque", "0"), ("jwt", "1h")].into_iter().cycle().take(6) {
        let organization = suite.organization().await;
        let old = organization.mint_for_release(gateway, format).await;
        let path = format!("/org/tokens/{}/rotate", old.id);
        let rotations: Vec<_> = (0..ISOLATES * 2)
            .map(|index| {
                let call = organization.call_on(gateway, index % ISOLATES, "POST", &path);
                let call = call.json(&json!({ "overlap": overlap }));
                tokio::spawn(call.send())
            })
            .collect();
        let mut successors = Vec::new();
        for rotation in rotations {
            let answer = rotation.await.expect("an answer");
            if answer.status == 201 {
                successors.push(Minted::of(answer.json(201)));
            } else {
                answer.problem(409, "token_not_live");
            }
        }
        assert_eq!(successors.len(), 1, "{format}");
        assert_live(gateway, &successors[0], "the one successor").await;
        let active = organization.token_ids(gateway, "").await;
        if overlap == "0" {
            assert_dead(gateway, &old, "rotated").await;
            assert_eq!(active, ids(&successors));
        } else {
            assert_live(gateway, &old, "in the overlap").await;
            assert_eq!(active, ids([&old, &successors[0]]));
        }
    }
}

async fn r9_generations_follow_each_other(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mut generations = vec![organization.mint_for_release(gateway, "opaque").await];
    for _ in 0..5 {
        let last = generations.last().expect("one");
        let next = organization.rotate(gateway, &last.id, &json!({})).await;
        generations.push(next);
    }
    let (last, old) = generations.split_last().expect("six");
    assert_live(gateway, last, "the youngest").await;
    for token in old {
        assert_dead(gateway, token, "rotated").await;
    }
    assert_eq!(organization.token_ids(gateway, "").await, ids([last]));
    assert_eq!(
        organization.token_ids(gateway, "status=revoked").await,
        ids(old)
    );
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
