//! A call of the gateway's own to the origin, with the credential that the caller's call goes on
//! with: what comes back decides, and is not handed out.

use postern_domain::caller::Caller;
use postern_domain::decide::Permit;
use postern_domain::time::Timestamp;
use postern_wire::forwarding::Sent;
use postern_wire::grpc_web;

use crate::Gate;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::{Error, Result};
use crate::onward::{Going, Outbound, Outgoing};
use crate::patience::Patience;
use crate::question::{Content, Lookup};
use crate::reply::{MAX_ANSWER, Reply, RpcAnswer};
use crate::upstream;

/// Makes a call of the permitted RPC with this message.
pub(crate) fn ask(
    (call, gate, now): (&mut Call, &mut Gate, Timestamp),
    permit: Permit,
    caller: &Caller,
    message: &[u8],
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, RpcAnswer) -> Result<Next> + 'static,
) -> Result<Next> {
    let frame = grpc_web::frame(message).map_err(Error::unavailable)?;
    let going = Going {
        permit,
        caller: Some(caller),
        sent: Sent::Asked,
        body: Outgoing::Made(frame),
        raw: None,
        answer_is_read: true,
    };
    let outbound = Outbound::new(call, gate, now, going)?;
    let patience = outbound.patience();
    let answered = move |call: &mut Call, gate: &mut Gate, now, reply: Reply| {
        upstream::accepted((call, gate, now), reply.status)?;
        read(
            (call, gate, now),
            reply.of_rpc()?,
            patience,
            move |call, gate, now, _, mut told| {
                upstream::ended((call, gate, now), &mut told.ending)?;
                then(call, gate, now, told)
            },
        )
    };
    Ok(Next::Lookup(Pending::new(Lookup(outbound), answered)))
}

/// Reads an answer to an RPC: the message, where there is one, and how the call ended.
pub(crate) fn read(
    (call, gate, now): (&mut Call, &mut Gate, Timestamp),
    mut reply: Reply,
    patience: Patience,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Reply, RpcAnswer) -> Result<Next> + 'static,
) -> Result<Next> {
    if let Some(told) = reply.in_head() {
        return then(call, gate, now, reply, told);
    }
    let question = Content {
        limit: MAX_ANSWER,
        patience,
    };
    let content = move |call: &mut Call, gate: &mut Gate, now, bytes: Vec<u8>| {
        let told = reply.content(&bytes)?;
        then(call, gate, now, reply, told)
    };
    Ok(Next::Content(Pending::new(question, content)))
}
