//! What operators are told of the two ways in to management that should not stay.

use serde_json::{Value, json};

use super::Request;
use crate::config::Config;
use postern_domain::caller::Caller;
use postern_domain::operation::Operation;

/// A line for the log where the caller came in by one of them (R22, R25).
pub fn warning(
    caller: &Caller,
    operation: Operation,
    request: &Request<'_>,
    config: &Config,
) -> Option<Value> {
    let (event, advice) = match caller {
        Caller::Bootstrap => (
            "bootstrap_use",
            "management is open to everybody: mint a token, then set BOOTSTRAP to closed",
        ),
        Caller::WorkflowReader(_) => (
            "workflow_read_use",
            "workflow tokens read management routes: use an organization token, then set \
             WORKFLOW_TOKEN_READ to off",
        ),
        Caller::Session(_) | Caller::Token(_) | Caller::Administrator(_) | Caller::Person(_) => {
            return None;
        }
    };
    let address = request.address(config);
    Some(json!({
        "level": "warning",
        "event": event,
        "advice": advice,
        "operation": operation.name(),
        "actor": caller.provenance(),
        "address": address.map(|address| address.to_string()),
        "for_request": request.id(),
    }))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::super::testing::Sent;
    use super::*;
    use crate::testing::{config, facts};
    use postern_domain::scope::Scope;

    #[test]
    fn r22_r25_each_use_of_a_way_in_that_should_not_stay_warns() {
        let token = Rc::new(facts(7, Scope::Organization));
        let rows = [
            (Caller::Bootstrap, Some("bootstrap_use")),
            (
                Caller::WorkflowReader(Rc::clone(&token)),
                Some("workflow_read_use"),
            ),
            (Caller::Token(token), None),
            (Caller::Administrator(None), None),
        ];
        for (caller, event) in rows {
            let config = config();
            let sent = Sent::new("GET", "/org/tokens").with(&config.trusted_ip_header, "192.0.2.7");
            let line = warning(&caller, Operation::TokenList, &sent.request(), &config);
            let told = line.as_ref().map(|line| line["event"].as_str());
            assert_eq!(told.flatten(), event);
            if let Some(line) = line {
                assert_eq!(line["operation"], "token.list");
                assert_eq!(line["address"], "192.0.2.7");
                assert_eq!(line["for_request"], "r");
            }
        }
    }
}
