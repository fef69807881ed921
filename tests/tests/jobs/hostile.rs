//! Hostile job tokens, row by row: each is refused with its own reason in the log and one answer for all, exchanged and
//! as a bearer, and nothing comes of it.

use std::collections::BTreeSet;

use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use postern_system_tests::{cases, life};
use postern_wire::job::MAX_JOB_TOKEN;
use serde_json::{Value, json};

use crate::support::{Jobs, assert_refused_bearer, exchanging};
use crate::{claims, forged, malformed, organizations, unmet};

pub fn cases() -> Vec<Case<Jobs>> {
    cases![
        r47_no_hostile_token_opens_anything,
        r47_a_long_token_counts_and_a_huge_one_does_not,
    ]
}

/// Fewer would be a loop that has lost its rows.
const LEAST: usize = 200;

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
        malformed::rows(),
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

async fn r47_a_long_token_counts_and_a_huge_one_does_not(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let organization = jobs.organization().await;
    // As GitLab's name every group of the user.
    let padded = async |length: usize| {
        let asked = json!({ "claims": { "padding": "x".repeat(length) } });
        jobs.job(&organization, &asked).await
    };
    let long = [padded(10_000).await, padded(10_000).await];
    for token in &long {
        assert!((13_000..MAX_JOB_TOKEN).contains(&token.len()));
    }
    jobs.exchanged(&long[0]).await;
    life::call(gateway, 0, &long[1]).send().await.accepted();
    let huge = padded(MAX_JOB_TOKEN).await;
    assert!(huge.len() > MAX_JOB_TOKEN);
    jobs.suite.origin.reset().await;
    let answer = exchanging(gateway, 0, &huge).send().await;
    let refused = [400, 413].contains(&answer.status);
    assert!(refused, "{} {}", answer.status, answer.text());
    let answer = life::call(gateway, 0, &huge).send().await;
    // A server may refuse such a header by itself.
    if answer.status == 200 {
        assert_refused_bearer("huge", &answer);
    }
    assert!([200, 400, 413, 431].contains(&answer.status));
    jobs.suite.origin.assert_untouched("huge").await;
    assert_eq!(jobs.tokens(&organization).await.len(), 2);
}
