//! User tokens as rows: which are one, and what each other one is refused as.

use serde_json::json;

use super::*;

#[test]
fn r44_what_is_no_good_user_token_is_refused_and_counted() {
    let head = || json!({ "alg": "HS256", "typ": "JWT" });
    let other = KeyRing::parse("cp:b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q").expect("a key");
    let ours = testing::config().token_keys;
    let kid = json!({ "alg": "HS256", "typ": "JWT", "kid": "k1" });
    let another_kind = Refused("a user token with claims of another kind");
    let rows = [
        (
            "an API audience beside it",
            token(&json!({ "aud": ["user-auth.chainloop", "api-token-auth.chainloop"] })),
            Refused("`jti` is not a UUID"),
        ),
        (
            "a robot's audience beside it",
            token(&json!({ "aud": ["user-auth.chainloop", "attestations.chainloop"] })),
            Refused("invalid audience"),
        ),
        (
            "an unknown audience beside it",
            token(&json!({ "aud": ["user-auth.chainloop", "x"] })),
            Refused("invalid audience"),
        ),
        (
            "the general audience alone",
            token(&json!({ "aud": "chainloop" })),
            Refused("invalid audience"),
        ),
        (
            "no audience",
            token(&json!({ "aud": null })),
            Refused("invalid audience"),
        ),
        (
            "expired",
            token(&json!({ "exp": 0 })),
            Expired("JWT expired"),
        ),
        (
            "not valid yet",
            token(&json!({ "nbf": END })),
            Expired("JWT not valid yet"),
        ),
        (
            "no expiry",
            token(&json!({ "exp": null })),
            Refused("a user token without `exp`"),
        ),
        (
            "no user",
            token(&json!({ "user_id": null })),
            Refused("`user_id` is not a UUID"),
        ),
        (
            "a user that is no id",
            token(&json!({ "user_id": "kim" })),
            Refused("`user_id` is not a UUID"),
        ),
        (
            "a user that is a number",
            token(&json!({ "user_id": 7 })),
            Refused("`user_id` is not a UUID"),
        ),
        (
            "an id of a token",
            token(&json!({ "jti": USER })),
            another_kind,
        ),
        (
            "an organization",
            token(&json!({ "org_id": USER })),
            another_kind,
        ),
        (
            "a workflow",
            token(&json!({ "workflow_id": USER })),
            another_kind,
        ),
        (
            "a scope",
            token(&json!({ "scope": "INSTANCE_ADMIN" })),
            another_kind,
        ),
        (
            "another issuer",
            token(&json!({ "iss": "x" })),
            Refused("the issuer is another one"),
        ),
        (
            "another key, or a retired one",
            sign(&head(), &claims(&json!({})), &other),
            Stale,
        ),
        (
            "the gateway's key without its name",
            sign(&head(), &claims(&json!({})), &ours),
            Stale,
        ),
        (
            "the gateway's key by its name",
            sign(&kid, &claims(&json!({})), &ours),
            Refused("invalid audience"),
        ),
        (
            "another HMAC",
            sign(&json!({ "alg": "HS512" }), &claims(&json!({})), &origins()),
            Malformed("JWT algorithm is not HS256"),
        ),
        (
            "no algorithm",
            sign(&json!({ "alg": "none" }), &claims(&json!({})), &origins()),
            Malformed("JWT algorithm is not HS256"),
        ),
    ];
    for (what, token, expected) in rows {
        for path in [PEOPLES, CURRENT] {
            let world = world(config());
            assert_eq!(refusal(call(&world, path, &token)), expected, "{what}");
            assert_eq!(world.take_asked(), ["count unknown"], "{what}");
        }
    }
}

#[test]
fn r44_a_set_with_the_general_audience_and_a_text_are_user_tokens_too() {
    for audience in [
        json!("user-auth.chainloop"),
        json!(["chainloop", "user-auth.chainloop"]),
        json!(["user-auth.chainloop", "chainloop"]),
    ] {
        let outcome = call(
            &world(config()),
            PEOPLES,
            &token(&json!({ "aud": audience })),
        );
        assert_eq!(outcome.verdict(), "allowed", "{audience}");
    }
}
