//! Tokens as GitHub and others make them.

use super::issuer::{ED25519, P256};
use super::*;
use crate::job::presented::Mark;
use postern_domain::id::Id;
use postern_domain::policy::Policy;
use postern_domain::scope::{Named, Scope};
use postern_domain::trust::{
    Audience, ConditionsDraft, ForgeId, Gives, JobFacts, RuleDraft, TrustRule, Unmet, meets,
};

/// A rule about the repository of [`github`], with conditions.
pub(super) fn rule(conditions: ConditionsDraft) -> TrustRule {
    let draft = RuleDraft {
        issuer: "github".to_owned(),
        repository_id: ForgeId::new(74),
        repository_owner_id: ForgeId::new(65),
        conditions,
        ..RuleDraft::default()
    };
    let project = Named {
        id: Id::from_u128(2),
        name: "shop".to_owned(),
    };
    let policy = Policy::parse("workflow_run:create").expect("a policy");
    let gives = Gives::new(Scope::Project { project }, vec![policy], None).expect("something");
    TrustRule::new(Id::from_u128(1), &draft, gives, &issuers()).expect("a rule")
}

fn met(token: &str, conditions: ConditionsDraft) -> Result<(), Unmet> {
    let verified = present(token).expect("a good token");
    meets(&rule(conditions), verified.job())
}

#[test]
fn githubs_tokens_of_both_forms_of_sub() {
    // Since 2026-07-15, new and renamed repositories have ids in `sub`. It is not looked at.
    for sub in [
        "repo:acme/shop:environment:Production",
        "repo:acme@65/shop@74:ref:refs/heads/main",
        "anything",
    ] {
        let verified = present(&github_with(&json!({"sub": sub}))).expect(sub);
        let json =
            serde_json::to_value(JobFacts::of(verified.job(), Id::from_u128(1))).expect("JSON");
        assert_eq!(
            json,
            json!({
                "rule": "00000000-0000-0000-0000-000000000001",
                "issuer": "github",
                "identity": {"kind": "repository", "repository_id": 74, "repository_owner_id": 65},
                "repository": "acme/shop",
                "run_id": 16_001_234_567_u64,
                "run_attempt": 2,
                "commit": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
                "ref": "refs/heads/main",
                "event": "push",
                "environment": "Production",
                "workflow": "acme/shop/.github/workflows/release.yml@refs/heads/main",
                "actor": "octocat",
                "actor_id": 12,
                "runner_environment": "github-hosted",
            })
        );
        assert_eq!(
            verified.ends_at(),
            Timestamp::from_millis((NOW + 300) * 1000)
        );
        assert!(
            matches!(verified.audience(), Audience::Organization(name) if name.as_str() == "acme")
        );
        assert!(
            matches!(verified.mark(), Mark::Jti(jti) if jti.as_str() == "6f4762ed-0758-4ccb-808d-ee3af5d723a8")
        );
    }
}

#[test]
fn all_three_algorithms() {
    for (algorithm, kid) in [
        ("RS256", RSA),
        ("ES256", P256),
        ("EdDSA", ED25519),
        ("Ed25519", ED25519),
    ] {
        let token = header_with(&json!({"alg": algorithm, "kid": kid}));
        assert!(present(&token).is_ok(), "{algorithm}");
    }
}

#[test]
fn what_a_token_may_leave_out_or_write_otherwise() {
    for changes in [
        json!({"nbf": null, "environment": null, "actor": null, "sha": null, "job_workflow_ref": null}),
        json!({"environment": "", "ref_protected": ""}),
        json!({"repository_id": 74, "repository_owner_id": 65, "run_id": 9, "actor": 7, "ref_protected": true}),
        json!({"aud": [format!("{GATE}/acme")]}),
        json!({"aud": GATE}),
        json!({"exp": 1_900_000_001.5, "iat": 1_899_999_999.5}),
        // Our clock may be behind theirs.
        json!({"iat": NOW + LEEWAY_SECONDS, "nbf": NOW + LEEWAY_SECONDS}),
        json!({"unknown": {"a": [1, null, {"b": 1.5e300}]}}),
        json!({"sub": null}),
    ] {
        assert!(present(&github_with(&changes)).is_ok(), "{changes}");
    }
    for changes in [
        json!({"typ": null, "x5t": null}),
        json!({"typ": "jwt"}),
        // Whose key it is, the issuer's key set says.
        json!({"jku": "https://evil.example", "x5u": "https://evil.example", "jwk": {"kty": "oct"}, "x5c": ["x"]}),
    ] {
        assert!(present(&header_with(&changes)).is_ok(), "{changes}");
    }
}

#[test]
fn other_issuers_tokens_tell_their_subject_and_nothing_else() {
    let claims = json!({"iss": OTHER, "sub": "job/shop", "aud": GATE, "jti": "1", "iat": NOW, "exp": NOW + 60});
    let verified = present(&signed(&header().to_string(), &claims.to_string())).expect("a token");
    let json = serde_json::to_value(JobFacts::of(verified.job(), Id::from_u128(1))).expect("JSON");
    assert_eq!(
        json["identity"],
        json!({"kind": "subject", "subject": "job/shop"})
    );
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(3));
    for sub in [json!(null), json!(""), json!(5), json!("a\nb")] {
        let token = signed(
            &header().to_string(),
            &changed(claims.clone(), &json!({"sub": sub})).to_string(),
        );
        assert!(
            matches!(present(&token), Err(JobRefusal::Claim(_))),
            "{sub}"
        );
    }
}

#[test]
fn from_a_token_to_the_rule_that_it_meets() {
    let plain = ConditionsDraft::default;
    let workflow = || ConditionsDraft {
        workflow: Some("release.yml".to_owned()),
        ..plain()
    };
    let environment = || ConditionsDraft {
        environment: Some("pRODUCTION".to_owned()),
        ..plain()
    };
    let renamed = json!({
        "repository": "acme/store", "workflow_ref": "acme/store/.github/workflows/release.yml@refs/heads/main",
    });
    let called = json!({"job_workflow_ref": "acme/pipes/.github/workflows/build.yml@refs/tags/v1"});
    let rows = [
        (json!({}), plain(), Ok(())),
        (json!({}), environment(), Ok(())),
        (
            json!({"environment": "staging"}),
            environment(),
            Err(Unmet::Environment),
        ),
        (
            json!({"environment": null}),
            environment(),
            Err(Unmet::Environment),
        ),
        (renamed, workflow(), Ok(())),
        // Deleted, and made again under the same name.
        (
            json!({"repository_id": "75"}),
            plain(),
            Err(Unmet::Repository),
        ),
        // The name of a deleted account, taken by somebody else.
        (
            json!({"repository_owner_id": "66"}),
            plain(),
            Err(Unmet::Owner),
        ),
        // A fork's pull request: the ids are the base repository's, and the event tells.
        (
            json!({"event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "patch-1", "base_ref": "main"}),
            plain(),
            Err(Unmet::OutsideEvent),
        ),
        (
            json!({"event_name": "pull_request_target"}),
            plain(),
            Err(Unmet::OutsideEvent),
        ),
        (
            json!({"event_name": "workflow_run"}),
            plain(),
            Err(Unmet::OutsideEvent),
        ),
        // A reusable workflow of another repository, called by the file that the rule names.
        (called.clone(), workflow(), Ok(())),
        (
            called,
            ConditionsDraft {
                reusable_workflow: Some(
                    "acme/other/.github/workflows/build.yml@refs/tags/v1".to_owned(),
                ),
                ..plain()
            },
            Err(Unmet::ReusableWorkflow),
        ),
        (
            json!({"ref_protected": "false"}),
            ConditionsDraft {
                protected_ref: true,
                git_ref: Some("refs/heads/main".to_owned()),
                ..plain()
            },
            Err(Unmet::UnprotectedRef),
        ),
    ];
    for (changes, conditions, expected) in rows {
        assert_eq!(
            met(&github_with(&changes), conditions.clone()),
            expected,
            "{changes} {conditions:?}"
        );
    }
}
