//! What a reader of the audit log asks for by a part of it: the beginning of a request's id, and actors.

use serde::Deserialize;
use worker::Env;

use super::By;
use crate::store::d1::{self, Bind};
use postern_domain::id::OrganizationId;
use postern_registry::error::Result;

/// Digits of the id that the gateway gives a request, and the fewest of its beginning that stand for it.
const REQUEST_ID: usize = 32;
const REQUEST_BEGINNING: usize = 8;

/// How a request is found: by its id, or by the beginning of it, as the dashboard shows it.
pub(super) fn by_request(request: &str) -> By {
    let lengths = REQUEST_BEGINNING..REQUEST_ID;
    let is_hex = request.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_hex && lengths.contains(&request.len()) {
        true => By::RequestBegins(request.to_ascii_lowercase()),
        false => By::Request(request.to_owned()),
    }
}

/// Which of some actors the log has.
pub(super) const ACTED: &str = "select wanted.value as actor from json_each(?2) as wanted where exists \
     (select 1 from audit indexed by audit_by_actor \
     where organization_id = ?1 and actor = wanted.value)";

/// Those of these actors that have made an event.
///
/// # Errors
/// `Unavailable`.
pub(super) async fn acted(
    env: &Env,
    organization: OrganizationId,
    actors: &[String],
) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Acted {
        actor: String,
    }
    let values = vec![
        Bind::text(organization),
        Bind::Text(serde_json::to_string(actors).map_err(d1::failed)?),
    ];
    let rows: Vec<Acted> = d1::rows(env, ACTED, values).await?;
    Ok(rows.into_iter().map(|row| row.actor).collect())
}
