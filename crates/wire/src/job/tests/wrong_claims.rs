//! Tokens that their issuer has signed, for somebody else, for another time, or with claims that cannot be
//! kept.

use super::*;
use postern_domain::trust::{MAX_JOB_TEXT, MAX_JTI, NoText};

fn refused(rows: Vec<(Value, ClaimFault)>) {
    for (changes, fault) in rows {
        assert_eq!(
            present(&github_with(&changes)),
            Err(JobRefusal::Claim(fault)),
            "{changes}"
        );
    }
}

#[test]
fn a_token_is_for_one_audience_which_is_ours() {
    let ours = format!("{GATE}/acme");
    let other = |text: &str| (json!({"aud": text}), ClaimFault::Audience);
    refused(vec![
        other("https://github.com/acme"),
        other("https://gate.example/"),
        other("https://gate.example/acme/"),
        other("https://gate.example/ACME"),
        other("https://GATE.example/acme"),
        other("http://gate.example/acme"),
        other("https://gate.example.evil.example/acme"),
        other("https://gate.example@evil.example/acme"),
        other("https://gate.example/acme/other"),
        other(" https://gate.example/acme"),
        other("sigstore"),
        // Not where the deployment does not take it.
        other("chainloop"),
        other("api-token-auth.chainloop"),
        other(""),
        (json!({"aud": null}), ClaimFault::Missing("aud")),
        (json!({"aud": []}), ClaimFault::Missing("aud")),
        (json!({"aud": [null]}), ClaimFault::Type("aud")),
        (json!({"aud": [[ours]]}), ClaimFault::Type("aud")),
        (json!({"aud": 1}), ClaimFault::Type("aud")),
        (json!({"aud": true}), ClaimFault::Type("aud")),
        (json!({"aud": {"a": ours}}), ClaimFault::Type("aud")),
        // Whoever else is named could present it here.
        (
            json!({"aud": [ours, "https://evil.example"]}),
            ClaimFault::SeveralAudiences,
        ),
        (
            json!({"aud": ["https://evil.example", ours]}),
            ClaimFault::SeveralAudiences,
        ),
        (json!({"aud": [ours, ours]}), ClaimFault::SeveralAudiences),
    ]);
}

#[test]
fn a_token_counts_for_a_while() {
    refused(vec![
        (json!({"exp": null}), ClaimFault::Missing("exp")),
        (json!({"exp": NOW}), ClaimFault::Expired),
        (json!({"exp": NOW - 1}), ClaimFault::Expired),
        (json!({"exp": 1_900_000_000.9}), ClaimFault::Expired),
        (json!({"exp": 0}), ClaimFault::Expired),
        (json!({"exp": -1}), ClaimFault::Type("exp")),
        (
            json!({"exp": (NOW + 300).to_string()}),
            ClaimFault::Type("exp"),
        ),
        (json!({"exp": true}), ClaimFault::Type("exp")),
        (json!({"exp": [NOW + 300]}), ClaimFault::Type("exp")),
        (json!({"exp": 1e300}), ClaimFault::Type("exp")),
        (
            json!({"exp": 9_007_199_254_740_992_i64}),
            ClaimFault::Type("exp"),
        ),
        (json!({"exp": u64::MAX}), ClaimFault::Type("exp")),
        (
            json!({"nbf": NOW + LEEWAY_SECONDS + 1}),
            ClaimFault::NotYetValid,
        ),
        (json!({"nbf": 1_900_000_030.1}), ClaimFault::NotYetValid),
        (json!({"nbf": "0"}), ClaimFault::Type("nbf")),
        (json!({"iat": null}), ClaimFault::Missing("iat")),
        (
            json!({"iat": NOW + LEEWAY_SECONDS + 1}),
            ClaimFault::IssuedInFuture,
        ),
        (
            json!({"iat": NOW + 20, "exp": NOW + 10}),
            ClaimFault::Contradiction("`iat` and `exp`"),
        ),
        (json!({"iat": NOW - MAX_AGE_SECONDS}), ClaimFault::TooOld),
        (json!({"iat": 0}), ClaimFault::TooOld),
        (json!({"iat": "now"}), ClaimFault::Type("iat")),
    ]);
    assert!(present(&github_with(&json!({"iat": NOW - MAX_AGE_SECONDS + 1}))).is_ok());
}

#[test]
fn a_token_has_an_id_of_its_own() {
    let text = |fault| ClaimFault::Text("jti", fault);
    refused(vec![
        (json!({"jti": null}), ClaimFault::Missing("jti")),
        (json!({"jti": ""}), text(NoText::Empty)),
        (json!({"jti": "a b"}), text(NoText::Character)),
        (json!({"jti": "a\n"}), text(NoText::Character)),
        (json!({"jti": "\u{e9}"}), text(NoText::Character)),
        (
            json!({"jti": "j".repeat(MAX_JTI + 1)}),
            text(NoText::TooLong),
        ),
        (json!({"jti": 7}), ClaimFault::Type("jti")),
        (json!({"jti": ["a"]}), ClaimFault::Type("jti")),
    ]);
}

#[test]
fn a_repository_has_ids_that_are_read_in_one_way() {
    let text = |fault| ClaimFault::Text("repository_id", fault);
    refused(vec![
        (
            json!({"repository_id": null}),
            ClaimFault::Missing("repository_id"),
        ),
        (
            json!({"repository_id": ""}),
            ClaimFault::Missing("repository_id"),
        ),
        (json!({"repository_id": "074"}), text(NoText::Form)),
        (json!({"repository_id": "0"}), text(NoText::Form)),
        (json!({"repository_id": 0}), text(NoText::Form)),
        (json!({"repository_id": "-74"}), text(NoText::Character)),
        (json!({"repository_id": " 74"}), text(NoText::Character)),
        (json!({"repository_id": "74.0"}), text(NoText::Character)),
        (
            json!({"repository_id": "\u{ff17}\u{ff14}"}),
            text(NoText::Character),
        ),
        (
            json!({"repository_id": "9007199254740992"}),
            text(NoText::TooLong),
        ),
        (
            json!({"repository_id": "10000000000000074"}),
            text(NoText::TooLong),
        ),
        (
            json!({"repository_id": 74.5}),
            ClaimFault::Type("repository_id"),
        ),
        (
            json!({"repository_id": 74.0}),
            ClaimFault::Type("repository_id"),
        ),
        (
            json!({"repository_id": ["74"]}),
            ClaimFault::Type("repository_id"),
        ),
        (
            json!({"repository_id": {"id": "74"}}),
            ClaimFault::Type("repository_id"),
        ),
        (
            json!({"repository_id": true}),
            ClaimFault::Type("repository_id"),
        ),
        (
            json!({"repository_owner_id": null}),
            ClaimFault::Missing("repository_owner_id"),
        ),
    ]);
}

#[test]
fn what_is_kept_of_a_token_is_short_and_plain() {
    let other_owner = ClaimFault::Contradiction("`repository` and `repository_owner`");
    let long = "a".repeat(MAX_JOB_TEXT + 1);
    let git_ref = |text: &str, fault| (json!({"ref": text}), ClaimFault::Text("ref", fault));
    refused(vec![
        (
            json!({"repository": null}),
            ClaimFault::Missing("repository"),
        ),
        (json!({"repository": "evil/shop"}), other_owner),
        (json!({"repository": "acme"}), other_owner),
        (json!({"repository": "acme/"}), other_owner),
        (json!({"repository": "acme/shop/x"}), other_owner),
        (
            json!({"repository": "acme\u{202e}/shop"}),
            ClaimFault::Text("repository", NoText::Character),
        ),
        (
            json!({"actor": "a\nb"}),
            ClaimFault::Text("actor", NoText::Character),
        ),
        (
            json!({"actor": "a\u{1b}[31m"}),
            ClaimFault::Text("actor", NoText::Character),
        ),
        (
            json!({"actor": long}),
            ClaimFault::Text("actor", NoText::TooLong),
        ),
        (
            json!({"actor": {"name": "octocat"}}),
            ClaimFault::Type("actor"),
        ),
        (
            json!({"environment": "a\u{0}"}),
            ClaimFault::Text("environment", NoText::Character),
        ),
        (
            json!({"workflow_ref": long}),
            ClaimFault::Text("workflow_ref", NoText::TooLong),
        ),
        (
            json!({"job_workflow_ref": "a\r\nb"}),
            ClaimFault::Text("job_workflow_ref", NoText::Character),
        ),
        git_ref("main", NoText::Form),
        git_ref("refs/heads/../main", NoText::Form),
        git_ref("refs/heads/a b", NoText::Character),
        (
            json!({"ref_protected": "yes"}),
            ClaimFault::Type("ref_protected"),
        ),
        (
            json!({"ref_protected": 1}),
            ClaimFault::Type("ref_protected"),
        ),
        (
            json!({"event_name": null}),
            ClaimFault::Missing("event_name"),
        ),
        (json!({"run_id": null}), ClaimFault::Missing("run_id")),
        (
            json!({"run_id": "x"}),
            ClaimFault::Text("run_id", NoText::Character),
        ),
        (
            json!({"run_attempt": "0"}),
            ClaimFault::Text("run_attempt", NoText::Form),
        ),
        (
            json!({"sha": "HEAD"}),
            ClaimFault::Text("sha", NoText::Form),
        ),
        (
            json!({"sha": "0F".repeat(20)}),
            ClaimFault::Text("sha", NoText::Form),
        ),
    ]);
}

#[test]
fn claims_of_one_forge_are_no_claims_of_another() {
    // GitHub's claims in a token of GitLab, and of an issuer that has neither's.
    let gitlab = github_with(&json!({"iss": GITLAB}));
    assert_eq!(
        present(&gitlab),
        Err(JobRefusal::Claim(ClaimFault::Missing("project_id")))
    );
    let other = present(&github_with(&json!({"iss": OTHER}))).expect("a token of another issuer");
    assert_eq!(other.job().repository, None);
    assert_eq!(other.job().event, None);
}
