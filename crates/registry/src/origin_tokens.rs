//! The registry's part in a call that makes or ends one of the origin's own tokens (R43): what a new
//! one counts against is taken before the origin is asked, it is registered before its caller has it,
//! and one that is ended is ended here first.

use super::adopt;
use super::config::Config;
use super::error::{Error, Result};
use super::mint::{self, Client};
use super::mint_limits::take;
use super::organization::{OrganizationRecord, expiry_refused, resolve, resolve_id};
use super::ports::{Clock, Directory, Entropy, Facts, Ledgers, MintBuckets, Records};
use super::refusal;
use super::registry::new_id;
use super::tokens::{reach, revoke};
use postern_domain::audit::{Action, Requester};
use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Grant, Permit, Target, Wish, conditioned, decide};
use postern_domain::id::{Id, Project, Reservation, ReservationId, TokenId};
use postern_domain::operation::Operation;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_gate::own_tokens::Reserved;
use postern_ledger::{
    LONGEST_RESERVATION_MS, NoteCommand, ReserveAnswer, ReserveCommand, UnreserveCommand,
};
use postern_wire::own_token::NewTokenRequest;

/// For how long room is held after the origin must have answered, in milliseconds.
const SLACK_MS: u32 = 60_000;

/// A refusal, and why it could not be written down where it belongs into the audit log.
#[derive(Debug)]
pub struct Refused {
    /// The refusal.
    pub error: Error,
    /// What failed beside it, for the log.
    pub unnoted: Option<String>,
}

/// What comes before the origin is asked for a token: everything that can be known to be wrong is
/// refused, and then the buckets of address and creator and the organization's limit are taken from.
///
/// # Errors
/// `Denied`, `Invalid`, also where CI jobs alone get tokens, `MintRate`, `MinterRate`, `MintCeiling`,
/// `Unavailable`. Nothing is taken after an error.
pub async fn reserve<P>(
    caller: &Caller,
    request: &[u8],
    from: &Client,
    config: &Config,
    ports: &P,
) -> core::result::Result<Reserved, Refused>
where
    P: Clock + Directory + Entropy + Ledgers + MintBuckets + Records,
{
    match try_reserve(caller, request, from, config, ports).await {
        Ok(reserved) => Ok(reserved),
        Err(error) => Err(refused(error, caller, &from.requester, ports).await),
    }
}

async fn try_reserve<P>(
    caller: &Caller,
    request: &[u8],
    from: &Client,
    config: &Config,
    ports: &P,
) -> Result<Reserved>
where
    P: Clock + Entropy + Ledgers + MintBuckets + Records,
{
    reach(caller, Operation::TokenAdopt)?;
    let asked = NewTokenRequest::read(request)
        .map_err(|why| Error::invalid("message_unreadable", why.to_string()))?;
    let expires_at = asked
        .lives_seconds
        .map(|seconds| expiry(seconds, ports.now()))
        .transpose()?;
    let project = project(&asked)?;
    let organization = resolve(caller, None, ports).await?;
    let scope = mint::scope(&organization, (project.as_deref(), None), ports).await;
    let scope = scope.map_err(|error| match error {
        Error::NotFound { what: "project" } => Error::Unregistered {
            detail:
                "the project of the new token is not registered here: create it first, with the \
                     id that it has at the origin"
                    .to_owned(),
        },
        error => error,
    })?;
    let conditions = conditioned(caller, None);
    let wish = Wish {
        conditions: conditions.as_deref(),
        scope: &scope,
        policies: None,
        expires_at,
        is_system: false,
    };
    let permit = decide(caller, Operation::TokenAdopt, Target::NewToken(wish))?;
    organization.hands_out_tokens()?;
    let fits = organization.policy.check_end(expires_at, ports.now());
    fits.map_err(expiry_refused)?;
    let taken = take(&from.bucket, caller, config, ports).await?;
    match room(&permit, &organization, config, ports).await {
        Ok(room) => Ok(Reserved {
            takes: taken.buckets(),
            room,
        }),
        Err(error) => {
            taken.give_back(ports).await;
            Err(error)
        }
    }
}

fn expiry(seconds: i64, now: Timestamp) -> Result<Timestamp> {
    match seconds {
        1.. => Ok(now
            .plus_millis(seconds.saturating_mul(1000))
            .floor_to_second()),
        _ => Err(Error::invalid(
            "expires_in_invalid",
            "`expires_in` must be at least a second: the token would already have expired",
        )),
    }
}

/// The project that a request names, by its name or id.
fn project(asked: &NewTokenRequest<'_>) -> Result<Option<String>> {
    match (asked.project_id, asked.project_name) {
        ("", "") => Ok(None),
        ("", name) => Ok(Some(name.to_owned())),
        (id, "") => match Id::<Project>::parse_any(id) {
            Ok(id) => Ok(Some(id.to_string())),
            Err(_) => Err(Error::invalid(
                "project_reference_invalid",
                "the id of the project is not a UUID",
            )),
        },
        _ => Err(Error::invalid(
            "project_reference_invalid",
            "name the project of the new token by its id or by its name, not by both",
        )),
    }
}

/// Room under the organization's limit; none is held where it has no limit.
async fn room<P: Entropy + Ledgers>(
    permit: &Permit,
    organization: &OrganizationRecord,
    config: &Config,
    ports: &P,
) -> Result<Option<ReservationId>> {
    let ceiling = organization.ceiling(config);
    if ceiling == 0 {
        return Ok(None);
    }
    let id = new_id::<Reservation, _>(None, ports)?;
    let lasts_ms = config.origin_timeout_ms.saturating_add(SLACK_MS);
    let command = ReserveCommand {
        id,
        ceiling,
        lasts_ms: lasts_ms.min(LONGEST_RESERVATION_MS),
    };
    match ports
        .send(&permit.over(&organization.named())?, &command)
        .await?
    {
        ReserveAnswer::Reserved => Ok(Some(id)),
        ReserveAnswer::CeilingReached { ceiling } => Err(Error::MintCeiling { ceiling }),
    }
}

/// Gives back what was taken for a token that was not made. If that fails, the room is free a little
/// later, and the address can create its next token a little later.
pub async fn give_back<P: Ledgers + MintBuckets>(caller: &Caller, reserved: &Reserved, ports: &P) {
    for (bucket, rate) in &reserved.takes {
        let _ = ports.give_back(bucket, *rate).await;
    }
    free(caller, reserved, ports).await;
}

async fn free<P: Ledgers>(caller: &Caller, reserved: &Reserved, ports: &P) {
    let grant = || {
        let facts = caller.token()?;
        let permit = postern_domain::decide::take_back(caller).ok()?;
        permit.over(&facts.organization).ok()
    };
    if let (Some(id), Some(grant)) = (reserved.room, grant()) {
        let _ = ports.send(&grant, &UnreserveCommand { id }).await;
    }
}

/// Registers what the origin has made, with its audit row. What was taken for it stays taken, also
/// where it is refused: it exists at the origin.
///
/// # Errors
/// `Denied`, `Invalid` with the code of the adoption, `MintCeiling`, `Credential` where the caller is
/// no longer active, `Unavailable`. No token is active here after an error.
pub async fn register<P>(
    caller: &Caller,
    jwt: &Secret,
    reserved: &Reserved,
    (requester, config): (&Requester, &Config),
    ports: &P,
) -> core::result::Result<(), Refused>
where
    P: Clock + Directory + Facts + Ledgers + MintBuckets + Records,
{
    let how = (reserved.room, requester.clone());
    match adopt::adopt_new(caller, jwt, how, config, ports).await {
        Ok(()) => Ok(()),
        Err(error) => {
            free(caller, reserved, ports).await;
            Err(refused(error, caller, requester, ports).await)
        }
    }
}

/// Ends a token of the origin that is registered here. It answers when that is final.
///
/// # Errors
/// `Denied`, also for what the gateway does not know as a token of the origin; `Unavailable`.
pub async fn end<P: Clock + Directory + Ledgers>(
    caller: &Caller,
    token: TokenId,
    requester: Requester,
    ports: &P,
) -> Result<()> {
    const UNKNOWN: Error = Error::Denied(Denial::UnknownOriginToken);
    reach(caller, Operation::TokenRevoke)?;
    let organization = resolve_id(caller, None, ports).await?;
    let facts = ports.describe(&organization, token).await?;
    // What was created here the origin has never known.
    if !facts.is_some_and(|facts| facts.adopted()) {
        return Err(UNKNOWN);
    }
    let how = (requester, false);
    match revoke(caller, None, &token.to_string(), how, ports).await {
        Ok(_) => Ok(()),
        Err(Error::NotFound { .. }) => Err(UNKNOWN),
        Err(error) => Err(error),
    }
}

/// Writes down that the origin has not ended a token.
///
/// # Errors
/// `Unavailable`.
pub async fn note_not_revoked<P: Ledgers>(
    grant: &Grant,
    token: TokenId,
    requester: Requester,
    ports: &P,
) -> Result<()> {
    let command = NoteCommand {
        organization: grant.organization().id,
        action: Action::TokenOriginRevokeFailed,
        target: Some(format!("token:{token}")),
        requester,
    };
    ports.send(grant, &command).await
}

/// A refusal on its way into a call, written down first.
async fn refused<P: Directory + Ledgers>(
    error: Error,
    caller: &Caller,
    requester: &Requester,
    ports: &P,
) -> Refused {
    let noted = refusal::note(&error, caller, None, None, requester.clone(), ports).await;
    Refused {
        error: of_call(error),
        unnoted: noted.err().map(|failed| failed.private()),
    }
}

/// What a management call answers with 404 or 409 is, in a call, a wrong request: the statuses of
/// calls have no better word.
fn of_call(error: Error) -> Error {
    match error {
        Error::NotFound { .. } | Error::Unregistered { .. } | Error::Conflict { .. } => {
            Error::invalid(error.code(), error.public())
        }
        error => error,
    }
}

#[cfg(test)]
mod tests;
