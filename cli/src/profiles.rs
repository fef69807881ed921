//! `postern profile`: the profiles of the configuration file, which it never changes.

use serde_json::{Value, json};

use crate::fail::Outcome;
use crate::listing::{Listed, Shape, of};
use crate::settings::{self, Flags, Profile};
use crate::table::{Cell, Column};
use crate::terminal::Tone;

/// `postern profile`.
#[derive(Debug, clap::Args)]
pub struct Profiles {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the profiles of the configuration file, without their credentials
    #[command(visible_alias = "ls")]
    List(Shape),
}

const PROFILES: Listed = Listed {
    columns: &[
        Column::new("name", 0, 12, |row, look| {
            match row.get("name").and_then(Value::as_str) {
                Some(_) => of(row, "name"),
                None => look.absent("(no profile)", Tone::Quiet),
            }
        }),
        Column::new("url", 0, 20, |row, _| of(row, "url")),
        Column::new("organization", 2, 0, |row, _| of(row, "organization")),
        Column::new("credential", 3, 0, |row, _| yes(row, "has_token")),
        Column::new("in_use", 1, 0, |row, _| yes(row, "in_use")),
    ],
    name: Some("name"),
};

fn yes(row: &Value, name: &str) -> Cell {
    match row.get(name).and_then(Value::as_bool) {
        Some(true) => Cell::new("yes", Tone::Good),
        _ => Cell::new("no", Tone::Quiet),
    }
}

impl Profiles {
    /// Does it.
    ///
    /// # Errors
    /// What is wrong with the configuration file.
    pub fn run(self, flags: &Flags) -> Outcome {
        let What::List(shape) = self.what;
        let all = settings::profiles(flags.profile.as_deref(), &|name| std::env::var_os(name))?;
        let rows: Vec<Value> = all.iter().map(row).collect();
        shape.print(
            PROFILES,
            &rows,
            "the configuration file has no profile: docs/CLI.md says how to write one",
        )
    }
}

fn row(profile: &Profile) -> Value {
    json!({
        "name": profile.name,
        "url": profile.url,
        "organization": profile.organization,
        "has_token": profile.has_token,
        "in_use": profile.is_chosen,
    })
}
