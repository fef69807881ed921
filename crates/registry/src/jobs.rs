//! Job tokens of CI systems (R47): a text becomes a job whose token was verified, with the keys of its
//! issuer. What such a job gets, the rules of an organization say.

mod find;

use super::config::Config;
use super::error::{Error, JobFault, Result};
use super::ports::{Clock, Isolate, JobKeys};
use postern_domain::secret::Secret;
use postern_domain::trust::Issuer;
use postern_gate::issuer_keys::{KeysNow, LONGEST_FETCH_MS, Ticket};
use postern_wire::job::{
    JobRefusal, JobToken, KeyFault, KeySet, MAX_DISCOVERY, MAX_KEY_SET, VerifiedJob, keys_url,
};

pub use find::{FoundRepository, find};

/// How often a call that waits for another one's fetch looks whether it has ended, in milliseconds.
const LOOK_EVERY_MS: u32 = 100;

/// Verifies a job token: its issuer is one of the deployment's, a key of that issuer has signed it, it
/// was made for this gateway, and its time is now. Nothing is written, and nobody is asked but the
/// issuer, at most once a minute.
///
/// # Errors
/// `JobToken` for whatever is wrong with it; `Unavailable` where its issuer's keys cannot be had.
pub async fn verify<P: Clock + Isolate + JobKeys>(
    token: &Secret,
    config: &Config,
    ports: &P,
) -> Result<VerifiedJob> {
    let ci = config.ci.as_ref().ok_or(JobFault::Off)?;
    let token = JobToken::parse(token).map_err(refused)?;
    let issuer = ci.issuers.of_url(token.claimed_issuer());
    let issuer = issuer.ok_or_else(|| refused(JobRefusal::UnknownIssuer))?;
    let (keys, failure) = keys(issuer, token.kid(), ports).await?;
    let question = match (token.ask(&keys), failure) {
        (Ok(question), _) => question,
        // The issuer may have it by now.
        (Err(unkeyed), Some(cause)) if unkeyed.fault == KeyFault::Unknown => {
            return Err(no_keys(issuer, &cause));
        }
        (Err(unkeyed), _) => return Err(refused(unkeyed.fault)),
    };
    let holds = ports.holds(&question).await;
    let signed = question.answer(holds);
    let signed = signed.ok_or_else(|| refused(JobRefusal::Signature))?;
    signed.verified(&ci.audiences, ports.now()).map_err(refused)
}

fn refused(why: impl Into<JobRefusal>) -> Error {
    JobFault::from(why.into()).into()
}

fn no_keys(issuer: &Issuer, cause: &str) -> Error {
    Error::unavailable(format!("the keys of {issuer}: {cause}"))
}

/// The keys of an issuer: those that this isolate has, or fetched now. Beside them why a fetch of this
/// call has failed, if one has.
async fn keys<P: Clock + Isolate + JobKeys>(
    issuer: &Issuer,
    kid: &str,
    ports: &P,
) -> Result<(std::rc::Rc<KeySet>, Option<String>)> {
    let (mut failure, mut waited) = (None, 0);
    loop {
        let now = ports.now();
        match ports.gate(|gate| gate.memory.issuer_keys.look(issuer, kid, now))? {
            KeysNow::Use(keys) => return Ok((keys, failure)),
            KeysNow::Fetch(ticket) if failure.is_none() => {
                failure = fetch(ticket, ports).await?;
                if let Some(cause) = &failure {
                    ports.keys_failed(&format!("the keys of {issuer}: {cause}"));
                }
            }
            KeysNow::Wait if waited < LONGEST_FETCH_MS => {
                ports.pause(LOOK_EVERY_MS).await;
                waited += i64::from(LOOK_EVERY_MS);
            }
            // A second fetch in one call is left to the next one: the ticket is given back.
            KeysNow::Fetch(_) | KeysNow::Wait | KeysNow::Unavailable => {
                let cause = failure.as_deref();
                return Err(no_keys(issuer, cause.unwrap_or("fetched in vain before")));
            }
        }
    }
}

/// Fetches the keys that a ticket is for, and has them kept; gives why that failed, if it did.
async fn fetch<P: Isolate + JobKeys>(ticket: Ticket, ports: &P) -> Result<Option<String>> {
    match fetched(ticket.issuer(), ports).await {
        Ok(keys) => {
            ports.gate(|gate| gate.memory.issuer_keys.fetched(ticket, keys))?;
            Ok(None)
        }
        Err(cause) => {
            ticket.failed();
            Ok(Some(cause))
        }
    }
}

async fn fetched<P: JobKeys>(issuer: &Issuer, ports: &P) -> core::result::Result<KeySet, String> {
    let url = issuer.discovery_url();
    let document = ports.fetch_public(&url, MAX_DISCOVERY).await;
    let document = document.map_err(|cause| format!("{url}: {cause}"))?;
    let url = keys_url(issuer, &document).map_err(|fault| format!("{url}: {fault}"))?;
    let set = ports.fetch_public(&url, MAX_KEY_SET).await;
    let set = set.map_err(|cause| format!("{url}: {cause}"))?;
    let keys = KeySet::parse(issuer, &set).map_err(|fault| format!("{url}: {fault}"))?;
    match keys.keys() {
        [] => Err(format!("{url}: the key set has no key that can be used")),
        _ => Ok(keys),
    }
}

#[cfg(test)]
mod tests;
