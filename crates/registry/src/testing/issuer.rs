//! An issuer of job tokens: its keys, tokens that it signs, and what it publishes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde_json::{Value, json};

use super::{World, config};
use crate::config::{Ci, Config, ControlPlane};
use crate::ports::NotFetched;
use postern_domain::secret::Secret;
use postern_domain::trust::{Audiences, ForgeId, Identity, Issuers, Job, JobText, Loopback};
use postern_wire::job::Question;

pub const GITHUB: &str = "https://token.actions.githubusercontent.com";
pub const GATE: &str = "https://gate.example";

/// A configuration that takes job tokens of GitHub, GitLab and one other issuer.
pub fn with_ci() -> Config {
    let issuers = Issuers::parse("github,gitlab,https://ci.example", Loopback::Refused);
    let audiences = Audiences::new([GATE.to_owned()], false);
    Config {
        ci: Some(Ci {
            issuers: issuers.expect("issuers"),
            audiences: audiences.expect("audiences"),
            urls: vec![GATE.to_owned()],
            control_plane: ControlPlane::Refused,
        }),
        ..config()
    }
}

/// A key pair, by a number.
fn pair(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// The public half as its issuer publishes it.
pub fn jwk(kid: &str, seed: u8) -> Value {
    let x = URL_SAFE_NO_PAD.encode(pair(seed).verifying_key());
    json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x})
}

/// A token with these claims, signed by a key.
pub fn signed(header: &Value, claims: &Value, seed: u8) -> Secret {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = pair(seed).sign(message.as_bytes()).to_bytes();
    Secret::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The claims of a job of GitHub Actions in `acme/shop`, for the organization `acme`.
pub fn claims(world: &World) -> Value {
    let now = world.now.get() / 1000;
    json!({
        "iss": GITHUB, "aud": format!("{GATE}/acme"), "jti": "6f4762ed-0758-4ccb-808d-ee3af5d723a8",
        "sub": "repo:acme/shop:ref:refs/heads/main", "iat": now, "nbf": now - 60, "exp": now + 300,
        "repository": "acme/shop", "repository_id": "74", "repository_owner": "acme",
        "repository_owner_id": "65", "event_name": "push", "ref": "refs/heads/main",
        "run_id": "16001234567", "run_attempt": "1",
    })
}

/// A token of such a job, signed by the key of this name and number.
pub fn token(world: &World, kid: &str, seed: u8) -> Secret {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": kid});
    signed(&header, &claims(world), seed)
}

/// Has GitHub publish these keys.
pub fn publish(world: &World, keys: &[Value]) {
    let document = json!({"issuer": GITHUB, "jwks_uri": format!("{GITHUB}/keys")});
    put(
        world,
        "/.well-known/openid-configuration",
        document.to_string(),
    );
    put(world, "/keys", json!({ "keys": keys }).to_string());
}

/// Has this stand at a path of GitHub's issuer.
pub fn put(world: &World, path: &str, text: String) {
    let mut documents = world.published.documents.borrow_mut();
    documents.insert(format!("{GITHUB}{path}"), Ok(text.into_bytes()));
}

/// Has a path of GitHub's issuer fail.
pub fn fails(world: &World, path: &str, why: NotFetched) {
    let mut documents = world.published.documents.borrow_mut();
    documents.insert(format!("{GITHUB}{path}"), Err(why));
}

/// What the platform answers, from the key's JSON alone.
pub fn holds(question: &Question) -> bool {
    let key: Value = serde_json::from_str(question.key().jwk()).expect("JSON");
    let x = URL_SAFE_NO_PAD.decode(key["x"].as_str().expect("Ed25519"));
    let x: [u8; 32] = x.expect("base64url").try_into().expect("32 bytes");
    let signature = Signature::from_slice(question.signature()).expect("64 bytes");
    VerifyingKey::from_bytes(&x)
        .is_ok_and(|key| key.verify_strict(question.message(), &signature).is_ok())
}

/// What was asked, with GitHub's URLs by their paths.
pub fn asked(world: &World) -> Vec<String> {
    let asked = world.take_asked().into_iter();
    asked.map(|line| line.replace(GITHUB, "")).collect()
}

/// The job of [`claims`], as far as it is kept of a token.
pub fn job() -> Job {
    let id = |number| ForgeId::new(number).expect("an id");
    let identity = Identity::Repository {
        repository_id: id(74),
        repository_owner_id: id(65),
    };
    let issuers = Issuers::parse("github", Loopback::Refused).expect("an issuer");
    Job::new(issuers.named("github").expect("GitHub").clone(), identity)
}

/// The same with its name and its run.
pub fn run() -> Job {
    Job {
        repository: JobText::parse("acme/shop").ok(),
        run_id: ForgeId::new(16_001_234_567),
        ..job()
    }
}
