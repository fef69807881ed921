//! How long the old token lives beside its successor.

use postern_system_tests::cases;
use postern_system_tests::life::{assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::json;

use crate::support::{FORMATS, ids, past};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r9_without_overlap_the_old_token_is_refused_at_once_everywhere,
        r9_with_overlap_both_live_and_then_the_old_one_is_refused,
        r9_an_overlap_ends_before_the_old_token_does,
        r9_an_overlap_has_a_longest_span,
        r9_r27_overlaps_do_not_add_up_beyond_the_ceiling,
        r9_an_overlap_that_is_no_span_is_refused,
        r9_r11_a_revoke_ends_an_overlap_at_once,
    ]
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
            .contains("limit of 1 active"),
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
        "", "x", "10", "-1h", "1.5h", "1y", "1h ", "PT", "1h1d", "0y",
    ] {
        let call = organization.rotating(gateway, &old.id, &json!({ "overlap": overlap }));
        call.send().await.problem(400, "overlap_invalid");
    }
    for overlap in ["36501d", "99999999999999999999d"] {
        let call = organization.rotating(gateway, &old.id, &json!({ "overlap": overlap }));
        call.send().await.problem(400, "overlap_too_long");
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
