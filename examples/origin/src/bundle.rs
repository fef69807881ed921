//! Reads what Store is given: a Sigstore bundle or a bare DSSE envelope, as
//! JSON. Checks the shape and that what should be base64 is; it verifies no
//! signature, because it knows no keys.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use crate::digest::sha256_hex;

/// DSSE allows both alphabets; padding may be missing.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle";

/// A bundle as it was received, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    bytes: Vec<u8>,
    is_signed: bool,
}

/// The first fault of what should have been a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BundleError {
    /// No bytes at all.
    Empty,
    /// Not a JSON object; the text says why.
    Json(String),
    /// Neither `dsseEnvelope` nor `payload` is there.
    NoEnvelope,
    /// The media type is another one.
    MediaType(String),
    /// A field is missing, empty or of another type.
    Missing(&'static str),
    /// A field is not base64.
    Base64(&'static str),
}

impl Bundle {
    /// Accepts a Sigstore bundle with a DSSE envelope, or the envelope alone; with signatures, or an
    /// empty list of them.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, BundleError> {
        if bytes.is_empty() {
            return Err(BundleError::Empty);
        }
        // A map, not a struct: serde would read a struct from an array too.
        let object: Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|e| BundleError::Json(e.to_string()))?;
        let is_signed = match object.get("dsseEnvelope") {
            Some(envelope) => {
                let media_type = text(&object, "mediaType")?;
                if !media_type.starts_with(MEDIA_TYPE) {
                    return Err(BundleError::MediaType(media_type.to_owned()));
                }
                check(
                    envelope
                        .as_object()
                        .ok_or(BundleError::Missing("dsseEnvelope"))?,
                )?
            }
            None if object.contains_key("payload") => check(&object)?,
            None => return Err(BundleError::NoEnvelope),
        };
        Ok(Self { bytes, is_signed })
    }

    /// The same, which somebody must have signed, as a control plane demands.
    pub(crate) fn parse_signed(bytes: Vec<u8>) -> Result<Self, BundleError> {
        let bundle = Self::parse(bytes)?;
        match bundle.is_signed {
            true => Ok(bundle),
            false => Err(BundleError::Missing("signatures")),
        }
    }

    /// The bytes received.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `sha256:<hex>` of the bytes received.
    pub(crate) fn digest(&self) -> String {
        format!("sha256:{}", sha256_hex(&self.bytes))
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attestation_bundle: ")?;
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::Json(why) => write!(f, "not a JSON object: {why}"),
            Self::NoEnvelope => f.write_str("has neither `dsseEnvelope` nor `payload`"),
            Self::MediaType(found) => write!(f, "`mediaType` is `{found}`, not `{MEDIA_TYPE}…`"),
            Self::Missing(field) => write!(f, "`{field}` is missing, empty or of the wrong type"),
            Self::Base64(field) => write!(f, "`{field}` is not base64"),
        }
    }
}

impl std::error::Error for BundleError {}

fn text<'a>(object: &'a Map<String, Value>, field: &'static str) -> Result<&'a str, BundleError> {
    object
        .get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or(BundleError::Missing(field))
}

/// Whether the envelope has signatures.
fn check(envelope: &Map<String, Value>) -> Result<bool, BundleError> {
    text(envelope, "payloadType")?;
    check_base64(envelope, "payload")?;
    let signatures = envelope.get("signatures").and_then(Value::as_array);
    let signatures = signatures.ok_or(BundleError::Missing("signatures"))?;
    for signature in signatures {
        check_base64(
            signature
                .as_object()
                .ok_or(BundleError::Missing("signatures"))?,
            "sig",
        )?;
    }
    Ok(!signatures.is_empty())
}

fn check_base64(object: &Map<String, Value>, field: &'static str) -> Result<(), BundleError> {
    let text = text(object, field)?;
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .map(drop)
        .map_err(|_| BundleError::Base64(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: &str = r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}"#;

    fn fault(text: &str) -> Option<BundleError> {
        Bundle::parse(text.as_bytes().to_vec()).err()
    }

    fn bundle(media_type: &str, envelope: &str) -> String {
        format!(r#"{{"mediaType":"{media_type}","dsseEnvelope":{envelope}}}"#)
    }

    #[test]
    fn both_shapes_are_read() {
        assert_eq!(fault(ENVELOPE), None);
        assert_eq!(
            fault(&bundle(
                "application/vnd.dev.sigstore.bundle.v0.3+json",
                ENVELOPE
            )),
            None
        );
        assert_eq!(
            fault(&bundle(
                "application/vnd.dev.sigstore.bundle+json;version=0.2",
                ENVELOPE
            )),
            None
        );
        assert_eq!(
            fault(&ENVELOPE.replace("AAAA", "-_-_")),
            None,
            "URL-safe alphabet"
        );
    }

    #[test]
    fn the_first_fault_is_named() {
        let json =
            |text: &str| assert!(matches!(fault(text), Some(BundleError::Json(_))), "{text}");
        json("not json");
        json("[]");
        json("\"text\"");
        json(r#"["application/vnd.dev.sigstore.bundle",{},null]"#);
        json(&format!("{ENVELOPE} trailing"));
        assert_eq!(fault(""), Some(BundleError::Empty));
        assert_eq!(fault("{}"), Some(BundleError::NoEnvelope));
        assert_eq!(
            fault(r#"{"dsseEnvelope":{}}"#),
            Some(BundleError::Missing("mediaType"))
        );
        assert_eq!(
            fault(&bundle("application/vnd.dev.sigstore.bundle", "[]")),
            Some(BundleError::Missing("dsseEnvelope"))
        );
        assert_eq!(
            fault(r#"{"payload":1,"payloadType":"x"}"#),
            Some(BundleError::Missing("payload"))
        );
        assert_eq!(
            fault(r#"{"payload":"e30=","payloadType":"x"}"#),
            Some(BundleError::Missing("signatures"))
        );
        assert_eq!(
            fault(&bundle("text/plain", ENVELOPE)),
            Some(BundleError::MediaType("text/plain".into()))
        );
        assert_eq!(
            fault(&ENVELOPE.replace("e30=", "")),
            Some(BundleError::Missing("payload"))
        );
        assert_eq!(
            fault(&ENVELOPE.replace("e30=", "e!0=")),
            Some(BundleError::Base64("payload"))
        );
        assert_eq!(
            fault(&ENVELOPE.replace("application/vnd.in-toto+json", "")),
            Some(BundleError::Missing("payloadType"))
        );
        let unsigned = ENVELOPE.replace(r#"[{"sig":"AAAA"}]"#, "[]").into_bytes();
        assert!(Bundle::parse(unsigned.clone()).is_ok());
        assert_eq!(
            Bundle::parse_signed(unsigned),
            Err(BundleError::Missing("signatures"))
        );
        assert!(Bundle::parse_signed(ENVELOPE.into()).is_ok());
        assert_eq!(
            fault(&ENVELOPE.replace("AAAA", "A")),
            Some(BundleError::Base64("sig"))
        );
    }

    #[test]
    fn the_digest_is_of_the_exact_bytes() {
        let spaced = format!(" {ENVELOPE}\n");
        let parsed = Bundle::parse(spaced.clone().into_bytes()).unwrap();
        assert_eq!(
            parsed.digest(),
            format!("sha256:{}", sha256_hex(spaced.as_bytes()))
        );
    }
}
