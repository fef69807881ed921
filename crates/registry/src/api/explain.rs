//! `POST /explain`: what would be decided on a call of the credential that asks. A credential that
//! the call itself would refuse is refused here in the same words.

use std::rc::Rc;

use super::brake::slow;
use super::{Answer, Notes, Request};
use crate::authenticate::present;
use crate::body::{Upload, receive};
use crate::config::Config;
use crate::error::Result;
use crate::explain::explain;
use crate::ports::Ports;

/// Largest question, in bytes.
const MAX_QUESTION: usize = 16 * 1024;

/// Answers a question.
///
/// # Errors
/// As [`explain`]; whatever is wrong with the credential or the body.
pub async fn answer<U, P>(
    request: &Request<'_>,
    upload: &U,
    config: &Config,
    ports: &P,
    notes: &mut Notes,
) -> Result<Answer>
where
    U: Upload,
    U::Content: Into<Vec<u8>>,
    P: Ports,
{
    let authorization = request.header("authorization");
    let explained = async {
        let presented = Rc::new(present(authorization.as_deref(), config, ports.now())?);
        request.declares_json()?;
        let (question, read) = receive(upload, MAX_QUESTION).await?;
        let question: Vec<u8> = question.into();
        request.plain(&question)?;
        let asked = (question.as_slice(), request.address(config));
        explain(&presented, asked, read, &mut notes.token, config, ports).await
    };
    match explained.await {
        Ok(explanation) => Answer::secret(200, &explanation),
        Err(error) => Err(slow(error, request.bucket(config), ports).await),
    }
}
