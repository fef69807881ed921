//! Headers that no job token has. All are signed by the issuer's own key.

use super::issuer::{message, signed_bytes};
use super::*;

fn refused(rows: Vec<(&str, String, TokenFault)>) {
    for (name, token, fault) in rows {
        assert_eq!(present(&token), Err(JobRefusal::Token(fault)), "{name}");
    }
}

/// A token with this header as it is.
fn head(header: impl AsRef<[u8]>) -> String {
    signed_bytes(header.as_ref(), github().to_string().as_bytes())
}

#[test]
fn the_header_is_json_that_nobody_reads_otherwise() {
    let json = JsonFault::NotJson;
    let head_of = |text: &str| head(header().to_string().replacen('{', text, 1));
    let deep = format!("{{\"a\":{}{},", "[".repeat(4), "]".repeat(4));
    let many: String = (0..64).map(|n| format!("\"m{n}\":0,")).collect();
    refused(vec![
        ("an empty header", head(""), TokenFault::Header(json)),
        ("no JSON", head("alg=RS256"), TokenFault::Header(json)),
        (
            "a list",
            head("[]"),
            TokenFault::Header(JsonFault::NotAnObject),
        ),
        (
            "a text",
            head("\"RS256\""),
            TokenFault::Header(JsonFault::NotAnObject),
        ),
        (
            "two algorithms",
            head_of(r#"{"alg":"none","#),
            TokenFault::Header(JsonFault::Twice),
        ),
        (
            "two names of keys",
            head_of(r#"{"\u006bid":"x","#),
            TokenFault::Header(JsonFault::Twice),
        ),
        (
            "too deep",
            head_of(&deep),
            TokenFault::Header(JsonFault::TooDeep),
        ),
        (
            "too many members",
            head_of(&format!("{{{many}")),
            TokenFault::Header(JsonFault::TooMany),
        ),
        (
            "too long",
            head_of(&format!("{{\"a\":\"{}\",", "a".repeat(4_096))),
            TokenFault::Header(JsonFault::TooLong),
        ),
        (
            "something behind",
            head(format!("{}{{}}", header())),
            TokenFault::Header(json),
        ),
        (
            "a byte order mark",
            head(format!("\u{feff}{}", header())),
            TokenFault::Header(json),
        ),
        (
            "not UTF-8",
            head(b"{\"alg\":\"RS256\",\"kid\":\"\xff\"}"),
            TokenFault::Header(JsonFault::NotUtf8),
        ),
    ]);
}

#[test]
fn no_other_algorithm() {
    let named = |algorithm: Value| header_with(&json!({"alg": algorithm}));
    let others = [
        "none", "None", "nOnE", "", "HS256", "HS384", "HS512", "RS384", "RS512", "PS256", "PS512",
        "ES384", "ES512", "ES256K", "Ed448", "ED25519", "rs256", "RS256 ", "RSA-OAEP", "dir",
    ];
    let mut rows: Vec<_> = others
        .iter()
        .map(|name| (*name, named(json!(name)), TokenFault::Algorithm))
        .collect();
    rows.push(("a number", named(json!(256)), TokenFault::Algorithm));
    rows.push(("a list", named(json!(["RS256"])), TokenFault::Algorithm));
    rows.push(("missing", named(json!(null)), TokenFault::Algorithm));
    rows.push((
        "null",
        head(r#"{"alg":null,"kid":"rsa-1"}"#),
        TokenFault::Algorithm,
    ));
    let unsigned = message(json!({"alg": "none"}).to_string(), github().to_string());
    rows.push((
        "none, unsigned",
        format!("{unsigned}."),
        TokenFault::Algorithm,
    ));
    refused(rows);
}

#[test]
fn no_extension_no_other_type_and_a_key_by_its_name() {
    let long = "k".repeat(256);
    let changed = |changes: Value| header_with(&changes);
    refused(vec![
        (
            "crit, empty",
            changed(json!({"crit": []})),
            TokenFault::Critical,
        ),
        (
            "crit",
            changed(json!({"crit": ["exp"]})),
            TokenFault::Critical,
        ),
        (
            "crit, null",
            head(r#"{"alg":"RS256","kid":"rsa-1","crit":null}"#),
            TokenFault::Critical,
        ),
        ("b64", changed(json!({"b64": false})), TokenFault::Critical),
        (
            "an access token",
            changed(json!({"typ": "at+jwt"})),
            TokenFault::Type,
        ),
        (
            "an assertion of ours",
            changed(json!({"typ": "postern-assertion+jwt"})),
            TokenFault::Type,
        ),
        (
            "an empty type",
            changed(json!({"typ": ""})),
            TokenFault::Type,
        ),
        (
            "a type that is no text",
            changed(json!({"typ": 1})),
            TokenFault::Type,
        ),
        (
            "no name of a key",
            changed(json!({"kid": null})),
            TokenFault::KeyId,
        ),
        (
            "an empty name",
            changed(json!({"kid": ""})),
            TokenFault::KeyId,
        ),
        ("a number", changed(json!({"kid": 1})), TokenFault::KeyId),
        (
            "a line end",
            changed(json!({"kid": "rsa-1\n"})),
            TokenFault::KeyId,
        ),
        (
            "a blank",
            changed(json!({"kid": "rsa 1"})),
            TokenFault::KeyId,
        ),
        (
            "not ASCII",
            changed(json!({"kid": "\u{e9}"})),
            TokenFault::KeyId,
        ),
        (
            "too long a name",
            changed(json!({"kid": long})),
            TokenFault::KeyId,
        ),
    ]);
}
