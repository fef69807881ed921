//! Assertions and key sets as rows; signatures are checked with the curve library alone.

use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};

use super::*;
use postern_domain::id::Id;

/// RFC 8037, appendix A: a seed and its public key.
const RFC_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const RFC_PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn keys(text: &str) -> Result<AssertionKeys, SeedError> {
    AssertionKeys::from_seeds(
        &KeyRing::parse(text).expect("a good ring"),
        Algorithm::default(),
    )
}

fn two() -> AssertionKeys {
    let other = URL_SAFE_NO_PAD.encode([7; 32]);
    keys(&format!("a2:{RFC_SEED},a1:{other}")).expect("two seeds")
}

fn named<K>(bits: u128, name: &str) -> Named<K> {
    let name = name.to_owned();
    Named {
        id: Id::from_u128(bits),
        name,
    }
}

fn part(token: &Secret, index: usize) -> Value {
    let part = token.expose().split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

fn verifies(token: &Secret, key: &Value) -> bool {
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let (signed, signature) = token.expose().rsplit_once('.').expect("a signature");
    let public = decode(key["x"].as_str().expect("a public key"));
    let public = VerifyingKey::try_from(public.as_slice()).expect("a point");
    let signature = Signature::from_slice(&decode(signature)).expect("64 bytes");
    public.verify_strict(signed.as_bytes(), &signature).is_ok()
}

#[test]
fn header_and_claims_are_those_of_the_documentation() {
    let (org, project, workflow) = (named(1, "acme"), named(2, "shop"), named(3, "release"));
    let scope = Scope::Workflow { project, workflow };
    let claims = Claims {
        aud: "https://origin.example",
        sub: Id::from_u128(7),
        jti: "00000000-0000-4000-8000-000000000009".to_owned(),
        org: &org,
        scope: scope_path(&scope),
        project: scope.project(),
        workflow: scope.workflow(),
        method: "POST",
        operation: "/controlplane.v1.AttestationService/Init",
        body_sha256: Some("ab".repeat(32)),
        request_id: "r",
        ci_job: None,
    };
    let at = Timestamp::from_millis(1_800_000_000_999);
    let keys = two();
    let token = issue(&claims, at, 30, &keys).expect("issues");
    assert_eq!(
        part(&token, 0),
        json!({"alg": "EdDSA", "typ": "postern-assertion+jwt", "kid": "a2"})
    );
    assert_eq!(
        part(&token, 1),
        json!({
            "iss": "postern",
            "aud": "https://origin.example",
            "sub": "00000000-0000-0000-0000-000000000007",
            "iat": 1_800_000_000,
            "exp": 1_800_000_030,
            "jti": "00000000-0000-4000-8000-000000000009",
            "org": {"id": "00000000-0000-0000-0000-000000000001", "name": "acme"},
            "scope": "workflow/shop/release",
            "project": {"id": "00000000-0000-0000-0000-000000000002", "name": "shop"},
            "workflow": {"id": "00000000-0000-0000-0000-000000000003", "name": "release"},
            "method": "POST",
            "operation": "/controlplane.v1.AttestationService/Init",
            "body_sha256": "ab".repeat(32),
            "request_id": "r",
        })
    );
    let published = serde_json::to_value(keys.published()).expect("JSON");
    assert!(
        verifies(&token, &published["keys"][0]),
        "the first key signs"
    );
    assert!(!verifies(&token, &published["keys"][1]));

    let unread = Claims {
        body_sha256: None,
        project: None,
        workflow: None,
        ..claims
    };
    let token = issue(&unread, at, 30, &keys).expect("issues");
    for absent in ["body_sha256", "project", "workflow"] {
        assert_eq!(part(&token, 1).get(absent), None);
    }
}

#[test]
fn both_names_of_the_algorithm_make_the_same_signatures() {
    let org = named(1, "acme");
    let claims = Claims {
        aud: "attest",
        sub: Id::from_u128(7),
        jti: "00000000-0000-4000-8000-000000000009".to_owned(),
        org: &org,
        scope: scope_path(&Scope::Organization),
        project: None,
        workflow: None,
        method: "GET",
        operation: "/v1/x",
        body_sha256: None,
        request_id: "r",
        ci_job: None,
    };
    let ring = KeyRing::parse(&format!("a2:{RFC_SEED}")).expect("a ring");
    for (algorithm, name) in [(Algorithm::EdDsa, "EdDSA"), (Algorithm::Ed25519, "Ed25519")] {
        assert_eq!(Algorithm::parse(name), Some(algorithm));
        let keys = AssertionKeys::from_seeds(&ring, algorithm).expect("a seed");
        let token = issue(&claims, Timestamp::from_millis(0), 30, &keys).expect("issues");
        let published = serde_json::to_value(keys.published()).expect("JSON");
        assert_eq!(part(&token, 0)["alg"], name);
        assert_eq!(published["keys"][0]["alg"], name);
        assert_eq!(published["keys"][0]["x"], RFC_PUBLIC);
        assert!(verifies(&token, &published["keys"][0]), "{name}");
    }
    for other in ["", "eddsa", "ED25519", "Ed448", "none", "HS256"] {
        assert_eq!(Algorithm::parse(other), None, "{other}");
    }
}

#[test]
fn scopes_are_paths() {
    let (project, workflow) = (named(2, "shop"), named(3, "release"));
    let rows = [
        (Scope::Organization, "organization"),
        (
            Scope::Project {
                project: project.clone(),
            },
            "project/shop",
        ),
        (
            Scope::Workflow { project, workflow },
            "workflow/shop/release",
        ),
    ];
    for (scope, expected) in rows {
        assert_eq!(scope_path(&scope), expected);
    }
}

/// Rotation: the old key stays in the set while the new one signs.
#[test]
fn all_keys_are_published_and_nothing_private() {
    let published = serde_json::to_value(two().published()).expect("JSON");
    let set = published["keys"].as_array().expect("a list");
    assert_eq!(set.len(), 2);
    assert_eq!(
        set[0],
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": "a2", "x": RFC_PUBLIC,
        })
    );
    assert_eq!(set[1]["kid"], "a1");
    let empty = serde_json::to_value(KeySet::default()).expect("JSON");
    assert_eq!(empty, json!({"keys": []}));
}

#[test]
fn seeds_of_another_length_are_refused_and_never_shown() {
    let long = URL_SAFE_NO_PAD.encode([7; 33]);
    let error = keys(&format!("a2:{RFC_SEED},a1:{long}")).expect_err("33 bytes");
    assert_eq!(error.to_string(), "entry 2: the seed is not 32 bytes");
    assert_eq!(format!("{:?}", two()), r#"["a2", "a1"]"#);
}
