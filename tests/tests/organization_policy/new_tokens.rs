//! What new tokens must keep to: how long they live, and for how long if nobody says.

use postern_system_tests::cases;
use postern_system_tests::life::{assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;
/// How long a case takes at most.
const SLACK_MS: i64 = 60_000;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r53_no_new_token_lives_longer_than_the_organization_allows,
        r53_a_token_gets_the_usual_life_unless_its_creator_says_otherwise,
        r53_a_rotation_is_cut_to_what_is_allowed_now,
        r53_the_policy_is_changed_whole_and_shown,
        r53_wrong_policies_are_refused,
    ]
}

async fn set(suite: &Suite, organization: &Organization, policy: &Value) -> Value {
    let path = format!("/orgs/{}", organization.name);
    let call = organization.call(&suite.gateway, "PATCH", &path);
    call.json(policy).send().await.json(200)
}

/// In how many milliseconds a token ends; none where it never does.
async fn left(suite: &Suite, organization: &Organization, token: &Minted) -> Option<i64> {
    let row = organization.token(&suite.gateway, &token.id).await;
    (!row["expires_at"].is_null()).then(|| millis(&row["expires_at"]) - now())
}

fn is_about(left: Option<i64>, expected_ms: i64) -> bool {
    left.is_some_and(|left| left <= expected_ms && left > expected_ms - SLACK_MS)
}

async fn r53_no_new_token_lives_longer_than_the_organization_allows(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let before = organization.mint_for_release(gateway, "opaque").await;
    set(suite, &organization, &json!({ "max_lifetime_days": 2 })).await;
    for format in ["opaque", "jwt"] {
        let late = json!({ "format": format, "expires_in": "3d" });
        let mint = organization.minting(gateway, &late);
        mint.send().await.problem(400, "lifetime_too_long");
        let open = organization
            .mint(gateway, &json!({ "format": format }))
            .await;
        assert!(is_about(
            left(suite, &organization, &open).await,
            2 * DAY_MS
        ));
        let body = json!({ "format": format, "expires_in": "2d" });
        let whole = organization.mint(gateway, &body).await;
        assert!(is_about(
            left(suite, &organization, &whole).await,
            2 * DAY_MS
        ));
    }
    assert_eq!(left(suite, &organization, &before).await, None, "it stays");
    assert_live(gateway, &before, "what there was stays").await;
    set(suite, &organization, &json!({ "max_lifetime_days": 0 })).await;
    let free = organization.mint(gateway, &json!({})).await;
    assert_eq!(left(suite, &organization, &free).await, None);
}

async fn r53_a_token_gets_the_usual_life_unless_its_creator_says_otherwise(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    set(suite, &organization, &json!({ "default_expires_in": "1d" })).await;
    let usual = organization.mint(gateway, &json!({})).await;
    assert!(is_about(left(suite, &organization, &usual).await, DAY_MS));
    let longer = organization
        .mint(gateway, &json!({ "expires_in": "9d" }))
        .await;
    assert!(is_about(
        left(suite, &organization, &longer).await,
        9 * DAY_MS
    ));
    // A creator that ends sooner gives no more than it has.
    let short = organization
        .mint(gateway, &json!({ "expires_in": "1h" }))
        .await;
    let child = json!({ "project": "shop" });
    let child = organization.mint_as(gateway, &short, &child).await;
    assert!(is_about(
        left(suite, &organization, &child).await,
        3_600_000
    ));
}

async fn r53_a_rotation_is_cut_to_what_is_allowed_now(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let endless = organization
        .mint(gateway, &json!({ "name": "endless" }))
        .await;
    let short = organization
        .mint(gateway, &json!({ "expires_in": "1d" }))
        .await;
    set(suite, &organization, &json!({ "max_lifetime_days": 5 })).await;
    let late = organization.rotating(gateway, &endless.id, &json!({ "expires_in": "6d" }));
    late.send().await.problem(400, "lifetime_too_long");
    let next = organization.rotate(gateway, &endless.id, &json!({})).await;
    assert!(is_about(
        left(suite, &organization, &next).await,
        5 * DAY_MS
    ));
    let kept = organization.rotate(gateway, &short.id, &json!({})).await;
    assert!(is_about(left(suite, &organization, &kept).await, DAY_MS));
}

async fn r53_the_policy_is_changed_whole_and_shown(suite: &Suite) {
    let organization = suite.organization().await;
    let both = json!({ "max_lifetime_days": 90, "default_expires_in": "720h" });
    let row = set(suite, &organization, &both).await;
    let told = |row: &Value| {
        let names = ["max_lifetime_days", "default_expires_in", "trusted_issuers"];
        names.map(|name| row[name].clone())
    };
    assert_eq!(told(&row), [json!(90), json!("30d"), Value::Null]);
    // What is absent stays, null sets back.
    let row = set(suite, &organization, &json!({ "max_idle_days": 3 })).await;
    assert_eq!(told(&row), [json!(90), json!("30d"), Value::Null]);
    let row = set(suite, &organization, &json!({ "trusted_issuers": [] })).await;
    assert_eq!(told(&row), [json!(90), json!("30d"), json!([])]);
    let back =
        json!({ "default_expires_in": null, "trusted_issuers": null, "max_lifetime_days": 0 });
    let row = set(suite, &organization, &back).await;
    assert_eq!(told(&row), [json!(0), Value::Null, Value::Null]);
    let fields = json!({ "max_lifetime_days": 7, "default_expires_in": "1d" });
    let made = Organization::with(&suite.gateway, &suite.keys.admin, &fields).await;
    let token = made.mint(&suite.gateway, &json!({})).await;
    assert!(is_about(left(suite, &made, &token).await, DAY_MS));
}

async fn r53_wrong_policies_are_refused(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let path = format!("/orgs/{}", organization.name);
    for (body, code) in [
        (
            json!({ "max_lifetime_days": 3_651 }),
            "max_lifetime_days_invalid",
        ),
        (json!({ "max_lifetime_days": -1 }), "body_invalid"),
        (
            json!({ "default_expires_in": "soon" }),
            "default_expires_in_invalid",
        ),
        (
            json!({ "default_expires_in": "0s" }),
            "default_expires_in_invalid",
        ),
        (
            json!({ "default_expires_in": "2d", "max_lifetime_days": 1 }),
            "default_expires_in_invalid",
        ),
        (
            json!({ "trusted_issuers": ["https://ci.example"] }),
            "trusted_issuers_invalid",
        ),
        (json!({ "trusted_issuers": "all" }), "body_invalid"),
    ] {
        let call = organization.call(gateway, "PATCH", &path).json(&body);
        call.send().await.problem(400, code);
    }
}
