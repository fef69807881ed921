//! A call that makes or ends one of the origin's own tokens (R43). One that makes a token counts
//! against the limits first; its answer goes to the caller once the token is registered here. One that
//! ends a token ends it here first. What does not come to that is undone at the origin, or written
//! down.

use postern_domain::caller::Caller;
use postern_domain::id::TokenId;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_wire::own_token::{self, NewTokenAnswer, words};
use postern_wire::protobuf::ProtobufError;

mod undo;

use self::undo::{not_registered, not_revoked, undo};
use super::content::Content;
use super::sending::Sending;
use super::{At, RpcRequest};
use crate::Gate;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::{Error, Result};
use crate::origin_answer::AwaitedReply;
use crate::own_tokens::{Attempt, Attempted, Reserve, Reserved, Settle, Settlement};
use crate::patience::Patience;
use crate::reply::{Reply, RpcAnswer, foreign};
use crate::upstream;

/// The statuses by which the origin says that it has done nothing: a wrong request, no such thing, one
/// of this name already, not allowed, too much, not now, not known, nobody. After any other, a token
/// may have been made.
const NOTHING_DONE: [u32; 8] = [3, 5, 6, 7, 8, 9, 12, 16];

/// What is done here beside the call.
fn settle(
    caller: Caller,
    what: Settlement,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Result<()>) -> Result<Next> + 'static,
) -> Next {
    Next::Settle(Pending::new(Settle { caller, what }, then))
}

/// Gives back what was taken, and refuses.
fn give_back(caller: Caller, reserved: Reserved, error: Error) -> Next {
    settle(caller, Settlement::GiveBack(reserved), |_, _, _, _| {
        Err(error)
    })
}

/// What the origin has answered, as far as it can be read.
struct Heard {
    reply: Reply,
    answer: RpcAnswer,
}

/// Why there is no readable answer, and whether the origin has done nothing for sure.
struct Unheard {
    error: Error,
    nothing_done: bool,
}

fn hear(
    (call, gate, now): (&Call, &mut Gate, Timestamp),
    attempted: Attempted,
    patience: Patience,
) -> core::result::Result<Heard, Unheard> {
    let perhaps = |error| Unheard {
        error,
        nothing_done: false,
    };
    let nothing = |error| Unheard {
        error,
        nothing_done: true,
    };
    let (reply, content) = attempted.map_err(|outage| perhaps(patience.closed(outage)))?;
    upstream::accepted((call, gate, now), reply.status).map_err(nothing)?;
    let mut reply = reply.of_rpc().map_err(perhaps)?;
    let mut answer = reply.whole(&content).map_err(perhaps)?;
    reply.is_redacted = upstream::ended((call, gate, now), &mut answer.ending).map_err(nothing)?;
    Ok(Heard { reply, answer })
}

/// A message that was read to its end before anybody was asked.
fn message(content: &Content) -> Result<&[u8]> {
    let unread = || Error::unavailable("the message was not read to its end");
    content.message().ok_or_else(unread)
}

fn unreadable(error: ProtobufError) -> Error {
    Error::invalid("message_unreadable", error.to_string())
}

impl RpcRequest {
    /// Takes what a new token counts against, asks the origin for it, and has it registered.
    pub(super) fn create_token(
        self,
        _: At<'_>,
        (sending, caller): (Sending, Caller),
        content: Content,
    ) -> Result<Next> {
        let reserve = Reserve {
            caller: caller.clone(),
            request: message(&content)?.to_vec(),
        };
        let here = move |call: &mut Call, gate: &mut Gate, now, reserved: Reserved| {
            let told = (sending.permit, Some(&caller), true);
            let outbound = match self.outbound((call, gate, now), told, &content) {
                Ok(outbound) => outbound,
                Err(error) => return Ok(give_back(caller, reserved, error)),
            };
            let awaited = AwaitedReply {
                asked_at: now,
                patience: outbound.patience(),
            };
            let answered = move |call: &mut Call, gate: &mut Gate, now, attempted| {
                self.created((call, gate, now), attempted, (awaited, caller, reserved))
            };
            Ok(Next::Attempt(Pending::new(Attempt(outbound), answered)))
        };
        Ok(Next::Reserve(Pending::new(reserve, here)))
    }

    fn created(
        self,
        (call, gate, now): At<'_>,
        attempted: Attempted,
        (awaited, caller, reserved): (AwaitedReply, Caller, Reserved),
    ) -> Result<Next> {
        let waited = match &attempted {
            Ok((reply, _)) => awaited.note(call, now, reply),
            Err(_) => 0,
        };
        let Heard { reply, answer } = match hear((call, gate, now), attempted, awaited.patience) {
            Ok(heard) => heard,
            Err(Unheard {
                error,
                nothing_done: true,
            }) => return Ok(give_back(caller, reserved, error)),
            // A token may have been made, which nobody has: what was taken for it stays taken.
            Err(Unheard { error, .. }) => return Err(error),
        };
        let is_connect = self.is_connect();
        let status = answer.ending.status;
        if status != 0 && answer.message.is_some() {
            // It may hold a token, which nobody has looked at.
            return Err(foreign(format!("status {status}, and a message with it")));
        }
        if status != 0 {
            let refused = move |call: &mut Call, gate: &mut Gate, now, _| {
                awaited.finish((call, gate, now), (reply, Some(answer)), waited, is_connect)
            };
            return match NOTHING_DONE.contains(&status) {
                true => Ok(settle(caller, Settlement::GiveBack(reserved), refused)),
                false => refused(call, gate, now, Ok(())),
            };
        }
        let made = match made(call, &answer) {
            Ok(made) => made,
            Err((id, why)) => return undo((call, gate, now), caller, id, why),
        };
        let Made { id, jwt } = made;
        let register = Settlement::Register { jwt, reserved };
        let who = caller.clone();
        let registered = move |call: &mut Call, gate: &mut Gate, now, registered: Result<()>| {
            match registered {
                Ok(()) => {
                    awaited.finish((call, gate, now), (reply, Some(answer)), waited, is_connect)
                }
                // The origin has answered with one that it had made before: its holder keeps it.
                Err(why) if why.code() == "already_adopted" => {
                    Err(not_registered(&why, "it was registered before"))
                }
                Err(why) => undo((call, gate, now), caller, id, why),
            }
        };
        Ok(settle(who, register, registered))
    }

    /// Ends a token here, and then at the origin.
    pub(super) fn revoke_token(
        self,
        _: At<'_>,
        (sending, caller): (Sending, Caller),
        content: Content,
    ) -> Result<Next> {
        let id = own_token::to_revoke(message(&content)?).map_err(unreadable)?;
        let id = TokenId::parse_any(id)
            .map_err(|_| Error::invalid("token_id_invalid", "the id of the token is not a UUID"))?;
        let who = caller.clone();
        let ended = move |call: &mut Call, gate: &mut Gate, now, ended: Result<()>| {
            ended?;
            let told = (sending.permit, Some(&caller), true);
            let outbound = match self.outbound((call, gate, now), told, &content) {
                Ok(outbound) => outbound,
                Err(error) => return not_revoked(caller, id, error),
            };
            let awaited = AwaitedReply {
                asked_at: now,
                patience: outbound.patience(),
            };
            let answered = move |call: &mut Call, gate: &mut Gate, now, attempted: Attempted| {
                let waited = match &attempted {
                    Ok((reply, _)) => awaited.note(call, now, reply),
                    Err(_) => 0,
                };
                match revoked((call, gate, now), attempted, awaited.patience) {
                    Ok(Heard { reply, answer }) => {
                        let told = (reply, Some(answer));
                        awaited.finish((call, gate, now), told, waited, self.is_connect())
                    }
                    Err(why) => not_revoked(caller, id, why),
                }
            };
            Ok(Next::Attempt(Pending::new(Attempt(outbound), answered)))
        };
        Ok(settle(who, Settlement::Revoke(id), ended))
    }
}

/// A token that the origin has made.
struct Made {
    id: Option<TokenId>,
    jwt: Secret,
}

/// Reads the answer to a call that makes a token.
fn made(call: &Call, answer: &RpcAnswer) -> core::result::Result<Made, (Option<TokenId>, Error)> {
    let message = answer.message.as_deref();
    let message = message.ok_or_else(|| (None, foreign("the answer has no message")))?;
    let read = NewTokenAnswer::read(message);
    let read = read.map_err(|why| (None, foreign(format!("the answer cannot be read: {why}"))))?;
    let id = TokenId::parse_any(&read.id).ok();
    // What goes to the origin in the caller's place is nothing that the caller may have.
    upstream::repeated(call, message).map_err(|why| (id, why))?;
    let jwt = read.jwt.ok_or_else(|| {
        let why = "the answer has no token, or more than one";
        (id, foreign(why))
    })?;
    Ok(Made { id, jwt })
}

/// Takes an answer by which the origin has ended a token, and no other.
fn revoked(at: At<'_>, attempted: Attempted, patience: Patience) -> Result<Heard> {
    let (call, gate, now) = at;
    let heard = hear((call, gate, now), attempted, patience).map_err(|unheard| unheard.error)?;
    match heard.answer.ending.status {
        0 => Ok(heard),
        status => {
            let told = &heard.answer.ending.message;
            let sent = call.upstream.as_deref().map(upstream::Upstream::expose);
            let own = call.kept.authorization.as_ref();
            let own = own.and_then(|header| header.expose().rsplit(' ').next());
            let told = words(told, &[sent.unwrap_or_default(), own.unwrap_or_default()]);
            Err(foreign(format!("status {status}: {told}")))
        }
    }
}
