//! Strict mode: the sample origin behaves as a stock control plane (release 1.106.1), which believes
//! only tokens that it made itself. For whole-system tests of upstream credentials. README.md has the
//! list of what is emulated, and after which file of the control plane.

mod authentication;
pub mod cas;
mod debug;
mod denied;
mod door;
mod guard;
mod jwt;
mod not_found;
mod people;
mod policies;
mod routes;
mod sealed;
mod serve;
mod service;
mod subject;
mod tokens;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::caller::Organization as About;
use crate::service::Shared;
use crate::state::{NewWorkflow, check_name};
use tokens::NewRow;
use world::{Organization, World};

pub use people::Role;
pub use serve::serve_strict;

/// Shortest signing key taken.
pub const MIN_KEY: usize = 16;

/// How long a seeded user token holds: as a long-lived login.
const LOGIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A control plane: its key, its organizations, its tokens. Cloning shares it.
#[derive(Clone)]
pub struct Strict(Arc<Mutex<World>>);

/// A token to make past the API, which knows no workflow tokens.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// A DNS-1123 label; unique among the tokens that hold.
    pub name: String,
    /// Project that it is for; made if it is not there yet. None: the whole organization.
    pub project: Option<String>,
    /// Workflow of the project; made if it is not there yet.
    pub workflow: Option<String>,
    /// When it expires; none: never.
    pub expires_in: Option<Duration>,
}

/// A token that was made.
#[derive(Clone)]
pub struct Issued {
    /// The id of its row, or of its user.
    pub id: Uuid,
    /// The bearer text.
    pub jwt: String,
}

impl fmt::Debug for Issued {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why nothing was made, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotMade(String);

impl fmt::Display for NotMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotMade {}

impl fmt::Debug for Strict {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Strict(…)")
    }
}

impl Strict {
    /// An empty control plane with this signing key, or with one made here.
    ///
    /// # Errors
    ///
    /// When the key is shorter than [`MIN_KEY`], or no random bytes can be had.
    pub fn new(key: Option<&[u8]>) -> Result<Self, NotMade> {
        let key = match key {
            Some(key) if key.len() < MIN_KEY => {
                return Err(NotMade(format!("give a key of at least {MIN_KEY} bytes")));
            }
            Some(key) => key.to_vec(),
            None => random::<32>()?.to_vec(),
        };
        Ok(Self(Arc::new(Mutex::new(World {
            key,
            organizations: BTreeMap::new(),
            tokens: tokens::Tokens::default(),
            users: BTreeMap::new(),
            mint: cas::Mint::new()?,
            door: None,
            falsified: cas::Falsified::default(),
        }))))
    }

    /// Makes plain downloads of an artifact wrong from now on, or right again. `hex` is the SHA-256 that
    /// it is kept under.
    pub fn falsify(&self, hex: &str, wrong: Option<cas::Wrong>) {
        self.lock().falsified.set(hex, wrong);
    }

    /// An organization of this name, made if it is not there yet.
    ///
    /// # Errors
    ///
    /// When the name is no DNS-1123 label.
    pub fn organization(&self, name: &str) -> Result<String, NotMade> {
        check_name("name", name).map_err(|refusal| NotMade(refusal.to_string()))?;
        let mut world = self.lock();
        if let Some(found) = world.organization(name) {
            return Ok(found.about.id.clone());
        }
        let id = Uuid::new_v4();
        let organization = Organization {
            about: About {
                id: id.to_string(),
                name: name.to_owned(),
            },
            suspended: false,
            state: Shared::within(id),
            metrics: false,
        };
        world.organizations.insert(id.to_string(), organization);
        Ok(id.to_string())
    }

    /// A token of this organization, of whatever scope.
    ///
    /// # Errors
    ///
    /// When there is no such organization, a name is no DNS-1123 label, a workflow stands without a
    /// project, or the name is taken.
    pub fn api_token(&self, organization: &str, new: &NewToken) -> Result<Issued, NotMade> {
        check_name("name", &new.name).map_err(|refusal| NotMade(refusal.to_string()))?;
        let now = SystemTime::now();
        let mut world = self.lock();
        let (about, state) = world
            .organization(organization)
            .map(|found| (found.about.clone(), found.state.clone()))
            .ok_or_else(|| unknown(organization))?;
        let (project, workflow) = match (&new.project, &new.workflow) {
            (None, None) => (None, None),
            (None, Some(_)) => {
                let message = "validation error: workflow scope requires a project scope";
                return Err(NotMade(message.to_owned()));
            }
            (Some(project), None) => {
                let id = state.lock().make_project(project);
                let id = id.map_err(|refusal| NotMade(refusal.to_string()))?;
                (Some((id, project.clone())), None)
            }
            (Some(project), Some(workflow)) => {
                let wanted = NewWorkflow {
                    project,
                    name: workflow,
                    ..NewWorkflow::default()
                };
                let found = state.lock().find_or_create(&wanted, now);
                let found = found.map_err(|refusal| NotMade(refusal.to_string()))?;
                (
                    Some((found.project_id, project.clone())),
                    Some((found.id, workflow.clone())),
                )
            }
        };
        let row = NewRow {
            id: Uuid::new_v4(),
            name: new.name.clone(),
            description: String::new(),
            organization: about,
            project,
            workflow,
            expires_in: new.expires_in,
        };
        let World { tokens, key, .. } = &mut *world;
        let made = tokens.create(row, key, now);
        let (row, jwt) = made.map_err(|denied| NotMade(denied.row().failure.message))?;
        Ok(Issued { id: row.id, jwt })
    }

    /// A user with this role in the organization, and a token that holds for a week.
    ///
    /// # Errors
    ///
    /// When there is no such organization.
    pub fn user(&self, organization: &str, email: &str, role: Role) -> Result<Issued, NotMade> {
        let mut world = self.lock();
        let id = world
            .organization(organization)
            .map(|found| found.about.id.clone())
            .ok_or_else(|| unknown(organization))?;
        let known = world.users.values().find(|user| user.email == email);
        let user = known.map_or_else(Uuid::new_v4, |user| user.id);
        let person = world.users.entry(user).or_insert_with(|| people::User {
            id: user,
            email: email.to_owned(),
            memberships: Vec::new(),
        });
        person.memberships.retain(|(other, _)| *other != id);
        person.memberships.push((id, role));
        let jwt = people::token(user, LOGIN, &world.key, SystemTime::now());
        Ok(Issued { id: user, jwt })
    }

    /// Revokes a token, as somebody who may does.
    ///
    /// # Errors
    ///
    /// When none that holds has this id.
    pub fn revoke(&self, token: Uuid) -> Result<(), NotMade> {
        let revoked = self.lock().tokens.revoke(token, SystemTime::now());
        revoked.map_err(|denied| NotMade(denied.row().failure.message))
    }

    /// Suspends an organization, or lets it go on.
    ///
    /// # Errors
    ///
    /// When there is none of this name.
    pub fn suspend(&self, organization: &str, suspended: bool) -> Result<(), NotMade> {
        self.change(organization, |found| found.suspended = suspended)
    }

    /// Gives an organization the Prometheus integration.
    ///
    /// # Errors
    ///
    /// When there is none of this name.
    pub fn with_metrics(&self, organization: &str) -> Result<(), NotMade> {
        self.change(organization, |found| found.metrics = true)
    }

    /// Signs and believes with another key from now on: every token so far is one of a retired key.
    ///
    /// # Errors
    ///
    /// When no random bytes can be had.
    pub fn retire_key(&self) -> Result<(), NotMade> {
        let key = random::<32>()?;
        self.lock().key = key.to_vec();
        Ok(())
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Organization)) -> Result<(), NotMade> {
        let mut world = self.lock();
        let mut all = world.organizations.values_mut();
        let found = all.find(|found| found.about.name == name);
        change(found.ok_or_else(|| unknown(name))?);
        Ok(())
    }

    /// What there is, for as long as the guard lives: never across an await.
    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(organization: &str) -> NotMade {
    NotMade(format!(
        "no organization is named `{organization}`: make it first"
    ))
}

fn random<const N: usize>() -> Result<[u8; N], NotMade> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| NotMade(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_least_length() {
        assert!(Strict::new(Some(&[0; MIN_KEY])).is_ok());
        let refused = Strict::new(Some(&[0; MIN_KEY - 1])).unwrap_err();
        assert_eq!(refused.to_string(), "give a key of at least 16 bytes");
    }

    #[test]
    fn nobody_sees_keys_and_tokens() {
        let strict = Strict::new(Some(b"a key that is secret")).unwrap();
        strict.organization("acme").unwrap();
        let user = strict.user("acme", "a@example.com", Role::Owner).unwrap();
        let shown = format!("{strict:?} {:?} {user:?}", strict.lock());
        assert!(
            !shown.contains("secret") && !shown.contains(&user.jwt),
            "{shown}"
        );
    }
}
