//! What a verified job gets, and by what it is known when it comes again.

use super::issuer::P256;
use super::shapes::rule;
use super::*;
use crate::job::grant::Mark;
use postern_domain::id::{Id, TokenId};
use postern_domain::name::Label;
use postern_domain::trust::ConditionsDraft;

/// What an organization with one rule gives for a token.
fn grant(token: &str, organization: u128, name: &str) -> Result<Grant, Refused> {
    let name = Label::parse(name).expect("a name");
    let rules = vec![rule(ConditionsDraft::default())];
    let trust = OrgTrust::new(Id::from_u128(organization), name, rules);
    present(token).expect("a good token").grant(&trust, now())
}

#[test]
fn a_job_gets_what_the_rule_of_its_own_organization_gives() {
    let granted = grant(&github_with(&json!({})), 5, "acme").expect("a grant");
    assert_eq!(granted.organization(), Id::from_u128(5));
    assert_eq!(granted.facts().rule, Id::from_u128(1));
    assert_eq!(
        granted.facts().run_id.map(|id| id.number()),
        Some(16_001_234_567)
    );
    assert_eq!(granted.gives(), rule(ConditionsDraft::default()).gives());
    // The job token ends before the rule's 900 s.
    let end = Timestamp::from_millis((NOW + 300) * 1000);
    assert_eq!(granted.ends_at(), end);
    let long = grant(&github_with(&json!({"exp": NOW + 5_000})), 5, "acme").expect("a grant");
    let end = Timestamp::from_millis((NOW + 900) * 1000);
    assert_eq!(long.ends_at(), end);
    // Signed for one organization, and decided by the rules of another.
    let other = grant(&github_with(&json!({})), 6, "evil");
    assert_eq!(other, Err(Refused::OtherOrganization));
    let unmet = github_with(&json!({"repository_id": "75"}));
    assert_eq!(grant(&unmet, 5, "acme"), Err(Refused::NoRule));
    // It was good when it was verified, and has ended when it is granted.
    let verified = present(&github_with(&json!({}))).expect("a good token");
    let name = Label::parse("acme").expect("a name");
    let rules = vec![rule(ConditionsDraft::default())];
    let trust = OrgTrust::new(Id::from_u128(5), name, rules);
    let later = Timestamp::from_millis((NOW + 300) * 1000);
    assert_eq!(verified.grant(&trust, later), Err(Refused::Ended));
}

#[test]
fn the_same_token_has_one_id_however_it_is_presented() {
    let id = |changes: &Value, organization, name: &str| -> TokenId {
        let granted = grant(&github_with(changes), organization, name);
        granted.expect("a grant").token_id()
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
