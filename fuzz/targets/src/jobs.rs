//! Job tokens of CI systems, and the documents of their issuers. The platform's yes to a signature is given here: what
//! such a token may then say is what is tried.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};

use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::trust::{Audiences, Identity, Issuer, Issuers, Loopback};
use postern_wire::job::{
    Algorithm, AskForge, JobToken, KeySet, LEEWAY_SECONDS, MAX_AGE_SECONDS, MAX_KEYS, keys_url,
};

use crate::bytes::{Bytes, piece};
use crate::json::{Node, second};

const NOW: i64 = 1_900_000_000;
const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GITLAB: &str = "https://gitlab.com";
const OTHER: &str = "https://ci.example/oidc";
const GATE: &str = "https://gate.example";

static ISSUERS: LazyLock<Issuers> = LazyLock::new(|| {
    let text = format!("github, gitlab, {OTHER}");
    Issuers::parse(&text, Loopback::Refused).expect("issuers")
});

/// Keys of each kind; nobody has their secret halves.
fn key_set() -> Value {
    let modulus = [&[0xc1][..], &[0x5a; 254], &[0x0f]].concat();
    json!({"keys": [
        {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "rsa-1", "n": B64.encode(modulus), "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "kid": "ec-1", "use": "sig", "x": B64.encode([1; 32]), "y": B64.encode([2; 32])},
        {"kty": "OKP", "crv": "Ed25519", "kid": "ed-1", "alg": "EdDSA", "x": B64.encode([3; 32])},
    ]})
}

static KEYS: LazyLock<Vec<KeySet>> = LazyLock::new(|| {
    let keys = key_set().to_string();
    let of = |issuer: &Issuer| KeySet::parse(issuer, keys.as_bytes()).expect("keys");
    let all: Vec<KeySet> = ISSUERS.iter().map(of).collect();
    assert!(all.iter().all(|keys| keys.keys().len() == 3));
    all
});

static AUDIENCES: LazyLock<Audiences> =
    LazyLock::new(|| Audiences::new([GATE.to_owned()], false).expect("audiences"));

/// A signature of the form of an algorithm.
fn signature(header: &[u8]) -> Vec<u8> {
    let header: Value = serde_json::from_slice(header).unwrap_or_default();
    match header["alg"].as_str() {
        Some("RS256") => vec![5; 256],
        _ => vec![5; 64],
    }
}

/// What is verified is what a second reader finds in the token, in each way to read JSON.
pub fn job_tokens(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let text = match bytes.below(4) {
        0 => bytes.rest_text(),
        1 => {
            let header = bytes.piece();
            token(header, bytes.rest(), &signature(header))
        }
        2 => {
            // A signature of the sender's.
            let (header, made) = (bytes.piece(), bytes.piece());
            token(header, bytes.rest(), made)
        }
        _ => token(HEADERS[2], bytes.rest(), &[5; 64]),
    };
    let Ok(parsed) = JobToken::parse(&Secret::new(text.clone())) else {
        return;
    };
    let Some(keys) = KEYS
        .iter()
        .find(|keys| keys.issuer().url() == parsed.claimed_issuer())
    else {
        return;
    };
    let Ok(question) = parsed.ask(keys) else {
        return;
    };
    let (message, _) = text.rsplit_once('.').expect("a signature");
    assert_eq!(question.message(), message.as_bytes());
    assert_eq!(question.signature().len(), question.key().signature_bytes());
    if question.key().algorithm() == Algorithm::Es256 {
        let (r, s) = question.signature().split_at(32);
        assert!(
            [r, s].iter().all(|half| half.iter().any(|byte| *byte != 0)),
            "a half of zeros"
        );
    }
    let signed = question.answer(true).expect("the platform says yes");
    let Ok(job) = signed.verified(&AUDIENCES, Timestamp::from_millis(NOW * 1000)) else {
        return;
    };
    let part = |at: usize| {
        let text = text.split('.').nth(at).expect("three parts");
        B64.decode(text).expect("base64url")
    };
    let (header, payload) = (part(0), part(1));
    assert!(Secretless(&header).has_no("crit"), "{text}");
    let (Some(claims), Some(node)) = (second::<Value>(&payload), second::<Node>(&payload)) else {
        return;
    };
    for name in [
        "iss",
        "aud",
        "exp",
        "iat",
        "sub",
        "repository_id",
        "project_id",
        "jti",
    ] {
        let found: Vec<_> = [crate::json::Taking::First, crate::json::Taking::Last]
            .map(|taking| node.at(&[name], taking))
            .to_vec();
        assert_eq!(found[0], found[1], "`{name}` is there twice");
    }
    assert_eq!(claims["iss"], job.job().issuer.url());
    let text_of = |name: &str| match &claims[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match &job.job().identity {
        Identity::Repository {
            repository_id,
            repository_owner_id,
        } => {
            assert_eq!(claims["iss"], GITHUB);
            assert_eq!(text_of("repository_id"), repository_id.number().to_string());
            assert_eq!(
                text_of("repository_owner_id"),
                repository_owner_id.number().to_string()
            );
        }
        Identity::Project {
            project_id,
            namespace_id,
        } => {
            assert_eq!(claims["iss"], GITLAB);
            assert_eq!(text_of("project_id"), project_id.number().to_string());
            assert_eq!(text_of("namespace_id"), namespace_id.number().to_string());
        }
        Identity::Subject { subject } => assert_eq!(claims["sub"], subject.as_str()),
    }
    let audience = match &claims["aud"] {
        Value::Array(list) => list[0].as_str().expect("a text"),
        one => one.as_str().expect("a text"),
    };
    assert!(audience.starts_with(GATE), "{audience}");
    let seconds = |name: &str| claims[name].as_f64();
    assert!(seconds("exp").is_some_and(|exp| exp > NOW as f64));
    let (iat, nbf) = (seconds("iat").expect("it must be there"), seconds("nbf"));
    assert!(
        iat <= (NOW + LEEWAY_SECONDS) as f64 && iat + MAX_AGE_SECONDS as f64 + 1.0 > NOW as f64
    );
    assert!(nbf.is_none_or(|nbf| nbf <= (NOW + LEEWAY_SECONDS) as f64));
}

struct Secretless<'t>(&'t [u8]);

impl Secretless<'_> {
    fn has_no(&self, name: &str) -> bool {
        second::<Value>(self.0).is_none_or(|header| header.get(name).is_none())
    }
}

fn token(header: &[u8], payload: &[u8], signature: &[u8]) -> String {
    [header, payload, signature]
        .map(|part| B64.encode(part))
        .join(".")
}

const HEADERS: [&[u8]; 6] = [
    br#"{"typ":"JWT","alg":"RS256","kid":"rsa-1"}"#,
    br#"{"alg":"ES256","kid":"ec-1"}"#,
    br#"{"alg":"EdDSA","kid":"ed-1"}"#,
    br#"{"alg":"none","kid":"ed-1"}"#,
    br#"{"alg":"HS256","kid":"rsa-1"}"#,
    br#"{"alg":"EdDSA","kid":"ed-1","crit":["exp"],"jwk":{},"x5u":"https://a.example"}"#,
];

fn payloads() -> Vec<String> {
    let times = format!(
        r#""iat":{},"exp":{},"nbf":{}"#,
        NOW - 5,
        NOW + 300,
        NOW - 600
    );
    let github = format!(
        r#"{{"jti":"6f4762ed","iss":"{GITHUB}","aud":"{GATE}/acme","repository":"acme/shop","repository_owner":"acme","repository_id":"74","repository_owner_id":"65","run_id":"16001234567","run_attempt":"2","event_name":"push","ref":"refs/heads/main","ref_protected":"true","sha":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","workflow_ref":"acme/shop/.github/workflows/release.yml@refs/heads/main","actor":"octocat","actor_id":"12",{times}}}"#
    );
    let gitlab = format!(
        r#"{{"jti":"a","iss":"{GITLAB}","aud":["{GATE}"],"project_id":"20","project_path":"acme/shop","namespace_id":"1","namespace_path":"acme","pipeline_id":"5","pipeline_source":"push","ref":"main","ref_type":"branch","ref_protected":"false",{times}}}"#
    );
    let other = format!(r#"{{"iss":"{OTHER}","aud":"{GATE}","sub":"job:1",{times}}}"#);
    vec![
        github.replace("\"74\"", "74"),
        github.replace("/acme\"", "\""),
        github.replace('}', r#","repository_id":"75"}"#),
        github.replace("refs/heads/main\",\"ref_p", "main\",\"ref_p"),
        github,
        gitlab.replace('}', r#","job_project_id":"21"}"#),
        gitlab,
        other.replace("1900000300", "1900000000.5"),
        other.replace(
            &format!("\"{GATE}\""),
            &format!("[\"{GATE}\",\"https://b.example\"]"),
        ),
        other,
    ]
}

pub(crate) fn token_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for payload in payloads() {
        seeds.push([&[3], payload.as_bytes()].concat());
    }
    let last = payloads().pop().expect("some");
    for header in HEADERS {
        seeds.push([&[1][..], &piece(header), last.as_bytes()].concat());
        seeds.push([&[2][..], &piece(header), &piece([0; 64]), last.as_bytes()].concat());
    }
    let text = token(HEADERS[0], payloads()[4].as_bytes(), &[5; 256]);
    seeds.push([&[0], text.as_bytes()].concat());
    seeds
}

/// A key that is taken is one that stands there, of the algorithm that its own type says, and no secret is near it; the
/// URL of a key set is https, by a second reader too.
pub fn job_keys(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let issuer = ISSUERS.iter().nth(bytes.below(3)).expect("three");
    let kind = bytes.below(3);
    let document = bytes.rest();
    match kind {
        0 => set(issuer, document),
        1 => {
            if let Ok(url) = keys_url(issuer, document) {
                // A host that IDNA refuses leads nowhere: the platform's own reader refuses it too.
                let Ok(read) = url::Url::parse(&url) else {
                    return;
                };
                assert_eq!(read.scheme(), "https", "{url}");
                assert!(
                    read.username().is_empty()
                        && read.password().is_none()
                        && read.fragment().is_none(),
                    "{url}"
                );
                let Some(told) = second::<Value>(document) else {
                    return;
                };
                assert_eq!(told["issuer"], issuer.url());
                assert_eq!(told["jwks_uri"], url.as_str());
            }
        }
        _ => {
            let asked = AskForge::new(issuer, "acme/shop").ok();
            if let Some(Ok((name, _))) = asked.map(|asked| asked.read(document)) {
                assert!(name.contains('/'), "{name}");
            }
        }
    }
}

fn set(issuer: &Issuer, document: &[u8]) {
    let Ok(keys) = KeySet::parse(issuer, document) else {
        return;
    };
    let Some(told) = second::<Value>(document) else {
        return;
    };
    let list = told["keys"].as_array().expect("a list");
    assert!(list.len() <= MAX_KEYS);
    assert!(keys.keys().len() + keys.skipped().len() <= list.len());
    for key in keys.keys() {
        let found = keys.find(key.kid()).expect("it is named");
        assert_eq!(found, key, "two keys of one name");
        let of_name: Vec<&Value> = list
            .iter()
            .filter(|entry| entry["kid"] == key.kid())
            .collect();
        assert!(!of_name.is_empty());
        let jwk: Value = serde_json::from_str(key.jwk()).expect("JSON");
        let (kind, length) = match key.algorithm() {
            Algorithm::Rs256 => ("RSA", None),
            Algorithm::Es256 => ("EC", Some(64)),
            Algorithm::EdDsa => ("OKP", Some(64)),
        };
        assert_eq!(jwk["kty"], kind);
        assert!(length.is_none_or(|length| length == key.signature_bytes()));
        assert!((64..=1_024).contains(&key.signature_bytes()));
        for entry in of_name {
            for secret in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
                assert!(
                    entry.get(secret).is_none_or(Value::is_null),
                    "its `{secret}` is there"
                );
            }
        }
        for name in ["n", "x", "y"] {
            if let Some(number) = jwk[name].as_str() {
                let number = B64.decode(number).expect("base64url");
                assert!(number.len() >= 32);
            }
        }
    }
}

pub(crate) fn key_seeds() -> Vec<Vec<u8>> {
    let good = key_set();
    let mut secret = good.clone();
    secret["keys"][1]["d"] = json!(B64.encode([4; 32]));
    let mut twice = good.clone();
    twice["keys"][2]["kid"] = json!("ec-1");
    let mut ops = good.clone();
    ops["keys"][0]["key_ops"] = json!(["verify"]);
    ops["keys"][1]["use"] = json!("enc");
    ops["keys"][2]["alg"] = json!("ES256");
    let document = json!({"issuer": GITHUB, "jwks_uri": format!("{GITHUB}/.well-known/jwks"), "more": [1, {"a": null}]});
    let odd = json!({"issuer": GITHUB, "jwks_uri": "https://a@b.example/#c"});
    let github = json!({"id": 74, "full_name": "acme/shop", "name": "shop", "owner": {"id": 65, "login": "acme"}});
    let gitlab = json!({"id": 20, "path_with_namespace": "acme/shop", "path": "shop", "namespace": {"id": 1, "full_path": "acme"}});
    let row = |issuer: u8, kind: u8, document: &Value| {
        [&[issuer, kind], document.to_string().as_bytes()].concat()
    };
    vec![
        row(0, 0, &good),
        row(1, 0, &secret),
        row(2, 0, &twice),
        row(0, 0, &ops),
        row(0, 1, &document),
        row(0, 1, &odd),
        row(0, 2, &github),
        row(1, 2, &gitlab),
        b"\0\0{\"keys\":[{},1,null,{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AA\"}]}".to_vec(),
    ]
}
