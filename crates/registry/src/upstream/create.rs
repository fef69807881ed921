//! Makes a credential at the origin, with the token of somebody who may (R42). What was made and could
//! not be kept is revoked there, as well as that goes, and the caller is told which.

use super::Setting;
use super::body::Create;
use crate::error::{Error, Result};
use crate::ports::{Origin, OriginCall};
use postern_domain::id::{Organization, TokenId, UpstreamId};
use postern_domain::rpc::ORIGIN_PREFIX;
use postern_domain::scope::Named;
use postern_domain::upstream::Credential;
use postern_gate::own_tokens::Told;
use postern_wire::own_token::{NewTokenAnswer, create, revoke, words};

/// How many hex digits of its version's id are in a credential's name at the origin.
const NAME_DIGITS: usize = 16;

/// A credential that the origin has made.
pub(super) struct Made {
    pub credential: Credential,
    /// Its id there, where the answer told it.
    id: Option<TokenId>,
    /// Its name there.
    name: String,
}

/// Has the origin make one: for the organization, or for the project of its reach.
///
/// # Errors
/// `OriginToken`.
pub(super) async fn at_origin<P: Origin>(
    asked: &Create,
    organization: &Named<Organization>,
    setting: &Setting,
    ports: &P,
) -> Result<Made> {
    let name = name(setting.id);
    let message = create(&name, setting.reach.project(), asked.lives_seconds);
    let told = Told::read(call("Create", message, asked, organization, ports).await);
    let told = told.map_err(|why| Error::OriginToken {
        code: "origin_token_uncertain",
        detail: format!(
            "the origin gave no answer that can be read, and nothing is set: if it made a token, that \
             is called `{name}` there; revoke it, and try again"
        ),
        cause: why.private(),
    })?;
    if told.status != 0 {
        let (status, said) = (told.status, words(&told.words, &[asked.with.expose()]));
        return Err(Error::OriginToken {
            code: "origin_refused",
            detail: format!(
                "the origin made no token, and nothing is set: it answered with status {status}, \
                 \"{said}\""
            ),
            cause: format!("creating a credential: status {status}: {said}"),
        });
    }
    let message = told.message.unwrap_or_default();
    let (id, why) = match read(&message, asked, organization) {
        Ok((id, credential)) => {
            return Ok(Made {
                credential,
                id,
                name,
            });
        }
        Err(unusable) => unusable,
    };
    let undone = undo(id, &name, asked, organization, ports).await;
    Err(Error::OriginToken {
        code: "origin_token_unusable",
        detail: format!(
            "the origin answered with no token that can be set ({why}): {}",
            undone.0
        ),
        cause: format!("creating a credential: {why}; {}", undone.1),
    })
}

/// What it is called there: a label of RFC 1123, which tells the version that it is here.
fn name(id: UpstreamId) -> String {
    let mut digits = id.to_string().replace('-', "");
    digits.truncate(NAME_DIGITS);
    format!("postern-{digits}")
}

type Read = core::result::Result<(Option<TokenId>, Credential), (Option<TokenId>, &'static str)>;

fn read(message: &[u8], asked: &Create, organization: &Named<Organization>) -> Read {
    let answer = NewTokenAnswer::read(message).map_err(|_| (None, "it cannot be read"))?;
    let id = TokenId::parse_any(&answer.id).ok();
    if !answer.organization.is_empty() && answer.organization != organization.name {
        return Err((id, "it is of another organization"));
    }
    let jwt = answer.jwt.ok_or((id, "there is none, or more than one"))?;
    let credential = Credential::parse(jwt.expose().to_owned());
    let credential = credential.map_err(|_| (id, "it cannot be sent as a credential"))?;
    // An origin that echoes has made nothing that may be revoked.
    match credential.digest() == asked.with.digest() {
        true => Err((None, "it is the one that was given as `with`")),
        false => Ok((id, credential)),
    }
}

impl Made {
    /// Tells that nobody knows whether it is kept here.
    pub fn uncertain(&self, why: &Error) -> Error {
        let name = &self.name;
        Error::OriginToken {
            code: "upstream_not_stored",
            detail: format!(
                "the origin made a token, and it is not known whether it was stored here ({}): read \
                 what is set, and if it is another one revoke `{name}` at the origin",
                why.public()
            ),
            cause: why.private(),
        }
    }

    /// Revokes at the origin what could not be kept here, and tells both.
    pub async fn undo<P: Origin>(
        self,
        asked: &Create,
        organization: &Named<Organization>,
        why: Error,
        ports: &P,
    ) -> Error {
        let undone = undo(self.id, &self.name, asked, organization, ports).await;
        Error::OriginToken {
            code: "upstream_not_stored",
            detail: format!(
                "the origin made a token, and it could not be stored here ({}): {}",
                why.public(),
                undone.0
            ),
            cause: format!("{}; {}", why.private(), undone.1),
        }
    }
}

/// Revokes a token at the origin: what to tell the caller, and the log.
async fn undo<P: Origin>(
    id: Option<TokenId>,
    name: &str,
    asked: &Create,
    organization: &Named<Organization>,
    ports: &P,
) -> (String, String) {
    let left = format!("it could not be revoked there: revoke the token `{name}` at the origin");
    let Some(id) = id else {
        return (left, "its id is not known".to_owned());
    };
    let message = revoke(&id.to_string());
    match Told::read(call("Revoke", message, asked, organization, ports).await) {
        Ok(Told { status: 0, .. }) => (
            "it was revoked there".to_owned(),
            "it was revoked".to_owned(),
        ),
        Ok(told) => {
            let said = words(&told.words, &[asked.with.expose()]);
            (
                left,
                format!("revoking {id}: status {}: {said}", told.status),
            )
        }
        Err(failed) => (left, format!("revoking {id}: {}", failed.private())),
    }
}

async fn call<P: Origin>(
    method: &str,
    message: Vec<u8>,
    asked: &Create,
    organization: &Named<Organization>,
    ports: &P,
) -> postern_gate::own_tokens::Attempted {
    let path = format!("{ORIGIN_PREFIX}APITokenService/{method}");
    let call = OriginCall {
        path: &path,
        bearer: &asked.with,
        organization: &organization.name,
        message,
    };
    ports.call(call).await
}
