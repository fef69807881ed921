//! An RPC of a person's (R44): decided by its row alone, and sent on as it came.

use postern_domain::decide::Denial;
use postern_domain::id::PersonId;
use postern_domain::operation::Operation;
use postern_wire::grpc_web::{self, Encoding};
use postern_wire::protocol::Protocol;

use super::content::Content;
use super::sending::Sending;
use super::{At, RpcRequest};
use crate::Gate;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::{Error, Result};
use crate::limits::TIME_LIMIT_MS;
use crate::origin_answer::Expected;
use crate::people;
use crate::question::{Arrived, Body};

impl RpcRequest {
    /// Decides, and takes the body. Nothing in the message decides, so it is not looked into: the
    /// origin compares what it names with what the person may. The calls that make and end the
    /// origin's own tokens are closed to people also where they are open to tokens: here they would
    /// pass every limit (R43).
    pub(super) fn of_person(self, (call, gate, now): At<'_>, person: PersonId) -> Result<Next> {
        let caller = people::noted(call, now, person);
        if self.row.own_token.is_some() {
            return Err(Denial::OriginTokens.into());
        }
        let permit = people::may(&caller, Operation::Rpc(self.row))?;
        let limit = grpc_web::max_body(self.row);
        call.kept.fits(limit)?;
        let is_bytes = self.protocol == Protocol::GrpcWeb(Encoding::Binary);
        let body = Body {
            limit,
            window: (is_bytes && !gate.config().is_asserted()).then_some(0),
            within_ms: TIME_LIMIT_MS,
            too_large: |limit| Error::BodyTooLarge { limit },
        };
        let sending = Sending {
            permit,
            caller: Some(caller),
            expected: Expected::Nothing,
        };
        let is_whole = body.window.is_none();
        let here = move |call: &mut Call, gate: &mut Gate, now, arrived: Arrived| {
            if self.protocol == Protocol::Connect {
                call.kept.plain(&arrived.bytes)?;
            }
            let content = Content::passing(is_whole.then_some(arrived.bytes));
            self.go((call, gate, now), sending, content)
        };
        Ok(Next::Body(Pending::new(body, here)))
    }
}
