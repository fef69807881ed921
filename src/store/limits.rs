//! The statement that changes an organization's limits, and what new tokens must keep to as it is stored.

use super::d1::Bind;
use postern_domain::organization::OrganizationPolicy;

/// What a change does not name stays: with `federated_only`, and, where the longest life is null, with
/// all that new tokens must keep to.
pub const SET_LIMITS: &str = "update organizations set \
     mint_ceiling = ?1, max_idle_days = ?2, on_leak = ?3, \
     federated_only = coalesce(?6, federated_only), \
     max_lifetime_days = coalesce(?7, max_lifetime_days), \
     default_expires_in = iif(?7 is null, default_expires_in, ?8), \
     trusted_issuers = iif(?7 is null, trusted_issuers, ?9), \
     limits_sequence = ?4 where id = ?5 and limits_sequence < ?4";

/// What new tokens must keep to; all null where it stays.
///
/// # Errors
/// When it does not serialize.
pub fn kept_policy(policy: Option<&OrganizationPolicy>) -> serde_json::Result<[Bind; 3]> {
    let Some(policy) = policy else {
        return Ok([Bind::Null, Bind::Null, Bind::Null]);
    };
    let urls = policy.trusted_issuers.as_ref();
    let urls = urls.map(serde_json::to_string).transpose()?;
    let usual = policy.default_expires_in;
    Ok([
        Bind::number(policy.max_lifetime_days),
        usual.map_or(Bind::Null, Bind::number),
        Bind::maybe(urls),
    ])
}
