//! Signatures that are written in another way than the one.

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::json;

use super::*;

/// A signature has one text, and all of it counts.
#[test]
fn a_signature_that_is_cut_prolonged_or_written_otherwise() {
    let claims = claims().to_string();
    let message = message(GOOD, &claims);
    let tag = mac(&KEY, &message);
    let text = B64.encode(&tag);
    let with_text = |text: &str| format!("{message}.{text}");
    // The last digit has two bits that stand for nothing.
    let last = text.chars().last().expect("a digit");
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).expect("a digit");
    let twin = alphabet.chars().nth(at ^ 1).expect("a digit");
    let malleable = format!("{}{twin}", &text[..text.len() - 1]);
    let stale = || Err(JwtError::Stale);
    each(vec![
        ("none", format!("{message}."), stale()),
        ("no third part", message.clone(), form()),
        ("cut", with_text(&B64.encode(&tag[..16])), stale()),
        ("one byte less", with_text(&B64.encode(&tag[..31])), stale()),
        (
            "one byte more",
            with_text(&B64.encode([&tag[..], &[0]].concat())),
            stale(),
        ),
        ("zeros", with_text(&B64.encode([0; 32])), stale()),
        ("64 zeros", with_text(&B64.encode([0; 64])), stale()),
        ("bits that stand for nothing", with_text(&malleable), form()),
        ("padded", with_text(&URL_SAFE.encode(&tag)), form()),
        ("a blank", with_text(&format!("{text} ")), form()),
        ("a line end", with_text(&format!("{text}\n")), form()),
        ("two signatures", format!("{message}.{text}.{text}"), form()),
        (
            "five parts, as a JWE",
            format!("{message}.{text}.AAAA.AAAA"),
            form(),
        ),
        (
            "as JSON",
            json!({"payload": "e30", "signatures": []}).to_string(),
            form(),
        ),
        (
            "the other alphabet",
            format!(
                "{}.{}",
                signed(GOOD, &claims, &KEY)
                    .rsplit_once('.')
                    .expect("parts")
                    .0,
                STANDARD.encode([0xfb; 32])
            ),
            form(),
        ),
    ]);
}
