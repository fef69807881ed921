//! An RPC that may go to the origin: the request for it, and what becomes of the answer.

use postern_domain::caller::Caller;
use postern_domain::decide::Permit;
use postern_domain::rpc::OwnToken;
use postern_wire::forwarding::Sent;
use postern_wire::grpc_web;
use postern_wire::protocol::{Protocol, media_type};

use super::content::Content;
use super::{At, RpcRequest};
use crate::Gate;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::{Error, Result};
use crate::onward::{Going, Outbound, Outgoing};
use crate::origin_answer::AwaitedReply;
use crate::question::Forward;
use crate::reply::Reply;
use crate::runs::Naming;

/// What goes along with a call.
pub(super) struct Sending {
    pub permit: Permit,
    pub caller: Option<Caller>,
    pub naming: Option<Naming>,
}

impl RpcRequest {
    /// Sends the call on; what makes or ends a token of the origin's own, with what has to stand here
    /// of it.
    pub(super) fn go(
        self,
        (call, gate, now): At<'_>,
        sending: Sending,
        content: Content,
    ) -> Result<Next> {
        match (self.row.own_token, sending.caller.clone()) {
            (Some(OwnToken::Create), Some(caller)) => {
                return self.create_token((call, gate, now), (sending, caller), content);
            }
            (Some(OwnToken::Revoke), Some(caller)) => {
                return self.revoke_token((call, gate, now), (sending, caller), content);
            }
            _ => {}
        }
        let Sending {
            permit,
            caller,
            mut naming,
        } = sending;
        if let Some(naming) = &mut naming {
            naming.upstream = call.upstream.as_ref().map(|upstream| upstream.id);
        }
        let answer_is_read = self.row.makes_run || gate.config().is_upstream();
        let told = (permit, caller.as_ref(), answer_is_read);
        let outbound = self.outbound((call, gate, now), told, &content)?;
        let awaited = AwaitedReply {
            asked_at: now,
            patience: outbound.patience(),
        };
        let is_connect = self.is_connect();
        let here = move |call: &mut Call, gate: &mut Gate, now, reply: Reply| {
            awaited.rpc((call, gate, now), reply, naming, is_connect)
        };
        Ok(Next::Forward(Pending::new(Forward(outbound), here)))
    }

    /// The request for the origin.
    pub(super) fn outbound(
        self,
        (call, gate, now): At<'_>,
        (permit, caller, answer_is_read): (Permit, Option<&Caller>, bool),
        content: &Content,
    ) -> Result<Outbound> {
        let media = media_type(&call.kept.content_type);
        // Nobody looks into what a person sends, so nobody knows that it is not compressed.
        let person = caller.and_then(Caller::person);
        let (sent, body) = match self.protocol {
            Protocol::GrpcWeb(_) => {
                let sent = Sent::GrpcWeb {
                    media: &media,
                    is_read: self.row.is_inspected() && person.is_none(),
                };
                (sent, Outgoing::AsItCame)
            }
            Protocol::Connect => {
                let within = self.within;
                let frame = grpc_web::frame(content.raw.as_deref().unwrap_or_default());
                let frame =
                    frame.map_err(|error| Error::invalid("body_unreadable", error.to_string()))?;
                (Sent::Connect { within }, Outgoing::Made(frame))
            }
        };
        let going = Going {
            permit,
            caller,
            sent,
            body,
            raw: content.raw.as_deref(),
            answer_is_read,
        };
        Outbound::new(call, gate, now, going)
    }

    pub(super) fn is_connect(self) -> bool {
        self.protocol == Protocol::Connect
    }
}
