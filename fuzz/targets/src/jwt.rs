//! JWTs of the registry and of the origin, and user tokens: signed by us with whatever stands in them, and texts as they
//! are.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use postern_domain::keys::KeyRing;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_wire::jwt::{self, JwtForm, JwtKeys};

use crate::bytes::{Bytes, piece};
use crate::json::second;

const NOW: i64 = 1_900_000_000;

/// The keys: ours, and the origin's.
const OURS: [u8; 32] = [7; 32];
const ORIGINS: [u8; 32] = [9; 32];

static RINGS: LazyLock<[KeyRing; 2]> = LazyLock::new(|| {
    [("k1", OURS), ("cp", ORIGINS)].map(|(kid, key)| {
        KeyRing::parse(&format!("{kid}:{}", B64.encode(key))).expect("a good ring")
    })
});

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A token with these parts, signed by us or by the origin.
fn signed(header: &[u8], payload: &[u8], is_ours: bool) -> String {
    let text = format!("{}.{}", B64.encode(header), B64.encode(payload));
    let key = if is_ours { OURS } else { ORIGINS };
    format!("{text}.{}", B64.encode(mac(&key, &text)))
}

/// What passes is signed by a key that its header does not choose, and says what another reader of JSON finds in it.
pub fn jwt(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let text = match bytes.below(8) {
        0 => bytes.rest_text(),
        1 => signed(bytes.piece(), bytes.rest(), true),
        2 => signed(bytes.piece(), bytes.rest(), false),
        3 => signed(br#"{"alg":"HS256"}"#, bytes.rest(), false),
        4 => {
            // A text of ours that was changed in one place.
            let mut text = signed(GOOD_HEADER, bytes.piece(), true).into_bytes();
            let place = usize::from(bytes.byte()) * 256 + usize::from(bytes.byte());
            if let Some(byte) = text.get_mut(place) {
                *byte = bytes.byte();
            }
            String::from_utf8_lossy(&text).into_owned()
        }
        _ => signed(GOOD_HEADER, bytes.rest(), true),
    };
    let token = Secret::new(text.clone());
    let [minted, adopted] = &*RINGS;
    let keys = JwtKeys {
        minted,
        adopted: Some(adopted),
    };
    let now = Timestamp::from_millis(NOW * 1000);
    let _ = jwt::is_for_people(&token);
    let verified = jwt::verify(&token, keys, now, 0);
    let untimed = jwt::verify_untimed(&token, keys);
    if let Ok(verified) = &verified {
        assert_eq!(untimed.as_ref(), Ok(verified));
    }
    let person = jwt::person(&token, keys, now, 0);
    assert!(
        untimed.is_err() || person.is_err(),
        "a person's and the registry's: {text}"
    );
    if let Ok(verified) = &untimed {
        let Some((header, payload)) = held(&text, verified.signed.is_some()) else {
            return;
        };
        assert_eq!(
            payload["jti"].as_str().map(str::len),
            Some(verified.claims.jti.as_deref().unwrap_or_default().len())
        );
        agrees(
            &payload,
            "token_name",
            verified.claims.token_name.as_deref(),
        );
        agrees(&payload, "org_id", verified.claims.org_id.as_deref());
        agrees(&payload, "org_name", verified.claims.org_name.as_deref());
        agrees(
            &payload,
            "project_id",
            verified.claims.project_id.as_deref(),
        );
        agrees(
            &payload,
            "project_name",
            verified.claims.project_name.as_deref(),
        );
        agrees(
            &payload,
            "workflow_id",
            verified.claims.workflow_id.as_deref(),
        );
        agrees(
            &payload,
            "workflow_name",
            verified.claims.workflow_name.as_deref(),
        );
        assert_eq!(payload["iss"], jwt::ISSUER);
        assert!(header.get("crit").is_none() && header.get("b64").is_none());
    }
    if verified.is_ok() || person.is_ok() {
        let names_key = person.is_err() && untimed.is_ok_and(|verified| verified.signed.is_some());
        let Some((_, payload)) = held(&text, names_key) else {
            return;
        };
        let seconds = |name: &str| payload[name].as_f64();
        assert!(
            seconds("exp").is_none_or(|exp| exp > NOW as f64),
            "expired: {payload}"
        );
        assert!(
            seconds("nbf").is_none_or(|nbf| nbf <= NOW as f64),
            "not yet valid: {payload}"
        );
    }
}

/// Header and payload of a token that must be signed by this key; `None` where a second reader cannot read them.
fn held(text: &str, is_ours: bool) -> Option<(Value, Value)> {
    assert_eq!(jwt::form(text), Some(JwtForm::Ours), "{text}");
    let (message, signature) = text.rsplit_once('.').expect("a signature");
    let key = if is_ours { OURS } else { ORIGINS };
    assert_eq!(
        B64.encode(mac(&key, message)),
        signature,
        "nobody signed {text}"
    );
    let (header, payload) = message.split_once('.').expect("two parts");
    let part = |text: &str| {
        let bytes = B64.decode(text).expect("base64url");
        assert_eq!(B64.encode(&bytes), text, "another text of the same bytes");
        second::<Value>(&bytes)
    };
    let (header, payload) = (part(header)?, part(payload)?);
    assert_eq!(header["alg"], "HS256");
    assert_eq!(header["kid"].as_str(), is_ours.then_some("k1"));
    Some((header, payload))
}

fn agrees(payload: &Value, name: &str, found: Option<&str>) {
    assert_eq!(payload[name].as_str(), found, "{name}");
}

const GOOD_HEADER: &[u8] = br#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#;
const CLAIMS: &str = r#"{"jti":"00000000-0000-4000-8000-000000000001","iss":"cp.chainloop","aud":["api-token-auth.chainloop"],"token_name":"ci","org_id":"00000000-0000-4000-8000-000000000002","org_name":"acme"}"#;
const NARROW: &str = r#"{"jti":"00000000-0000-4000-8000-000000000001","iss":"cp.chainloop","aud":"api-token-auth.chainloop","org_id":"a","project_id":"b","project_name":"shop","workflow_id":"c","workflow_name":"release","exp":1900000001,"nbf":1899999999.5}"#;
const PERSON: &str = r#"{"user_id":"5b1ec0de-0000-4000-8000-000000000001","iss":"cp.chainloop","aud":["user-auth.chainloop"],"exp":4000000000}"#;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let claims = [
        CLAIMS.to_owned(),
        NARROW.to_owned(),
        PERSON.to_owned(),
        CLAIMS.replace("[\"api", "[\"chainloop\",\"user-auth.chainloop\",\"api"),
        CLAIMS.replace('}', r#","exp":1900000000}"#),
        CLAIMS.replace('}', r#","jti":"00000000-0000-4000-8000-000000000009"}"#),
        CLAIMS.replace("cp.chainloop", "cp.chainloop\u{0}"),
        NARROW.replace("1900000001", "9.007199254740993e15"),
    ];
    let headers: [&[u8]; 8] = [
        GOOD_HEADER,
        br#"{"alg":"none"}"#,
        br#"{"alg":"HS256","kid":"cp"}"#,
        br#"{"alg":"RS256","kid":"k1"}"#,
        br#"{"alg":"HS256","kid":"k1","crit":["exp"],"exp":1}"#,
        br#"{"alg":"HS256","kid":"k1","b64":false}"#,
        br#"{"alg":"HS256","kid":"k1","jwk":{"kty":"oct","k":"AA"},"jku":"https://a.example"}"#,
        br#"{"alg":"HS256","alg":"none","kid":"k1"}"#,
    ];
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for claims in &claims {
        seeds.push([&[7], claims.as_bytes()].concat());
        seeds.push([&[3], claims.as_bytes()].concat());
    }
    for header in headers {
        seeds.push([&[1][..], &piece(header), CLAIMS.as_bytes()].concat());
        seeds.push([&[2][..], &piece(header), CLAIMS.as_bytes()].concat());
    }
    let text = signed(GOOD_HEADER, CLAIMS.as_bytes(), true);
    seeds.push([&[0], text.as_bytes()].concat());
    seeds.push([&[4][..], &piece(CLAIMS), &[0, 9, b'A']].concat());
    seeds
}
