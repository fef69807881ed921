//! Messages about trust rules, and about jobs that are exchanged.

use postern_domain::id::Id;
use postern_domain::testing::facts;
use postern_domain::token::TokenFacts;
use postern_domain::trust::JobFacts;

use super::super::{Message, answer, command};
use crate::testing::jobs::{add, bearer, exchange, job, remove, trust_rule};
use crate::testing::{at, shop};
use crate::{
    AddTrustRuleAnswer, AddTrustRuleCommand, ExchangeAnswer, ExchangeCommand,
    ListTrustRulesCommand, RemoveTrustRuleAnswer, RemoveTrustRuleCommand, TrustRuleState,
    TrustRules,
};

pub(super) fn all() -> Vec<Message> {
    let rule = || trust_rule(9, 74, Some("refs/heads/main"));
    let facts = TokenFacts {
        ci_job: Some(Box::new(JobFacts::of(&job(74), Id::from_u128(9)))),
        ..facts(7, shop())
    };
    let told = TrustRules {
        rules: vec![TrustRuleState {
            rule: rule(),
            created_at: at(1_000),
            created_by: "admin-token".to_owned(),
        }],
        unread: vec![Id::from_u128(10)],
        trusted_issuers: None,
    };
    let refused = |why| answer::<ExchangeCommand>(&why);
    vec![
        command(&add(rule())),
        answer::<AddTrustRuleCommand>(&AddTrustRuleAnswer::Added { at: at(1_000) }),
        answer::<AddTrustRuleCommand>(&AddTrustRuleAnswer::AsksTheSame {
            rule: Id::from_u128(9),
        }),
        answer::<AddTrustRuleCommand>(&AddTrustRuleAnswer::TooMany { limit: 200 }),
        command(&remove(9)),
        answer::<RemoveTrustRuleCommand>(&RemoveTrustRuleAnswer::Removed {
            at: at(1_000),
            revoked: 2,
        }),
        answer::<RemoveTrustRuleCommand>(&RemoveTrustRuleAnswer::Unknown),
        command(&ListTrustRulesCommand {}),
        answer::<ListTrustRulesCommand>(&told),
        command(&exchange(7, job(74))),
        command(&bearer(7, job(74))),
        answer::<ExchangeCommand>(&ExchangeAnswer::Given(Box::new(facts))),
        refused(ExchangeAnswer::NoRule),
        refused(ExchangeAnswer::Ended),
        refused(ExchangeAnswer::Used),
        refused(ExchangeAnswer::Revoked),
        refused(ExchangeAnswer::TooMany {
            limit: 1_000,
            retry_after_seconds: 60,
        }),
        answer::<ExchangeCommand>(&ExchangeAnswer::RecordUnavailable {
            cause: "down".to_owned(),
        }),
    ]
}
