//! What new tokens must keep to (R53), checked in the step that writes them.

use postern_domain::audit::Changes;
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::organization::{ExpiryRefusal, OrganizationPolicy};
use postern_domain::trust::REFUSED;

use super::trust::given;
use crate::testing::jobs::{add, bearer, job, trust_rule};
use crate::testing::*;
use crate::{
    AddTrustRuleAnswer, ExchangeAnswer, FederationCommand, Ledger, LimitsAnswer, LimitsCommand,
    ListTrustRulesCommand, MintAnswer, MintCommand, PolicyCommand, RecordChange, RotateAnswer,
};

const DAY_MS: i64 = 86_400_000;

fn limits() -> LimitsCommand {
    LimitsCommand {
        organization: Id::from_u128(1),
        mint_ceiling: None,
        max_idle_days: 0,
        on_leak: OnLeak::Revoke,
        changes: Changes::new(),
        requester: requester(),
    }
}

/// Keeps a policy.
fn set(ledger: &mut Ledger<Sqlite>, now: i64, policy: &OrganizationPolicy) {
    let command = PolicyCommand {
        limits: limits(),
        federated_only: false,
        policy: policy.clone(),
    };
    let waiting = waits(tell(ledger, now, command));
    assert_eq!(arrived(ledger, now, waiting, None), LimitsAnswer::Changed);
}

fn ends(id: u128, end: Option<i64>) -> MintCommand {
    let mut command = mint(id, &format!("t{id}"), 0);
    command.facts.expires_at = end.map(at);
    command
}

fn trusted(urls: &[&str]) -> OrganizationPolicy {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    OrganizationPolicy {
        trusted_issuers: Some(urls),
        ..OrganizationPolicy::default()
    }
}

#[test]
fn r53_a_token_that_lives_too_long_is_not_created_whoever_asks() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, ends(1, None));
    let policy = OrganizationPolicy {
        max_lifetime_days: 2,
        default_expires_in: Some(3_600),
        trusted_issuers: None,
    };
    set(&mut ledger, 0, &policy);
    // A Ledger that is opened again knows it, and so does one whose gateway does not.
    let mut ledger = open(&sql);
    let late = ExpiryRefusal::TooLate { max_days: 2 };
    let rows = [
        (Some(2 * DAY_MS), None),
        (Some(2 * DAY_MS + 60_001), Some(late)),
        (None, Some(ExpiryRefusal::Missing)),
    ];
    for (id, (end, refusal)) in (10..).zip(rows) {
        let Some(why) = refusal else {
            assert_eq!(minted(&mut ledger, 0, ends(id, end)), MintAnswer::Minted);
            continue;
        };
        let told = answer(tell(&mut ledger, 0, ends(id, end)));
        assert_eq!(told, MintAnswer::ExpiryRefused(why), "{end:?}");
        let told = answer(tell(&mut ledger, 0, rotate(1, ends(id, end), 0)));
        assert_eq!(told, RotateAnswer::ExpiryRefused(why), "{end:?}");
    }
    // What exists stays, and what is named alone changes.
    assert_eq!(liveness(&mut ledger, 1, 1), crate::Liveness::Live);
    let federated = FederationCommand {
        limits: limits(),
        federated_only: true,
    };
    let waiting = waits(tell(&mut ledger, 2, federated));
    arrived(&mut ledger, 2, waiting, None);
    let kept = OrganizationPolicy::default();
    set(&mut ledger, 3, &kept);
    assert_eq!(minted(&mut ledger, 3, ends(20, None)), MintAnswer::Minted);
    let entries = ledger.outbox().expect("the outbox");
    let policies: Vec<_> = entries
        .iter()
        .flat_map(|entry| &entry.changes)
        .filter_map(|change| match change {
            RecordChange::SetLimits { policy, .. } => Some(policy.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(policies, [Some(policy), None, Some(kept)]);
}

#[test]
fn r53_jobs_of_an_issuer_that_is_not_trusted_get_nothing() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let rule = trust_rule(9, 74, None);
    let url = rule.issuer().url().to_owned();
    answer(tell(&mut ledger, 0, add(rule)));
    set(&mut ledger, 1, &trusted(&["https://else.example"]));
    let told = answer(tell(&mut ledger, 2, bearer(1, job(74))));
    assert_eq!(told, ExchangeAnswer::IssuerNotTrusted);
    let other = trust_rule(10, 75, None);
    let told = answer(tell(&mut ledger, 2, add(other.clone())));
    assert_eq!(told, AddTrustRuleAnswer::IssuerNotTrusted);
    let listed = answer(tell(&mut ledger, 2, ListTrustRulesCommand {}));
    assert_eq!(listed.rules.len(), 1, "the rule is still there");
    assert!(!listed.trusts(&url) && listed.trusts("https://else.example"));
    set(&mut ledger, 3, &trusted(&[&url]));
    let added = answer(tell(&mut ledger, 4, add(other)));
    assert_eq!(added, AddTrustRuleAnswer::Added { at: at(4) });
    assert!(matches!(given(&mut ledger, 4, 1), ExchangeAnswer::Given(_)));
    // What it was given before stays until it ends.
    set(&mut ledger, 5, &trusted(&[]));
    let again = answer(tell(&mut ledger, 6, bearer(1, job(74))));
    assert!(matches!(again, ExchangeAnswer::Given(_)));
    assert!(
        !REFUSED.contains("trust the issuer"),
        "nobody else learns why"
    );
}
