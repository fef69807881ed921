//! Texts that are no job token. All that can be are signed by the issuer's own key: it is the form that is
//! refused, before any signature is looked at.

use super::issuer::{ED25519, P256, encode, message, rsa_signature, signed_bytes};
use super::*;

fn refused(rows: Vec<(&str, String, TokenFault)>) {
    for (name, token, fault) in rows {
        assert_eq!(present(&token), Err(JobRefusal::Token(fault)), "{name}");
    }
}

/// A token with this payload as it is.
fn payload(payload: impl AsRef<[u8]>) -> String {
    signed_bytes(header().to_string().as_bytes(), payload.as_ref())
}

#[test]
fn three_parts_of_strict_base64url_and_nothing_else() {
    let good = github_with(&json!({}));
    assert!(present(&good).is_ok());
    let parts: Vec<&str> = good.split('.').collect();
    let with = |place: usize, text: &str| {
        let mut parts = parts.clone();
        parts[place] = text;
        parts.join(".")
    };
    let padded = |place: usize| with(place, &format!("{}=", parts[place]));
    // 256 bytes end in a digit of which four bits stand for nothing: here, they are zero, and the next
    // digit of the alphabet has one of them.
    let loose = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        let last = bytes.last_mut().expect("a digit");
        assert!(b"AQgw".contains(last));
        *last += 1;
        String::from_utf8(bytes).expect("ASCII")
    };
    let long = format!("{good}{}", "A".repeat(MAX_JOB_TOKEN));
    refused(vec![
        ("empty", String::new(), TokenFault::Parts),
        ("one part", parts[0].to_owned(), TokenFault::Parts),
        ("two parts", parts[..2].join("."), TokenFault::Parts),
        (
            "four parts",
            format!("{good}.{}", parts[2]),
            TokenFault::Parts,
        ),
        (
            "five parts, as an encrypted token",
            format!("{}.a.b", good),
            TokenFault::Parts,
        ),
        ("a dot behind", format!("{good}."), TokenFault::Parts),
        ("a dot in front", format!(".{good}"), TokenFault::Parts),
        ("a padded header", padded(0), TokenFault::Base64("header")),
        ("a padded payload", padded(1), TokenFault::Base64("payload")),
        (
            "a padded signature",
            padded(2),
            TokenFault::Base64("signature"),
        ),
        (
            "two pads",
            format!("{good}=="),
            TokenFault::Base64("signature"),
        ),
        (
            "bits that stand for nothing",
            with(2, &loose(parts[2])),
            TokenFault::Base64("signature"),
        ),
        (
            "the other alphabet",
            with(2, &parts[2].replace(['-', '_'], "+")),
            TokenFault::Base64("signature"),
        ),
        (
            "a line end behind",
            format!("{good}\n"),
            TokenFault::Base64("signature"),
        ),
        (
            "a blank in front",
            format!(" {good}"),
            TokenFault::Base64("header"),
        ),
        (
            "a NUL behind",
            format!("{good}\0"),
            TokenFault::Base64("signature"),
        ),
        (
            "a percent escape",
            with(1, &format!("%41{}", parts[1])),
            TokenFault::Base64("payload"),
        ),
        ("no signature", with(2, ""), TokenFault::Signature),
        ("too long", long, TokenFault::TooLong),
    ]);
}

#[test]
fn the_payload_is_json_that_nobody_reads_otherwise() {
    let claims = github().to_string();
    let with = |text: &str| payload(claims.replacen('{', text, 1));
    let nested = |levels: usize| format!("{{\"x\":{}{},", "[".repeat(levels), "]".repeat(levels));
    let fault = TokenFault::Payload;
    let list = format!("{{\"x\":[{}0],", "0,".repeat(512));
    assert!(present(&with(&nested(5))).is_ok());
    refused(vec![
        ("empty", payload(""), fault(JsonFault::NotJson)),
        ("null", payload("null"), fault(JsonFault::NotAnObject)),
        (
            "a list",
            payload(format!("[{claims}]")),
            fault(JsonFault::NotAnObject),
        ),
        (
            "two issuers",
            with(r#"{"iss":"https://evil.example","#),
            fault(JsonFault::Twice),
        ),
        (
            "two audiences, one escaped",
            with(r#"{"\u0061ud":"x","#),
            fault(JsonFault::Twice),
        ),
        (
            "two ids of repositories",
            with(r#"{"repository_id":"75","#),
            fault(JsonFault::Twice),
        ),
        (
            "twice the same",
            with(r#"{"repository_id":"74","#),
            fault(JsonFault::Twice),
        ),
        (
            "twice, further in",
            with(r#"{"x":{"a":{"b":1,"b":1}},"#),
            fault(JsonFault::Twice),
        ),
        ("too deep", with(&nested(6)), fault(JsonFault::TooDeep)),
        ("very deep", with(&nested(2_000)), fault(JsonFault::TooDeep)),
        (
            "very deep, and not closed",
            payload("[".repeat(5_500)),
            fault(JsonFault::TooDeep),
        ),
        ("too many values", with(&list), fault(JsonFault::TooMany)),
        (
            "something behind",
            payload(format!("{claims}x")),
            fault(JsonFault::NotJson),
        ),
        (
            "two objects",
            payload(format!("{claims}{{}}")),
            fault(JsonFault::NotJson),
        ),
        (
            "a byte order mark",
            payload(format!("\u{feff}{claims}")),
            fault(JsonFault::NotJson),
        ),
        (
            "half a surrogate",
            with(r#"{"x":"\ud800","#),
            fault(JsonFault::NotJson),
        ),
        (
            "a raw control character",
            with("{\"x\":\"\u{1}\","),
            fault(JsonFault::NotJson),
        ),
        (
            "a number that is none",
            with(r#"{"x":NaN,"#),
            fault(JsonFault::NotJson),
        ),
        (
            "a number beyond all",
            with(r#"{"x":1e999,"#),
            fault(JsonFault::NotJson),
        ),
        ("a comment", with("{/* */"), fault(JsonFault::NotJson)),
        (
            "not UTF-8",
            payload([b"{\"x\":\"\xff\",", &claims.as_bytes()[1..]].concat()),
            fault(JsonFault::NotUtf8),
        ),
        (
            "no issuer",
            github_with(&json!({"iss": null})),
            TokenFault::NoIssuer,
        ),
        (
            "an empty issuer",
            github_with(&json!({"iss": ""})),
            TokenFault::NoIssuer,
        ),
        (
            "a list of issuers",
            github_with(&json!({"iss": [GITHUB]})),
            TokenFault::NoIssuer,
        ),
    ]);
}

#[test]
fn signatures_that_can_be_none() {
    let at = |algorithm: &str, kid: &str, signature: &[u8]| {
        let header = json!({"alg": algorithm, "kid": kid}).to_string();
        format!(
            "{}.{}",
            message(header, github().to_string()),
            encode(signature)
        )
    };
    let ec = |r: [u8; 32], s: [u8; 32]| at("ES256", P256, &[r, s].concat());
    let order = issuer::decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
    let order: [u8; 32] = order.try_into().expect("32 bytes");
    let one = {
        let mut one = [0; 32];
        one[31] = 1;
        one
    };
    // An outer SEQUENCE of two numbers: how certificates write it, and JWS does not.
    let der = [
        &[0x30, 0x44, 0x02, 0x20][..],
        &[0x11; 32],
        &[0x02, 0x20],
        &[0x11; 32],
    ]
    .concat();
    let rsa = rsa_signature(&issuer::keys().rsa, "another message");
    refused(vec![
        ("r and s zero", ec([0; 32], [0; 32]), TokenFault::Signature),
        ("r zero", ec([0; 32], one), TokenFault::Signature),
        ("s zero", ec(one, [0; 32]), TokenFault::Signature),
        ("r the order", ec(order, one), TokenFault::Signature),
        ("s the order", ec(one, order), TokenFault::Signature),
        ("s all ones", ec(one, [0xff; 32]), TokenFault::Signature),
        (
            "63 bytes",
            at("ES256", P256, &[1; 63]),
            TokenFault::Signature,
        ),
        (
            "65 bytes",
            at("ES256", P256, &[1; 65]),
            TokenFault::Signature,
        ),
        (
            "96 bytes, as of P-384",
            at("ES256", P256, &[1; 96]),
            TokenFault::Signature,
        ),
        ("DER", at("ES256", P256, &der), TokenFault::Signature),
        (
            "Ed25519, 63 bytes",
            at("EdDSA", ED25519, &[1; 63]),
            TokenFault::Signature,
        ),
        (
            "Ed448, 114 bytes",
            at("EdDSA", ED25519, &[1; 114]),
            TokenFault::Signature,
        ),
        (
            "RSA, 32 bytes",
            at("RS256", RSA, &[1; 32]),
            TokenFault::Signature,
        ),
        (
            "RSA, of 1024 bits",
            at("RS256", RSA, &[1; 128]),
            TokenFault::Signature,
        ),
        (
            "RSA, 255 bytes",
            at("RS256", RSA, &rsa[..255]),
            TokenFault::Signature,
        ),
        (
            "RSA, of 8200 bits",
            at("RS256", RSA, &[1; 1025]),
            TokenFault::Signature,
        ),
    ]);
}
