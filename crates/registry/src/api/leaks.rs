//! `POST /leaks`. Neither the answer nor its timing tells anything: the work is done after it.

use std::rc::Rc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Answer, Later, Request};
use crate::body::{Upload, receive};
use crate::config::Config;
use crate::error::{CredentialError, Result};
use crate::leaks::{self, Report};
use crate::ports::Ports;
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;

/// Largest report, in bytes.
const MAX_REPORT: usize = 1024 * 1024;

/// Receives a report.
///
/// # Errors
/// As [`leaks::receive`], `TooManyFailures`; whatever is wrong with the body.
pub async fn answer<U, P>(
    request: &Request<'_>,
    upload: &U,
    config: &Rc<Config>,
    ports: &P,
) -> Result<Answer>
where
    U: Upload,
    U::Content: Into<Vec<u8>>,
    P: Ports,
{
    request.declares_json()?;
    let (body, _) = receive(upload, MAX_REPORT).await?;
    let body = Zeroizing::new(body.into());
    request.plain(&body)?;
    let bucket = request.bucket(config);
    let report = leaks::receive(&body, &bucket, config, ports).await?;
    let later = match report.is_empty() {
        // To look at garbage costs as much as to look at tokens, and takes from no bucket.
        true => {
            let cause = CredentialError::Refused("a report without any credential");
            ports.count(bucket, cause).await?;
            None
        }
        false => Some(Later::Leaks(ReportedLeaks {
            report,
            from: Requester {
                actor: "leak-report".to_owned(),
                tier: "open".to_owned(),
                ..request.requester(config, &Caller::Administrator(None))
            },
            config: Rc::clone(config),
        })),
    };
    Ok(Answer {
        later,
        ..Answer::secret(202, &json!({ "status": "received" }))?
    })
}

/// The work that a report makes, which is done once its answer has left.
#[derive(Debug)]
pub struct ReportedLeaks {
    report: Report,
    from: Requester,
    config: Rc<Config>,
}

impl ReportedLeaks {
    /// Does it, and gives the line for the log.
    pub async fn run<P: Ports>(self, ports: &P) -> Value {
        let (acted, failures) = leaks::act(&self.report, &self.from, &self.config, ports).await;
        json!({
            "event": "leak_report",
            "request_id": self.from.request_id,
            "acted": acted,
            "failures": failures,
        })
    }
}
