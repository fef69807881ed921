//! Trust rules (R47): which can be added, and what goes with one that is removed.

use postern_domain::audit::{Action, Changes};
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;

use super::leases::is_final;
use crate::testing::jobs::{add, bearer, exchange, job, remove, trust_rule};
use crate::testing::*;
use crate::{
    AddTrustRuleAnswer, AdmitQuery, Done, ExchangeAnswer, FederationCommand, Ledger, LimitsAnswer,
    LimitsCommand, ListTrustRulesCommand, Liveness, MAX_TRUST_RULES, MintAnswer,
    RemoveTrustRuleAnswer, RotateAnswer, TrustRules,
};

/// Has a job's token made, and its row taken.
pub fn given(ledger: &mut Ledger<Sqlite>, now: i64, token: u128) -> ExchangeAnswer {
    let waiting = waits(tell(ledger, now, bearer(token, job(74))));
    arrived(ledger, now, waiting, None)
}

#[test]
fn r47_a_rule_is_told_as_it_was_added() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let none = answer(tell(&mut ledger, 0, ListTrustRulesCommand {}));
    assert_eq!(none, TrustRules::default());
    assert_eq!(
        sql.number("select count(*) from sqlite_master"),
        0,
        "asking makes no table"
    );
    let first = trust_rule(9, 74, None);
    let second = trust_rule(8, 74, Some("refs/heads/main"));
    for (now, rule) in [(1, &first), (2, &second)] {
        let added = answer(tell(&mut ledger, now, add(rule.clone())));
        assert_eq!(added, AddTrustRuleAnswer::Added { at: at(now) });
    }
    let told = answer(tell(&mut ledger, 3, ListTrustRulesCommand {}));
    let rules: Vec<_> = told.rules.iter().map(|told| &told.rule).collect();
    assert_eq!(rules, [&first, &second]);
    assert_eq!(told.rules[1].created_at, at(2));
    assert_eq!(told.rules[1].created_by, "admin-token");
    let events = events(&sql);
    let changes = serde_json::to_value(&events[1].changes).expect("changes");
    assert_eq!(events[1].action, Action::TrustRuleAdd);
    assert_eq!(changes["repository_id"], 74);
    assert_eq!(changes["conditions.ref"], "refs/heads/main");
    assert_eq!(changes["policies"], "workflow_run:create");
    assert_eq!(changes["project"], "shop");
}

#[test]
fn r47_two_rules_that_ask_the_same_are_one_too_many() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    answer(tell(&mut ledger, 0, add(trust_rule(9, 74, None))));
    let again = answer(tell(&mut ledger, 0, add(trust_rule(10, 74, None))));
    let rule = Id::from_u128(9);
    assert_eq!(again, AddTrustRuleAnswer::AsksTheSame { rule });
    for id in 11..=u128::from(MAX_TRUST_RULES) + 9 {
        let repository = u64::try_from(id).expect("small") + 1_000;
        let added = answer(tell(&mut ledger, 0, add(trust_rule(id, repository, None))));
        assert_eq!(added, AddTrustRuleAnswer::Added { at: at(0) });
    }
    let full = answer(tell(&mut ledger, 0, add(trust_rule(7, 75, None))));
    let limit = MAX_TRUST_RULES;
    assert_eq!(full, AddTrustRuleAnswer::TooMany { limit });
}

#[test]
fn r47_a_rule_takes_what_it_gave_with_it() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    answer(tell(&mut ledger, 0, add(trust_rule(9, 74, None))));
    answer(tell(&mut ledger, 0, add(trust_rule(10, 75, None))));
    for token in [1, 2] {
        assert!(matches!(
            given(&mut ledger, 1, token),
            ExchangeAnswer::Given(_)
        ));
    }
    let other = waits(tell(&mut ledger, 1, exchange(3, job(75))));
    arrived(&mut ledger, 1, other, None);
    minted(&mut ledger, 1, mint(4, "ci", 1));
    // One more is on its way to D1.
    let pending = waits(tell(&mut ledger, 2, bearer(5, job(74))));

    // An isolate believes that the first is active, for as long as its lease lasts.
    let asked = AdmitQuery {
        claim: Some(claim(1, None)),
        ..plain(1)
    };
    ledger.admit(at(2), asked).expect("an answer");
    let Ok(Done::WhenFinal(version, removed)) = tell(&mut ledger, 3, remove(9)) else {
        panic!("it waits until that is final");
    };
    assert_eq!(
        removed,
        RemoveTrustRuleAnswer::Removed {
            at: at(3),
            revoked: 3
        }
    );
    assert!(!is_final(&mut ledger, version));
    let standing: Vec<Liveness> = (1..=5).map(|id| liveness(&mut ledger, 3, id)).collect();
    use Liveness::{Live, Revoked};
    assert_eq!(standing, [Revoked, Revoked, Live, Live, Revoked]);
    let late = arrived(&mut ledger, 4, pending, None);
    assert_eq!(late, ExchangeAnswer::Revoked);
    let refused = answer(tell(&mut ledger, 5, exchange(6, job(74))));
    assert_eq!(refused, ExchangeAnswer::NoRule);
    // A token that it gave finds nothing to come back to, and the rule is gone.
    let again = answer(tell(&mut ledger, 5, bearer(1, job(74))));
    assert_eq!(again, ExchangeAnswer::Revoked);
    let unknown = answer(tell(&mut ledger, 5, remove(9)));
    assert_eq!(unknown, RemoveTrustRuleAnswer::Unknown);
    let actions: Vec<Action> = events(&sql).iter().map(|event| event.action).collect();
    let revokes = actions
        .iter()
        .filter(|action| **action == Action::TokenRevoke);
    assert_eq!(revokes.count(), 3);
    let removed = events(&sql).into_iter().rev();
    let removed = removed.filter(|event| event.action == Action::TrustRuleRemove);
    let changes: Vec<_> = removed.map(|event| event.changes).collect();
    assert_eq!(changes.len(), 1);
    let changes = serde_json::to_value(&changes[0]).expect("changes");
    assert_eq!(changes["revoked_tokens"], 3);
}

#[test]
fn r47_a_rule_that_cannot_be_read_does_not_count() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    answer(tell(&mut ledger, 0, add(trust_rule(9, 74, None))));
    answer(tell(
        &mut ledger,
        0,
        add(trust_rule(10, 74, Some("refs/heads/main"))),
    ));
    let later = "update trust_rules set rule = replace(rule, '{\"id\"', '{\"only_on_mondays\":true,\"id\"') \
                 where id like '%a'";
    sql.transact(later);
    let told = answer(tell(&mut ledger, 1, ListTrustRulesCommand {}));
    assert_eq!(
        (told.rules.len(), told.unread),
        (1, vec![Id::from_u128(10)])
    );
    let ExchangeAnswer::Given(facts) = given(&mut ledger, 1, 1) else {
        panic!("the other rule counts");
    };
    assert_eq!(facts.ci_job.map(|job| job.rule), Some(Id::from_u128(9)));
    let removed = answer(tell(&mut ledger, 2, remove(10)));
    assert_eq!(
        removed,
        RemoveTrustRuleAnswer::Removed {
            at: at(2),
            revoked: 0
        }
    );
}

#[test]
fn r47_where_ci_jobs_alone_get_tokens_none_is_stored_whoever_asks() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "old", 0));
    answer(tell(&mut ledger, 0, add(trust_rule(9, 74, None))));
    let policy = |only| FederationCommand {
        limits: limits(),
        federated_only: only,
    };
    let waiting = waits(tell(&mut ledger, 1, policy(true)));
    let changed = arrived(&mut ledger, 1, waiting, None);
    assert_eq!(changed, LimitsAnswer::Changed);
    // A gateway of another release does not ask; a Ledger that is opened again knows it still.
    let mut ledger = open(&sql);
    let told = answer(tell(&mut ledger, 2, mint(2, "new", 2)));
    assert_eq!(told, MintAnswer::FederatedOnly);
    let told = answer(tell(&mut ledger, 2, rotate(1, mint(3, "new", 2), 2)));
    assert_eq!(told, RotateAnswer::FederatedOnly);
    assert!(matches!(given(&mut ledger, 2, 4), ExchangeAnswer::Given(_)));
    let waiting = waits(tell(&mut ledger, 3, policy(false)));
    arrived(&mut ledger, 3, waiting, None);
    assert_eq!(
        minted(&mut ledger, 4, mint(2, "new", 4)),
        MintAnswer::Minted
    );
    // What a rule gave is not rotated all the same.
    let told = answer(tell(&mut ledger, 4, rotate(4, mint(5, "next", 4), 4)));
    assert_eq!(told, RotateAnswer::CiToken);
}

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

#[test]
fn r47_the_log_has_all_of_a_rule_when_it_comes_and_when_it_goes() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let long = format!("refs/heads/{}", "x".repeat(240));
    answer(tell(&mut ledger, 0, add(trust_rule(9, 74, Some(&long)))));
    answer(tell(&mut ledger, 1, remove(9)));
    for event in events(&sql) {
        let changes = serde_json::to_value(&event.changes).expect("changes");
        let parts = ["conditions.ref", "conditions.ref.2"];
        let told: String = parts
            .map(|part| changes[part].as_str().expect("a part").to_owned())
            .concat();
        assert_eq!(told, long, "{changes}");
    }
}
