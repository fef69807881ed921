//! Tokens that a key of ours has signed, and that are for another purpose, of another issuer, or of another time.

use serde_json::json;

use super::*;

/// A token of another purpose, issuer or time opens nothing.
#[test]
fn tokens_for_others_and_times() {
    let row = |changes| signed(GOOD, &with(changes), &KEY);
    let claim = |why| Err(JwtError::Claims(why));
    let twice = claims().to_string().replacen(
        '{',
        r#"{"org_id":"00000000-0000-4000-8000-000000000009","#,
        1,
    );
    each(vec![
        (
            "a user's audience",
            row(json!({"aud": ["user-auth.chainloop"]})),
            Err(JwtError::Audience),
        ),
        (
            "the general audience",
            row(json!({"aud": "chainloop"})),
            Err(JwtError::Audience),
        ),
        (
            "another service's",
            row(json!({"aud": ["https://other.example"]})),
            Err(JwtError::Audience),
        ),
        ("nobody's", row(json!({"aud": []})), Err(JwtError::Audience)),
        (
            "no text",
            row(json!({"aud": {"api-token-auth.chainloop": 1}})),
            claim(WRONG),
        ),
        (
            "another issuer",
            row(json!({"iss": "https://evil.example"})),
            claim("the issuer is another one"),
        ),
        (
            "an issuer like ours",
            row(json!({"iss": "cp.chainloop "})),
            claim("the issuer is another one"),
        ),
        ("a claim twice", signed(GOOD, &twice, &KEY), claim(WRONG)),
        (
            "expired now",
            row(json!({ "exp": NOW })),
            Err(JwtError::Expired),
        ),
        (
            "expired by a fraction",
            row(json!({"exp": NOW as f64 + 0.5})),
            Err(JwtError::Expired),
        ),
        (
            "expired long ago",
            row(json!({"exp": -1})),
            Err(JwtError::Expired),
        ),
        (
            "an end that is no number",
            row(json!({"exp": "4000000000"})),
            claim(WRONG),
        ),
        (
            "an end beyond every number",
            row(json!({"exp": 1e300})),
            claim(WRONG),
        ),
        (
            "not yet valid",
            row(json!({"nbf": NOW + 1})),
            Err(JwtError::NotYetValid),
        ),
        (
            "no id",
            row(json!({"jti": null})),
            claim("`jti` is not a UUID"),
        ),
        (
            "SQL as an id",
            row(json!({"jti": "1 or 1=1"})),
            claim("`jti` is not a UUID"),
        ),
        (
            "a workflow by its id alone",
            row(json!({"workflow_id": "a"})),
            claim("an id without its name, or the reverse"),
        ),
    ]);
    // A stranger's token that does not even claim to be ours.
    let foreign = signed(GOOD, &with(json!({"iss": "https://evil.example"})), b"x");
    assert_eq!(verified(&foreign), Err(JwtError::Foreign));
}
