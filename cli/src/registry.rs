//! `postern org`, `postern project`, `postern workflow`: what tokens can be for.

use serde_json::{Map, Value};

use crate::api::Api;
use crate::fail::Outcome;
use crate::listing::{self, Listed, Shape, of};
use crate::organization::{New, Update};
use crate::output::{Format, print, print_json};
use crate::pause::{Pause, Resume};
use crate::rebuild::Rebuild;
use crate::settings::{Flags, Settings};
use crate::table::{Cell, Column, Form, Look};
use crate::terminal::Tone;
use crate::text::{count, encoded, texts};

/// `postern org`.
#[derive(Debug, clap::Args)]
pub struct Organizations {
    #[command(subcommand)]
    what: OfOrganizations,
}

#[derive(Debug, clap::Subcommand)]
enum OfOrganizations {
    /// Create an organization
    Create(Box<New>),
    /// List organizations
    #[command(visible_alias = "ls")]
    List(Shape),
    /// Change an organization's settings
    Update(Box<Update>),
    /// Pause an organization: refuse every call of its tokens, and new tokens, until it is resumed
    Pause(Pause),
    /// Resume an organization: its tokens work again
    Resume(Resume),
    /// Rebuild an organization's Ledger from D1, when its storage was lost or put back
    Rebuild(Rebuild),
}

/// `postern project`.
#[derive(Debug, clap::Args)]
pub struct Projects {
    #[command(subcommand)]
    what: OfProjects,
}

#[derive(Debug, clap::Subcommand)]
enum OfProjects {
    /// Create a project of the organization
    Create(NewEntry),
    /// List the organization's projects
    #[command(visible_alias = "ls")]
    List(Shape),
}

/// `postern workflow`.
#[derive(Debug, clap::Args)]
pub struct Workflows {
    #[command(subcommand)]
    what: OfWorkflows,
}

#[derive(Debug, clap::Subcommand)]
enum OfWorkflows {
    /// Create a workflow of a project
    Create {
        /// The project, by its name or id
        #[arg(long)]
        project: String,
        #[command(flatten)]
        create: NewEntry,
    },
    /// List a project's workflows
    #[command(visible_alias = "ls")]
    List {
        /// The project, by its name or id
        #[arg(long)]
        project: String,
        #[command(flatten)]
        shape: Shape,
    },
}

#[derive(Debug, clap::Args)]
struct NewEntry {
    /// Its name: lower case letters, digits and hyphens
    name: String,

    /// Its id, a UUID, if it already has one elsewhere. Default: a new one
    #[arg(long)]
    id: Option<String>,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

const ID: Column = Column::new("id", 9, 0, |entry, _| of(entry, "id"));
const NAME: Column = Column::new("name", 0, 20, |entry, _| of(entry, "name"));
const CREATED_AT: Column = Column::new("created_at", 5, 0, |entry, look| {
    look.moment(entry, "created_at").into()
});

/// Lists of projects and workflows.
const ENTRIES: Listed = Listed {
    columns: &[NAME, CREATED_AT, ID],
    name: Some("name"),
};

/// Lists of organizations, which have limits.
const ORGANIZATIONS: Listed = Listed {
    columns: &[
        NAME,
        Column::new("mint_ceiling", 1, 0, ceiling),
        Column::new("max_idle_days", 2, 0, |entry, look| {
            days(entry, look, "max_idle_days")
        }),
        Column::new("on_leak", 3, 0, |entry, _| of(entry, "on_leak")),
        Column::new("federated_only", 4, 0, |entry, _| {
            of(entry, "federated_only")
        }),
        Column::new("paused", 2, 0, |entry, look| match entry.get("pause") {
            Some(pause) if pause.is_object() => look.moment(pause, "at").into(),
            _ => look.absent("no", Tone::Quiet),
        }),
        Column::new("max_lifetime_days", 5, 0, |entry, look| {
            days(entry, look, "max_lifetime_days")
        }),
        Column::new("default_expires_in", 6, 0, |entry, look| {
            match entry.get("default_expires_in") {
                Some(Value::Null) => look.absent("none", Tone::Quiet),
                _ => of(entry, "default_expires_in"),
            }
        }),
        Column::new("trusted_issuers", 7, 12, issuers),
        Column::new("jurisdiction", 6, 0, |entry, _| of(entry, "jurisdiction")),
        CREATED_AT,
        ID,
    ],
    name: Some("name"),
};

/// A number of days, of which 0 is none.
fn days(entry: &Value, look: &Look, name: &str) -> Cell {
    match entry.get(name).and_then(Value::as_u64) {
        Some(0) => look.absent("no limit", Tone::Quiet),
        _ => of(entry, name),
    }
}

/// The issuers that are trusted; `none` is said to programs too, which take nothing for all.
fn issuers(entry: &Value, look: &Look) -> Cell {
    match entry.get("trusted_issuers") {
        Some(Value::Null) => look.absent("all", Tone::Quiet),
        Some(Value::Array(urls)) if urls.is_empty() => "none".to_owned().into(),
        Some(Value::Array(_)) => texts(entry, "trusted_issuers").join(" ").into(),
        _ => Cell::default(),
    }
}

/// The ceiling that holds, and whether it is the gateway's own.
fn ceiling(entry: &Value, look: &Look) -> Cell {
    let number = |name: &str| entry.get(name).and_then(Value::as_u64);
    let holds = number("effective_mint_ceiling").or_else(|| number("mint_ceiling"));
    let text = match (holds, look.form) {
        (None, _) => return look.absent("default", Tone::Plain),
        (Some(holds), Form::Raw) => return Cell::from(holds.to_string()),
        (Some(0), _) => "no limit".to_owned(),
        (Some(holds), _) => count(holds),
    };
    match number("mint_ceiling") {
        Some(_) => text.into(),
        None => format!("{text} (default)").into(),
    }
}

impl Organizations {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let api = Api::new(Settings::find(flags)?)?;
        match self.what {
            OfOrganizations::List(shape) => {
                list(&api, "/orgs", "organizations", ORGANIZATIONS, &shape).await
            }
            OfOrganizations::Pause(pause) => pause.run(flags).await,
            OfOrganizations::Resume(resume) => resume.run(flags).await,
            OfOrganizations::Rebuild(rebuild) => rebuild.run(&api).await,
            OfOrganizations::Update(update) => {
                let updated = update.run(&api).await?;
                show(updated, update.output)
            }
            OfOrganizations::Create(new) => {
                let output = new.output;
                created(&api, "/orgs", new.body(), output).await
            }
        }
    }
}

impl Projects {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let api = Api::new(Settings::find(flags)?)?;
        match self.what {
            OfProjects::Create(create) => create.run(&api, "/org/projects").await,
            OfProjects::List(shape) => {
                list(&api, "/org/projects", "projects", ENTRIES, &shape).await
            }
        }
    }
}

impl Workflows {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let api = Api::new(Settings::find(flags)?)?;
        let path = |project: &str| format!("/org/projects/{}/workflows", encoded(project));
        match self.what {
            OfWorkflows::Create { project, create } => create.run(&api, &path(&project)).await,
            OfWorkflows::List { project, shape } => {
                list(&api, &path(&project), "workflows", ENTRIES, &shape).await
            }
        }
    }
}

impl NewEntry {
    async fn run(self, api: &Api, path: &str) -> Outcome {
        let mut body = Map::new();
        body.insert("name".to_owned(), self.name.into());
        if let Some(id) = self.id {
            body.insert("id".to_owned(), id.into());
        }
        created(api, path, body, self.output).await
    }
}

async fn created(api: &Api, path: &str, body: Map<String, Value>, output: Format) -> Outcome {
    let made = api.post(path, &Value::Object(body)).await?;
    show(made, output)
}

fn show(entry: Value, output: Format) -> Outcome {
    match output {
        Format::Json => print_json(&entry),
        Format::Table => print(&listing::table(entries(&entry), &[entry])?),
    }
}

/// Organizations have limits; projects and workflows do not.
fn entries(entry: &Value) -> Listed {
    match entry.get("on_leak") {
        Some(_) => ORGANIZATIONS,
        None => ENTRIES,
    }
}

async fn list(
    api: &Api,
    path: &str,
    member: &'static str,
    listed: Listed,
    shape: &Shape,
) -> Outcome {
    shape.check(listed)?;
    let found = api.list(path, &[], member, usize::MAX).await?;
    shape.print(listed, &found, &format!("there are no {member}"))
}
