//! JWTs whose parts are no text, where no reader of claims looks.

use super::*;

/// Members that nobody reads are text, too: another reader would take other bytes for another text.
#[test]
fn a_jwt_is_utf_8() {
    let signed = |header: &[u8], payload: &[u8]| {
        let text = format!("{}.{}", B64.encode(header), B64.encode(payload));
        let mac = ring(&[("any", 1)]).signing().mac(&[text.as_bytes()]);
        Secret::new(format!("{text}.{}", B64.encode(mac)))
    };
    let with_byte = |text: &str, byte: &[u8]| {
        let text = text.replacen('{', "{\"x\":\"?\",", 1).into_bytes();
        let place = text.iter().position(|b| *b == b'?').expect("the mark");
        [&text[..place], byte, &text[place + 1..]].concat()
    };
    let (head, payload) = (header().to_string(), good_claims().to_string());
    for (byte, expected) in [
        ("ü".as_bytes(), Ok(())),
        (&[0xff][..], Err(JwtError::Malformed("not UTF-8"))),
        (&[0xed, 0xa0, 0x80], Err(JwtError::Malformed("not UTF-8"))),
    ] {
        let token = signed(&with_byte(&head, byte), payload.as_bytes());
        let answer = verify(&token, &ours(), now(), 0).map(|_| ());
        let malformed = matches!(answer, Err(JwtError::Malformed(_)));
        assert_eq!(malformed, expected.is_err(), "header, {byte:?}: {answer:?}");
        let token = signed(head.as_bytes(), &with_byte(&payload, byte));
        let answer = verify(&token, &ours(), now(), 0).map(|_| ());
        assert_eq!(answer, expected, "payload, {byte:?}");
    }
}
