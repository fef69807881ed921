//! Reports of tokens found in public. Refuses to tell the reporter anything: whether a text is a
//! token, ours, or live is what a thief would ask.

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::authenticate::{Admitted, Presented, admit, present};
use super::config::Config;
use super::error::{Error, Result};
use super::ledger::{LeakCommand, Purpose};
use super::ports::{Clock, Facts, Ledgers, Memory, MintBuckets, Records, Revocations};
use super::registry::read_body;
use crate::domain::audit::Origin;
use crate::domain::bucket::Rate;
use crate::domain::caller::Caller;
use crate::domain::id::OrganizationId;
use crate::domain::token::TokenFacts;

/// Most texts of one report.
pub const MAX_TEXTS: usize = 1_000;
/// Longest text; a longer one is no token of ours.
const MAX_TEXT: usize = 8 * 1024;
/// Texts that are looked at together.
const AT_A_TIME: usize = 50;
/// Reports an hour from one address.
const REPORTS_PER_HOUR: u32 = 60;

/// What an organization wants done with a token found in public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLeak {
    /// End it.
    Revoke,
    /// Hold it back until it is released or revoked.
    Quarantine,
}

impl OnLeak {
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Quarantine => "quarantine",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    tokens: Vec<String>,
}

/// The texts of a report that are worth a look, which happens after the answer.
#[derive(Debug)]
pub struct Report {
    presented: Vec<Presented>,
}

/// `POST /leaks`, up to the answer: reads the report and takes from the address's bucket. What
/// fails the offline check is dropped here, without touching a store.
///
/// # Errors
/// `Invalid`, `ReportRate`, `Unavailable`.
pub async fn receive<P>(body: &[u8], bucket: &str, config: &Config, ports: &P) -> Result<Report>
where
    P: Clock + MintBuckets,
{
    let request: Request = read_body(body)?;
    if request.tokens.is_empty() || request.tokens.len() > MAX_TEXTS {
        return Err(Error::invalid(
            "tokens_invalid",
            format!("`tokens` must hold 1 to {MAX_TEXTS} texts"),
        ));
    }
    let now = ports.now();
    let presented = request
        .tokens
        .into_iter()
        .map(zeroize::Zeroizing::new)
        .filter(|text| text.len() <= MAX_TEXT)
        .filter_map(|text| {
            let header = zeroize::Zeroizing::new(format!("Bearer {}", text.trim()));
            present(Some(&header), config, now).ok()
        })
        .filter(|presented| !matches!(presented, Presented::Administrator))
        .collect::<Vec<_>>();
    // Strangers create nothing: garbage does not even make a bucket.
    if presented.is_empty() {
        return Ok(Report { presented });
    }
    let Some(rate) = Rate::per_hour(REPORTS_PER_HOUR) else {
        return Err(Error::unavailable("the rate of reports is impossible"));
    };
    ports
        .take(&format!("leaks/{bucket}"), rate)
        .await?
        .map_err(|empty| Error::ReportRate {
            limit: REPORTS_PER_HOUR,
            retry_after_seconds: empty.retry_after_seconds,
        })?;
    Ok(Report { presented })
}

impl Report {
    /// Whether anything is left to look at.
    pub fn is_empty(&self) -> bool {
        self.presented.is_empty()
    }
}

/// Ends or holds back what is live among the texts of a report, and tells how many. Goes on after
/// a failure; the causes come back for the log.
pub async fn act<P>(
    report: &Report,
    origin: &Origin,
    config: &Config,
    ports: &P,
) -> (u32, Vec<String>)
where
    P: Clock + Facts + Ledgers + Memory + Records + Revocations,
{
    let mut acted = 0;
    let mut causes = Vec::new();
    // Many at a time: what runs after an answer has seconds, not minutes.
    for some in report.presented.chunks(AT_A_TIME) {
        let looks = some.iter().map(|one| look(one, origin, config, ports));
        for outcome in join_all(looks).await {
            match outcome {
                Ok(true) => acted += 1,
                Ok(false) => {}
                Err(error) => causes.push(error.private()),
            }
        }
    }
    (acted, causes)
}

/// Looks at one text, and tells whether there was something to end.
async fn look<P>(presented: &Presented, origin: &Origin, config: &Config, ports: &P) -> Result<bool>
where
    P: Clock + Facts + Ledgers + Memory + Records + Revocations,
{
    match admit(presented, None, Purpose::Look, config, ports).await {
        Ok(Admitted {
            caller: Caller::Token(facts),
            ..
        }) => hold(&facts, origin, ports).await.map(|()| true),
        // Not live: there is nothing left to end.
        Ok(_) | Err(Error::Credential(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn hold<P: Ledgers + Records>(facts: &TokenFacts, origin: &Origin, ports: &P) -> Result<()> {
    let organization = &facts.organization;
    let command = LeakCommand {
        token: facts.id,
        on_leak: wanted(organization.id, ports).await,
        origin: origin.clone(),
    };
    ports.report_leak(organization, &command).await
}

/// What the organization wants; the safer of the two while the record cannot tell.
async fn wanted<P: Records>(organization: OrganizationId, ports: &P) -> OnLeak {
    ports.on_leak(organization).await.unwrap_or(OnLeak::Revoke)
}

#[cfg(test)]
mod tests;
