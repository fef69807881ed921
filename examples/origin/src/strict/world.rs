//! What strict mode remembers: its key, organizations with all that is theirs, the rows of tokens,
//! and people. In memory, as all of the sample.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

use super::cas::{Falsified, Mint};
use super::people::User;
use super::tokens::Tokens;
use crate::caller::Organization as About;
use crate::service::Shared;

/// An organization with its own projects, workflows and runs.
#[derive(Debug)]
pub(crate) struct Organization {
    pub(crate) about: About,
    pub(crate) suspended: bool,
    pub(crate) state: Shared,
    /// Whether it has the Prometheus integration.
    pub(crate) metrics: bool,
}

/// Everything.
pub(crate) struct World {
    /// Signs and verifies API tokens and user tokens.
    pub(crate) key: Vec<u8>,
    /// By id.
    pub(crate) organizations: BTreeMap<String, Organization>,
    pub(crate) tokens: Tokens,
    pub(crate) users: BTreeMap<Uuid, User>,
    /// Makes the credentials for artifacts.
    pub(crate) mint: Mint,
    /// The header without which nothing is let in, by name and value.
    pub(crate) door: Option<(String, String)>,
    /// Downloads that are wrong because a test wants it.
    pub(crate) falsified: Falsified,
}

impl World {
    /// The organization of that name.
    pub(crate) fn organization(&self, name: &str) -> Option<&Organization> {
        let mut all = self.organizations.values();
        all.find(|organization| organization.about.name == name)
    }
}

impl fmt::Debug for World {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}
