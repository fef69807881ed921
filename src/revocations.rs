//! Bounded mode in an isolate: its copies of revocation logs, and the calls that keep them young
//! and report uses. No request waits for either: what a copy cannot answer, the Ledger is asked.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use worker::{Delay, Env};

use super::log;
use super::objects::ledger_client;
use super::platform::{Platform, now};
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::revocation::{Copy, Delta, LONGEST_WAIT_MS};
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_ledger::{SyncCommand, Uses};
use postern_registry::error::Result;

/// Most organizations that an isolate has copies for; a full map is emptied.
const CAPACITY: usize = 1_024;

#[derive(Default)]
struct Held {
    copy: Copy,
    uses: Uses,
    /// When the next call to the Ledger is due. One that is long overdue was lost with its request.
    sync_due: Option<Timestamp>,
}

thread_local! {
    static HELD: RefCell<HashMap<OrganizationId, Held>> = RefCell::default();
}

/// Runs a function on what is held for an organization. Nothing is awaited in it.
fn with<T>(organization: OrganizationId, run: impl FnOnce(&mut Held) -> T) -> T {
    HELD.with_borrow_mut(|held| {
        if held.len() >= CAPACITY && !held.contains_key(&organization) {
            held.clear();
        }
        run(held.entry(organization).or_default())
    })
}

/// See [`Revocations`](postern_registry::ports::Revocations).
pub fn lived(
    platform: &Platform,
    organization: OrganizationId,
    token: TokenId,
    bound_ms: i64,
) -> bool {
    let now = now();
    let (lives, wait) = with(organization, |held| {
        let lives = held.copy.lives(token, now, bound_ms);
        if lives {
            held.uses.note(token, 1, now);
        }
        (lives, claim(held, now, bound_ms))
    });
    if let Some(wait) = wait {
        keep_young(platform, organization, wait);
    }
    lives
}

/// See [`Revocations`](postern_registry::ports::Revocations).
pub fn heard(
    platform: &Platform,
    organization: OrganizationId,
    token: TokenId,
    version: i64,
    asked: Timestamp,
    bound_ms: i64,
) {
    let wait = with(organization, |held| {
        held.copy.join(token, version, asked);
        claim(held, now(), bound_ms)
    });
    if let Some(wait) = wait {
        keep_young(platform, organization, wait);
    }
}

/// How long to wait before syncing again, in milliseconds, or `None` if another request has already
/// taken that on.
fn claim(held: &mut Held, now: Timestamp, bound_ms: i64) -> Option<i64> {
    let lost = |due: Timestamp| now.as_millis() > due.as_millis() + LONGEST_WAIT_MS;
    if held.sync_due.is_some_and(|due| !lost(due)) {
        return None;
    }
    let wait = held.copy.wait_ms(now, bound_ms);
    held.sync_due = Some(now.plus_millis(wait));
    Some(wait)
}

/// Asks for what has changed, once, after `wait_ms`. With traffic, the next request asks for the
/// next time; without, nobody does.
fn keep_young(platform: &Platform, organization: OrganizationId, wait_ms: i64) {
    let env = platform.env.clone();
    let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or_default());
    platform.after_answer(async move {
        if !wait.is_zero() {
            Delay::from(wait).await;
        }
        if let Err(error) = sync(&env, organization).await {
            log::failure("revocations.sync", &error.private());
        }
    });
}

/// One call: uses there, changes back.
async fn sync(env: &Env, organization: OrganizationId) -> Result<()> {
    let asked = now();
    let (since, taken) = with(organization, |held| {
        // From here on, whoever comes makes the next call: what it notes is not in this one.
        held.sync_due = None;
        (held.copy.version(), held.uses.take())
    });
    let uses = taken.iter().map(|(token, (uses, at))| (*token, *uses, *at));
    let command = SyncCommand {
        since,
        uses: uses.collect(),
    };
    let answer: Result<Delta> =
        ledger_client::command(env, organization, Actor::NotAToken, &command).await;
    with(organization, |held| match answer {
        Ok(delta) => {
            held.copy.advance(since, &delta, asked);
            Ok(())
        }
        Err(error) => {
            // They are reported with the next call. One that was taken although it did not answer
            // counts twice: a use too many is better than a token that looks idle.
            for (token, (uses, at)) in taken {
                held.uses.note(token, uses, at);
            }
            Err(error)
        }
    })
}
