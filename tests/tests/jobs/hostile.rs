//! Hostile job tokens, row by row: each is refused with its own reason in the log and one answer for all, exchanged and
//! as a bearer, and nothing comes of it.

use std::collections::BTreeSet;

use postern_system_tests::cases;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use serde_json::{Value, json};

use crate::support::{Jobs, exchanging};
use crate::{claims, forged, organizations, unmet};

pub fn cases() -> Vec<Case<Jobs>> {
    cases![r47_no_hostile_token_opens_anything]
}

/// Fewer would be a loop that has lost its rows.
const LEAST: usize = 120;

/// A token that must open nothing.
pub struct Hostile {
    pub what: &'static str,
    /// Which of our issuers signs it.
    pub issuer: &'static str,
    /// What is asked of that.
    pub asked: Value,
    /// What is done to the token then.
    pub damage: Option<fn(&str) -> String>,
    /// What the log says, at its beginning.
    pub cause: &'static str,
}

impl Hostile {
    /// One of `github`.
    pub fn new(what: &'static str, asked: Value, cause: &'static str) -> Self {
        Self {
            what,
            issuer: "github",
            asked,
            damage: None,
            cause,
        }
    }

    /// One of another issuer.
    #[must_use]
    pub fn of(self, issuer: &'static str) -> Self {
        Self { issuer, ..self }
    }

    /// One that is damaged when it is there.
    #[must_use]
    pub fn damaged(self, damage: fn(&str) -> String) -> Self {
        Self {
            damage: Some(damage),
            ..self
        }
    }
}

/// Counts what was tried, and keeps what everybody sees of it.
#[derive(Default)]
pub struct Tried {
    pub count: usize,
    pub seen: BTreeSet<String>,
}

impl Tried {
    /// Asserts that a token opens nothing, exchanged and shown.
    pub async fn refused(&mut self, jobs: &Jobs, what: &str, token: &str, cause: &str) {
        let call = exchanging(jobs.gateway(), 0, token);
        self.seen.insert(jobs.refused(what, call, cause).await);
        jobs.refused_bearer(what, token).await;
        self.count += 1;
    }
}

async fn r47_no_hostile_token_opens_anything(jobs: &Jobs) {
    let organization = jobs.organization().await;
    for rule in [jobs.of_gitlab(), jobs.of_plain("other")] {
        jobs.trust(&organization, &rule).await;
    }
    let mut tried = Tried::default();
    let rows = [
        forged::rows(jobs),
        claims::rows(&organization.name),
        claims::rows_of_others(),
    ];
    for row in rows.into_iter().flatten() {
        let token = jobs.job_of(row.issuer, &organization, &row.asked).await;
        let token = row.damage.map_or(token.clone(), |damage| damage(&token));
        tried.refused(jobs, row.what, &token, row.cause).await;
    }
    assert_eq!(jobs.issuer.count("evil", "discovery").await, 0);
    assert_eq!(jobs.issuer.count("evil", "jwks").await, 0);
    nothing_came_of_it(jobs, &organization).await;

    unmet::try_all(jobs, &mut tried).await;
    organizations::try_all(jobs, &mut tried).await;
    println!("{} hostile tokens, 0 accepted", tried.count);
    assert!(tried.count >= LEAST, "{} were tried", tried.count);
    assert_eq!(tried.seen.len(), 1, "one answer for all: {:#?}", tried.seen);
}

/// Asserts that an organization has no token, and that its good jobs get one.
pub async fn nothing_came_of_it(jobs: &Jobs, organization: &Organization) {
    assert_eq!(jobs.tokens(organization).await, Vec::<Value>::new());
    let token = jobs.job(organization, &json!({})).await;
    jobs.exchanged(&token).await;
}
