//! What an isolate has learned, as a value: facts of tokens, by their latest revision, and of runs, and the ids of
//! tokens' workflows, which never change, which tokens are active, while leases last, how many calls may be let
//! through, what Ledgers are yet to be told, and the keys of issuers of job tokens. Every part is capped, and lost without harm.

use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

use postern_domain::decide::RunFacts;
use postern_domain::id::{OrganizationId, RunId, TokenId, WorkflowId};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

use crate::activity::{Activity, Batch};
use crate::allowances::Allowances;
use crate::issuer_keys::IssuerKeys;
use crate::job_bearer::JobBearer;
use crate::leases::Leases;
use crate::reports::Reports;
use crate::upstream::UpstreamTrouble;
use crate::verified::VerifiedTokens;
use postern_wire::jwt::Verified;

/// Most entries of one kind; an entry takes about 1 KiB, an isolate has 128 MiB.
const CAPACITY: usize = 8_192;

/// The memory of an isolate.
#[derive(Debug)]
pub struct Memory {
    facts: HashMap<TokenId, Rc<TokenFacts>>,
    runs: HashMap<(OrganizationId, RunId), Rc<RunFacts>>,
    pins: HashMap<TokenId, WorkflowId>,
    pins_seen: HashMap<TokenId, Timestamp>,
    /// JWTs that were verified here.
    pub(crate) verified: VerifiedTokens<Verified>,
    /// Job tokens that were shown here, and that a Ledger knows.
    pub(crate) bearers: VerifiedTokens<JobBearer>,
    /// Which tokens are known to be active, and until when.
    pub leases: Leases,
    /// How many calls may be let through of tokens that have a limit.
    pub(crate) allowances: Allowances,
    /// Runs that Ledgers are to be told of, behind answers.
    pub reports: Reports,
    /// What calls have come to, which Ledgers are to be told behind answers.
    pub activity: Activity,
    /// Whether the origin has refused upstream credentials.
    pub upstream_trouble: UpstreamTrouble,
    /// The keys that job tokens are verified with.
    pub issuer_keys: IssuerKeys,
}

impl Memory {
    /// A memory of nothing, with what carries the isolate's name.
    pub fn new(leases: Leases, activity: Activity) -> Self {
        Self {
            facts: HashMap::new(),
            runs: HashMap::new(),
            pins: HashMap::new(),
            pins_seen: HashMap::new(),
            verified: VerifiedTokens::default(),
            bearers: VerifiedTokens::default(),
            leases,
            allowances: Allowances::default(),
            reports: Reports::default(),
            activity,
            upstream_trouble: UpstreamTrouble::default(),
            issuer_keys: IssuerKeys::default(),
        }
    }

    /// Whether something is due behind an answer.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.leases.is_due() || self.activity.is_due() || self.reports.is_due(now)
    }

    /// A Ledger of an earlier release did not understand a batch: it is told the uses, as it knows
    /// them, and what was refused is told nobody.
    pub fn tell_uses(&mut self, batch: &Batch, now: Timestamp) {
        self.activity.told(batch);
        let Some(organization) = batch.to else {
            return;
        };
        for told in &batch.command.tokens {
            let uses = i64::try_from(told.allowed).unwrap_or(i64::MAX);
            if let (1.., Some(at)) = (uses, told.used_at) {
                self.leases.used(organization, (told.token, uses, at), now);
            }
        }
    }

    /// The facts of a token that was once proved here.
    pub fn facts(&self, token: TokenId) -> Option<Rc<TokenFacts>> {
        self.facts.get(&token).cloned()
    }

    /// Remembers the facts of a token; the first ones of its latest revision stand.
    pub fn remember_facts(&mut self, facts: &Rc<TokenFacts>) {
        room(&mut self.facts, &facts.id);
        let known = self.facts.entry(facts.id);
        let known = known.or_insert_with(|| Rc::clone(facts));
        if known.revision < facts.revision {
            *known = Rc::clone(facts);
        }
    }

    /// Which workflow a run belongs to.
    pub fn run(&self, organization: OrganizationId, run: RunId) -> Option<Rc<RunFacts>> {
        self.runs.get(&(organization, run)).cloned()
    }

    /// Remembers which workflow a run belongs to, as the origin has told this isolate; the first word
    /// stands.
    pub fn remember_run(&mut self, organization: OrganizationId, run: RunId, facts: &Rc<RunFacts>) {
        let key = (organization, run);
        room(&mut self.runs, &key);
        self.runs.entry(key).or_insert_with(|| Rc::clone(facts));
    }

    /// Remembers what the Ledger says of a run, which stands above whatever this isolate has heard.
    pub fn believe_run(&mut self, organization: OrganizationId, run: RunId, facts: &Rc<RunFacts>) {
        let key = (organization, run);
        room(&mut self.runs, &key);
        self.runs.insert(key, Rc::clone(facts));
    }

    /// The origin's id of the workflow that a workflow-scoped token is for.
    pub fn pin(&self, token: TokenId) -> Option<WorkflowId> {
        self.pins.get(&token).copied()
    }

    /// Remembers that id, which only the Ledger tells; the first one stands.
    pub fn remember_pin(&mut self, token: TokenId, workflow: WorkflowId) {
        room(&mut self.pins, &token);
        self.pins.entry(token).or_insert(workflow);
    }

    /// When the origin was last asked, and said that the workflow of a token's name is still the
    /// one with that id.
    pub fn pin_seen(&self, token: TokenId) -> Option<Timestamp> {
        self.pins_seen.get(&token).copied()
    }

    /// Remembers that moment.
    pub fn remember_pin_seen(&mut self, token: TokenId, at: Timestamp) {
        room(&mut self.pins_seen, &token);
        self.pins_seen.insert(token, at);
    }
}

/// Makes room: a full map is emptied, which costs one round of questions and no bookkeeping on the
/// way that is used most.
fn room<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: &K) {
    if map.len() >= CAPACITY && !map.contains_key(key) {
        map.clear();
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::id::Id;

    use super::*;

    #[test]
    fn a_full_memory_starts_anew_and_what_it_has_stays() {
        let mut memory = Memory::new(Leases::new(1, 0), Activity::new(1));
        for n in 0..CAPACITY as u128 {
            memory.remember_pin(Id::from_u128(n), Id::from_u128(n));
        }
        memory.remember_pin(Id::from_u128(0), Id::from_u128(9));
        assert_eq!(memory.pin(Id::from_u128(0)), Some(Id::from_u128(0)));
        memory.remember_pin(Id::from_u128(CAPACITY as u128), Id::from_u128(1));
        assert_eq!(memory.pin(Id::from_u128(0)), None);
        assert_eq!(memory.pins.len(), 1);
    }
}
