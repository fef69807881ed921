//! The exchange of a verified CI job for a token (R47): the rule is chosen, limits are looked at and the token
//! is made in one step, so that a job token counts once, and no rule counts that was removed.

use postern_domain::audit::{Action, Requester};
use postern_domain::name::TokenName;
use postern_domain::standing::{Actor, Created, State};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_domain::trust::{Grant, NoGrant, grant};

use super::{Acting, Ledger};
use crate::MintCommand;
use crate::done::{Carried, Delivery, Done, Outcome, Stop, Suspended, Wait, Waiting};
use crate::sql::{Result, Sql, SqlError};
use crate::trust::{ExchangeAnswer, ExchangeCommand, MAX_CI_TOKENS, MAX_RULE_TOKENS};

const HOUR_MS: i64 = 3_600_000;
/// How many changes may wait for D1, where it has not taken the last ones, when a token is made for a job.
const MAX_WAITING: u32 = 500;

/// A token whose row is on the way to D1, for whoever waits for it: the job's first call, or another one that
/// came meanwhile.
#[derive(Debug)]
pub struct PendingExchange {
    facts: Box<TokenFacts>,
    requester: Requester,
    entry: i64,
}

impl Carried for ExchangeCommand {
    type Suspended = PendingExchange;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        // An organization without a rule has nothing to give, and nothing is written for it.
        if !ledger.store.exists()? {
            return refused(ExchangeAnswer::NoRule);
        }
        let actor = acting.actor();
        ledger.prepare_write(acting, now)?;
        if let Some(standing) = ledger.store.standing(self.token)? {
            let stored = ledger.store.token(self.token)?;
            let stored = stored.ok_or_else(|| SqlError("a token without facts".to_owned()))?;
            // A job token is exchanged or shown, and it is the one that was shown first.
            if !self.verifier.is_job_token() || stored.facts.verifier != self.verifier {
                return refused(ExchangeAnswer::Used);
            }
            let facts = Box::new(stored.facts);
            return match (standing.state, ledger.awaited.get(&self.token)) {
                (State::Pending, Some(awaited)) => {
                    let entry = awaited.entry;
                    let requester = self.requester;
                    waits(actor, facts, requester, entry)
                }
                _ => Ok(Done::Answer(ledger.found(facts, now)?)),
            };
        }
        let rules = match ledger.store.policy()?.trusts(self.job.issuer.url()) {
            true => ledger
                .store
                .trust_rules_about(&self.job.issuer, &self.job.identity)?,
            false => return refused(ExchangeAnswer::IssuerNotTrusted),
        };
        let given = match grant(&rules, &self.job, self.ends_at, now) {
            Ok(given) => given,
            Err(NoGrant::NoRule) => return refused(ExchangeAnswer::NoRule),
            Err(NoGrant::Ended) => return refused(ExchangeAnswer::Ended),
        };
        // Who meets a rule may know; to everybody else this organization is as any other.
        if ledger.is_paused()? {
            return refused(ExchangeAnswer::Paused);
        }
        if let Some(refusal) = ledger.too_many(&given, now)? {
            return refused(refusal);
        }
        // A token that D1 does not take is taken back, and counts nowhere: what is written for it must not grow
        // while D1 is down.
        if ledger.record_fails && ledger.store.outbox_has(MAX_WAITING)? {
            let cause = format!("D1 has not taken the last {MAX_WAITING} changes");
            return refused(ExchangeAnswer::RecordUnavailable { cause });
        }
        ledger.store.forget_ended_ci_tokens(now)?;
        let mint = self.mint(given, now);
        let entry = ledger.insert_pending(&mint, Action::TokenMint, None, now)?;
        waits(actor, Box::new(mint.facts), mint.requester, entry)
    }
}

impl ExchangeCommand {
    /// The token that a rule gives.
    fn mint(self, given: Grant<'_>, now: Timestamp) -> MintCommand {
        let rule = given.rule;
        MintCommand {
            description: Some(given.facts.summary()),
            created_at: now,
            created_by: format!("trust-rule:{}", rule.id()),
            minted_by: None,
            ceiling: 0,
            reservation: None,
            requester: Requester {
                actor: format!("trust-rule:{}", rule.id()),
                ..self.requester
            },
            facts: TokenFacts {
                id: self.token,
                name: TokenName::generated(&self.token),
                organization: self.organization,
                scope: rule.gives().scope().clone(),
                verifier: self.verifier,
                policies: rule.gives().policies().to_vec(),
                is_system: false,
                expires_at: Some(given.ends_at),
                ci_job: Some(Box::new(given.facts)),
                conditions: rule.gives().token_conditions().cloned().map(Box::new),
                revision: 0,
            },
        }
    }
}

impl<S: Sql> Ledger<S> {
    /// Whether a rule, or all of them, have given as many tokens within the hour as they may.
    fn too_many(&self, given: &Grant<'_>, now: Timestamp) -> Result<Option<ExchangeAnswer>> {
        let since = now.plus_millis(-HOUR_MS);
        let rule = Some(given.rule.id());
        for (rule, limit) in [(rule, MAX_RULE_TOKENS), (None, MAX_CI_TOKENS)] {
            let (count, first) = self.store.given_since(rule, since)?;
            if count >= i64::from(limit) {
                let left = first
                    .map_or(0, |first| first.since(since))
                    .clamp(0, HOUR_MS);
                let retry_after_seconds = u32::try_from(left / 1000).unwrap_or_default() + 1;
                return Ok(Some(ExchangeAnswer::TooMany {
                    limit,
                    retry_after_seconds,
                }));
            }
        }
        Ok(None)
    }

    /// The answer about a token that exists.
    fn found(&mut self, facts: Box<TokenFacts>, now: Timestamp) -> Result<ExchangeAnswer> {
        Ok(match self.store.standing(facts.id)? {
            // Another call has begun anew what the one that was waited for has taken back.
            Some(standing) if standing.state == State::Pending => {
                ExchangeAnswer::RecordUnavailable {
                    cause: "the token is on its way to D1 once more".to_owned(),
                }
            }
            Some(standing) if standing.in_force(now).is_err() => ExchangeAnswer::Revoked,
            Some(_) if facts.expired(now) => ExchangeAnswer::Ended,
            Some(_) => ExchangeAnswer::Given(facts),
            None => ExchangeAnswer::RecordUnavailable {
                cause: "the call that made the token has taken it back".to_owned(),
            },
        })
    }
}

fn refused(why: ExchangeAnswer) -> Outcome<ExchangeCommand> {
    Ok(Done::Answer(why))
}

fn waits(
    actor: Actor,
    facts: Box<TokenFacts>,
    requester: Requester,
    entry: i64,
) -> Outcome<ExchangeCommand> {
    Ok(Done::AfterDelivery(Waiting {
        actor,
        wait: Wait::Entry(entry),
        suspended: PendingExchange {
            facts,
            requester,
            entry,
        },
    }))
}

impl Suspended<ExchangeCommand> for PendingExchange {
    fn resume<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        now: Timestamp,
        actor: Actor,
        delivery: Delivery,
    ) -> Outcome<ExchangeCommand> {
        let Self {
            facts,
            requester,
            entry,
        } = self;
        // Of several calls that wait for one token, the first that comes back ends the wait.
        if !ledger.end_wait(facts.id, entry) {
            return Ok(Done::Answer(ledger.found(facts, now)?));
        }
        if let Delivery::Failed { cause } = delivery {
            ledger.abandon(&(&*facts).into(), &requester, now)?;
            return Ok(Done::Answer(ExchangeAnswer::RecordUnavailable { cause }));
        }
        let acting: core::result::Result<Acting, Stop> =
            ledger.still_acting(actor, &facts, &requester, now);
        Ok(Done::Answer(match ledger.make_live(facts.id, acting?)? {
            Created::Active => ExchangeAnswer::Given(facts),
            Created::Revoked | Created::Quarantined => ExchangeAnswer::Revoked,
        }))
    }
}
