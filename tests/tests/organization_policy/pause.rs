//! What a pause stops, and what it leaves.

use postern_system_tests::audit::events;
use postern_system_tests::cases;
use postern_system_tests::life::{assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

use crate::support::{FORMATS, assert_paused, pause, resume};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r53_a_pause_stops_every_token_everywhere_and_resume_gives_it_back,
        r53_a_paused_token_manages_nothing_and_is_told_why,
        r53_administrators_read_revoke_and_resume,
        r53_nobody_creates_a_token_in_a_pause,
        r53_a_token_can_pause_and_cannot_resume,
        r53_a_pause_outlives_the_gateway,
        r53_a_pause_is_shown_and_written_down,
        r53_wrong_pauses_are_refused,
    ]
}

async fn r53_a_pause_stops_every_token_everywhere_and_resume_gives_it_back(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, other) = (suite.organization().await, suite.organization().await);
    let bystander = other.mint_for_release(gateway, "opaque").await;
    for format in FORMATS {
        let token = organization.mint_for_release(gateway, format).await;
        let revoked = organization.mint_for_release(gateway, format).await;
        assert_live(gateway, &token, "every isolate has it in its memory").await;
        organization.revoke(gateway, &revoked.id).await;
        let told = pause(gateway, &organization).await;
        assert_eq!(told["organization"], organization.name.as_str());
        assert!(
            (now() - millis(&told["paused_at"])).abs() < 10_000,
            "{told}"
        );
        assert!(
            millis(&told["final_at"]) >= millis(&told["paused_at"]),
            "{told}"
        );
        suite.origin.reset().await;
        assert_paused(gateway, &token).await;
        assert_dead(gateway, &revoked, "a revoked one is as it was").await;
        suite.origin.assert_untouched("a paused organization").await;
        assert_live(gateway, &bystander, "another organization").await;
        let again = pause(gateway, &organization).await;
        assert_eq!(
            again["paused_at"], told["paused_at"],
            "the first one stands"
        );
        let resumed = resume(gateway, &organization).await;
        assert!(
            millis(&resumed["resumed_at"]) >= millis(&told["paused_at"]),
            "{resumed}"
        );
        assert_live(gateway, &token, "resumed").await;
        assert_dead(gateway, &revoked, "a resume revives nothing").await;
        assert_eq!(
            resume(gateway, &organization).await["resumed_at"],
            Value::Null
        );
    }
}

async fn r53_a_paused_token_manages_nothing_and_is_told_why(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let manager = organization.mint(gateway, &json!({})).await;
    let child = organization
        .mint_as(gateway, &manager, &json!({ "project": SHOP }))
        .await;
    pause(gateway, &organization).await;
    let revoke = format!("/org/tokens/{}", child.id);
    for (method, path) in [
        ("GET", "/org/tokens"),
        ("POST", "/org/tokens"),
        ("DELETE", revoke.as_str()),
        ("GET", "/org/audit"),
        ("POST", "/org/resume"),
    ] {
        let call = organization.call_as(gateway, &manager, method, path);
        let answer = call.send().await;
        answer.problem(403, "organization_paused");
    }
    let call = gateway.call("POST", "/explain").bearer(&manager.token);
    let explained = call
        .json(&json!({ "operation": "token.list" }))
        .send()
        .await;
    let explained = explained.json(200);
    assert_eq!(explained["allowed"], false);
    assert_eq!(explained["refusal"]["code"], "organization_paused");
    assert_eq!(explained["caller"]["token"], manager.id.as_str());
    let call = organization.call(gateway, "POST", "/oauth/introspect");
    let seen = call
        .form(&[("token", &manager.token)])
        .send()
        .await
        .json(200);
    assert_eq!(seen, json!({ "active": false }));
    // A wrong secret learns nothing of it.
    let guessed = postern_system_tests::forge::opaque(&manager.id, &suite.keys.root());
    let call = gateway.call("GET", "/org/tokens").bearer(&guessed);
    call.send().await.problem(401, "credential_refused");
}

async fn r53_administrators_read_revoke_and_resume(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let tokens = [
        organization.mint_for_release(gateway, "opaque").await,
        organization.mint_for_release(gateway, "opaque").await,
        organization.mint_for_release(gateway, "jwt").await,
    ];
    pause(gateway, &organization).await;
    let [one, many, own] = &tokens;
    assert_eq!(organization.tokens(gateway, "").await.len(), 3);
    organization.revoke(gateway, &one.id).await;
    let selector = json!({ "ids": [many.id] });
    organization
        .revoking(gateway, &selector)
        .send()
        .await
        .json(200);
    let call = gateway.call("POST", "/oauth/revoke").bearer(&own.token);
    let answer = call.form(&[("token", &own.token)]).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    resume(gateway, &organization).await;
    for token in &tokens {
        assert_dead(gateway, token, "revoked in the pause").await;
    }
}

async fn r53_nobody_creates_a_token_in_a_pause(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let token = organization.mint_for_release(gateway, "opaque").await;
    pause(gateway, &organization).await;
    let mint = organization.minting(gateway, &json!({ "name": "new" }));
    mint.send().await.problem(403, "organization_paused");
    let rotate = organization.rotating(gateway, &token.id, &json!({}));
    rotate.send().await.problem(403, "organization_paused");
    assert_eq!(organization.tokens(gateway, "status=all").await.len(), 1);
    resume(gateway, &organization).await;
    // The name was not used up, and the old token is as it was.
    organization.mint(gateway, &json!({ "name": "new" })).await;
    assert_live(gateway, &token, "not rotated").await;
}

async fn r53_a_token_can_pause_and_cannot_resume(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let both = ["organization_pause:create", "organization_pause:delete"];
    let detector = organization
        .mint(gateway, &json!({ "policies": both }))
        .await;
    let usual = organization.mint(gateway, &json!({})).await;
    let narrow = json!({ "project": SHOP, "policies": both });
    let narrow = organization.mint(gateway, &narrow).await;
    for token in [&usual, &narrow] {
        let call = organization.call_as(gateway, token, "POST", "/org/pause");
        call.send().await.problem(403, "operation_not_allowed");
    }
    let call = organization.call_as(gateway, &detector, "POST", "/org/pause");
    let other = call.clone().organization("another");
    other.send().await.problem(403, "other_organization");
    call.send().await.json(200);
    let call = organization.call_as(gateway, &detector, "POST", "/org/resume");
    call.send().await.problem(403, "organization_paused");
    resume(gateway, &organization).await;
    let call = organization.call_as(gateway, &detector, "POST", "/org/resume");
    assert_eq!(call.send().await.json(200)["resumed_at"], Value::Null);
}

async fn r53_a_pause_outlives_the_gateway(suite: &Suite) {
    let gateway = suite.serve().isolates(2).start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "opaque").await;
    assert_live(&gateway, &token, "before").await;
    pause(&gateway, &organization).await;
    let serve = gateway.serve().clone();
    gateway.kill();
    let gateway = serve.start().await;
    assert_paused(&gateway, &token).await;
    resume(&gateway, &organization).await;
    let serve = gateway.serve().clone();
    gateway.kill();
    let gateway = serve.start().await;
    assert_live(&gateway, &token, "resumed before the power cut").await;
}

async fn r53_a_pause_is_shown_and_written_down(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let shown = async || {
        let overview = organization.call(gateway, "GET", "/org/overview");
        let overview = overview.send().await.json(200)["pause"].clone();
        let rows = organization
            .all(gateway, "/orgs", "", "organizations")
            .await;
        let row = rows
            .iter()
            .find(|row| row["name"] == organization.name.as_str());
        assert_eq!(row.expect("its row")["pause"], overview);
        overview
    };
    assert_eq!(shown().await, Value::Null);
    let told = pause(gateway, &organization).await;
    let expected = json!({ "at": told["paused_at"], "by": "admin-token", "reason": "a test" });
    assert_eq!(shown().await, expected);
    resume(gateway, &organization).await;
    assert_eq!(shown().await, Value::Null);
    let log = events(gateway, &organization, "").await;
    let actions: Vec<&str> = log
        .iter()
        .filter_map(|event| event["action"].as_str())
        .filter(|action| ["organization.pause", "organization.resume"].contains(action))
        .collect();
    assert_eq!(actions, ["organization.resume", "organization.pause"]);
}

async fn r53_wrong_pauses_are_refused(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let token: Minted = organization.mint_for_release(gateway, "opaque").await;
    let long = "x".repeat(201);
    for (body, code) in [
        (json!({ "reason": long }), "reason_invalid"),
        (json!({ "reason": "a\nb" }), "reason_invalid"),
        (json!({ "why": "x" }), "body_invalid"),
        (json!({ "reason": 7 }), "body_invalid"),
    ] {
        let call = organization.call(gateway, "POST", "/org/pause").json(&body);
        call.send().await.problem(400, code);
    }
    let unnamed = gateway.call("POST", "/org/pause").bearer(&suite.keys.admin);
    unnamed.send().await.problem(400, "organization_required");
    let unknown = gateway.call("POST", "/org/pause").bearer(&suite.keys.admin);
    let unknown = unknown.organization("no-such-organization");
    unknown.send().await.problem(404, "not_found");
    let get = organization.call(gateway, "GET", "/org/pause");
    get.send().await.problem(405, "method_not_allowed");
    assert_live(gateway, &token, "nothing was paused").await;
    let early = organization.call(gateway, "POST", "/org/pause");
    let early = early.header("prefer", "respond-async").send().await;
    assert_eq!(early.header("preference-applied"), Some("respond-async"));
    let told = early.json(202);
    assert!(
        millis(&told["final_at"]) >= millis(&told["paused_at"]),
        "{told}"
    );
    // The second one waits.
    pause(gateway, &organization).await;
    assert_paused(gateway, &token).await;
}
