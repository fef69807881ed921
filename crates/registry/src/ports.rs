//! What use cases need of the world. No platform types and no platform errors: an adapter turns
//! whatever went wrong into [`Unavailable`](crate::error::Error::Unavailable) with the cause for
//! the log.
#![expect(
    async_fn_in_trait,
    reason = "one single-threaded runtime drives these futures; none needs a Send bound"
)]

mod job_keys;
mod ledgers;
mod origin;
mod public_log;
mod rebuild;

pub use job_keys::{JobKeys, NotFetched};
pub use ledgers::Ledgers;
pub use origin::{Origin, OriginCall};
pub use public_log::{PublicLog, StoredNote, WitnessAnswer};
pub use rebuild::{RebuildRecords, TokenCounts};

/// All that the gateway's own API needs of the world.
pub trait Ports:
    AuditLog
    + Brake
    + Clock
    + Directory
    + Entropy
    + Facts
    + FirstToken
    + Isolate
    + JobKeys
    + Ledgers
    + MintBuckets
    + Origin
    + PublicLog
    + RebuildRecords
    + Records
    + Sessions
{
}

impl<T> Ports for T where
    T: AuditLog
        + Brake
        + Clock
        + Directory
        + Entropy
        + Facts
        + FirstToken
        + Isolate
        + JobKeys
        + Ledgers
        + MintBuckets
        + Origin
        + PublicLog
        + RebuildRecords
        + Records
        + Sessions
{
}

use std::rc::Rc;

use super::audit::{EventFilter, Listed, Span};
use super::error::{CredentialError, Result};
use super::organization::OrganizationRecord;
use super::page::{Cursor, EventCursor, Page};
use super::registry::Entry;
use super::tokens::{
    Found, IdRange, SelectedToken, TokenFilter, TokenRecord, TokenTotals, TotalsQuery,
};
use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::verify::Row;
use postern_domain::bucket::{Empty, Rate};
use postern_domain::decide::Grant;
use postern_domain::id::{self, OrganizationId, Project, ProjectId, TokenId, Workflow, WorkflowId};
use postern_domain::leak::OnLeak;
use postern_domain::location::LocationHint;
use postern_domain::scope::Named;
use postern_domain::session::Person;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_domain::token::{Format, TokenFacts};
use postern_gate::Gate;
use postern_ledger::{
    Admission, AdmitQuery, BindCommand, Command, ExchangeAnswer, ExchangeCommand, KeptQuery,
    LeakAnswer, LeakCommand, RefusalCommand,
};

/// The wall clock.
pub trait Clock {
    /// The time.
    fn now(&self) -> Timestamp;
}

/// The platform's cryptographic randomness.
pub trait Entropy {
    /// # Errors
    /// When the platform has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The gateway's machine in this isolate, with what it has learned.
pub trait Isolate {
    /// Runs a function on it. Nothing is awaited meanwhile.
    ///
    /// # Errors
    /// Where there is none, for want of a configuration.
    fn gate<T>(&self, run: impl FnOnce(&mut Gate) -> T) -> Result<T>;
}

/// Immutable token facts by id, near the caller, filled from the record on a miss.
pub trait Facts {
    /// # Errors
    /// When neither store answers.
    async fn facts(&self, token: TokenId) -> Result<Option<TokenFacts>>;
    /// Publishes the facts of a fresh token. May finish after the answer, and may fail.
    fn publish(&self, facts: &TokenFacts);
}

/// Organizations' ids by name, near the caller, so that revoking needs no record to find its
/// Ledger. Neither ever changes, but somebody who can write there can mislead: the Ledger confirms
/// ([`Ledgers::confirm`]).
pub trait Directory {
    /// # Errors
    /// When no store answers.
    async fn organization_id(&self, name: &str) -> Result<Option<OrganizationId>>;
}

/// The audit log as the record has it.
pub trait AuditLog {
    /// Newest first, at most one more than the span's limit.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn events(
        &self,
        organization: OrganizationId,
        filter: &EventFilter,
        span: &Span,
    ) -> Result<Vec<Listed>>;
    /// Rows in their order, behind `after` and up to `up_to`, at most `limit`.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn rows(
        &self,
        organization: OrganizationId,
        after: u64,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Row)>>;
    /// Newest first, at most one more than the span's limit.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn checkpoints(
        &self,
        organization: OrganizationId,
        span: &Span,
    ) -> Result<Vec<(EventCursor, Signed)>>;
    /// How many of the caller's tokens were created, by the hour since 1970, from a moment on.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn mints_by_hour(
        &self,
        organization: OrganizationId,
        asked: &TotalsQuery,
        since: Timestamp,
    ) -> Result<Vec<(i64, u32)>>;
    /// Those of these actors that have made an event.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn acted(&self, organization: OrganizationId, actors: &[String]) -> Result<Vec<String>>;
    /// The tokens that have exactly this name, or had it before an edit, at most `limit`, with system
    /// tokens or without.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn tokens_called(
        &self,
        organization: OrganizationId,
        name: &str,
        with_system: bool,
        limit: u32,
    ) -> Result<Vec<NamedToken>>;
    /// The organization's tokens within each of these ranges, with the place of the range; at most
    /// `limit` in all, with system tokens or without.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn tokens_within(
        &self,
        organization: OrganizationId,
        ranges: &[IdRange],
        with_system: bool,
        limit: u32,
    ) -> Result<Vec<(usize, NamedToken)>>;
}

/// A token by what an audit log says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedToken {
    /// The id.
    pub id: TokenId,
    /// What its prefix begins with.
    pub format: Format,
    /// The name.
    pub name: String,
    /// The name of its project, where it is not the organization's own.
    pub project: Option<String>,
    /// The name of its workflow, where it is one's.
    pub workflow: Option<String>,
}

/// The buckets that limit minting, one for each client address, and what else is limited so.
pub trait MintBuckets {
    /// Takes one; the inner error is a refusal.
    ///
    /// # Errors
    /// When the bucket does not answer.
    async fn take(&self, bucket: &str, rate: Rate) -> Result<core::result::Result<(), Empty>>;
    /// Gives one back.
    ///
    /// # Errors
    /// When the bucket does not answer.
    async fn give_back(&self, bucket: &str, rate: Rate) -> Result<()>;
}

/// The brake on refused credentials: a count for each client address.
pub trait Brake {
    /// Counts what is no credential for the bucket of its address.
    ///
    /// # Errors
    /// `TooManyFailures`, with this cause for the log, where the bucket has had too many.
    async fn count(&self, bucket: String, cause: CredentialError) -> Result<()>;
}

/// The record: what is searched and listed.
pub trait Records {
    /// # Errors
    /// `Conflict` when name or id is taken.
    async fn create_organization(&self, grant: &Grant, row: &OrganizationRecord) -> Result<()>;
    /// # Errors
    /// When the record does not answer.
    async fn organization(&self, name: &str) -> Result<Option<OrganizationRecord>>;
    /// What an organization wants done with tokens found in public.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn on_leak(&self, organization: OrganizationId) -> Result<OnLeak>;
    /// # Errors
    /// When the record does not answer.
    async fn organizations(&self, page: &Page) -> Result<Vec<OrganizationRecord>>;

    /// # Errors
    /// `Conflict` when name or id is taken.
    async fn create_project(&self, grant: &Grant, row: &Entry<Project>) -> Result<()>;
    /// # Errors
    /// When the record does not answer.
    async fn project(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Option<Named<Project>>>;
    /// # Errors
    /// When the record does not answer.
    async fn project_by_id(
        &self,
        organization: OrganizationId,
        id: ProjectId,
    ) -> Result<Option<Named<Project>>>;
    /// # Errors
    /// When the record does not answer.
    async fn projects(
        &self,
        organization: OrganizationId,
        page: &Page,
    ) -> Result<Vec<Entry<Project>>>;

    /// Creates a workflow in a project of the grant's organization.
    ///
    /// # Errors
    /// `Conflict` when name or id is taken; `Unavailable` too when the organization has no such
    /// project.
    async fn create_workflow(
        &self,
        grant: &Grant,
        project: ProjectId,
        row: &Entry<Workflow>,
    ) -> Result<()>;
    /// The workflows of this name in the organization, each with its project's id.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn workflows_named(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Vec<(ProjectId, Named<Workflow>)>>;
    /// A workflow of the organization with its project's id.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn workflow_by_id(
        &self,
        organization: OrganizationId,
        id: WorkflowId,
    ) -> Result<Option<(ProjectId, Named<Workflow>)>>;
    /// # Errors
    /// When the record does not answer.
    async fn workflows(&self, project: ProjectId, page: &Page) -> Result<Vec<Entry<Workflow>>>;

    /// # Errors
    /// When the record does not answer.
    async fn token(
        &self,
        organization: OrganizationId,
        token: TokenId,
    ) -> Result<Option<TokenRecord>>;
    /// Newest first, or the next to expire first where the filter is about that; at most `limit`, after
    /// `cursor`.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn tokens(
        &self,
        organization: OrganizationId,
        filter: &TokenFilter,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Found>;
    /// The tokens of these ids that the record has, with their uses since a day began (days since 1970).
    ///
    /// # Errors
    /// When the record does not answer.
    async fn selected(
        &self,
        organization: OrganizationId,
        ids: &[TokenId],
        day: i64,
    ) -> Result<Vec<SelectedToken>>;
    /// How many active tokens there are of each kind, of as many as are looked at.
    ///
    /// # Errors
    /// When the record does not answer.
    async fn token_totals(
        &self,
        organization: OrganizationId,
        asked: &TotalsQuery,
    ) -> Result<TokenTotals>;
}

/// Whether the registry has an active token at all (R22).
pub trait FirstToken {
    /// Whether any token, of any organization, system tokens included, is neither revoked nor
    /// expired at `now`. A token that is being rotated out or quarantined counts as active.
    ///
    /// # Errors
    /// When the record does not answer: then nothing is open.
    async fn any_live_token(&self, now: Timestamp) -> Result<bool>;
}

/// What the session endpoint answered.
#[derive(Debug, Clone)]
pub struct SessionAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// The control plane's session endpoint, and what this isolate remembers of its answers.
pub trait Sessions {
    /// The person whose cookie has this SHA-256, if that was found out less than a moment ago.
    fn remembered(&self, cookie: &[u8; 32]) -> Option<Rc<Person>>;
    /// Remembers the person until then.
    fn remember(&self, cookie: [u8; 32], person: &Rc<Person>, until: Timestamp);
    /// Shows the cookie to the endpoint.
    ///
    /// # Errors
    /// When it does not answer in time, or with a body that is too long to be one of its own.
    async fn ask(&self, url: &str, cookie: &str) -> Result<SessionAnswer>;
}
