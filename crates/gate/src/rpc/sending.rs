//! An RPC that may go to the origin: the request for it, and what becomes of the answer.

use std::rc::Rc;

use postern_domain::caller::Caller;
use postern_domain::decide::Permit;
use postern_domain::rpc::{OwnToken, Rpc};
use postern_wire::forwarding::Sent;
use postern_wire::grpc_web;
use postern_wire::protocol::{Protocol, media_type};

use super::content::Content;
use super::{At, RpcRequest};
use crate::Gate;
use crate::admission::Admitted;
use crate::artifacts::Issuing;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::{Error, Result};
use crate::named::OwnedNames;
use crate::onward::{Going, Outbound, Outgoing};
use crate::origin_answer::{AwaitedReply, Expected};
use crate::question::Forward;
use crate::reply::Reply;
use crate::runs::Naming;

/// What goes along with a call.
pub(super) struct Sending {
    pub permit: Permit,
    pub caller: Option<Caller>,
    /// What its answer tells, beside what the client gets.
    pub expected: Expected,
}

impl Sending {
    /// With one that is open to everybody.
    pub fn open(permit: Permit) -> Self {
        Self {
            permit,
            caller: None,
            expected: Expected::Nothing,
        }
    }

    /// With a caller's. For one whose answer makes a run, or hands out an artifact credential, the
    /// grant to write it down.
    pub fn new(
        call: &Call,
        row: &'static Rpc,
        permit: Permit,
        (names, admitted): (&OwnedNames, &Admitted),
    ) -> Result<Self> {
        let caller = &admitted.caller;
        let naming = match (row.makes_run, names.of_run(), caller.token()) {
            (true, Some((project, workflow)), Some(facts)) => Some(Naming {
                project,
                workflow,
                grant: permit.over(&facts.organization)?,
                facts: Rc::clone(facts),
                pin: admitted.pin,
                upstream: None,
            }),
            _ => None,
        };
        let issuing = || {
            let policies = names.as_call_names().policies;
            Issuing::of(call, row, &permit, (caller, &policies))
        };
        let expected = match (naming, row.hands_out) {
            (Some(naming), _) => Expected::Run(naming),
            (None, Some(_)) => issuing()?.map_or(Expected::Nothing, Expected::Credential),
            (None, None) => Expected::Nothing,
        };
        Ok(Self {
            permit,
            caller: Some(caller.clone()),
            expected,
        })
    }
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
            mut expected,
        } = sending;
        if let Expected::Run(naming) = &mut expected {
            naming.upstream = call.upstream.as_ref().map(|upstream| upstream.id);
        }
        let answer_is_read = expected.is_read() || gate.config().is_upstream();
        let told = (permit, caller.as_ref(), answer_is_read);
        let outbound = self.outbound((call, gate, now), told, &content)?;
        let awaited = AwaitedReply {
            asked_at: now,
            patience: outbound.patience(),
        };
        let is_connect = self.is_connect();
        let here = move |call: &mut Call, gate: &mut Gate, now, reply: Reply| {
            awaited.rpc((call, gate, now), reply, expected, is_connect)
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
