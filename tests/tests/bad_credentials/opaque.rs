//! Headers that are not one bearer credential, and opaque keys that were not minted.

use postern_domain::keys::{KeyRing, RootKeys};
use postern_system_tests::forge::{self, Keys, PARTS};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

use crate::support::{
    FORMLESS, MALFORMED, Outcome, REFUSED, jwt, opens, refuses, refuses_headers, resigned,
    seconds_from_now,
};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        headers_that_are_not_one_bearer_credential,
        r2_opaque_keys_with_each_part_damaged,
        opaque_keys_that_were_never_minted,
        r2_only_what_was_minted_opens_and_under_its_own_key,
        r2_a_credential_of_one_format_naming_a_row_of_the_other,
    ]
}

const MISSING: Outcome = Outcome {
    code: "credential_missing",
    detail: "authentication required: send one `Authorization: Bearer <token>` header",
    message: "JWT token is missing",
    cause: None,
};

async fn headers_that_are_not_one_bearer_credential(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let good = format!("Bearer {token}");
    let basic = format!("Basic {token}");
    let two_in_one = format!("Bearer {token}, Bearer {token}");
    let inner_space = format!("Bearer {} {}", &token[..40], &token[40..]);
    let long = format!("Bearer {}", "a".repeat(9_000));
    let rows: [(&str, &[&str], Outcome); 14] = [
        ("no header", &[], MISSING),
        ("an empty header", &[""], MISSING),
        ("a blank header", &["  "], MISSING),
        (
            "two headers",
            &[&good, &good],
            MALFORMED.because("more than one credential"),
        ),
        (
            "a good header and an empty one",
            &[&good, ""],
            MALFORMED.because("more than one credential"),
        ),
        (
            "a good header and another scheme",
            &[&good, "Basic eDp5"],
            MALFORMED.because("more than one credential"),
        ),
        (
            "two credentials in one header",
            &[&two_in_one],
            MALFORMED.because("more than one credential"),
        ),
        (
            "the scheme alone",
            &["Bearer"],
            MALFORMED.because("not a Bearer credential"),
        ),
        (
            "the token alone",
            &[&token],
            MALFORMED.because("another scheme than Bearer"),
        ),
        (
            "another scheme",
            &[&basic],
            MALFORMED.because("another scheme than Bearer"),
        ),
        (
            "a space in the token",
            &[&inner_space],
            MALFORMED.because("not a Bearer credential"),
        ),
        (
            "a letter outside the alphabet",
            &["Bearer tök"],
            MALFORMED.because("not a Bearer credential"),
        ),
        (
            "padding alone",
            &["Bearer =="],
            MALFORMED.because("not a Bearer credential"),
        ),
        (
            "a very long credential",
            &[&long],
            MALFORMED.because("longer than any token"),
        ),
    ];
    for (what, headers, outcome) in rows {
        refuses_headers(suite, &organization, what, headers, &outcome).await;
    }
    opens(suite, &token).await;
}

async fn r2_opaque_keys_with_each_part_damaged(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    for (part, place) in PARTS {
        let damaged = forge::damage(&token, &place);
        assert_ne!(damaged, token);
        let outcome = match part {
            // Without the prefix it is some text of nobody's.
            "prefix" => FORMLESS,
            "separator" => MALFORMED.because("opaque key grammar"),
            _ => MALFORMED.because("opaque key checksum"),
        };
        refuses(suite, &organization, part, &damaged, &outcome).await;
    }
    // A forger knows the grammar and makes the checksum fit: only the keyed check is left to stop it.
    for (part, place) in PARTS
        .iter()
        .filter(|(part, _)| ["id", "secret", "keyed check"].contains(part))
    {
        let forged = forge::with_checksum(&forge::damage(&token, place));
        let outcome = REFUSED.because("opaque key check digits: forged");
        refuses(
            suite,
            &organization,
            &format!("{part}, with a checksum that fits"),
            &forged,
            &outcome,
        )
        .await;
    }
    let longer = format!("{token}7");
    let beyond = forge::with_checksum(&format!("pst_{}_{}", "z".repeat(22), &token[27..]));
    let rows = [
        ("cut", &token[..74]),
        ("longer", longer.as_str()),
        ("the prefix alone", "pst_"),
        ("an id beyond 128 bits", beyond.as_str()),
    ];
    for (what, key) in rows {
        refuses(
            suite,
            &organization,
            what,
            key,
            &MALFORMED.because("opaque key grammar"),
        )
        .await;
    }
    opens(suite, &token).await;
}

async fn opaque_keys_that_were_never_minted(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let foreign = KeyRing::parse(&Keys::random().ring()).expect("good keys");
    let foreign = RootKeys::from_token_keys(&foreign);
    let rows = [
        (
            "another deployment's key",
            forge::opaque(&random_id(), &foreign),
            "opaque key check digits: forged",
        ),
        (
            "another deployment's key of a real id",
            forge::opaque(&token.id, &foreign),
            "opaque key check digits: forged",
        ),
        (
            "a key of ours of an id that never was",
            forge::opaque(&random_id(), &suite.keys.root()),
            "unknown token",
        ),
        (
            "a key of ours of a real id, with another secret",
            forge::opaque(&token.id, &suite.keys.root()),
            "hash mismatch",
        ),
    ];
    for (what, key, cause) in rows {
        refuses(suite, &organization, what, &key, &REFUSED.because(cause)).await;
    }
    opens(suite, &token.token).await;
}

/// The control for everything below is the first row: what is refused there is not refused for how it was made. Every
/// other writing of the token, by whoever has a key of the ring, is not the token.
async fn r2_only_what_was_minted_opens_and_under_its_own_key(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await;
    let (signed, _) = token.token.rsplit_once('.').expect("three parts");
    let payload = signed.split_once('.').expect("two parts").1;
    let payload =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload)
            .expect("base64url");
    let payload = String::from_utf8(payload).expect("JSON");
    let again = forge::jwt(&forge::header(), &payload, &suite.keys.k2);
    assert_eq!(again, token.token);
    opens(suite, &again).await;

    let second = json!({ "alg": "HS256", "typ": "JWT", "kid": "k1" });
    let another_key = REFUSED.because("signed under another key than when it was minted");
    let otherwise = REFUSED.because("signed otherwise than it was minted");
    let change = |name: &'static str, value: Value| {
        resigned(suite, &token, move |claims| claims[name] = value)
    };
    let rows = [
        (
            "under another key of the ring",
            forge::jwt(&second, &payload, &suite.keys.k1),
            another_key,
        ),
        (
            "with another header",
            forge::jwt(
                &json!({ "alg": "HS256", "kid": "k2" }),
                &payload,
                &suite.keys.k2,
            ),
            otherwise,
        ),
        (
            "with a blank",
            forge::jwt(
                &forge::header(),
                &payload.replacen('{', "{ ", 1),
                &suite.keys.k2,
            ),
            otherwise,
        ),
        (
            "the audience as one text",
            change("aud", json!("api-token-auth.chainloop")),
            otherwise,
        ),
        (
            "with more audiences",
            change("aud", json!(["chainloop", "api-token-auth.chainloop"])),
            otherwise,
        ),
        (
            "with a longer life",
            change("exp", json!(seconds_from_now(60))),
            otherwise,
        ),
        (
            "with a beginning",
            change("nbf", json!(seconds_from_now(-60))),
            otherwise,
        ),
    ];
    for (what, forged, outcome) in rows {
        refuses(suite, &organization, what, &forged, &outcome).await;
    }
    opens(suite, &token.token).await;
}

async fn r2_a_credential_of_one_format_naming_a_row_of_the_other(suite: &Suite) {
    let organization = suite.organization().await;
    let opaque = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let jwt = jwt(suite, &organization).await;
    let as_jwt = resigned(suite, &jwt, |claims| {
        claims["jti"] = json!(opaque.id);
        claims["token_name"] = opaque.answer["name"].clone();
    });
    let as_opaque = forge::opaque(&jwt.id, &suite.keys.root());
    for _ in 0..2 {
        let outcome = REFUSED.because("format mismatch");
        refuses(
            suite,
            &organization,
            "a JWT of an opaque row",
            &as_jwt,
            &outcome,
        )
        .await;
        refuses(
            suite,
            &organization,
            "an opaque key of a JWT's row",
            &as_opaque,
            &outcome,
        )
        .await;
        // And again once the isolate knows both rows.
        opens(suite, &opaque.token).await;
        opens(suite, &jwt.token).await;
    }
}
