//! The port of the record, on D1. Each method is one call into the file that owns it.

use super::Platform;
use crate::store::{figures, rebuild, records, token_list};
use postern_domain::audit::verify::Row;
use postern_domain::decide::Grant;
use postern_domain::id::{OrganizationId, Project, ProjectId, TokenId, Workflow, WorkflowId};
use postern_domain::leak::OnLeak;
use postern_domain::scope::Named;
use postern_domain::time::Timestamp;
use postern_registry::error::Result;
use postern_registry::organization::OrganizationRecord;
use postern_registry::page::{Cursor, Page};
use postern_registry::ports::{RebuildRecords, Records, TokenCounts};
use postern_registry::registry::Entry;
use postern_registry::tokens::{
    Found, SelectedToken, TokenFilter, TokenRecord, TokenTotals, TotalsQuery,
};

impl Records for Platform {
    async fn create_organization(&self, grant: &Grant, row: &OrganizationRecord) -> Result<()> {
        records::create_organization(&self.env, grant.organization(), row).await
    }

    async fn organization(&self, name: &str) -> Result<Option<OrganizationRecord>> {
        records::organization(&self.env, name).await
    }

    async fn on_leak(&self, organization: OrganizationId) -> Result<OnLeak> {
        records::on_leak(&self.env, organization).await
    }

    async fn organizations(&self, page: &Page) -> Result<Vec<OrganizationRecord>> {
        records::organizations(&self.env, page).await
    }

    async fn create_project(&self, grant: &Grant, row: &Entry<Project>) -> Result<()> {
        records::create_project(&self.env, grant.organization().id, row).await
    }

    async fn project(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Option<Named<Project>>> {
        records::project(&self.env, organization, name).await
    }

    async fn project_by_id(
        &self,
        organization: OrganizationId,
        id: ProjectId,
    ) -> Result<Option<Named<Project>>> {
        records::project_by_id(&self.env, organization, id).await
    }

    async fn projects(
        &self,
        organization: OrganizationId,
        page: &Page,
    ) -> Result<Vec<Entry<Project>>> {
        records::projects(&self.env, organization, page).await
    }

    async fn create_workflow(
        &self,
        grant: &Grant,
        project: ProjectId,
        row: &Entry<Workflow>,
    ) -> Result<()> {
        records::create_workflow(&self.env, grant.organization().id, project, row).await
    }

    async fn workflows_named(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Vec<(ProjectId, Named<Workflow>)>> {
        records::workflows_named(&self.env, organization, name).await
    }

    async fn workflow_by_id(
        &self,
        organization: OrganizationId,
        id: WorkflowId,
    ) -> Result<Option<(ProjectId, Named<Workflow>)>> {
        records::workflow_by_id(&self.env, organization, id).await
    }

    async fn workflows(&self, project: ProjectId, page: &Page) -> Result<Vec<Entry<Workflow>>> {
        records::workflows(&self.env, project, page).await
    }

    async fn token(
        &self,
        organization: OrganizationId,
        token: TokenId,
    ) -> Result<Option<TokenRecord>> {
        records::token(&self.env, organization, token).await
    }

    async fn tokens(
        &self,
        organization: OrganizationId,
        filter: &TokenFilter,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Found> {
        token_list::tokens(&self.env, organization, filter, cursor, limit).await
    }

    async fn selected(
        &self,
        organization: OrganizationId,
        ids: &[TokenId],
        day: i64,
    ) -> Result<Vec<SelectedToken>> {
        figures::selected(&self.env, organization, ids, day).await
    }

    async fn token_totals(
        &self,
        organization: OrganizationId,
        asked: &TotalsQuery,
    ) -> Result<TokenTotals> {
        figures::token_totals(&self.env, organization, asked).await
    }
}

impl RebuildRecords for Platform {
    async fn last_event(&self, organization: OrganizationId) -> Result<Option<(u64, Row)>> {
        rebuild::last_event(&self.env, organization).await
    }

    async fn event_keys(&self, organization: OrganizationId, limit: u32) -> Result<Vec<String>> {
        rebuild::event_keys(&self.env, organization, limit).await
    }

    async fn token_counts(
        &self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<TokenCounts> {
        rebuild::token_counts(&self.env, organization, now).await
    }
}
