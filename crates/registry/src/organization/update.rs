//! Changing an organization: its limits, and what new tokens must keep to.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::policy::Asked;
use super::{OrganizationRecord, OrganizationView, UNKNOWN, check_limits};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ports::{Ledgers, Records};
use crate::registry::read_body;
use postern_domain::audit::{Changes, Requester};
use postern_domain::caller::Caller;
use postern_domain::decide::{Target, decide};
use postern_domain::leak::OnLeak;
use postern_domain::operation::Operation;
use postern_domain::organization::OrganizationPolicy;
use postern_ledger::{FederationCommand, LimitsAnswer, LimitsCommand, PolicyCommand};
use postern_wire::{duration, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateOrganization {
    /// Absent = unchanged, `null` = the configured default.
    #[serde(default, deserialize_with = "present_whole")]
    mint_ceiling: Option<Option<u32>>,
    #[serde(default, deserialize_with = "json::whole")]
    max_idle_days: Option<u32>,
    on_leak: Option<OnLeak>,
    federated_only: Option<bool>,
    #[serde(default, deserialize_with = "json::whole")]
    max_lifetime_days: Option<u32>,
    /// Absent = unchanged, `null` = none.
    #[serde(default, deserialize_with = "present")]
    default_expires_in: Option<Option<String>>,
    /// Absent = unchanged, `null` = all.
    #[serde(default, deserialize_with = "present")]
    trusted_issuers: Option<Option<Vec<String>>>,
}

/// Tells a member that is `null` from one that is not there.
fn present_whole<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> core::result::Result<Option<Option<u32>>, D::Error> {
    json::whole(deserializer).map(Some)
}

/// The same of a member that is no number.
fn present<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> core::result::Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `PATCH /orgs/{name}`: its limits, and what new tokens must keep to. Name and id never change,
/// because copies of them are kept. The change and its audit row reach the record together, by the
/// Ledger.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound`, `Unavailable`: then the change may still come.
pub async fn update<P: Ledgers + Records>(
    caller: &Caller,
    name: &str,
    body: &[u8],
    requester: Requester,
    config: &Config,
    ports: &P,
) -> Result<OrganizationView> {
    let permit = decide(caller, Operation::OrganizationUpdate, Target::Registry)?;
    let body: UpdateOrganization = read_body(body)?;
    let before = ports.organization(name).await?.ok_or(UNKNOWN)?;
    let organization = before.named();
    ports.confirm(&organization).await?;
    let mut row = before.clone();
    row.mint_ceiling = body.mint_ceiling.unwrap_or(row.mint_ceiling);
    row.on_leak = body.on_leak.unwrap_or(row.on_leak);
    row.federated_only = body.federated_only.unwrap_or(row.federated_only);
    row.max_idle_days = body.max_idle_days.unwrap_or(row.max_idle_days);
    check_limits(row.mint_ceiling, row.max_idle_days)?;
    let asked = Asked {
        max_lifetime_days: body.max_lifetime_days,
        default_expires_in: body.default_expires_in.clone(),
        trusted_issuers: body.trusted_issuers.clone(),
    };
    let names_policy = asked.is_any();
    row.policy = asked.over(&row.policy, config)?;
    let changes = body.changes(&before, &row.policy);
    if changes.is_empty() {
        return Ok(OrganizationView::new(row, config));
    }
    let limits = LimitsCommand {
        organization: row.id,
        mint_ceiling: row.mint_ceiling,
        max_idle_days: row.max_idle_days,
        on_leak: row.on_leak,
        changes,
        requester,
    };
    let grant = permit.over(&organization)?;
    let federated_only = row.federated_only;
    let told = if names_policy {
        let policy = row.policy.clone();
        let command = PolicyCommand {
            limits,
            federated_only,
            policy,
        };
        ports.send(&grant, &command).await?
    } else if body.federated_only.is_some() {
        let command = FederationCommand {
            limits,
            federated_only,
        };
        ports.send(&grant, &command).await?
    } else {
        ports.send(&grant, &limits).await?
    };
    match told {
        LimitsAnswer::Changed => Ok(OrganizationView::new(row, config)),
        LimitsAnswer::RecordUnavailable { cause } => Err(Error::Unavailable { cause }),
    }
}

impl UpdateOrganization {
    /// What the request names, for the audit row, and as `….before` what stood there where that was
    /// something else.
    pub(super) fn changes(&self, row: &OrganizationRecord, policy: &OrganizationPolicy) -> Changes {
        let mut changes = Changes::new();
        let mut note = |name: &str, is_named: bool, now: Value, before: Value| {
            if !is_named {
                return;
            }
            if now != before {
                changes.insert(format!("{name}.before"), before);
            }
            changes.insert(name.to_owned(), now);
        };
        let word = |on_leak: OnLeak| Value::from(on_leak.word());
        note(
            "mint_ceiling",
            self.mint_ceiling.is_some(),
            self.mint_ceiling.flatten().into(),
            row.mint_ceiling.into(),
        );
        note(
            "max_idle_days",
            self.max_idle_days.is_some(),
            self.max_idle_days.into(),
            row.max_idle_days.into(),
        );
        note(
            "on_leak",
            self.on_leak.is_some(),
            self.on_leak.map_or(Value::Null, word),
            word(row.on_leak),
        );
        note(
            "federated_only",
            self.federated_only.is_some(),
            self.federated_only.into(),
            row.federated_only.into(),
        );
        note(
            "max_lifetime_days",
            self.max_lifetime_days.is_some(),
            policy.max_lifetime_days.into(),
            row.policy.max_lifetime_days.into(),
        );
        let span = |policy: &OrganizationPolicy| {
            Value::from(policy.default_expires_in.map(duration::print_seconds))
        };
        note(
            "default_expires_in",
            self.default_expires_in.is_some(),
            span(policy),
            span(&row.policy),
        );
        note(
            "trusted_issuers",
            self.trusted_issuers.is_some(),
            issuers(policy),
            issuers(&row.policy),
        );
        changes
    }
}

/// Issuers as a text, which is what events have.
pub(super) fn issuers(policy: &OrganizationPolicy) -> Value {
    let trusted = policy.trusted_issuers.as_ref();
    trusted.map_or(Value::Null, |urls| urls.join(", ").into())
}
