//! A D1 that does with record changes what the statements of the shell do: each can be applied
//! again without harm. It can be down, and a batch that was given up can arrive late.

use std::collections::BTreeMap;

use postern_domain::audit::Action;
use postern_domain::audit::verify::Row;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::organization::Pause;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

use crate::{Entry, RecordChange};

/// A token's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub organization: OrganizationId,
    pub name: String,
    pub calls: Option<u32>,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub quarantined_at: Option<Timestamp>,
    pub uses: i64,
}

/// How many calls a minute a token may make.
fn calls_of(facts: &TokenFacts) -> Option<u32> {
    facts.conditions.as_ref()?.calls_per_minute()
}

#[derive(Debug, Default)]
pub struct D1 {
    pub down: bool,
    pub tokens: BTreeMap<u128, TokenRow>,
    pub audit: BTreeMap<u64, Row>,
    /// Events about tokens: number, token, action.
    events: Vec<(i64, TokenId, Action)>,
    /// Limits, with the number of the event that set them.
    pub limits: (i64, Option<u32>),
    /// The pause, with the number of the event that began or ended it.
    pub pause: (i64, Option<Pause>),
    pub checkpoints: BTreeMap<i64, String>,
    /// Batches that were given up and have not arrived yet.
    pub late: Vec<Vec<Entry>>,
}

impl D1 {
    /// Whose row there is of a token.
    pub fn row_of(&self, token: TokenId) -> Option<OrganizationId> {
        self.tokens
            .get(&token.as_u128())
            .map(|row| row.organization)
    }

    /// Applies a batch: all of it, as D1 does.
    pub fn apply(&mut self, entries: &[Entry]) {
        for change in entries.iter().flat_map(|entry| &entry.changes) {
            self.follow(change);
        }
    }

    fn follow(&mut self, change: &RecordChange) {
        match change {
            RecordChange::InsertToken(row) => {
                let facts = &row.facts;
                let abandoned = [Action::TokenMintAbandoned];
                if self.has_later(facts.id, &abandoned, row.sequence) {
                    return;
                }
                self.tokens
                    .entry(facts.id.as_u128())
                    .or_insert_with(|| TokenRow {
                        organization: facts.organization.id,
                        name: facts.name.as_str().to_owned(),
                        calls: calls_of(facts),
                        created_at: row.created_at,
                        revoked_at: None,
                        quarantined_at: None,
                        uses: 0,
                    });
            }
            RecordChange::ForgetToken {
                organization,
                token,
                created_at,
                sequence,
            } => {
                if self.has_later(*token, &[Action::TokenAdopt], *sequence) {
                    return;
                }
                let row = self.tokens.get(&token.as_u128());
                if row.is_some_and(|row| {
                    row.organization == *organization && row.created_at == *created_at
                }) {
                    self.tokens.remove(&token.as_u128());
                }
            }
            RecordChange::EditToken {
                facts, sequence, ..
            } => {
                if self.has_later(facts.id, &[Action::TokenEdit], *sequence) {
                    return;
                }
                if let Some(row) = self.row(facts.organization.id, facts.id) {
                    row.name = facts.name.as_str().to_owned();
                    row.calls = calls_of(facts);
                }
            }
            RecordChange::RevokeToken {
                organization,
                token,
                at,
                ..
            } => {
                if let Some(row) = self.row(*organization, *token)
                    && row.revoked_at.is_none_or(|end| end > *at)
                {
                    row.revoked_at = Some(*at);
                }
            }
            RecordChange::Quarantine {
                organization,
                token,
                at,
                sequence,
            } => {
                // An adoption after it is of a token that comes again.
                let actions = [
                    Action::TokenQuarantine,
                    Action::TokenRelease,
                    Action::TokenAdopt,
                ];
                if self.has_later(*token, &actions, *sequence) {
                    return;
                }
                if let Some(row) = self.row(*organization, *token) {
                    row.quarantined_at = *at;
                }
            }
            RecordChange::RecordUse {
                organization,
                token,
                uses,
                ..
            } => {
                if let Some(row) = self.row(*organization, *token) {
                    row.uses = row.uses.max(*uses);
                }
            }
            RecordChange::QuarantineTokens { .. } => panic!("no Ledger is rebuilt here"),
            RecordChange::InsertRun => panic!("runs have no rows"),
            RecordChange::AppendAudit(row) => {
                let there = self.audit.entry(row.event.sequence);
                let there = there.or_insert_with(|| row.row());
                assert_eq!(*there, row.row(), "D1 has another row of this number");
                if let Some(token) = row.event.token_id {
                    let sequence = i64::try_from(row.event.sequence).expect("a number");
                    self.events.push((sequence, token, row.event.action));
                }
            }
            RecordChange::SetLimits {
                sequence,
                mint_ceiling,
                ..
            } => {
                if self.limits.0 < *sequence {
                    self.limits = (*sequence, *mint_ceiling);
                }
            }
            RecordChange::SetPause {
                sequence, pause, ..
            } => {
                if self.pause.0 < *sequence {
                    self.pause = (*sequence, pause.clone());
                }
            }
            RecordChange::KeepCheckpoint {
                sequence, signed, ..
            } => {
                let kept = self.checkpoints.entry(*sequence);
                kept.or_insert_with(|| serde_json::to_string(signed).expect("serializes"));
            }
        }
    }

    /// Whether there is a later event about a token.
    fn has_later(&self, token: TokenId, actions: &[Action], sequence: i64) -> bool {
        let later = |(number, about, action): &(i64, TokenId, Action)| {
            *number > sequence && *about == token && actions.contains(action)
        };
        self.events.iter().any(later)
    }

    fn row(&mut self, organization: OrganizationId, token: TokenId) -> Option<&mut TokenRow> {
        let row = self.tokens.get_mut(&token.as_u128());
        row.filter(|row| row.organization == organization)
    }
}
