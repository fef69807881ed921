//! `POST /org/tokens/search`: a list of tokens by a text in the body, which may be a secret (R48). A
//! secret is checked offline and found by its id. It is in no log, error or answer, and this is no use
//! of it.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::filter::{Asked, TokenQuery};
use super::list::{TokenList, list};
use super::reach;
use super::secrets::{SecretText, secrets_in};
use super::text::{FoundBy, MAX_TEXT, Search};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::organization::resolve_id;
use crate::page::Page;
use crate::ports::{Clock, Directory, Facts, Ledgers, Records};
use crate::registry::read_body;
use postern_domain::caller::Caller;
use postern_domain::id::{Organization, TokenId};
use postern_domain::operation::Operation;
use postern_domain::scope::Named;
use postern_domain::time::Timestamp;
use postern_wire::{jwt, opaque};

/// The answer to a search.
#[derive(Debug, Serialize)]
pub struct TokenSearch {
    #[serde(flatten)]
    list: TokenList,
    found_by: FoundBy,
    /// Whether a key of the gateway has made the secret; `None` where the text is none.
    genuine: Option<bool>,
    /// How many secrets the text has.
    secrets: usize,
    /// Where the token of a genuine secret is, if it is not of the organization: for an administrator alone.
    elsewhere: Option<Elsewhere>,
}

/// The organization of a token, and nothing of the token.
#[derive(Debug, Serialize)]
struct Elsewhere {
    organization: Named<Organization>,
}

/// What a search is for. Not printed: the text may be a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    text: String,
    status: Option<String>,
    scope: Option<String>,
    project: Option<String>,
    minted_by: Option<String>,
    include_system: Option<bool>,
    #[serde(default, deserialize_with = "postern_wire::json::whole")]
    uses_days: Option<u32>,
    expires_before: Option<String>,
    never_expires: Option<bool>,
    unused_since: Option<String>,
    quarantined: Option<bool>,
    created_after: Option<String>,
    #[serde(default, deserialize_with = "postern_wire::json::whole")]
    limit: Option<u32>,
    cursor: Option<String>,
}

impl Request {
    fn query(&self, now: Timestamp) -> Result<TokenQuery> {
        let truth = |said: Option<bool>| said.map(|said| if said { "true" } else { "false" });
        let uses_days = self.uses_days.map(|days| days.to_string());
        let asked = Asked {
            status: self.status.as_deref(),
            scope: self.scope.as_deref(),
            project: self.project.as_deref(),
            minted_by: self.minted_by.as_deref(),
            include_system: truth(self.include_system),
            uses_days: uses_days.as_deref(),
            expires_before: self.expires_before.as_deref(),
            never_expires: truth(self.never_expires),
            unused_since: self.unused_since.as_deref(),
            quarantined: truth(self.quarantined),
            created_after: self.created_after.as_deref(),
        };
        TokenQuery::parse(asked, now)
    }
}

/// `POST /org/tokens/search`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for organization or project, `Unavailable`.
pub async fn search<P: Clock + Directory + Facts + Ledgers + Records>(
    caller: &Caller,
    organization: Option<&str>,
    body: &[u8],
    config: &Config,
    ports: &P,
) -> Result<TokenSearch> {
    reach(caller, Operation::TokenList)?;
    let mut request: Request = read_body(body)?;
    let text = Zeroizing::new(core::mem::take(&mut request.text));
    if text.is_empty() || text.chars().nth(MAX_TEXT).is_some() {
        return Err(Error::invalid(
            "search_invalid",
            format!("`text` must have 1 to {MAX_TEXT} characters"),
        ));
    }
    let limit = request.limit.map(|limit| limit.to_string());
    let page = Page::parse(limit.as_deref(), request.cursor.as_deref())?;
    let query = request.query(ports.now())?;
    let secrets = secrets_in(&text);
    match secrets.first() {
        None => {
            let search = Search::parse(&text, "text")?;
            let found_by = search.found_by();
            let list = list(caller, organization, query.of(search), &page, ports).await?;
            let found_by = if list.instead {
                FoundBy::Words
            } else {
                found_by
            };
            Ok(TokenSearch {
                list,
                found_by,
                genuine: None,
                secrets: 0,
                elsewhere: None,
            })
        }
        Some(first) => {
            let checked = secrets.iter().find_map(|secret| checked(secret, config));
            // Of a key that was cut or mistyped the id may be whole.
            let id = checked.or_else(|| first.readable_id());
            let list = match id {
                Some(id) => {
                    let query = query.of(Search::one(id));
                    list(caller, organization, query, &page, ports).await?
                }
                None => {
                    resolve_id(caller, organization, ports).await?;
                    TokenList::empty()
                }
            };
            let elsewhere = match checked {
                Some(id) if list.is_empty() => elsewhere(caller, organization, id, ports).await?,
                _ => None,
            };
            Ok(TokenSearch {
                list,
                found_by: FoundBy::Secret,
                genuine: Some(checked.is_some()),
                secrets: secrets.len(),
                elsewhere,
            })
        }
    }
}

/// Where the token of a genuine secret is, as a call with it finds it out: for an administrator, who may look
/// into every organization, and who cannot tell from a secret into which.
async fn elsewhere<P: Facts>(
    caller: &Caller,
    organization: Option<&str>,
    id: TokenId,
    ports: &P,
) -> Result<Option<Elsewhere>> {
    if !matches!(caller, Caller::Administrator(_)) {
        return Ok(None);
    }
    let found = ports.facts(id).await?.map(|facts| facts.organization);
    let other = found.filter(|found| organization.is_some_and(|asked| asked != found.name));
    Ok(other.map(|organization| Elsewhere { organization }))
}

/// The id of the token that a secret is, if a key of the gateway, or one that it shares with its
/// origin, has made it. Whether it has expired does not matter here.
fn checked(secret: &SecretText, config: &Config) -> Option<TokenId> {
    match secret {
        SecretText::Opaque(key) => opaque::check(key, &config.root_keys.check).ok(),
        SecretText::Jwt(token) => jwt::verify_untimed(token, config.jwt_keys())
            .ok()
            .map(|verified| verified.id),
        SecretText::Cut(_) => None,
    }
}

#[cfg(test)]
mod tests;
