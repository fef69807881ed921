//! Creating an organization: its id, its limits, and where its Ledger is for good (R52).

use serde::Deserialize;
use serde_json::Value;

use super::policy::Asked;
use super::update::issuers;
use super::{OrganizationRecord, OrganizationView, check_limits};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ports::{Clock, Entropy, Ledgers, Records};
use crate::registry::{label, new_id, note_created, read_body};
use postern_domain::audit::{Action, Changes, Requester};
use postern_domain::caller::Caller;
use postern_domain::decide::{Target, decide};
use postern_domain::id::OrganizationId;
use postern_domain::leak::OnLeak;
use postern_domain::location::{Jurisdiction, LocationHint};
use postern_domain::operation::Operation;
use postern_domain::organization::OrganizationPolicy;
use postern_ledger::{FederationCommand, LimitsCommand, PolicyCommand};
use postern_wire::{duration, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateOrganization {
    name: String,
    id: Option<String>,
    #[serde(default, deserialize_with = "json::whole")]
    mint_ceiling: Option<u32>,
    #[serde(default, deserialize_with = "json::whole")]
    max_idle_days: Option<u32>,
    on_leak: Option<OnLeak>,
    federated_only: Option<bool>,
    #[serde(default, deserialize_with = "json::whole")]
    max_lifetime_days: Option<u32>,
    default_expires_in: Option<String>,
    trusted_issuers: Option<Vec<String>>,
    jurisdiction: Option<Jurisdiction>,
    location_hint: Option<LocationHint>,
}

/// `POST /orgs`. Where its Ledger is, is settled before anything else asks it, and never changes
/// (R52).
///
/// # Errors
/// `Denied`, `Invalid`, `Conflict` for a name or id that is taken, `Unavailable`.
pub async fn create<P>(
    caller: &Caller,
    body: &[u8],
    requester: Requester,
    config: &Config,
    ports: &P,
) -> Result<OrganizationView>
where
    P: Clock + Entropy + Ledgers + Records,
{
    let permit = decide(caller, Operation::OrganizationCreate, Target::Registry)?;
    let body: CreateOrganization = read_body(body)?;
    let max_idle_days = body.max_idle_days.unwrap_or(0);
    check_limits(body.mint_ceiling, max_idle_days)?;
    let asked = Asked {
        max_lifetime_days: body.max_lifetime_days,
        default_expires_in: body.default_expires_in.clone().map(Some),
        trusted_issuers: body.trusted_issuers.clone().map(Some),
    };
    let policy = asked.over(&OrganizationPolicy::default(), config)?;
    let row = OrganizationRecord {
        id: body.id(ports)?,
        name: label("name", &body.name)?,
        mint_ceiling: body.mint_ceiling,
        max_idle_days,
        on_leak: body.on_leak.unwrap_or(OnLeak::Revoke),
        federated_only: body.federated_only.unwrap_or(false),
        policy,
        pause: None,
        location_hint: body.location_hint,
        created_at: ports.now(),
    };
    let grant = permit.over(&row.named())?;
    if body.jurisdiction.is_some() || body.location_hint.is_some() {
        ports.place(row.id, row.location_hint).await?;
    }
    ports.create_organization(&grant, &row).await?;
    let target = format!("organization:{}", row.name);
    note_created(
        &grant,
        Action::OrganizationCreate,
        target,
        requester.clone(),
        ports,
    )
    .await?;
    // Until the Ledger has it, the record refuses too.
    let (policy, federated_only) = (row.policy.clone(), row.federated_only);
    let limits = limits(&row, requester);
    if policy != OrganizationPolicy::default() {
        let command = PolicyCommand {
            limits,
            federated_only,
            policy,
        };
        ports.send(&grant, &command).await?;
    } else if federated_only {
        let command = FederationCommand {
            limits,
            federated_only,
        };
        ports.send(&grant, &command).await?;
    }
    Ok(OrganizationView::new(row, config))
}

/// The limits of a new organization, for its Ledger, with what it keeps itself as their change.
fn limits(row: &OrganizationRecord, requester: Requester) -> LimitsCommand {
    let policy = &row.policy;
    let mut changes = Changes::new();
    let mut note = |name: &str, is_set: bool, value: Value| {
        if is_set {
            changes.insert(name.to_owned(), value);
        }
    };
    note("federated_only", row.federated_only, true.into());
    let days = policy.max_lifetime_days;
    note("max_lifetime_days", days > 0, days.into());
    let span = policy.default_expires_in.map(duration::print_seconds);
    note("default_expires_in", span.is_some(), span.into());
    let is_set = policy.trusted_issuers.is_some();
    note("trusted_issuers", is_set, issuers(policy));
    LimitsCommand {
        organization: row.id,
        mint_ceiling: row.mint_ceiling,
        max_idle_days: row.max_idle_days,
        on_leak: row.on_leak,
        changes,
        requester,
    }
}

impl CreateOrganization {
    /// The id that is given, or a new one, which tells the jurisdiction that is wanted.
    fn id<P: Entropy>(&self, ports: &P) -> Result<OrganizationId> {
        let given = self.id.as_deref();
        let Some(jurisdiction) = self.jurisdiction else {
            let id = new_id(given, ports)?;
            return match given {
                Some(_) if id.is_custom() => Err(Error::invalid(
                    "id_invalid",
                    "`id` must not be a UUID of version 8: those are given out here, for `jurisdiction`",
                )),
                _ => Ok(id),
            };
        };
        if given.is_some() {
            return Err(Error::invalid(
                "id_invalid",
                "`id` and `jurisdiction` exclude each other: the id of an organization in a jurisdiction \
                 is made here, and tells it",
            ));
        }
        let mut bytes = [0; 16];
        ports.fill(&mut bytes)?;
        Ok(OrganizationId::in_jurisdiction(jurisdiction, bytes))
    }
}

#[cfg(test)]
mod tests;
