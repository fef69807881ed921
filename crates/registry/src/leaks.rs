//! Reports of tokens found in public. The answer tells the reporter nothing: a thief would ask the
//! same question.

use futures_util::future::join_all;
use serde::Deserialize;

use super::authenticate::{Presented, possession, present};
use super::config::Config;
use super::error::{Error, Result};
use super::ports::{Clock, Facts, Isolate, Ledgers, MintBuckets, Records};
use super::registry::read_body;
use postern_domain::audit::Requester;
use postern_domain::bucket::Rate;
use postern_domain::id::OrganizationId;
use postern_domain::leak::OnLeak;
use postern_ledger::{LeakAnswer, LeakCommand};

/// Most texts of one report.
pub const MAX_TEXTS: usize = 1_000;
/// Most of them that have the form of a JWT: each costs an HMAC for every key of the ring, of which
/// there are up to eight, over up to 8 KiB.
pub const MAX_JWTS: usize = 64;
/// Longest text; a longer one is no token of ours.
const MAX_TEXT: usize = 8 * 1024;
/// Texts that are looked at together.
const AT_A_TIME: usize = 50;
/// Reports an hour from one address.
const REPORTS_PER_HOUR: u32 = 60;

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
    let tokens = request.tokens.into_iter().map(zeroize::Zeroizing::new);
    let tokens: Vec<_> = tokens.collect();
    let jwts = tokens.iter().filter(|text| is_jwt(text)).count();
    if jwts > MAX_JWTS {
        return Err(Error::invalid(
            "tokens_invalid",
            format!("`tokens` can hold at most {MAX_JWTS} JWTs: send them in several reports"),
        ));
    }
    let now = ports.now();
    let presented = tokens
        .iter()
        .filter(|text| text.len() <= MAX_TEXT)
        .filter_map(|text| {
            let header = zeroize::Zeroizing::new(format!("Bearer {}", text.trim_ascii()));
            present(Some(&header), config, now).ok()
        })
        .filter(|presented| !matches!(presented, Presented::Administrator(_)))
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

/// Revokes or quarantines what the texts of a report are, in whatever state it is, and tells how
/// many that changed. Goes on after a failure; the causes come back for the log.
pub async fn act<P>(
    report: &Report,
    requester: &Requester,
    config: &Config,
    ports: &P,
) -> (u32, Vec<String>)
where
    P: Clock + Facts + Isolate + Ledgers + Records,
{
    let mut acted = 0;
    let mut causes = Vec::new();
    // Many at a time: what runs after an answer has seconds, not minutes.
    for some in report.presented.chunks(AT_A_TIME) {
        let looks = some.iter().map(|one| look(one, requester, config, ports));
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

/// Looks at one text, and tells whether there was something to revoke or quarantine.
async fn look<P>(
    presented: &Presented,
    requester: &Requester,
    config: &Config,
    ports: &P,
) -> Result<bool>
where
    P: Clock + Facts + Isolate + Ledgers + Records,
{
    let Some(facts) = possession(presented, config, ports).await? else {
        return Ok(false);
    };
    let organization = &facts.organization;
    let command = LeakCommand {
        token: facts.id,
        on_leak: wanted(organization.id, ports).await,
        requester: requester.clone(),
    };
    let answer = ports.report_leak(organization, &command).await?;
    Ok(answer != LeakAnswer::Unchanged)
}

/// Whether a text has the form of a JWT: three parts.
fn is_jwt(text: &str) -> bool {
    text.len() <= MAX_TEXT && text.split('.').count() == 3
}

/// What the organization wants; the safer of the two while the record cannot tell.
async fn wanted<P: Records>(organization: OrganizationId, ports: &P) -> OnLeak {
    ports.on_leak(organization).await.unwrap_or(OnLeak::Revoke)
}

#[cfg(test)]
mod tests;
