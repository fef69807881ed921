//! Changes of the record in D1, as they stand in a Ledger's outbox.

use serde::{Deserialize, Serialize};

use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::verify::Row;
use postern_domain::audit::{Event, Link};
use postern_domain::id::{OrganizationId, ProjectId, TokenId, WorkflowId};
use postern_domain::leak::OnLeak;
use postern_domain::organization::{OrganizationPolicy, Pause};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

/// One change of the record. D1 takes it some time after the Ledger has stored it; applying one twice
/// is harmless.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case", deny_unknown_fields)]
pub enum RecordChange {
    /// A token was created, rotated to or adopted.
    InsertToken(Box<TokenRow>),
    /// An adoption, or the token of a CI job, was abandoned: its row goes, so that it can be made again.
    ForgetToken {
        /// The organization of the row.
        organization: OrganizationId,
        /// The token of the row.
        token: TokenId,
        /// When that row was created: one that a later adoption has written stays.
        created_at: Timestamp,
        /// The number of its event: where a later adoption has its event in D1, this comes too late.
        #[serde(default = "latest")]
        sequence: i64,
    },
    /// A token was renamed, described anew, or made narrower (R53).
    EditToken {
        /// What it is now, and of which organization.
        facts: Box<TokenFacts>,
        /// Shown in lists.
        description: Option<String>,
        /// The number of its event: where a later edit has its event in D1, this comes too late.
        sequence: i64,
    },
    /// A token was revoked. The earliest moment stands.
    RevokeToken {
        /// The organization of the row.
        organization: OrganizationId,
        /// The token of the row.
        token: TokenId,
        /// When it ends; ahead of now where it is being rotated out.
        at: Timestamp,
        /// The actor, as audit rows name it.
        by: String,
    },
    /// A run was learned. Nothing follows from it: the release before kept runs in D1 too, and may
    /// have left some here.
    InsertRun,
    /// An event joined the audit chain.
    AppendAudit(Box<AuditRow>),
    /// An organization's limits were changed. One that comes after a later one changes nothing.
    SetLimits {
        /// Whose limits they are.
        organization: OrganizationId,
        /// The number of that event.
        sequence: i64,
        /// The limit of active tokens; `None` = the configured default, 0 = no limit.
        mint_ceiling: Option<u32>,
        /// 1 to 365; 0 = idle tokens are not revoked.
        max_idle_days: u32,
        /// What happens to tokens that are found in public.
        on_leak: OnLeak,
        /// Whether CI jobs alone get tokens; `None` = as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        federated_only: Option<bool>,
        /// What new tokens must keep to; `None` = as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<OrganizationPolicy>,
    },
    /// An organization was paused or resumed. One that comes after a later one changes nothing.
    SetPause {
        /// Which one.
        organization: OrganizationId,
        /// The number of that event.
        sequence: i64,
        /// The pause; `None` = it was resumed.
        pause: Option<Pause>,
    },
    /// A checkpoint was signed. The first one of each event stands.
    KeepCheckpoint {
        /// Whose log it is of.
        organization: OrganizationId,
        /// The number of the last event that it covers.
        sequence: i64,
        /// When it was signed.
        at: Timestamp,
        /// Its content and code, as they are stored.
        signed: Signed,
    },
    /// A token was quarantined or released.
    Quarantine {
        /// The organization of the row.
        organization: OrganizationId,
        /// The token of the row.
        token: TokenId,
        /// Since when; `None` = it was released.
        at: Option<Timestamp>,
        /// The number of its event: where a later quarantine or release has its event in D1, this
        /// comes too late.
        #[serde(default = "latest")]
        sequence: i64,
    },
    /// A rebuild has quarantined tokens that D1 calls active.
    QuarantineTokens {
        /// The organization of the rows.
        organization: OrganizationId,
        /// The tokens of the rows.
        tokens: Vec<TokenId>,
        /// Since when.
        at: Timestamp,
        /// The number of the last event before it: where a later release of one of them has its
        /// event in D1, this comes too late for that one.
        sequence: i64,
    },
    /// A token was used. Totals, so that a second delivery changes nothing.
    RecordUse {
        /// The organization of the row.
        organization: OrganizationId,
        /// The token of the row.
        token: TokenId,
        /// All its uses since it was created.
        uses: i64,
        /// The last one.
        at: Timestamp,
    },
}

/// A token as D1 keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRow {
    /// What a token is, which never changes.
    pub facts: TokenFacts,
    /// Shown in lists.
    pub description: Option<String>,
    /// When it was created, by the gateway's clock.
    pub created_at: Timestamp,
    /// The creator, as lists and audit rows name it.
    pub created_by: String,
    /// The token that created it, if one did.
    pub minted_by: Option<TokenId>,
    /// The number of its event: where the creation was abandoned by a later one, this comes too
    /// late.
    #[serde(default = "latest")]
    pub sequence: i64,
}

/// Of an entry that an earlier release wrote: none is later.
fn latest() -> i64 {
    i64::MAX
}

impl TokenRow {
    /// The project column.
    pub fn project(&self) -> Option<ProjectId> {
        self.facts.scope.project().map(|project| project.id)
    }

    /// The workflow column.
    pub fn workflow(&self) -> Option<WorkflowId> {
        self.facts.scope.workflow().map(|workflow| workflow.id)
    }
}

/// An audit event as D1 keeps it, with the text that its link covers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRow {
    /// The event, with its number in the chain.
    pub event: Event,
    /// The event's serialized form, byte for byte what was linked.
    pub content: String,
    /// The link before it, in hex.
    pub previous: String,
    /// The code over the event and the link before it, with the name of its key.
    pub link: Link,
}

impl AuditRow {
    /// The row as readers have it.
    pub fn row(&self) -> Row {
        Row {
            content: self.content.clone(),
            previous: self.previous.clone(),
            link: self.link.mac.clone(),
            kid: self.link.kid.clone(),
            mended: None,
        }
    }
}
