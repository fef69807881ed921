//! What is done about a token that stands at the origin and not here, or the reverse (R43): it is ended
//! there, as well as that goes; and what is left is written down, and told to the caller.

use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Permit, take_back};
use postern_domain::id::TokenId;
use postern_domain::time::Timestamp;
use postern_wire::forwarding::Sent;
use postern_wire::grpc_web;
use postern_wire::own_token;

use super::{revoked, settle};
use crate::Gate;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::{Error, Result};
use crate::onward::{Going, Outbound, Outgoing};
use crate::own_tokens::{Attempt, Attempted, Settlement};
use crate::rpc::At;

/// Ends at the origin what it has made and could not be registered, as well as that goes, and refuses
/// the call. The caller gets nothing of the answer.
pub(super) fn undo(
    (call, gate, now): At<'_>,
    caller: Caller,
    id: Option<TokenId>,
    why: Error,
) -> Result<Next> {
    let own = caller.token().map(|facts| facts.id);
    // An answer that names the caller's own token is about no new one.
    let Some(id) = id.filter(|id| Some(*id) != own) else {
        let detail = "the answer does not name it: look for it at the origin";
        return Err(not_registered(&why, detail));
    };
    let outbound = match revoke_at_origin((call, gate, now), &caller, id) {
        Ok(outbound) => outbound,
        Err(failed) => return left_behind(caller, id, (why, failed)),
    };
    let patience = outbound.patience();
    let answered = move |call: &mut Call, gate: &mut Gate, now, attempted: Attempted| match revoked(
        (call, gate, now),
        attempted,
        patience,
    ) {
        Ok(_) => Err(not_registered(&why, "it was revoked there")),
        Err(failed) => left_behind(caller, id, (why, failed)),
    };
    Ok(Next::Attempt(Pending::new(Attempt(outbound), answered)))
}

/// The gateway's own call that ends a token at the origin, in the caller's name.
fn revoke_at_origin(at: At<'_>, caller: &Caller, id: TokenId) -> Result<Outbound> {
    let (call, gate, now) = at;
    let frame = grpc_web::frame(&own_token::revoke(&id.to_string()));
    let going = Going {
        permit: take_back(caller)?,
        caller: Some(caller),
        sent: Sent::Asked,
        body: Outgoing::Made(frame.map_err(Error::unavailable)?),
        raw: None,
        answer_is_read: true,
    };
    Outbound::new(call, gate, now, going)
}

/// The settlement that writes down that the origin has not ended a token.
fn unrevoked(caller: &Caller, token: TokenId) -> Result<Settlement> {
    let permit: Permit = take_back(caller)?;
    let facts = caller.token().ok_or(Denial::Operation)?;
    let grant = permit.over(&facts.organization)?;
    Ok(Settlement::NotRevoked { token, grant })
}

fn left_behind(caller: Caller, id: TokenId, (why, failed): (Error, Error)) -> Result<Next> {
    let detail = format!("it could not be revoked there: revoke `{id}` at the origin");
    let refused = not_registered(&why, &detail);
    let refused = match refused {
        Error::OriginToken {
            code,
            detail,
            cause,
        } => Error::OriginToken {
            code,
            detail,
            cause: format!("{cause}; revoking {id} at the origin: {}", failed.private()),
        },
        other => other,
    };
    let unrevoked = unrevoked(&caller, id)?;
    Ok(settle(caller, unrevoked, noted(refused)))
}

pub(super) fn not_revoked(caller: Caller, id: TokenId, why: Error) -> Result<Next> {
    let refused = Error::OriginToken {
        code: "origin_revoke_failed",
        detail: "the token has ended here, and the origin did not revoke it: revoke it there, or \
                 repeat the call"
            .to_owned(),
        cause: format!("revoking {id} at the origin: {}", why.private()),
    };
    let unrevoked = unrevoked(&caller, id)?;
    Ok(settle(caller, unrevoked, noted(refused)))
}

/// Refuses once something was written down. Where that has failed, the log tells it.
fn noted(
    refused: Error,
) -> impl FnOnce(&mut Call, &mut Gate, Timestamp, Result<()>) -> Result<Next> {
    move |_, _, _, written| match (refused, written) {
        (
            Error::OriginToken {
                code,
                detail,
                cause,
            },
            Err(failed),
        ) => Err(Error::OriginToken {
            code,
            detail,
            cause: format!("{cause}; not in the audit log: {}", failed.private()),
        }),
        (refused, _) => Err(refused),
    }
}

pub(super) fn not_registered(why: &Error, what: &str) -> Error {
    let public = match why {
        Error::Origin { .. } => "its answer is none that can be used".to_owned(),
        why => why.public(),
    };
    Error::OriginToken {
        code: "origin_token_not_registered",
        detail: format!(
            "the origin made a token that could not be registered here, so it is not handed out \
             ({public}): {what}"
        ),
        cause: format!("{}: {}", why.code(), why.private()),
    }
}
