//! What this isolate has learned, in memory. Nothing that can change is kept: facts of tokens and
//! runs, the ids of organizations and of tokens' workflows, capped, and lost without harm.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

use postern_domain::decide::RunFacts;
use postern_domain::id::{OrganizationId, RunId, TokenId, WorkflowId};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

/// Most entries of one kind; an entry takes about 1 KiB, an isolate has 128 MiB.
const CAPACITY: usize = 8_192;

type Slot<K, V> = RefCell<HashMap<K, Rc<V>>>;

thread_local! {
    static FACTS: Slot<TokenId, TokenFacts> = RefCell::new(HashMap::new());
    static ORGANIZATIONS: Slot<String, OrganizationId> = RefCell::new(HashMap::new());
    static PINS: Slot<TokenId, WorkflowId> = RefCell::new(HashMap::new());
    static PINS_SEEN: RefCell<HashMap<TokenId, Timestamp>> = RefCell::new(HashMap::new());
    static RUNS: Slot<(OrganizationId, RunId), RunFacts> = RefCell::new(HashMap::new());
}

pub fn facts(token: TokenId) -> Option<Rc<TokenFacts>> {
    FACTS.with(|slot| slot.borrow().get(&token).cloned())
}

pub fn remember_facts(facts: &Rc<TokenFacts>) {
    FACTS.with(|slot| remember(slot, facts.id, facts));
}

pub fn run(organization: OrganizationId, run: RunId) -> Option<Rc<RunFacts>> {
    RUNS.with(|slot| slot.borrow().get(&(organization, run)).cloned())
}

pub fn remember_run(organization: OrganizationId, run: RunId, facts: &Rc<RunFacts>) {
    RUNS.with(|slot| remember(slot, (organization, run), facts));
}

pub fn pin(token: TokenId) -> Option<WorkflowId> {
    PINS.with(|slot| slot.borrow().get(&token).map(|id| **id))
}

pub fn remember_pin(token: TokenId, workflow: WorkflowId) {
    PINS.with(|slot| remember(slot, token, &Rc::new(workflow)));
}

/// When the origin last said that a token's workflow is still the one: true of that moment,
/// forever.
pub fn pin_seen(token: TokenId) -> Option<Timestamp> {
    PINS_SEEN.with_borrow(|seen| seen.get(&token).copied())
}

pub fn remember_pin_seen(token: TokenId, at: Timestamp) {
    PINS_SEEN.with_borrow_mut(|seen| {
        if seen.len() >= CAPACITY {
            seen.clear();
        }
        seen.insert(token, at);
    });
}

/// The id that the Ledger of that id has confirmed for the name.
pub fn organization(name: &str) -> Option<OrganizationId> {
    ORGANIZATIONS.with(|slot| slot.borrow().get(name).map(|id| **id))
}

pub fn remember_organization(name: &str, id: OrganizationId) {
    ORGANIZATIONS.with(|slot| remember(slot, name.to_owned(), &Rc::new(id)));
}

/// Inserts; a full map is emptied first, which costs one round of questions and no bookkeeping
/// on the way that is used most.
fn remember<K: Eq + Hash, V>(slot: &Slot<K, V>, key: K, value: &Rc<V>) {
    let mut map = slot.borrow_mut();
    if map.len() >= CAPACITY && !map.contains_key(&key) {
        map.clear();
    }
    map.entry(key).or_insert_with(|| Rc::clone(value));
}
