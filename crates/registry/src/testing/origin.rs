//! The origin of the test world: what it was asked with which credential, and its answers.

use super::World;
use crate::ports::{Origin, OriginCall};
use postern_gate::own_tokens::Attempted;
use postern_gate::testing::drive::Answer;
use postern_gate::{Outage, Reply};

impl Origin for World {
    async fn call(&self, call: OriginCall<'_>) -> Attempted {
        let method = call.path.rsplit('/').next().unwrap_or_default();
        self.note(format!(
            "origin {method} of {} as {}",
            call.organization,
            call.bearer.expose()
        ));
        self.origin_asked.borrow_mut().push(call.message);
        let mut answers = self.origin_answers.borrow_mut();
        if answers.is_empty() {
            return Err(Outage::Late);
        }
        let Answer {
            status,
            headers,
            body,
        } = answers.remove(0);
        Ok((Reply::read(status, &headers), body))
    }
}
