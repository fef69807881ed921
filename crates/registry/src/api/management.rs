//! A management call, in its order: a text that cannot be a credential is refused first; the body,
//! of at most 64 KiB, is read; then the Ledger is asked who is calling, and the call is carried out
//! (R40).

mod call;

use super::brake::slow;
use super::endpoint::Management;
use super::offered::Offered;
use super::warning::warning;
use super::{Answer, Notes, Request};
use crate::body::{Upload, discard, receive};
use crate::config::Config;
use crate::error::Result;
use crate::ports::Ports;
use crate::ways_in::{enter, show};
use call::Call;
use postern_domain::caller::Caller;

/// Largest body of a management call, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Answers a management call.
///
/// # Errors
/// As [`show`] and [`enter`], `TooManyFailures` in place of `Credential`; whatever is wrong with
/// the body; and what the call itself refuses.
pub async fn answer<U, P>(
    endpoint: Management<'_>,
    (request, upload): (&Request<'_>, &U),
    config: &Config,
    ports: &P,
    notes: &mut Notes,
) -> Result<Answer>
where
    U: Upload,
    U::Content: Into<Vec<u8>>,
    P: Ports,
{
    let operation = endpoint.operation();
    let offered = Offered::read(request, config);
    let knock = offered.knock(operation, request);
    let shown = match show(&knock, config, ports.now()) {
        Ok(shown) => shown,
        Err(error) => return Err(slow(error.into(), request.bucket(config), ports).await),
    };
    let (body, read) = match request.method() {
        "POST" | "PATCH" | "PUT" => receive(upload, MAX_BODY)
            .await
            .map(|(body, read)| (body.into(), read))?,
        _ => (Vec::new(), discard(upload).await),
    };
    let caller = match enter(&knock, &shown, read, &mut notes.token, config, ports).await {
        Ok(caller) => caller,
        Err(error) => return Err(slow(error, request.bucket(config), ports).await),
    };
    notes.caller = Some((caller.clone(), ports.now()));
    notes.warning = warning(&caller, operation, request, config);
    if matches!(caller, Caller::Administrator(_) | Caller::Session(_)) {
        notes.organization = offered.organization().map(str::to_owned);
    }

    request.json_or_nothing(&body)?;
    let call = Call {
        request,
        config,
        ports,
        caller: &caller,
        organization: offered.organization(),
        body: &body,
    };
    let answer = call.answer(endpoint, notes).await?;
    Ok(Answer {
        deprecated: matches!(caller, Caller::WorkflowReader(_)),
        ..answer
    })
}
