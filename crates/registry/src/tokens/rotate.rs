//! Rotation (R9): a successor with the same scope, policies and flags, and an end for the old
//! token. The successor may live longer only if the caller could create a token that lives as long.

use serde::Deserialize;

use super::{UNKNOWN, hide, reach, token_id};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::mint::{Client, Minted, expiry, new_token_id, revoked_meanwhile, secret, take_back};
use crate::mint_limits::take;
use crate::organization::{expiry_refused, federated_only, resolve};
use crate::ports::{Clock, Directory, Entropy, Facts, Ledgers, MintBuckets, Records};
use crate::registry::read_optional_body;
use postern_domain::caller::Caller;
use postern_domain::conditions::Conditions;
use postern_domain::decide::{Target, Wish, conditioned, decide};
use postern_domain::limit::lower;
use postern_domain::operation::Operation;
use postern_domain::organization::OrganizationPolicy;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::{MintCommand, RotateAnswer, RotateCommand};
use postern_wire::duration::{self, SpanError};

const DAY_MS: i64 = 86_400_000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    overlap: Option<String>,
    expires_at: Option<String>,
    expires_in: Option<String>,
}

/// `POST /org/tokens/{id}/rotate`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound`, `Conflict` for a token that is not active, adopted or a CI job's,
/// and where CI jobs alone get tokens, `MintRate`, `MinterRate`, `MintCeiling` for a second overlap,
/// `Unavailable`. After an error the old token is as it was, unless the Ledger stopped answering once it
/// had rotated: then it has ended, or ends when it was to, and so does the successor, which nobody has.
pub async fn rotate<P>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    body: &[u8],
    from: Client,
    config: &Config,
    ports: &P,
) -> Result<Minted>
where
    P: Clock + Directory + Entropy + Facts + Ledgers + MintBuckets + Records,
{
    reach(caller, Operation::TokenRotate)?;
    let id = token_id(id)?;
    let request: Request = read_optional_body(body)?;
    let now = ports.now();
    let wished = expiry(
        request.expires_at.as_deref(),
        request.expires_in.as_deref(),
        now,
    )?;
    let overlap = overlap(request.overlap.as_deref(), config)?;
    let row = resolve(caller, organization, ports).await?;
    let organization = row.named();
    // Without overlap a successor takes the old token's place, and nothing is added to count. Whether CI jobs
    // alone get tokens, the Ledger knows.
    let ceiling = match overlap {
        0 => 0,
        _ => row.ceiling(config),
    };
    let old = ports.describe(&organization, id).await?.ok_or(UNKNOWN)?;
    let permit = decide(caller, Operation::TokenRotate, Target::Token(&old)).map_err(hide)?;
    if old.adopted() {
        return Err(Error::Conflict {
            code: "adopted_token",
            detail:
                "the origin created this token and would not know a successor from here: create \
                     one there, adopt it, then revoke this one"
                    .into(),
        });
    }
    if old.ci_job.is_some() {
        return Err(ci_token());
    }
    if old.expired(now) {
        return Err(not_live());
    }
    let conditions = successor_conditions(caller, &old);
    let place = (&row.policy, now);
    let expires_at = successor_end(caller, &old, conditions.as_deref(), wished, place)?;
    let retire_at = retirement(&old, overlap, now)?;

    let mut facts = TokenFacts {
        id: new_token_id(ports)?,
        expires_at,
        conditions,
        revision: 0,
        ..old.clone()
    };
    let token = secret(old.verifier.format(), &mut facts, config, ports)?;
    let mint = MintCommand {
        description: None,
        created_at: now,
        created_by: caller.provenance(),
        minted_by: caller.token().map(|minter| minter.id),
        ceiling,
        reservation: None,
        requester: from.requester,
        facts,
    };
    let command = RotateCommand {
        old: id,
        mint,
        retire_at,
        old_revision: old.revision,
    };
    let grant = permit.over(&organization)?;
    let taken = take(&from.bucket, caller, config, ports).await?;
    let answer = match ports.send(&grant, &command).await {
        // Of a pause: nothing was written.
        Err(refusal @ Error::Denied(_)) => {
            taken.give_back(ports).await;
            return Err(refusal);
        }
        Err(lost @ Error::Unavailable { .. }) => {
            take_back(&grant, &command.mint, ports).await;
            return Err(lost);
        }
        answer => answer?,
    };
    let refusal = match answer {
        RotateAnswer::Rotated { description } => {
            ports.publish(&command.mint.facts);
            let mint = MintCommand {
                description,
                ..command.mint
            };
            return Ok(Minted::new(mint, &token).replacing(id, retire_at));
        }
        RotateAnswer::FederatedOnly => federated_only(),
        RotateAnswer::ExpiryRefused(why) => expiry_refused(why),
        RotateAnswer::CiToken => ci_token(),
        RotateAnswer::NotLive => not_live(),
        RotateAnswer::NameTaken => Error::Conflict {
            code: "name_taken",
            detail: "another active token has taken the name of this one".into(),
        },
        RotateAnswer::CeilingReached { ceiling } => Error::MintCeiling { ceiling },
        RotateAnswer::RevokedMeanwhile => return Err(revoked_meanwhile()),
        RotateAnswer::RecordUnavailable { cause } => return Err(Error::Unavailable { cause }),
    };
    taken.give_back(ports).await;
    Err(refusal)
}

fn ci_token() -> Error {
    Error::Conflict {
        code: "ci_token",
        detail: "a trust rule gave this token to a CI job, and it ends with the job: the job gets \
                 another one for its next job token"
            .into(),
    }
}

fn not_live() -> Error {
    Error::Conflict {
        code: "token_not_live",
        detail: "the token is revoked, expired, quarantined or being rotated out: create a new one"
            .into(),
    }
}

/// The successor's end: the old one, unless the request names another. A rotation hands out a
/// token, so it is a mint too: the caller must hold what the successor will hold, and must be able
/// to make a life that long (R9, R18). What is not asked for is cut to the caller's own.
fn successor_end(
    caller: &Caller,
    old: &TokenFacts,
    conditions: Option<&Conditions>,
    wished: Option<Timestamp>,
    (policy, now): (&OrganizationPolicy, Timestamp),
) -> Result<Option<Timestamp>> {
    let kept = lower(old.expires_at, caller.expires_at());
    // So is what the organization does not allow (R53).
    let kept = match policy.check_end(kept, now) {
        Ok(()) => kept,
        Err(_) => lower(kept, policy.default_end(now)),
    };
    let wish = Wish {
        scope: &old.scope,
        policies: Some(&old.policies),
        expires_at: wished.or(kept),
        is_system: old.is_system,
        conditions,
    };
    decide(caller, Operation::TokenCreate, Target::NewToken(wish))?;
    let fits = policy.check_end(wish.expires_at, now);
    fits.map_err(expiry_refused)?;
    Ok(wish.expires_at)
}

/// The successor's conditions: the old token's, and what those leave open as the caller's own. Fewer calls where
/// the caller may make fewer; ranges beyond the caller's are refused (R53).
fn successor_conditions(caller: &Caller, old: &TokenFacts) -> Option<Box<Conditions>> {
    let given = conditioned(caller, old.conditions.as_deref());
    let own = caller.token().and_then(|own| own.conditions.as_deref());
    match (given, own.and_then(Conditions::calls_per_minute)) {
        (Some(given), Some(most)) => Some(Box::new(given.at_most(most))),
        (given, _) => given,
    }
}

/// How long both work, in milliseconds; not at all unless asked, and no longer than the
/// configuration allows.
fn overlap(text: Option<&str>, config: &Config) -> Result<i64> {
    let Some(text) = text.filter(|text| *text != "0") else {
        return Ok(0);
    };
    let overlap = match duration::parse_seconds(text) {
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(SpanError::TooLong) => i64::MAX,
        Err(SpanError::Malformed) => {
            return Err(Error::invalid(
                "overlap_invalid",
                "`overlap` must be a span such as `10m`, `1d` or `PT1H`",
            ));
        }
    };
    if overlap > config.max_overlap_ms {
        return Err(Error::invalid(
            "overlap_too_long",
            match config.max_overlap_ms / DAY_MS {
                0 => "`overlap` is not allowed here: leave it out".to_owned(),
                1 => "`overlap` can be at most one day here".to_owned(),
                days => format!("`overlap` can be at most {days} days here"),
            },
        ));
    }
    Ok(overlap)
}

fn retirement(old: &TokenFacts, overlap_ms: i64, now: Timestamp) -> Result<Timestamp> {
    let end = now.plus_millis(overlap_ms);
    match old.expires_at {
        Some(expiry) if end > expiry => Err(Error::invalid(
            "overlap_too_long",
            "`overlap` must end before the old token expires",
        )),
        _ => Ok(end),
    }
}
