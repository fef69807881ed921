//! The gateway's own HTTP API, from the head of a request to what is answered: which part of the
//! gateway it is for ([`fn@route`]), what is done there ([`Endpoint`]), and by whom. The driver reads
//! the body where it is asked to, answers the ports, and writes what comes of it.

mod answer;
mod brake;
mod ended;
mod endpoint;
mod explain;
mod later;
mod leaks;
mod management;
mod oauth;
mod offered;
pub mod open;
mod query;
mod readiness;
mod request;
mod route;
mod token;
mod warning;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Content, TEXT};
pub use endpoint::{Endpoint, Management};
pub use later::{Later, offered};
pub use readiness::Found;
pub use request::Request;
pub use route::{Destination, form, route};

use std::rc::Rc;

use super::body::Upload;
use super::config::Config;
use super::error::Result;
use super::ports::Ports;
use postern_domain::caller::Caller;
use postern_domain::time::Timestamp;
use postern_gate::KnownToken;

/// What the log tells of a call, as far as it has come.
#[derive(Debug, Default)]
pub struct Notes {
    /// Which call.
    pub operation: Option<&'static str>,
    /// Who called, and when that was known.
    pub caller: Option<(Caller, Timestamp)>,
    /// The token of the credential, active or not, once its Ledger has said that it is one.
    pub token: Option<KnownToken>,
    /// The organization that a caller above organizations has named, as it named it.
    pub organization: Option<String>,
    /// A line of its own: the caller came in by a way that should not stay.
    pub warning: Option<serde_json::Value>,
    /// What failed beside the answer: where, and why.
    pub failures: Vec<(&'static str, String)>,
}

/// Answers a request to the gateway's own API. What the notes tell is there also after an error.
///
/// # Errors
/// Whatever the call can be refused for.
pub async fn answer<U, P>(
    request: &Request<'_>,
    upload: &U,
    config: &Rc<Config>,
    ports: &P,
    notes: &mut Notes,
) -> Result<Answer>
where
    U: Upload,
    U::Content: Into<Vec<u8>>,
    P: Ports,
{
    let endpoint = endpoint::find(request.path(), request.verb())?;
    notes.operation = Some(endpoint.name());
    let answered = match endpoint {
        Endpoint::Exchange => token::exchange(request, upload, config, ports, notes).await,
        Endpoint::Introspect => oauth::introspect(request, upload, config, ports, notes).await,
        Endpoint::RevokeOwn => oauth::revoke(request, upload, config, ports).await,
        Endpoint::Explain => explain::answer(request, upload, config, ports, notes).await,
        Endpoint::Leaks => leaks::answer(request, upload, config, ports).await,
        Endpoint::Management(call) => {
            management::answer(call, (request, upload), config, ports, notes).await
        }
    };
    ended::count(&answered, request, config, ports, notes)?;
    answered.map(|answer| ended::warned(answer, notes, ports.now()))
}
