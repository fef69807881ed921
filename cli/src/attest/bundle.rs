//! What is handed in: a Sigstore bundle around a DSSE envelope, as a stock control plane stores it. Reads envelopes and
//! bundles that others have signed, and makes unsigned ones for trying; verifies no signature, since it knows no keys.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet::{STANDARD as STANDARD_ALPHABET, URL_SAFE as URL_SAFE_ALPHABET};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use postern_domain::audit::hex;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::bridge::MAX_REQUEST;
use crate::fail::{Failure, Kind, Outcome};
use crate::files;

/// DSSE allows both alphabets; padding may be missing.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const EITHER: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&STANDARD_ALPHABET, LENIENT),
    GeneralPurpose::new(&URL_SAFE_ALPHABET, LENIENT),
];

/// The media type that stock clients write.
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";
const MEDIA_TYPES: &str = "application/vnd.dev.sigstore.bundle";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// A predicate under a name that can never be somebody else's, and says what it is.
const PREDICATE_TYPE: &str = "https://postern.invalid/attestation/unsigned/v1";
/// Most bytes of a bundle: what is around it in its message is far less than the rest.
const MAX_BUNDLE: usize = MAX_REQUEST - 1024;

/// What is handed in.
#[derive(Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The bundle, as it is sent.
    pub bytes: Vec<u8>,
    /// Whether somebody has signed it. By whom, nobody has checked here.
    pub is_signed: bool,
}

/// What an unsigned statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    name: String,
    sha256: String,
}

impl Bundle {
    /// Reads a file, or standard input for `-`. `unsigned` says that no signature is expected.
    ///
    /// # Errors
    /// `Configuration` for what holds no attestation, or none that is signed; `Usage` for a signed one that is called
    /// unsigned.
    pub fn read(file: &Path, unsigned: bool) -> Outcome<Self> {
        let is_stdin = file.as_os_str() == "-";
        let from = match is_stdin {
            true => "standard input".to_owned(),
            false => file.display().to_string(),
        };
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::new(Kind::Configuration, format!("{from}: {why}"))
        };
        let source: Box<dyn Read> = match is_stdin {
            true => Box::new(std::io::stdin()),
            false => Box::new(File::open(file).map_err(|error| wrong(&error))?),
        };
        let mut bytes = Vec::new();
        let read = source.take(MAX_BUNDLE as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| wrong(&error))?;
        let bundle = Self::parse(bytes).map_err(|why| wrong(&why))?;
        match (bundle.is_signed, unsigned) {
            (false, false) => Err(wrong(&"nobody has signed this envelope")
                .hint("sign it first; for trying, say so: --unsigned")),
            (true, true) => {
                let message = format!("{from} is signed: leave --unsigned out");
                Err(Failure::new(Kind::Usage, message))
            }
            _ => Ok(bundle),
        }
    }

    /// A bundle goes as it is, byte for byte; an envelope alone gets a bundle around it, as stock clients put it.
    fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.len() > MAX_BUNDLE {
            return Err(format!(
                "is longer than the {MAX_BUNDLE} bytes that the gateway takes"
            ));
        }
        let object: Map<String, Value> = serde_json::from_slice(&bytes)
            .map_err(|error| format!("is no JSON object: {error}"))?;
        if let Some(envelope) = object.get("dsseEnvelope") {
            let media_type = text(&object, "mediaType")?;
            if !media_type.starts_with(MEDIA_TYPES) {
                return Err(format!("its `mediaType` is not `{MEDIA_TYPES}…`"));
            }
            let is_signed = !signatures(envelope)?.is_empty();
            return Ok(Self { bytes, is_signed });
        }
        if !object.contains_key("payload") {
            return Err("holds neither a DSSE envelope nor a Sigstore bundle with one".to_owned());
        }
        let envelope = Value::Object(object);
        let signatures = signatures(&envelope)?;
        let is_signed = !signatures.is_empty();
        let envelope = json!({
            "payload": envelope.get("payload"),
            "payloadType": envelope.get("payloadType"),
            "signatures": signatures,
        });
        Ok(Self {
            bytes: around(&envelope),
            is_signed,
        })
    }

    /// A statement about these, in an envelope without a signature.
    pub fn unsigned(subjects: &[Subject]) -> Self {
        let subjects: Vec<Value> = subjects
            .iter()
            .map(|subject| json!({ "name": subject.name, "digest": { "sha256": subject.sha256 } }))
            .collect();
        let statement = json!({
            "_type": STATEMENT_TYPE,
            "subject": subjects,
            "predicateType": PREDICATE_TYPE,
            "predicate": {},
        });
        let envelope = json!({
            "payload": STANDARD.encode(statement.to_string()),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [],
        });
        Self {
            bytes: around(&envelope),
            is_signed: false,
        }
    }

    /// The digest of what is sent, as the origin answers it.
    pub fn digest(&self) -> String {
        format!("sha256:{}", hex(&Sha256::digest(&self.bytes)))
    }
}

fn around(envelope: &Value) -> Vec<u8> {
    let bundle = json!({
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {},
        "dsseEnvelope": envelope,
    });
    bundle.to_string().into_bytes()
}

/// The signatures of an envelope, none of them empty, with the members that a bundle has.
fn signatures(envelope: &Value) -> Result<Vec<Value>, String> {
    let envelope = envelope.as_object().ok_or("its envelope is no object")?;
    text(envelope, "payloadType")?;
    base64(envelope, "payload")?;
    let all = match envelope.get("signatures") {
        None => return Ok(Vec::new()),
        Some(all) => all.as_array().ok_or("its `signatures` are no list")?,
    };
    let mut signatures = Vec::with_capacity(all.len());
    for one in all {
        let one = one
            .as_object()
            .ok_or("one of its signatures is no object")?;
        base64(one, "sig")?;
        if one.get("keyid").is_some_and(|keyid| !keyid.is_string()) {
            return Err("one of its signatures has a `keyid` that is no text".to_owned());
        }
        let members = ["keyid", "sig"].into_iter();
        let members = members.filter_map(|name| Some((name.to_owned(), one.get(name)?.clone())));
        signatures.push(Value::Object(members.collect()));
    }
    Ok(signatures)
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    let text = object.get(name).and_then(Value::as_str);
    let text = text.filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("its `{name}` is missing, empty or no text"))
}

fn base64(object: &Map<String, Value>, name: &str) -> Result<(), String> {
    let text = text(object, name)?;
    match EITHER.iter().any(|engine| engine.decode(text).is_ok()) {
        true => Ok(()),
        false => Err(format!("its `{name}` is not base64")),
    }
}

impl Subject {
    /// Reads `NAME=sha256:HEX`.
    ///
    /// # Errors
    /// What is wrong with it, as a flag's error.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "must be NAME=sha256: and 64 hexadecimal digits";
        let (name, digest) = text.rsplit_once("=sha256:").ok_or(form)?;
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if name.is_empty() || !is_digest {
            return Err(form.to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            sha256: digest.to_ascii_lowercase(),
        })
    }

    /// A file, under its name without the folders.
    ///
    /// # Errors
    /// `Configuration` for one that cannot be read.
    pub fn of_file(file: &Path) -> Outcome<Self> {
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::new(Kind::Configuration, format!("{}: {why}", file.display()))
        };
        let name = file.file_name().ok_or_else(|| wrong(&"is no file"))?;
        let mut source = files::open_regular(file).map_err(|error| wrong(&error))?;
        let mut hasher = Sha256::new();
        std::io::copy(&mut source, &mut hasher).map_err(|error| wrong(&error))?;
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            sha256: hex(&hasher.finalize()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: &str = r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"k","sig":"AAAA","cert":"x"}]}"#;

    fn parse(text: &str) -> Result<Bundle, String> {
        Bundle::parse(text.as_bytes().to_vec())
    }

    #[test]
    fn an_envelope_gets_a_bundle_and_a_bundle_goes_as_it_is() {
        let made = parse(ENVELOPE).unwrap();
        let bundle: Value = serde_json::from_slice(&made.bytes).unwrap();
        assert_eq!(
            bundle,
            json!({
                "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.3",
                "verificationMaterial": {},
                "dsseEnvelope": {
                    "payload": "e30=", "payloadType": "application/vnd.in-toto+json",
                    "signatures": [{ "keyid": "k", "sig": "AAAA" }],
                },
            })
        );
        assert!(made.is_signed);
        let text = format!(
            " {{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"dsseEnvelope\":{ENVELOPE}}}\n"
        );
        let given = parse(&text).unwrap();
        assert_eq!((given.bytes, given.is_signed), (text.into_bytes(), true));
    }

    #[test]
    fn what_nobody_has_signed_is_not_called_signed() {
        for signatures in [r#""signatures":[]"#, r#""other":1"#] {
            let text = format!(r#"{{"payload":"e30=","payloadType":"x",{signatures}}}"#);
            assert!(!parse(&text).unwrap().is_signed, "{text}");
        }
        let subject = Subject::parse(&format!("app=sha256:{}", "AB".repeat(32))).unwrap();
        let made = Bundle::unsigned(&[subject]);
        assert!(!made.is_signed);
        assert_eq!(
            parse(std::str::from_utf8(&made.bytes).unwrap()).unwrap(),
            made
        );
        let bundle: Value = serde_json::from_slice(&made.bytes).unwrap();
        assert_eq!(bundle["dsseEnvelope"]["signatures"], json!([]));
        let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
        let statement: Value = serde_json::from_slice(&STANDARD.decode(payload).unwrap()).unwrap();
        let expected = json!([{ "name": "app", "digest": { "sha256": "ab".repeat(32) } }]);
        assert_eq!(statement["subject"], expected);
    }

    #[test]
    fn what_is_no_attestation_is_refused() {
        let bundle =
            |envelope: &str| format!(r#"{{"mediaType":"text/plain","dsseEnvelope":{envelope}}}"#);
        for (text, why) in [
            ("", "is no JSON object"),
            ("[]", "is no JSON object"),
            ("{}", "neither a DSSE envelope nor"),
            (&bundle(ENVELOPE), "its `mediaType` is not"),
            (r#"{"dsseEnvelope":{}}"#, "its `mediaType` is missing"),
            (r#"{"payload":"e30="}"#, "its `payloadType` is missing"),
            (
                &ENVELOPE.replace("e30=", "!"),
                "its `payload` is not base64",
            ),
            (&ENVELOPE.replace("AAAA", ""), "its `sig` is missing, empty"),
            (&ENVELOPE.replace("AAAA", "A"), "its `sig` is not base64"),
            (
                &ENVELOPE.replace(r#"[{"keyid""#, r#"[1,{"keyid""#),
                "is no object",
            ),
        ] {
            let told = parse(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
        let long = format!("{ENVELOPE}{}", " ".repeat(MAX_BUNDLE));
        assert!(parse(&long).unwrap_err().contains("is longer than"));
    }

    #[test]
    fn subjects_have_a_name_and_a_whole_digest() {
        let digest = "0".repeat(64);
        for good in ["app", "a=b", "pkg/app.tar.gz"] {
            let subject = Subject::parse(&format!("{good}=sha256:{digest}")).unwrap();
            assert_eq!((subject.name.as_str(), &subject.sha256), (good, &digest));
        }
        for bad in [
            "app",
            "app=sha256:",
            "=sha256:",
            "app=md5:0",
            "app=sha256:zz",
        ] {
            assert!(Subject::parse(bad).is_err(), "{bad}");
        }
        assert!(Subject::parse(&format!("=sha256:{digest}")).is_err());
        assert!(Subject::parse(&format!("app=sha256:{digest}0")).is_err());
    }
}
