//! A Ledger rebuilt from the record (the break-glass command of an administrator). The record is read
//! here, page by page; the Ledger compares, checks and decides. A call takes some of the steps, and
//! the next one goes on; until the last, the Ledger admits nobody.

mod view;

pub use view::RebuildView;

use serde::Deserialize;

use super::audit::Span;
use super::config::Config;
use super::error::{Error, Result};
use super::page::Cursor;
use super::ports::{AuditLog, Clock, Ledgers, RebuildRecords, Records};
use super::registry::read_optional_body;
use super::tokens::{TokenFilter, TokenKinds, TokenRecord};
use postern_domain::audit::Requester;
use postern_domain::audit::links;
use postern_domain::caller::Caller;
use postern_domain::decide::{Grant, Target, decide};
use postern_domain::id::OrganizationId;
use postern_domain::keys::MAX_KEYS;
use postern_domain::operation::Operation;
use postern_ledger::{
    Numbered, REBUILD_EVENTS, REBUILD_TOKENS, RebuildAnswer, RebuildCommand, RebuildPhase,
    RebuildProgress, RebuildRefusal, RebuildStep, RecordedToken, TokenPlace,
};

/// Pages that one call reads. Each is a question to the record and one to the Ledger, and the
/// platform limits how many a request may ask.
pub const PAGES: usize = 16;

/// Checkpoints among which a genuine one has to be, if there are any.
const CHECKPOINTS: u32 = 50;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rebuild {
    /// Absent = yes: nothing happens that was not asked for.
    dry_run: Option<bool>,
    active: Option<Active>,
}

/// What becomes of the tokens that the record calls active.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Active {
    /// They are quarantined: the Ledger that was lost may have revoked one, and the record may not
    /// have heard of it.
    #[default]
    Quarantine,
    /// The record is believed.
    Keep,
}

/// One call's view of a rebuild.
struct Course<'a, P> {
    organization: OrganizationId,
    keeps_active: bool,
    requester: Requester,
    grant: Grant,
    ports: &'a P,
}

/// `POST /orgs/{name}/rebuild`: what would be done, or some steps of it.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound`; `Conflict` where nothing is to be rebuilt, or the record's log is
/// not genuine; `Unavailable`.
pub async fn rebuild<P: AuditLog + Clock + Ledgers + RebuildRecords + Records>(
    caller: &Caller,
    (name, body, requester): (&str, &[u8], Requester),
    config: &Config,
    ports: &P,
) -> Result<RebuildView> {
    let permit = decide(caller, Operation::OrganizationRebuild, Target::Registry)?;
    let body: Rebuild = read_optional_body(body)?;
    let dry_run = body.dry_run.unwrap_or(true);
    let active = body.active.unwrap_or_default();
    let row = ports.organization(name).await?.ok_or(Error::NotFound {
        what: "organization",
    })?;
    let organization = row.named();
    ports.confirm(&organization).await?;
    let course = Course {
        organization: row.id,
        keeps_active: active == Active::Keep,
        requester,
        grant: permit.over(&organization)?,
        ports,
    };
    let last = course.last().await?;
    course.check_end(last.as_ref(), config).await?;
    let RebuildAnswer::Reach { sequence } = course.take(RebuildStep::Look).await? else {
        return Err(strange());
    };
    let at_head = course.event(sequence).await?;
    let mut begin = Begin {
        last: last.as_ref(),
        at_head: at_head.as_ref(),
        dry_run: true,
        unknown_keys: Vec::new(),
    };
    let mut begun = course.begin(&begin).await?;
    if begun.verified == 0 {
        // It reads the whole log, so not in each call.
        begin.unknown_keys = course.unknown_keys(config).await?;
    }
    begin.dry_run = dry_run;
    if !dry_run || !begin.unknown_keys.is_empty() {
        begun = course.begin(&begin).await?;
    }
    if dry_run {
        let counts = ports.token_counts(row.id, ports.now()).await?;
        return Ok(RebuildView::planned(&begun, counts, last.as_ref()));
    }
    course.go_on(begun).await
}

/// How a call begins.
struct Begin<'a> {
    last: Option<&'a Numbered>,
    at_head: Option<&'a Numbered>,
    dry_run: bool,
    unknown_keys: Vec<String>,
}

impl<P: AuditLog + Clock + Ledgers + RebuildRecords + Records> Course<'_, P> {
    async fn begin(&self, begin: &Begin<'_>) -> Result<RebuildProgress> {
        let step = RebuildStep::Begin {
            last: begin.last.cloned(),
            at_head: begin.at_head.cloned(),
            dry_run: begin.dry_run,
            unknown_keys: begin.unknown_keys.clone(),
        };
        match self.take(step).await? {
            RebuildAnswer::Progress(progress) => Ok(progress),
            RebuildAnswer::Refused(refusal) => Err(refused(&refusal)),
            _ => Err(strange()),
        }
    }

    /// The keys of the organization's events that the ring does not have. One more than a ring can
    /// have is enough to find one.
    async fn unknown_keys(&self, config: &Config) -> Result<Vec<String>> {
        let limit = u32::try_from(MAX_KEYS + 1).unwrap_or(u32::MAX);
        let mut keys = self.ports.event_keys(self.organization, limit).await?;
        keys.retain(|kid| config.root_keys.audit.find(kid).is_none());
        Ok(keys)
    }

    async fn take(&self, step: RebuildStep) -> Result<RebuildAnswer> {
        let command = RebuildCommand {
            organization: self.organization,
            keeps_active: self.keeps_active,
            step,
            requester: self.requester.clone(),
        };
        self.ports.send(&self.grant, &command).await
    }

    /// Takes as many steps as a call may.
    async fn go_on(&self, mut progress: RebuildProgress) -> Result<RebuildView> {
        for _ in 0..PAGES {
            let step = match progress.phase {
                RebuildPhase::Events => self.events(&progress).await?,
                RebuildPhase::Tokens(after) => self.tokens(after).await?,
                // Read anew: what came meanwhile is taken in by the next call.
                RebuildPhase::Ready => RebuildStep::Finish {
                    last: self.last().await?.map_or(0, |last| last.sequence),
                },
            };
            let finishes = matches!(step, RebuildStep::Finish { .. });
            match self.take(step).await? {
                RebuildAnswer::Finished(progress) => {
                    // It is done, whether or not D1 tells its last event once more.
                    let last = self.event(progress.verified).await.ok().flatten();
                    return Ok(RebuildView::finished(&progress, last.as_ref()));
                }
                RebuildAnswer::Refused(refusal) => return Err(refused(&refusal)),
                RebuildAnswer::Progress(next) => progress = next,
                // Somebody else has finished it.
                RebuildAnswer::None => break,
                RebuildAnswer::Reach { .. } => return Err(strange()),
            }
            if finishes {
                break;
            }
        }
        let last = self.event(progress.target).await?;
        Ok(RebuildView::running(&progress, last.as_ref()))
    }

    async fn events(&self, progress: &RebuildProgress) -> Result<RebuildStep> {
        let (after, up_to) = (progress.verified, progress.target);
        let rows = self
            .ports
            .rows(self.organization, after, up_to, REBUILD_EVENTS)
            .await?;
        let numbered = |(sequence, row)| Numbered { sequence, row };
        Ok(RebuildStep::Events {
            after,
            rows: rows.into_iter().map(numbered).collect(),
        })
    }

    async fn tokens(&self, after: Option<TokenPlace>) -> Result<RebuildStep> {
        let reach = TokenKinds {
            organization_tokens: true,
            project_tokens: true,
            system_tokens: true,
        };
        let filter = TokenFilter::all(reach, self.ports.now());
        let cursor = after.map(|place| Cursor {
            at: place.created_at,
            id: place.id.to_string(),
        });
        let limit = REBUILD_TOKENS + 1;
        let asked = self
            .ports
            .tokens(self.organization, &filter, cursor.as_ref(), limit);
        let mut rows = asked.await?.tokens;
        let is_last = rows.len() <= REBUILD_TOKENS as usize;
        rows.truncate(REBUILD_TOKENS as usize);
        Ok(RebuildStep::Tokens {
            after,
            tokens: rows.into_iter().map(recorded).collect(),
            is_last,
        })
    }

    async fn last(&self) -> Result<Option<Numbered>> {
        let last = self.ports.last_event(self.organization).await?;
        Ok(last.map(|(sequence, row)| Numbered { sequence, row }))
    }

    async fn event(&self, sequence: u64) -> Result<Option<Numbered>> {
        if sequence == 0 {
            return Ok(None);
        }
        let rows = self
            .ports
            .rows(self.organization, sequence - 1, sequence, 1)
            .await?;
        let row = rows.into_iter().next();
        Ok(row.map(|(sequence, row)| Numbered { sequence, row }))
    }

    /// Whether the newest genuine checkpoint that the record has knows of no later event than it has:
    /// its log may have been cut. Forged ones are passed over; where there are only such, somebody
    /// may have hidden the others behind them.
    async fn check_end(&self, last: Option<&Numbered>, config: &Config) -> Result<()> {
        let span = Span {
            limit: CHECKPOINTS,
            after: None,
        };
        let kept = self.ports.checkpoints(self.organization, &span).await?;
        let reach = last.map_or(0, |last| last.sequence);
        let mut forged = None;
        for (place, signed) in kept {
            let audit = &config.root_keys.audit;
            let fault = links::check_signed(place.sequence, &signed, self.organization, audit);
            if let Some(fault) = fault {
                forged = forged.or(Some(fault));
                continue;
            }
            if place.sequence <= reach {
                return Ok(());
            }
            return Err(refused(&RebuildRefusal::NotGenuine {
                sequence: place.sequence,
                problem: format!(
                    "D1's log ends with row {reach}, but a checkpoint in D1 has seen row {}",
                    place.sequence
                ),
            }));
        }
        match forged {
            None => Ok(()),
            Some(fault) => Err(refused(&RebuildRefusal::NotGenuine {
                sequence: fault.sequence,
                problem: format!("no checkpoint is genuine; the newest: {}", fault.problem),
            })),
        }
    }
}

fn recorded(row: TokenRecord) -> RecordedToken {
    RecordedToken {
        facts: row.facts,
        description: row.description,
        created_at: row.created_at,
        minted_by: row.minted_by,
        revoked_at: row.revoked_at,
        quarantined_at: row.quarantined_at,
        uses: i64::try_from(row.uses).unwrap_or(i64::MAX),
        used_at: row.last_used_at,
    }
}

fn strange() -> Error {
    Error::unavailable("Ledger: an answer to another step")
}

fn refused(refusal: &RebuildRefusal) -> Error {
    match refusal {
        RebuildRefusal::Agrees { sequence } => Error::Conflict {
            code: "ledger_not_lost",
            detail: format!(
                "the Ledger agrees with D1, up to event {sequence}: there is nothing to rebuild"
            ),
        },
        RebuildRefusal::Ahead { ledger, record } => Error::Conflict {
            code: "ledger_not_lost",
            detail: format!(
                "the Ledger has event {ledger} and D1 has event {record}: D1 gets what it lacks \
                 from the Ledger, and there is nothing to rebuild"
            ),
        },
        RebuildRefusal::NothingRecorded => Error::Conflict {
            code: "nothing_recorded",
            detail: "D1 has no event of this organization: there is nothing to rebuild from"
                .to_owned(),
        },
        RebuildRefusal::NotGenuine { sequence, problem } => Error::Conflict {
            code: "log_not_genuine",
            detail: format!(
                "D1's audit log does not fit at event {sequence}: {problem}; restore D1, or mend \
                 it, and call again"
            ),
        },
        RebuildRefusal::KeyMissing { kid } => Error::Conflict {
            code: "log_not_genuine",
            detail: format!(
                "D1's audit log has events under the key `{}`, which the ring does not have, so \
                 they cannot be checked: put the key back behind the first one of its ring, and \
                 call again",
                kid.escape_debug()
            ),
        },
        RebuildRefusal::OtherChoice { keeps_active } => {
            let word = match keeps_active {
                true => "keep",
                false => "quarantine",
            };
            Error::Conflict {
                code: "rebuild_running",
                detail: format!(
                    "a rebuild with `active` = `{word}` is under way: finish it with the same"
                ),
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
