//! The record of the world for use-case tests: one organization with one project and one workflow.

use super::{World, organization, project, workflow};
use crate::error::{Error, Result};
use crate::organization::OrganizationRecord;
use crate::page::{Cursor, Page};
use crate::ports::Records;
use crate::registry::Entry;
use crate::tokens::{
    Found, SelectedToken, Status, TokenFilter, TokenRecord, TokenTotals, TotalsQuery,
};
use postern_domain::decide::Grant;
use postern_domain::id::{Id, OrganizationId, Project, ProjectId, TokenId, Workflow, WorkflowId};
use postern_domain::leak::OnLeak;
use postern_domain::scope::Named;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;

/// A token as D1 has it that the administrator created at the beginning of time and nobody has used.
pub fn record(facts: TokenFacts) -> TokenRecord {
    TokenRecord {
        facts,
        description: None,
        created_at: Timestamp::from_millis(0),
        created_by: "admin-token".to_owned(),
        minted_by: None,
        creator_name: None,
        last_used_at: None,
        uses: 0,
        days: Vec::new(),
        revoked_at: None,
        revoked_by: None,
        quarantined_at: None,
    }
}

/// The project of the world, one whose name is the id of that one, and another.
fn projects() -> [Named<Project>; 3] {
    let named = |id, name: String| Named {
        id: Id::from_u128(id),
        name,
    };
    let confusing = Id::<Project>::from_u128(20).to_string();
    [
        project(),
        named(20, "other".to_owned()),
        named(21, confusing),
    ]
}

impl Records for World {
    async fn create_organization(&self, _: &Grant, row: &OrganizationRecord) -> Result<()> {
        self.note(format!("create {}", row.name));
        Ok(())
    }

    async fn organization(&self, name: &str) -> Result<Option<OrganizationRecord>> {
        let found = OrganizationRecord {
            federated_only: self.federated_only.get(),
            policy: self.policy.borrow().clone(),
            pause: self.pause.borrow().clone(),
            ..organization()
        };
        Ok((name == "acme").then_some(found))
    }

    async fn on_leak(&self, _: OrganizationId) -> Result<OnLeak> {
        Err(Error::unavailable("the record is down"))
    }

    async fn organizations(&self, _: &Page) -> Result<Vec<OrganizationRecord>> {
        Ok(vec![organization()])
    }

    async fn create_project(&self, _: &Grant, row: &Entry<Project>) -> Result<()> {
        self.note(format!("create {}", row.name));
        Ok(())
    }

    async fn project(&self, _: OrganizationId, name: &str) -> Result<Option<Named<Project>>> {
        Ok(projects().into_iter().find(|project| project.name == name))
    }

    async fn project_by_id(
        &self,
        _: OrganizationId,
        id: ProjectId,
    ) -> Result<Option<Named<Project>>> {
        Ok(projects().into_iter().find(|project| project.id == id))
    }

    async fn projects(&self, _: OrganizationId, _: &Page) -> Result<Vec<Entry<Project>>> {
        Ok(Vec::new())
    }

    async fn create_workflow(&self, _: &Grant, _: ProjectId, row: &Entry<Workflow>) -> Result<()> {
        self.note(format!("create {}", row.name));
        Ok(())
    }

    async fn workflows_named(
        &self,
        _: OrganizationId,
        name: &str,
    ) -> Result<Vec<(ProjectId, Named<Workflow>)>> {
        Ok(if name == "release" {
            vec![(project().id, workflow())]
        } else {
            Vec::new()
        })
    }

    async fn workflow_by_id(
        &self,
        _: OrganizationId,
        id: WorkflowId,
    ) -> Result<Option<(ProjectId, Named<Workflow>)>> {
        Ok((id == workflow().id).then(|| (project().id, workflow())))
    }

    async fn workflows(&self, _: ProjectId, _: &Page) -> Result<Vec<Entry<Workflow>>> {
        Ok(Vec::new())
    }

    async fn token(&self, _: OrganizationId, _: TokenId) -> Result<Option<TokenRecord>> {
        Ok(None)
    }

    async fn tokens(
        &self,
        _: OrganizationId,
        filter: &TokenFilter,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Found> {
        self.note(format!("tokens of {:?}", filter.project));
        self.listed.replace(Some(filter.clone()));
        let mut rows = match filter.status {
            Status::All => self.recorded.borrow().clone(),
            Status::Active | Status::Revoked => Vec::new(),
        };
        let place = |row: &TokenRecord| (row.created_at, row.facts.id.to_string());
        rows.sort_by_key(|row| core::cmp::Reverse(place(row)));
        rows.retain(|row| cursor.is_none_or(|after| place(row) < (after.at, after.id.clone())));
        rows.truncate(limit as usize);
        Ok(Found {
            tokens: rows,
            reached: self.reached.borrow().clone(),
        })
    }

    async fn selected(
        &self,
        _: OrganizationId,
        ids: &[TokenId],
        day: i64,
    ) -> Result<Vec<SelectedToken>> {
        self.note(format!("{} selected, from day {day}", ids.len()));
        match self.selected.borrow().as_ref() {
            None => Err(Error::unavailable("D1 is down")),
            Some(all) => Ok(all.clone()),
        }
    }

    async fn token_totals(&self, _: OrganizationId, asked: &TotalsQuery) -> Result<TokenTotals> {
        self.totalled.replace(Some(asked.clone()));
        Ok(TokenTotals::default())
    }
}
