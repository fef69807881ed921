//! Trust rules for CI jobs (R47): added, removed with every token that they gave, and told.

use postern_domain::audit::{Action, Changes, Event, NotedChanges, Requester, Text};
use postern_domain::id::{OrganizationId, TrustRuleId};
use postern_domain::time::Timestamp;
use postern_domain::trust::TrustRule;

use super::events::about_none;
use super::revoke::revoke_in;
use super::told::{self, put};
use super::{Acting, Ledger};
use crate::done::{Carried, Done, Never, Outcome};
use crate::sql::{Result, Sql};
use crate::trust::{
    AddTrustRuleAnswer, AddTrustRuleCommand, ListTrustRulesCommand, MAX_TRUST_RULES,
    RemoveTrustRuleAnswer, RemoveTrustRuleCommand, TrustRules,
};

impl Carried for AddTrustRuleCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        ledger.prepare_write(acting, now)?;
        let rule = &self.rule;
        if !ledger.store.policy()?.trusts(rule.issuer().url()) {
            return Ok(Done::Answer(AddTrustRuleAnswer::IssuerNotTrusted));
        }
        let others = ledger
            .store
            .trust_rules_about(rule.issuer(), rule.identity())?;
        if let Some(other) = others.iter().find(|other| other.asks_the_same(rule)) {
            let rule = other.id();
            return Ok(Done::Answer(AddTrustRuleAnswer::AsksTheSame { rule }));
        }
        if ledger.store.count_trust_rules()? >= i64::from(MAX_TRUST_RULES) {
            let limit = MAX_TRUST_RULES;
            return Ok(Done::Answer(AddTrustRuleAnswer::TooMany { limit }));
        }
        let about = (self.organization, rule.id(), Action::TrustRuleAdd);
        let event = event(about, changes(rule)?, now, &self.requester);
        ledger.step(now, |step| {
            step.store.insert_trust_rule(&self, now)?;
            step.event(event)
        })?;
        Ok(Done::BestAfterDelivery(AddTrustRuleAnswer::Added {
            at: now,
        }))
    }
}

impl Carried for RemoveTrustRuleCommand {
    type Suspended = Never;

    /// The rule, and what it gave, in one step: no job can get another token of it, and none that it gave is
    /// left.
    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(RemoveTrustRuleAnswer::Unknown));
        }
        ledger.prepare_write(acting, now)?;
        let given = ledger.store.given_by(self.rule, now)?;
        let revoked = u32::try_from(given.len()).unwrap_or(u32::MAX);
        let rule = ledger.store.trust_rule(self.rule)?;
        let mut changes = rule.as_ref().map(changes).transpose()?.unwrap_or_default();
        changes.insert("revoked_tokens".to_owned(), revoked.into());
        let about = (self.organization, self.rule, Action::TrustRuleRemove);
        let event = event(about, changes, now, &self.requester);
        let (found, _) = ledger.step(now, |step| {
            if !step.store.delete_trust_rule(self.rule)? {
                return Ok(false);
            }
            revoke_in(step, &given, now, (Action::TokenRevoke, &self.requester))?;
            step.event(event)?;
            Ok(true)
        })?;
        if !found {
            return Ok(Done::Answer(RemoveTrustRuleAnswer::Unknown));
        }
        let version = ledger.store.head()?.version;
        ledger.when_final(version, RemoveTrustRuleAnswer::Removed { at: now, revoked })
    }
}

impl Carried for ListTrustRulesCommand {
    type Suspended = Never;

    fn begin<S: Sql>(self, ledger: &mut Ledger<S>, _: Acting, _: Timestamp) -> Outcome<Self> {
        Ok(Done::Answer(match ledger.store.exists()? {
            true => TrustRules {
                trusted_issuers: ledger.store.policy()?.trusted_issuers,
                ..ledger.store.trust_rules()?
            },
            false => TrustRules::default(),
        }))
    }
}

/// What a rule asks and gives, for its event.
fn changes(rule: &TrustRule) -> Result<Changes> {
    let mut changes = Changes::new();
    let asks = serde_json::to_value(rule.draft())?;
    for (name, value) in asks.as_object().into_iter().flatten() {
        match value.as_object() {
            None => put(&mut changes, name, value),
            Some(conditions) => {
                for (condition, value) in conditions {
                    put(&mut changes, &format!("{name}.{condition}"), value);
                }
            }
        }
    }
    let gives = rule.gives();
    if let Some(project) = gives.scope().project() {
        changes.insert("project".to_owned(), project.name.clone().into());
    }
    if let Some(workflow) = gives.scope().workflow() {
        changes.insert("workflow".to_owned(), workflow.name.clone().into());
    }
    put(
        &mut changes,
        "policies",
        &serde_json::to_value(gives.policies())?,
    );
    let life = gives.longest_life_seconds();
    changes.insert("longest_life_seconds".to_owned(), life.into());
    told::conditions(&mut changes, gives.token_conditions());
    Ok(changes)
}

fn event(
    (organization, rule, action): (OrganizationId, TrustRuleId, Action),
    changes: Changes,
    now: Timestamp,
    requester: &Requester,
) -> Event {
    Event {
        target: Some(Text::new(&format!("trust-rule:{rule}"))),
        changes: Some(NotedChanges::new(&changes)),
        ..about_none(organization, now, action, requester)
    }
}
