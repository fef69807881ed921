//! What D1 has to follow: the entries of a Ledger's outbox.

use serde::{Deserialize, Serialize};

use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::verify::Row;
use postern_domain::audit::{Event, Link};
use postern_domain::decide::RunFacts;
use postern_domain::id::{OrganizationId, ProjectId, RunId, TokenId, WorkflowId};
use postern_domain::leak::OnLeak;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

/// One change that D1 has to follow. Applying one twice is harmless.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum RecordChange {
    InsertToken(Box<TokenRow>),
    /// Takes back the row of an adoption that came to nothing, so that it can be tried again.
    ForgetToken {
        organization: OrganizationId,
        token: TokenId,
        /// Of that row: one that a later try has written stays.
        created_at: Timestamp,
        /// The number of its event: where a later adoption has its event in D1, this comes too late.
        #[serde(default = "latest")]
        sequence: i64,
    },
    RevokeToken {
        organization: OrganizationId,
        token: TokenId,
        at: Timestamp,
        by: String,
    },
    InsertRun {
        organization: OrganizationId,
        run: RunId,
        facts: RunFacts,
        token: TokenId,
        at: Timestamp,
    },
    AppendAudit(Box<AuditRow>),
    /// What an organization allows, as of an event: an earlier one that comes late changes nothing.
    SetLimits {
        organization: OrganizationId,
        sequence: i64,
        mint_ceiling: Option<u32>,
        max_idle_days: u32,
        on_leak: OnLeak,
    },
    KeepCheckpoint {
        organization: OrganizationId,
        sequence: i64,
        at: Timestamp,
        signed: Signed,
    },
    /// Held back since a moment, or, with `None`, no longer.
    Quarantine {
        organization: OrganizationId,
        token: TokenId,
        at: Option<Timestamp>,
        /// The number of its event: where a later quarantine or release has its event in D1, this
        /// comes too late.
        #[serde(default = "latest")]
        sequence: i64,
    },
    /// Totals so far, so that a second delivery changes nothing.
    RecordUse {
        organization: OrganizationId,
        token: TokenId,
        uses: i64,
        at: Timestamp,
    },
}

/// A token as D1 keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenRow {
    pub facts: TokenFacts,
    pub description: Option<String>,
    pub created_at: Timestamp,
    pub created_by: String,
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
pub struct AuditRow {
    pub event: Event,
    /// The event's serialized form, byte for byte what was linked.
    pub content: String,
    /// The link before it, in hex.
    pub previous: String,
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
