//! Entries of an outbox: the next release of a Ledger may find them, and so may the one before.

use postern_domain::audit::Link;
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;

use super::super::{Message, message};
use super::{checkpoint, opaque, pause};
use crate::testing::at;
use crate::{AuditRow, RecordChange, TokenRow};

/// The content of an event, as the audit chain covers it.
const EVENT: &str = r#"{"organization_id":"00000000-0000-0000-0000-000000000001","sequence":1,"at":1000,"action":"project.create","origin":{"actor":"admin-token","tier":"admin","address":null,"user_agent":null,"request_id":"r"}}"#;

pub(super) fn all() -> Vec<Message> {
    let (organization, token) = (Id::from_u128(1), Id::from_u128(7));
    let row = TokenRow {
        facts: opaque(),
        description: None,
        created_at: at(1_000),
        created_by: "admin-token".to_owned(),
        minted_by: None,
        sequence: 1,
    };
    let audit = AuditRow {
        event: serde_json::from_str(EVENT).expect("an event"),
        content: EVENT.to_owned(),
        previous: "00".to_owned(),
        link: Link {
            mac: "01".to_owned(),
            kid: "r1".to_owned(),
        },
    };
    let changes = [
        RecordChange::InsertToken(Box::new(row)),
        RecordChange::ForgetToken {
            organization,
            token,
            created_at: at(1_000),
            sequence: 2,
        },
        RecordChange::RevokeToken {
            organization,
            token,
            at: at(1_000),
            by: "admin-token".to_owned(),
        },
        RecordChange::InsertRun,
        RecordChange::AppendAudit(Box::new(audit)),
        RecordChange::SetLimits {
            organization,
            sequence: 2,
            mint_ceiling: None,
            max_idle_days: 9,
            on_leak: OnLeak::Revoke,
            federated_only: None,
            policy: None,
        },
        RecordChange::SetLimits {
            organization,
            sequence: 2,
            mint_ceiling: None,
            max_idle_days: 9,
            on_leak: OnLeak::Revoke,
            federated_only: Some(true),
            policy: None,
        },
        RecordChange::SetLimits {
            organization,
            sequence: 2,
            mint_ceiling: None,
            max_idle_days: 9,
            on_leak: OnLeak::Revoke,
            federated_only: Some(true),
            policy: Some(pause::policy()),
        },
        RecordChange::SetPause {
            organization,
            sequence: 2,
            pause: Some(pause::paused()),
        },
        RecordChange::SetPause {
            organization,
            sequence: 2,
            pause: None,
        },
        RecordChange::KeepCheckpoint {
            organization,
            sequence: 2,
            at: at(1_000),
            signed: checkpoint(),
        },
        RecordChange::Quarantine {
            organization,
            token,
            at: Some(at(1_000)),
            sequence: 2,
        },
        RecordChange::RecordUse {
            organization,
            token,
            uses: 2,
            at: at(1_000),
        },
    ];
    let entries = changes.iter().map(|change| message("outbox", change));
    entries.collect()
}
