//! What this isolate has learned beside what its gateway's machine has: the ids of organizations by
//! name. They never change, are capped, and are lost without harm.

use std::cell::RefCell;
use std::collections::HashMap;

use postern_domain::id::OrganizationId;

/// Most entries.
const CAPACITY: usize = 8_192;

thread_local! {
    static ORGANIZATIONS: RefCell<HashMap<String, OrganizationId>> = RefCell::default();
}

/// The id that the Ledger of that id has confirmed for the name.
pub fn organization(name: &str) -> Option<OrganizationId> {
    ORGANIZATIONS.with_borrow(|known| known.get(name).copied())
}

/// Remembers that id; the first one stands. A full map is emptied first.
pub fn remember_organization(name: &str, id: OrganizationId) {
    ORGANIZATIONS.with_borrow_mut(|known| {
        if known.len() >= CAPACITY && !known.contains_key(name) {
            known.clear();
        }
        known.entry(name.to_owned()).or_insert(id);
    });
}
