//! The trust rules of the test world: kept as the Ledger keeps them, and job tokens to try them with.

use postern_ledger::{
    AddTrustRuleAnswer, AddTrustRuleCommand, MAX_TRUST_RULES, RemoveTrustRuleAnswer,
    RemoveTrustRuleCommand, TrustRuleState,
};

use super::World;
use crate::ports::Clock;

impl World {
    pub(super) fn add_rule(&self, command: AddTrustRuleCommand) -> AddTrustRuleAnswer {
        self.note("add trust rule");
        let rules = &mut self.trust_rules.borrow_mut().rules;
        let same = |state: &&TrustRuleState| state.rule.asks_the_same(&command.rule);
        if let Some(state) = rules.iter().find(same) {
            let rule = state.rule.id();
            return AddTrustRuleAnswer::AsksTheSame { rule };
        }
        if rules.len() >= MAX_TRUST_RULES as usize {
            let limit = MAX_TRUST_RULES;
            return AddTrustRuleAnswer::TooMany { limit };
        }
        let at = self.now();
        rules.push(TrustRuleState {
            rule: command.rule,
            created_at: at,
            created_by: command.created_by,
        });
        AddTrustRuleAnswer::Added { at }
    }

    pub(super) fn remove_rule(&self, command: &RemoveTrustRuleCommand) -> RemoveTrustRuleAnswer {
        self.note(format!("remove trust rule {}", command.rule));
        let rules = &mut self.trust_rules.borrow_mut().rules;
        let before = rules.len();
        rules.retain(|state| state.rule.id() != command.rule);
        match rules.len() == before {
            true => RemoveTrustRuleAnswer::Unknown,
            false => RemoveTrustRuleAnswer::Removed {
                at: self.now(),
                revoked: self.given_tokens.get(),
            },
        }
    }
}
