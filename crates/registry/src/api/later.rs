//! What is done once an answer has left.

use serde_json::{Value, json};

use super::leaks::ReportedLeaks;
use crate::audit::witnesses::{Offered, offer};
use crate::config::Witness;
use crate::ports::Ports;
use postern_domain::id::OrganizationId;

/// Work for after the answer.
#[derive(Debug)]
pub enum Later {
    /// A report of leaked tokens is acted on.
    Leaks(ReportedLeaks),
    /// A checkpoint is shown to witnesses (R54).
    Offer {
        /// Whose log it is.
        organization: OrganizationId,
        /// The witnesses.
        witnesses: Vec<Witness>,
    },
}

impl Later {
    /// Whether there is anything to do.
    pub(super) fn is_some(&self) -> bool {
        !matches!(self, Self::Offer { witnesses, .. } if witnesses.is_empty())
    }

    /// Does it, and gives the line for the log.
    pub async fn run<P: Ports>(self, ports: &P) -> Value {
        match self {
            Self::Leaks(report) => report.run(ports).await,
            Self::Offer {
                organization,
                witnesses,
            } => offered(organization, &offer(organization, &witnesses, ports).await),
        }
    }
}

/// The line of the log about an offer.
pub fn offered(organization: OrganizationId, offers: &[Offered]) -> Value {
    let cosigned: Vec<&str> = offers
        .iter()
        .filter(|offer| offer.outcome.is_ok())
        .map(|offer| offer.name.as_str())
        .collect();
    let failures: Vec<String> = offers
        .iter()
        .filter_map(|offer| Some(format!("{}: {}", offer.name, offer.outcome.as_ref().err()?)))
        .collect();
    json!({
        "event": "audit_checkpoint",
        "organization_id": organization,
        "cosigned": cosigned,
        "failures": failures,
    })
}
