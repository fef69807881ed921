//! `postern org`, `postern project`, `postern workflow`: what tokens can be for.

use serde_json::{Map, Value};

use crate::api::Api;
use crate::fail::Outcome;
use crate::organization::Update;
use crate::output::{Format, print, print_json, remark};
use crate::rebuild::Rebuild;
use crate::settings::{Flags, Settings};
use crate::text::{encoded, member, moment, table};

/// `postern org`.
#[derive(Debug, clap::Args)]
pub struct Organizations {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    what: OfOrganizations,
}

#[derive(Debug, clap::Subcommand)]
enum OfOrganizations {
    /// Create an organization
    Create {
        /// Its name: lower case letters, digits and hyphens
        name: String,

        /// Maximum number of active tokens; 0 for no limit. Default: the gateway's limit
        #[arg(long, value_name = "COUNT")]
        mint_ceiling: Option<u32>,

        /// Days after which unused tokens are revoked; 0 for never
        #[arg(long, value_name = "DAYS")]
        max_idle_days: Option<u32>,

        /// What happens to tokens that are found in public
        #[arg(long, value_name = "WHAT", value_parser = ["revoke", "quarantine"])]
        on_leak: Option<String>,

        /// Where its state must stay. It cannot be changed later
        #[arg(long, value_name = "WHERE", value_parser = ["eu", "us", "fedramp", "fedramp-high"])]
        jurisdiction: Option<String>,

        /// Where its callers are, such as weur or enam. It cannot be changed later
        #[arg(long, value_name = "REGION")]
        location_hint: Option<String>,

        /// Output format
        #[arg(long, short, value_enum, default_value_t = Format::Table)]
        output: Format,
    },
    /// List organizations
    #[command(visible_alias = "ls")]
    List(Listing),
    /// Change an organization's settings
    Update(Update),
    /// Rebuild an organization's Ledger from D1, when its storage was lost or put back
    Rebuild(Rebuild),
}

/// `postern project`.
#[derive(Debug, clap::Args)]
pub struct Projects {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    what: OfProjects,
}

#[derive(Debug, clap::Subcommand)]
enum OfProjects {
    /// Create a project of the organization
    Create(NewEntry),
    /// List the organization's projects
    #[command(visible_alias = "ls")]
    List(Listing),
}

/// `postern workflow`.
#[derive(Debug, clap::Args)]
pub struct Workflows {
    #[command(flatten)]
    flags: Flags,
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
        list: Listing,
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

#[derive(Debug, clap::Args)]
struct Listing {
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

const ENTRIES: [&str; 3] = ["ID", "NAME", "CREATED AT"];
const ORGANIZATIONS: [&str; 8] = [
    "ID",
    "NAME",
    "CREATED AT",
    "MINT CEILING",
    "MAX IDLE DAYS",
    "ON LEAK",
    "JURISDICTION",
    "FEDERATED ONLY",
];

impl Organizations {
    /// Does it.
    pub async fn run(self) -> Outcome {
        let api = Api::new(Settings::find(&self.flags)?)?;
        match self.what {
            OfOrganizations::List(list) => list.run(&api, "/orgs", "organizations").await,
            OfOrganizations::Rebuild(rebuild) => rebuild.run(&api).await,
            OfOrganizations::Update(update) => {
                let updated = update.run(&api).await?;
                show(updated, update.output)
            }
            OfOrganizations::Create {
                name,
                mint_ceiling,
                max_idle_days,
                on_leak,
                jurisdiction,
                location_hint,
                output,
            } => {
                let body: Map<String, Value> = [
                    ("name", Some(name.into())),
                    ("mint_ceiling", mint_ceiling.map(Value::from)),
                    ("max_idle_days", max_idle_days.map(Value::from)),
                    ("on_leak", on_leak.map(Value::from)),
                    ("jurisdiction", jurisdiction.map(Value::from)),
                    ("location_hint", location_hint.map(Value::from)),
                ]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect();
                created(&api, "/orgs", body, output).await
            }
        }
    }
}

impl Projects {
    /// Does it.
    pub async fn run(self) -> Outcome {
        let api = Api::new(Settings::find(&self.flags)?)?;
        match self.what {
            OfProjects::Create(create) => create.run(&api, "/org/projects").await,
            OfProjects::List(list) => list.run(&api, "/org/projects", "projects").await,
        }
    }
}

impl Workflows {
    /// Does it.
    pub async fn run(self) -> Outcome {
        let api = Api::new(Settings::find(&self.flags)?)?;
        let path = |project: &str| format!("/org/projects/{}/workflows", encoded(project));
        match self.what {
            OfWorkflows::Create { project, create } => create.run(&api, &path(&project)).await,
            OfWorkflows::List { project, list } => {
                list.run(&api, &path(&project), "workflows").await
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
        Format::Table => print(&entries(&[entry])),
    }
}

impl Listing {
    async fn run(self, api: &Api, path: &str, member: &'static str) -> Outcome {
        let found = api.list(path, &[], member, usize::MAX).await?;
        match self.output {
            Format::Json => print_json(&Value::Array(found)),
            Format::Table if found.is_empty() => {
                remark(&format!("there are no {member}"));
                Ok(())
            }
            Format::Table => print(&entries(&found)),
        }
    }
}

/// Organizations have limits; projects and workflows do not.
fn entries(found: &[Value]) -> String {
    let have_limits = found.iter().any(|entry| entry.get("on_leak").is_some());
    let headings = match have_limits {
        true => &ORGANIZATIONS[..],
        false => &ENTRIES,
    };
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|entry| {
            vec![
                member(entry, "id"),
                member(entry, "name"),
                moment(entry, "created_at"),
                member(entry, "mint_ceiling"),
                member(entry, "max_idle_days"),
                member(entry, "on_leak"),
                member(entry, "jurisdiction"),
                member(entry, "federated_only"),
            ]
        })
        .collect();
    table(headings, &rows)
}
