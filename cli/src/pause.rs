//! `postern org pause` and `postern org resume`: everything that an organization's tokens can do, stopped
//! at once, and allowed again.

use http::StatusCode;
use serde_json::{Map, Value};

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Format, print, print_json};
use crate::settings::{Flags, Settings};
use crate::text::{member, moment, moment_by};

/// `postern org pause`.
#[derive(Debug, clap::Args)]
pub struct Pause {
    /// The organization
    name: String,

    /// Why, for the audit log and for those who ask
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Do it: from then on every call of the organization's tokens is refused
    #[arg(long)]
    yes: bool,

    /// Do not wait until the pause is final: say by when it is
    #[arg(long)]
    no_wait: bool,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// `postern org resume`.
#[derive(Debug, clap::Args)]
pub struct Resume {
    /// The organization
    name: String,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// The API, for calls about the organization of this name.
fn api(flags: &Flags, name: &str) -> Outcome<Api> {
    let flags = Flags {
        organization: Some(name.to_owned()),
        ..flags.clone()
    };
    Api::new(Settings::find(&flags)?)
}

impl Pause {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        if !self.yes {
            let message = format!(
                "this refuses every call of the tokens of `{}`, and new ones",
                self.name
            );
            return Err(Failure::new(Kind::Usage, message).hint("add --yes to do it"));
        }
        let api = api(flags, &self.name)?;
        let mut body = Map::new();
        if let Some(reason) = self.reason {
            body.insert("reason".to_owned(), reason.into());
        }
        let body = Value::Object(body);
        let answer = api.act("/org/pause", &body, !self.no_wait).await?;
        let told = answer.json()?;
        match self.output {
            Format::Json => print_json(&told),
            Format::Table => print(&paused(&told, answer.status == StatusCode::ACCEPTED)),
        }
    }
}

fn paused(told: &Value, is_early: bool) -> String {
    let (name, at) = (member(told, "organization"), moment(told, "paused_at"));
    let by = moment_by(told, "final_at");
    let when_final = match is_early {
        true => format!("final by {by}"),
        false => format!("final {by}"),
    };
    format!("{name} is paused since {at}, {when_final}\nResume it: postern org resume {name}\n")
}

impl Resume {
    /// Does it.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let api = api(flags, &self.name)?;
        let told = api.post("/org/resume", &Value::Object(Map::new())).await?;
        match self.output {
            Format::Json => print_json(&told),
            Format::Table => print(&resumed(&told)),
        }
    }
}

fn resumed(told: &Value) -> String {
    let name = member(told, "organization");
    match told.get("resumed_at").and_then(Value::as_str) {
        Some(_) => format!("{name} is resumed, {}\n", moment(told, "resumed_at")),
        None => format!("{name} was not paused\n"),
    }
}
