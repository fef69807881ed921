//! Queries of the record. Tokens, runs and audit are not written here: those
//! come from the Ledger, as record changes.

use serde::Deserialize;
use worker::Env;

use super::d1::{self, Bind};
use super::limits::kept_policy;
use super::token_rows::{COLUMNS, JOINS, TokenRow};
use postern_domain::id::{
    self, Id, OrganizationId, Project, ProjectId, TokenId, Workflow, WorkflowId,
};
use postern_domain::leak::OnLeak;
use postern_domain::location::LocationHint;
use postern_domain::organization::{OrganizationPolicy, Pause};
use postern_domain::scope::Named;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_registry::error::{Error, Result};
use postern_registry::organization::OrganizationRecord;
use postern_registry::page::Page;
use postern_registry::registry::Entry;
use postern_registry::tokens::TokenRecord;

#[derive(Deserialize)]
struct OrganizationRow {
    id: String,
    name: String,
    mint_ceiling: Option<u32>,
    max_idle_days: u32,
    on_leak: OnLeak,
    federated_only: u32,
    max_lifetime_days: u32,
    default_expires_in: Option<u32>,
    trusted_issuers: Option<String>,
    paused_at: Option<i64>,
    paused_by: Option<String>,
    pause_reason: Option<String>,
    location_hint: Option<LocationHint>,
    created_at: i64,
}

impl OrganizationRow {
    fn read(self) -> Result<OrganizationRecord> {
        Ok(OrganizationRecord {
            id: id(&self.id)?,
            name: self.name,
            mint_ceiling: self.mint_ceiling,
            max_idle_days: self.max_idle_days,
            on_leak: self.on_leak,
            federated_only: self.federated_only != 0,
            policy: OrganizationPolicy {
                max_lifetime_days: self.max_lifetime_days,
                default_expires_in: self.default_expires_in,
                trusted_issuers: match self.trusted_issuers {
                    None => None,
                    Some(urls) => serde_json::from_str(&urls)
                        .map_err(|_| d1::failed("trusted issuers do not parse"))?,
                },
            },
            pause: self.paused_at.map(|at| Pause {
                at: Timestamp::from_millis(at),
                by: self.paused_by.unwrap_or_default(),
                reason: self.pause_reason,
            }),
            location_hint: self.location_hint,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

#[derive(Deserialize)]
struct EntryRow {
    id: String,
    name: String,
    created_at: i64,
}

impl EntryRow {
    fn read<K>(self) -> Result<Entry<K>> {
        Ok(Entry {
            id: id(&self.id)?,
            name: self.name,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

#[derive(Deserialize)]
struct WorkflowRow {
    id: String,
    name: String,
    project_id: String,
}

impl WorkflowRow {
    fn read(self) -> Result<(ProjectId, Named<Workflow>)> {
        let workflow = Named {
            id: id(&self.id)?,
            name: self.name,
        };
        Ok((id(&self.project_id)?, workflow))
    }
}

fn id<K>(text: &str) -> Result<Id<K>> {
    Id::parse(text).map_err(|_| d1::failed("an id does not parse"))
}

/// The answer to a broken unique constraint: of the name, or else of the id.
fn taken(what: &'static str) -> impl Fn(&str) -> Error {
    move |columns| {
        if columns.contains(".name") {
            Error::Conflict {
                code: "name_taken",
                detail: format!("the name is taken by another {what}"),
            }
        } else {
            Error::Conflict {
                code: "id_taken",
                detail: format!("the id is taken by another {what}"),
            }
        }
    }
}

/// `and (created_at, id) < (?, ?)` for pages after the first, newest first.
pub fn after(page: &Page, values: &mut Vec<Bind>, prefix: &str) -> String {
    let Some(cursor) = &page.after else {
        return String::new();
    };
    values.push(Bind::time(cursor.at));
    values.push(Bind::text(&cursor.id));
    format!(" and ({prefix}created_at, {prefix}id) < (?, ?)")
}

pub async fn create_organization(
    env: &Env,
    organization: &Named<id::Organization>,
    row: &OrganizationRecord,
) -> Result<()> {
    let [days, usual, issuers] =
        kept_policy(Some(&row.policy)).map_err(|_| d1::failed("a policy does not serialize"))?;
    let values = vec![
        Bind::text(organization.id),
        Bind::text(&organization.name),
        row.mint_ceiling.map_or(Bind::Null, Bind::number),
        Bind::number(row.max_idle_days),
        Bind::text(row.on_leak.word()),
        Bind::number(u32::from(row.federated_only)),
        days,
        usual,
        issuers,
        row.location_hint
            .map_or(Bind::Null, |near| Bind::text(near.word())),
        Bind::time(row.created_at),
    ];
    let sql = "insert into organizations (id, name, mint_ceiling, max_idle_days, on_leak, \
               federated_only, max_lifetime_days, default_expires_in, trusted_issuers, location_hint, \
               created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    d1::insert(env, sql, values, taken("organization")).await
}

pub async fn organization(env: &Env, name: &str) -> Result<Option<OrganizationRecord>> {
    let sql = "select id, name, mint_ceiling, max_idle_days, on_leak, federated_only, max_lifetime_days, \
         default_expires_in, trusted_issuers, paused_at, paused_by, pause_reason, location_hint, created_at \
         from organizations \
               where name = ?";
    let rows: Vec<OrganizationRow> = d1::rows(env, sql, vec![Bind::text(name)]).await?;
    rows.into_iter()
        .next()
        .map(OrganizationRow::read)
        .transpose()
}

/// What an organization wants done with tokens found in public.
pub async fn on_leak(env: &Env, organization: OrganizationId) -> Result<OnLeak> {
    #[derive(Deserialize)]
    struct Row {
        on_leak: OnLeak,
    }
    let sql = "select on_leak from organizations where id = ?";
    let rows: Vec<Row> = d1::rows(env, sql, vec![Bind::text(organization)]).await?;
    rows.into_iter()
        .next()
        .map(|row| row.on_leak)
        .ok_or_else(|| d1::failed("an organization without a row"))
}

/// Organizations whose idle tokens are revoked, with the days that they allow.
pub async fn organizations_with_idle_limit(env: &Env) -> Result<Vec<OrganizationRecord>> {
    let sql = "select id, name, mint_ceiling, max_idle_days, on_leak, federated_only, max_lifetime_days, \
         default_expires_in, trusted_issuers, paused_at, paused_by, pause_reason, location_hint, created_at \
         from organizations \
               where max_idle_days > 0 order by id";
    let rows: Vec<OrganizationRow> = d1::rows(env, sql, vec![]).await?;
    rows.into_iter().map(OrganizationRow::read).collect()
}

pub async fn organizations(env: &Env, page: &Page) -> Result<Vec<OrganizationRecord>> {
    let mut values = Vec::new();
    let after = after(page, &mut values, "");
    values.push(Bind::number(page.limit + 1));
    let sql = format!(
        "select id, name, mint_ceiling, max_idle_days, on_leak, federated_only, max_lifetime_days, \
         default_expires_in, trusted_issuers, paused_at, paused_by, pause_reason, location_hint, created_at \
         from organizations \
         where true{after} order by created_at desc, id desc limit ?"
    );
    let rows: Vec<OrganizationRow> = d1::rows(env, &sql, values).await?;
    rows.into_iter().map(OrganizationRow::read).collect()
}

pub async fn create_project(
    env: &Env,
    organization: OrganizationId,
    row: &Entry<Project>,
) -> Result<()> {
    let values = vec![
        Bind::text(row.id),
        Bind::text(organization),
        Bind::text(&row.name),
        Bind::time(row.created_at),
    ];
    let sql = "insert into projects (id, organization_id, name, created_at) values (?, ?, ?, ?)";
    d1::insert(env, sql, values, taken("project")).await
}

pub async fn project(
    env: &Env,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<Named<Project>>> {
    let sql = "select id, name, created_at from projects where organization_id = ? and name = ?";
    let values = vec![Bind::text(organization), Bind::text(name)];
    one_project(env, sql, values).await
}

pub async fn project_by_id(
    env: &Env,
    organization: OrganizationId,
    id: ProjectId,
) -> Result<Option<Named<Project>>> {
    let sql = "select id, name, created_at from projects where id = ? and organization_id = ?";
    let values = vec![Bind::text(id), Bind::text(organization)];
    one_project(env, sql, values).await
}

async fn one_project(
    env: &Env,
    sql: &'static str,
    values: Vec<Bind>,
) -> Result<Option<Named<Project>>> {
    let rows: Vec<EntryRow> = d1::rows(env, sql, values).await?;
    let named = |row: EntryRow| {
        Ok(Named {
            id: id(&row.id)?,
            name: row.name,
        })
    };
    rows.into_iter().next().map(named).transpose()
}

pub async fn projects(
    env: &Env,
    organization: OrganizationId,
    page: &Page,
) -> Result<Vec<Entry<Project>>> {
    entries(
        env,
        "projects",
        "organization_id",
        organization.to_string(),
        page,
    )
    .await
}

/// The project is one of the organization's, or there is none and nothing is written: a workflow
/// has a project.
pub async fn create_workflow(
    env: &Env,
    organization: OrganizationId,
    project: ProjectId,
    row: &Entry<Workflow>,
) -> Result<()> {
    let values = vec![
        Bind::text(row.id),
        Bind::text(project),
        Bind::text(organization),
        Bind::text(&row.name),
        Bind::time(row.created_at),
    ];
    let sql = "insert into workflows (id, project_id, name, created_at) \
               values (?, (select id from projects where id = ? and organization_id = ?), ?, ?)";
    d1::insert(env, sql, values, taken("workflow")).await
}

pub async fn workflows_named(
    env: &Env,
    organization: OrganizationId,
    name: &str,
) -> Result<Vec<(ProjectId, Named<Workflow>)>> {
    let sql = "select w.id, w.name, w.project_id from workflows w \
               join projects p on p.id = w.project_id \
               where w.name = ? and p.organization_id = ?";
    let values = vec![Bind::text(name), Bind::text(organization)];
    let rows: Vec<WorkflowRow> = d1::rows(env, sql, values).await?;
    rows.into_iter().map(WorkflowRow::read).collect()
}

pub async fn workflow_by_id(
    env: &Env,
    organization: OrganizationId,
    id: WorkflowId,
) -> Result<Option<(ProjectId, Named<Workflow>)>> {
    let sql = "select w.id, w.name, w.project_id from workflows w \
               join projects p on p.id = w.project_id \
               where w.id = ? and p.organization_id = ?";
    let values = vec![Bind::text(id), Bind::text(organization)];
    let rows: Vec<WorkflowRow> = d1::rows(env, sql, values).await?;
    rows.into_iter().next().map(WorkflowRow::read).transpose()
}

pub async fn workflows(env: &Env, project: ProjectId, page: &Page) -> Result<Vec<Entry<Workflow>>> {
    entries(env, "workflows", "project_id", project.to_string(), page).await
}

/// A page of a table of named entries. `table` and `owner_column` are literals of this file.
async fn entries<K>(
    env: &Env,
    table: &'static str,
    owner_column: &'static str,
    owner: String,
    page: &Page,
) -> Result<Vec<Entry<K>>> {
    let mut values = vec![Bind::Text(owner)];
    let after = after(page, &mut values, "");
    values.push(Bind::number(page.limit + 1));
    let sql = format!(
        "select id, name, created_at from {table} where {owner_column} = ?{after} \
         order by created_at desc, id desc limit ?"
    );
    let rows: Vec<EntryRow> = d1::rows(env, &sql, values).await?;
    rows.into_iter().map(EntryRow::read).collect()
}

pub async fn token(
    env: &Env,
    organization: OrganizationId,
    token: TokenId,
) -> Result<Option<TokenRecord>> {
    let sql =
        format!("select {COLUMNS} from tokens t {JOINS} where t.id = ? and t.organization_id = ?");
    let values = vec![Bind::text(token), Bind::text(organization)];
    let rows: Vec<TokenRow> = d1::rows(env, &sql, values).await?;
    rows.into_iter().next().map(TokenRow::read).transpose()
}

/// The facts of a token of any organization: only for a key that has passed its offline check.
pub async fn any_token(env: &Env, token: TokenId) -> Result<Option<TokenFacts>> {
    let sql = format!("select {COLUMNS} from tokens t {JOINS} where t.id = ?");
    let rows: Vec<TokenRow> = d1::rows(env, &sql, vec![Bind::text(token)]).await?;
    let record = rows.into_iter().next().map(TokenRow::read).transpose()?;
    Ok(record.map(|record| record.facts))
}

/// Whose a token is in the record.
pub async fn token_organization(env: &Env, token: TokenId) -> Result<Option<OrganizationId>> {
    #[derive(Deserialize)]
    struct Row {
        organization_id: String,
    }
    let sql = "select organization_id from tokens where id = ?";
    let rows: Vec<Row> = d1::rows(env, sql, vec![Bind::text(token)]).await?;
    rows.first().map(|row| id(&row.organization_id)).transpose()
}
