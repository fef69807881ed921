//! To whom a verified job is presented, and by what it is known when it comes again.

use super::issuer::P256;
use super::*;
use crate::job::presented::Mark;
use postern_domain::id::{Id, TokenId};
use postern_domain::name::Label;

fn before(token: &str, organization: u128, name: &str) -> Result<PresentedJob, OtherOrganization> {
    let name = Label::parse(name).expect("a name");
    let job = present(token).expect("a good token");
    job.before(Id::from_u128(organization), &name)
}

#[test]
fn a_job_is_presented_to_the_organization_that_its_token_names() {
    let job = before(&github_with(&json!({})), 5, "acme").expect("its own");
    assert_eq!(job.organization(), Id::from_u128(5));
    assert_eq!(job.job().run_id.map(|id| id.number()), Some(16_001_234_567));
    assert_eq!(job.ends_at(), Timestamp::from_millis((NOW + 300) * 1000));
    assert_eq!(job.signed().kid, GITHUB);
    assert_eq!(job.signed().digest.len(), 64);
    // Signed for one organization, and presented to another.
    let other = before(&github_with(&json!({})), 6, "evil");
    assert_eq!(other, Err(OtherOrganization));
}

#[test]
fn the_same_token_has_one_id_however_it_is_presented() {
    let id = |changes: &Value, organization, name: &str| -> TokenId {
        let job = before(&github_with(changes), organization, name);
        job.expect("one of theirs").token_id()
    };
    let first = id(&json!({}), 5, "acme");
    assert_eq!(id(&json!({"run_attempt": "3"}), 5, "acme"), first);
    assert_ne!(id(&json!({"jti": "another"}), 5, "acme"), first);
    // For the gateway: one in each organization.
    let open = json!({"aud": GATE});
    assert_eq!(id(&open, 5, "acme"), first);
    assert_ne!(id(&open, 6, "other"), first);
}

#[test]
fn what_was_signed_tells_two_tokens_with_one_jti_apart() {
    let signed = |changes: &Value| {
        let job = before(&github_with(changes), 5, "acme");
        job.expect("one of theirs").signed().clone()
    };
    let first = signed(&json!({}));
    assert_eq!(signed(&json!({})), first);
    assert_ne!(signed(&json!({"run_attempt": "3"})), first);
}

#[test]
fn a_token_without_jti_is_known_by_what_was_signed() {
    let claims = json!({"iss": OTHER, "sub": "job/shop", "aud": GATE, "iat": NOW, "exp": NOW + 60});
    // ECDSA makes another signature each time: the token stays the same.
    let ecdsa = changed(header(), &json!({"alg": "ES256", "kid": P256})).to_string();
    let token = |changes: &Value| signed(&ecdsa, &changed(claims.clone(), changes).to_string());
    let mark = |token: &str| present(token).expect("a token").mark().clone();
    let [first, second] = [token(&json!({})), token(&json!({}))];
    assert_ne!(first, second);
    assert!(matches!(mark(&first), Mark::Signed(_)));
    assert_eq!(mark(&first), mark(&second));
    assert_ne!(mark(&first), mark(&token(&json!({"iat": NOW - 1}))));
    assert!(matches!(mark(&token(&json!({"jti": "1"}))), Mark::Jti(_)));
    for jti in [json!(""), json!(7), json!("a b")] {
        assert!(present(&token(&json!({"jti": jti}))).is_err(), "{jti}");
    }
}
