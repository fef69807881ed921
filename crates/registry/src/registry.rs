//! Projects and workflows: create and list. Names are those that the origin would accept.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::organization::resolve;
use super::page::{Cursor, Page};
use super::ports::{Clock, Entropy, Ledgers, Records};
use postern_domain::audit::{Action, Requester};
use postern_domain::caller::Caller;
use postern_domain::decide::{Grant, Target, decide};
use postern_domain::id::{Id, OrganizationId, Project, ProjectId, Workflow};
use postern_domain::name::Label;
use postern_domain::operation::Operation;
use postern_domain::scope::Named;
use postern_domain::time::Timestamp;
use postern_ledger::NoteCommand;
use postern_wire::{json, rfc3339};

/// A project or workflow as the record keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<K> {
    /// The id.
    pub id: Id<K>,
    /// The name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A project or workflow as it is answered.
#[derive(Debug, Serialize)]
pub struct EntryView {
    id: String,
    name: String,
    created_at: String,
}

impl<K> From<Entry<K>> for EntryView {
    fn from(entry: Entry<K>) -> Self {
        Self {
            id: entry.id.to_string(),
            name: entry.name,
            created_at: rfc3339::print(entry.created_at),
        }
    }
}

/// A page of projects.
#[derive(Debug, Serialize)]
pub struct ProjectList {
    projects: Vec<EntryView>,
    next_cursor: Option<String>,
}

/// A page of workflows.
#[derive(Debug, Serialize)]
pub struct WorkflowList {
    workflows: Vec<EntryView>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateEntry {
    name: String,
    id: Option<String>,
}

/// `POST /org/projects`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `Conflict`, `Unavailable`.
pub async fn create_project<P>(
    caller: &Caller,
    organization: Option<&str>,
    body: &[u8],
    requester: Requester,
    ports: &P,
) -> Result<EntryView>
where
    P: Clock + Entropy + Ledgers + Records,
{
    let permit = decide(caller, Operation::ProjectCreate, Target::Registry)?;
    let entry = read_entry::<Project, _>(body, ports)?;
    let organization = resolve(caller, organization, ports).await?;
    let grant = permit.over(&organization.named())?;
    ports.create_project(&grant, &entry).await?;
    let target = format!("project:{}", entry.name);
    note_created(&grant, Action::ProjectCreate, target, requester, ports).await?;
    Ok(entry.into())
}

/// `GET /org/projects`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `Unavailable`.
pub async fn list_projects<P: Ledgers + Records>(
    caller: &Caller,
    organization: Option<&str>,
    page: &Page,
    ports: &P,
) -> Result<ProjectList> {
    decide(caller, Operation::ProjectList, Target::Registry)?;
    let organization = resolve(caller, organization, ports).await?;
    let (rows, next_cursor) = page.cut(ports.projects(organization.id, page).await?, place);
    Ok(ProjectList {
        projects: rows.into_iter().map(Into::into).collect(),
        next_cursor,
    })
}

/// `POST /org/projects/{project}/workflows`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for organization or project, `Conflict`, `Unavailable`.
pub async fn create_workflow<P>(
    caller: &Caller,
    organization: Option<&str>,
    project: &str,
    body: &[u8],
    requester: Requester,
    ports: &P,
) -> Result<EntryView>
where
    P: Clock + Entropy + Ledgers + Records,
{
    let permit = decide(caller, Operation::WorkflowCreate, Target::Registry)?;
    let entry = read_entry::<Workflow, _>(body, ports)?;
    let organization = resolve(caller, organization, ports).await?;
    let project = find_project(organization.id, project, ports).await?;
    let grant = permit.over(&organization.named())?;
    ports.create_workflow(&grant, project.id, &entry).await?;
    let target = format!("workflow:{}/{}", project.name, entry.name);
    note_created(&grant, Action::WorkflowCreate, target, requester, ports).await?;
    Ok(entry.into())
}

/// `GET /org/projects/{project}/workflows`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for organization or project, `Unavailable`.
pub async fn list_workflows<P: Ledgers + Records>(
    caller: &Caller,
    organization: Option<&str>,
    project: &str,
    page: &Page,
    ports: &P,
) -> Result<WorkflowList> {
    decide(caller, Operation::WorkflowList, Target::Registry)?;
    let organization = resolve(caller, organization, ports).await?;
    let project = find_project(organization.id, project, ports).await?;
    let (rows, next_cursor) = page.cut(ports.workflows(project.id, page).await?, place);
    Ok(WorkflowList {
        workflows: rows.into_iter().map(Into::into).collect(),
        next_cursor,
    })
}

/// The project that a request means: by its name or, where no project has that name, by its id. A
/// name can have the form of an id; it is what it says first.
///
/// # Errors
/// `NotFound`, `Unavailable`.
pub async fn find_project<P: Records>(
    organization: OrganizationId,
    meant: &str,
    ports: &P,
) -> Result<Named<Project>> {
    let mut found = ports.project(organization, meant).await?;
    if let (None, Ok(id)) = (&found, Id::parse(meant)) {
        found = ports.project_by_id(organization, id).await?;
    }
    found.ok_or(Error::NotFound { what: "project" })
}

/// The workflow of a project that a request means, by name or id as [`find_project`].
///
/// # Errors
/// `Invalid` for a workflow of another project only, `NotFound`, `Unavailable`.
pub async fn find_workflow<P: Records>(
    organization: OrganizationId,
    project: ProjectId,
    meant: &str,
    ports: &P,
) -> Result<Named<Workflow>> {
    let mut candidates = ports.workflows_named(organization, meant).await?;
    let is_here = candidates.iter().any(|(of, _)| *of == project);
    if let (false, Ok(id)) = (is_here, Id::parse(meant)) {
        candidates.extend(ports.workflow_by_id(organization, id).await?);
    }
    let elsewhere = !candidates.is_empty();
    match candidates.into_iter().find(|(of, _)| *of == project) {
        Some((_, workflow)) => Ok(workflow),
        None if elsewhere => Err(Error::invalid(
            "workflow_of_other_project",
            "`workflow` does not belong to the requested `project`",
        )),
        None => Err(Error::NotFound { what: "workflow" }),
    }
}

/// Has the organization's Ledger write down that a row was created (R35). The row stands before its
/// event: a Ledger that does not answer leaves it without one.
pub(super) async fn note_created<P: Ledgers>(
    grant: &Grant,
    action: Action,
    target: String,
    requester: Requester,
    ports: &P,
) -> Result<()> {
    let command = NoteCommand {
        organization: grant.organization().id,
        action,
        target: Some(target),
        requester,
    };
    ports.send(grant, &command).await
}

fn place<K>(entry: &Entry<K>) -> Cursor {
    Cursor {
        at: entry.created_at,
        id: entry.id.to_string(),
    }
}

fn read_entry<K, P: Clock + Entropy>(body: &[u8], ports: &P) -> Result<Entry<K>> {
    let body: CreateEntry = read_body(body)?;
    Ok(Entry {
        id: new_id(body.id.as_deref(), ports)?,
        name: label("name", &body.name)?,
        created_at: ports.now(),
    })
}

/// Reads a JSON body, which must be an object; unknown and doubled fields are refused.
///
/// # Errors
/// `Invalid` with the place of the fault.
pub fn read_body<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    json::object(body).map_err(|error| Error::invalid("body_invalid", error.to_string()))
}

/// The same where no body at all stands for an object without members.
///
/// # Errors
/// As [`read_body`].
pub fn read_optional_body<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T> {
    match json::is_nothing(body) {
        true => Ok(T::default()),
        false => read_body(body),
    }
}

/// The id that the request gives, or a fresh random one.
///
/// # Errors
/// `Invalid` for a given id that is not a UUID, `Unavailable` without entropy.
pub fn new_id<K, P: Entropy>(given: Option<&str>, ports: &P) -> Result<Id<K>> {
    if let Some(text) = given {
        return Id::parse(text)
            .map_err(|_| Error::invalid("id_invalid", "`id` must be a UUID with hyphens"));
    }
    let mut bytes = [0; 16];
    ports.fill(&mut bytes)?;
    Ok(Id::from_random(bytes))
}

/// Reads a DNS label.
///
/// # Errors
/// `Invalid` naming the field and the rule.
pub fn label(field: &str, text: &str) -> Result<String> {
    match Label::parse(text) {
        Ok(label) => Ok(label.as_str().to_owned()),
        Err(error) => Err(Error::invalid("name_invalid", format!("`{field}` {error}"))),
    }
}

#[cfg(test)]
mod tests;
