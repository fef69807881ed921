//! The port of the audit log that anyone can check, for requests and for the schedule.

use worker::Env;

use super::{Platform, now};
use crate::http::show_witness;
use crate::objects::ledger_client;
use crate::store::{audit, public_log};
use postern_domain::audit::verify::Row;
use postern_domain::id::OrganizationId;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_ledger::{TreeAnswer, TreeCommand, TreeStep};
use postern_registry::error::Result;
use postern_registry::ports::{Clock, PublicLog, StoredNote, WitnessAnswer};

/// The platform without a request.
pub struct Unasked<'e>(pub &'e Env);

impl Clock for Unasked<'_> {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl PublicLog for Unasked<'_> {
    async fn tree(&self, organization: OrganizationId, step: TreeStep) -> Result<TreeAnswer> {
        let command = TreeCommand { organization, step };
        ledger_client::command(self.0, organization, Actor::NotAToken, &command).await
    }

    async fn log_rows(
        &self,
        organization: OrganizationId,
        after: u64,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Row)>> {
        audit::rows(self.0, organization, (after, up_to), limit).await
    }

    async fn notes(
        &self,
        organization: OrganizationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredNote>> {
        public_log::notes(self.0, organization, before, limit).await
    }

    async fn keep_note(
        &self,
        organization: OrganizationId,
        size: u64,
        at: Timestamp,
        note: &str,
    ) -> Result<()> {
        public_log::keep_note(self.0, organization, size, at, note).await
    }

    async fn cosigned(&self, organization: OrganizationId, witness: &str) -> Result<u64> {
        public_log::cosigned(self.0, organization, witness).await
    }

    async fn keep_cosignature(
        &self,
        organization: OrganizationId,
        size: u64,
        signed: (&str, &str),
        at: Timestamp,
    ) -> Result<()> {
        public_log::keep_cosignature(self.0, organization, size, signed, at).await
    }

    async fn show_witness(
        &self,
        url: &str,
        body: &str,
    ) -> core::result::Result<WitnessAnswer, String> {
        show_witness(url, body).await
    }
}

/// The same behind a request, which counts the time that it waits for the Ledger.
impl PublicLog for Platform {
    async fn tree(&self, organization: OrganizationId, step: TreeStep) -> Result<TreeAnswer> {
        self.timed(Unasked(&self.env).tree(organization, step))
            .await
    }

    async fn log_rows(
        &self,
        organization: OrganizationId,
        after: u64,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Row)>> {
        let log = Unasked(&self.env);
        log.log_rows(organization, after, up_to, limit).await
    }

    async fn notes(
        &self,
        organization: OrganizationId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredNote>> {
        Unasked(&self.env).notes(organization, before, limit).await
    }

    async fn keep_note(
        &self,
        organization: OrganizationId,
        size: u64,
        at: Timestamp,
        note: &str,
    ) -> Result<()> {
        let log = Unasked(&self.env);
        log.keep_note(organization, size, at, note).await
    }

    async fn cosigned(&self, organization: OrganizationId, witness: &str) -> Result<u64> {
        Unasked(&self.env).cosigned(organization, witness).await
    }

    async fn keep_cosignature(
        &self,
        organization: OrganizationId,
        size: u64,
        signed: (&str, &str),
        at: Timestamp,
    ) -> Result<()> {
        let log = Unasked(&self.env);
        log.keep_cosignature(organization, size, signed, at).await
    }

    async fn show_witness(
        &self,
        url: &str,
        body: &str,
    ) -> core::result::Result<WitnessAnswer, String> {
        show_witness(url, body).await
    }
}
