//! The record of the world for use-case tests: one organization with one project and one workflow.
//! Refuses to list.

use super::{World, organization, project, workflow};
use crate::app::error::{Error, Result};
use crate::app::leaks::OnLeak;
use crate::app::organization::Organization;
use crate::app::page::{Cursor, Page};
use crate::app::ports::Records;
use crate::app::registry::Entry;
use crate::app::tokens::{Filter, TokenRecord};
use crate::domain::decide::Permit;
use crate::domain::id::{Id, OrganizationId, Project, ProjectId, TokenId, Workflow};
use crate::domain::scope::Named;

impl Records for World {
    async fn create_organization(&self, _: &Permit, row: &Organization) -> Result<()> {
        self.note(format!("create {}", row.name));
        Ok(())
    }

    async fn organization(&self, name: &str) -> Result<Option<Organization>> {
        Ok((name == "acme").then(organization))
    }

    async fn on_leak(&self, _: OrganizationId) -> Result<OnLeak> {
        Err(Error::unavailable("the record is down"))
    }

    async fn organizations(&self, _: &Page) -> Result<Vec<Organization>> {
        Ok(vec![organization()])
    }

    async fn create_project(
        &self,
        _: &Permit,
        _: OrganizationId,
        row: &Entry<Project>,
    ) -> Result<()> {
        self.note(format!("create {}", row.name));
        Ok(())
    }

    async fn project(&self, _: OrganizationId, name: &str) -> Result<Option<Named<Project>>> {
        let other = Named {
            id: Id::from_u128(20),
            name: "other".to_owned(),
        };
        Ok([project(), other]
            .into_iter()
            .find(|project| project.name == name))
    }

    async fn projects(&self, _: OrganizationId, _: &Page) -> Result<Vec<Entry<Project>>> {
        Ok(Vec::new())
    }

    async fn create_workflow(&self, _: &Permit, _: ProjectId, row: &Entry<Workflow>) -> Result<()> {
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

    async fn workflows(&self, _: ProjectId, _: &Page) -> Result<Vec<Entry<Workflow>>> {
        Ok(Vec::new())
    }

    async fn token(&self, _: OrganizationId, _: TokenId) -> Result<Option<TokenRecord>> {
        Ok(None)
    }

    async fn tokens(
        &self,
        _: OrganizationId,
        _: &Filter,
        _: Option<&Cursor>,
        _: u32,
    ) -> Result<Vec<TokenRecord>> {
        Ok(Vec::new())
    }
}
