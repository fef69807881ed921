//! The settings of an organization, for `postern org create` and `postern org update`. What an update does
//! not name stays as it is.

use serde_json::{Map, Value};

use crate::api::Api;
use crate::fail::Outcome;
use crate::output::Format;
use crate::text::encoded;

/// `postern org create`.
#[derive(Debug, clap::Args)]
pub struct New {
    /// Its name: lower case letters, digits and hyphens
    name: String,

    #[command(flatten)]
    settings: Settings,

    /// Where its state must stay. It cannot be changed later
    #[arg(long, value_name = "WHERE", value_parser = ["eu", "us", "fedramp", "fedramp-high"])]
    jurisdiction: Option<String>,

    /// Where its callers are, such as weur or enam. It cannot be changed later
    #[arg(long, value_name = "REGION")]
    location_hint: Option<String>,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

/// What to change.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("changed").args(SETTINGS).required(true).multiple(true))]
pub struct Update {
    /// The organization
    name: String,

    #[command(flatten)]
    settings: Settings,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

/// The names of all settings.
const SETTINGS: [&str; 7] = [
    "mint_ceiling",
    "max_idle_days",
    "on_leak",
    "federated_only",
    "max_lifetime_days",
    "default_expires_in",
    "trusted_issuers",
];

#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
struct Settings {
    /// Maximum number of active tokens; 0 for no limit, `default` for the gateway's limit
    #[arg(long, value_name = "COUNT", value_parser = ceiling, allow_negative_numbers = true)]
    mint_ceiling: Option<Ceiling>,

    /// Days after which unused tokens are revoked; 0 for never
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=365), allow_negative_numbers = true)]
    max_idle_days: Option<u32>,

    /// What happens to tokens that are found in public
    #[arg(long, value_name = "WHAT", value_parser = ["revoke", "quarantine"])]
    on_leak: Option<String>,

    /// With true, only CI jobs get new tokens: none is created, rotated or adopted. Existing tokens stay
    #[arg(long, value_name = "BOOL")]
    federated_only: Option<bool>,

    /// Maximum life of new tokens, in days; 0 for no limit
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=3650), allow_negative_numbers = true)]
    max_lifetime_days: Option<u32>,

    /// Life of new tokens whose creator names none, such as 90d or 12h; `none` for no default
    #[arg(long, value_name = "SPAN")]
    default_expires_in: Option<String>,

    /// URLs of the issuers whose CI jobs can get tokens, with commas between; `all` for every issuer of
    /// the gateway, `none` for no issuer
    #[arg(long, value_name = "URLS")]
    trusted_issuers: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Ceiling {
    Default,
    Of(u32),
}

fn ceiling(text: &str) -> Result<Ceiling, String> {
    match text {
        "default" => Ok(Ceiling::Default),
        text => {
            let count: Option<u32> = text.parse().ok().filter(|count| *count <= 10_000_000);
            let wrong = || "must be a whole number from 0 to 10000000, or `default`".to_owned();
            count.map(Ceiling::Of).ok_or_else(wrong)
        }
    }
}

fn span(text: &str) -> Value {
    match text {
        "none" => Value::Null,
        span => span.into(),
    }
}

fn issuers(text: &str) -> Value {
    match text {
        "all" => Value::Null,
        "none" => Value::Array(Vec::new()),
        urls => urls.split(',').map(|url| Value::from(url.trim())).collect(),
    }
}

impl Settings {
    /// Those that are named, as members of a body.
    fn body(self) -> Map<String, Value> {
        let ceiling = self.mint_ceiling.map(|ceiling| match ceiling {
            Ceiling::Default => Value::Null,
            Ceiling::Of(count) => count.into(),
        });
        named([
            ("mint_ceiling", ceiling),
            ("max_idle_days", self.max_idle_days.map(Value::from)),
            ("on_leak", self.on_leak.map(Value::from)),
            ("federated_only", self.federated_only.map(Value::from)),
            ("max_lifetime_days", self.max_lifetime_days.map(Value::from)),
            (
                "default_expires_in",
                self.default_expires_in.as_deref().map(span),
            ),
            (
                "trusted_issuers",
                self.trusted_issuers.as_deref().map(issuers),
            ),
        ])
    }
}

fn named<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let members = members.into_iter();
    members
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

impl New {
    /// What is asked of the gateway.
    pub fn body(self) -> Map<String, Value> {
        let mut body = self.settings.body();
        body.extend(named([
            ("name", Some(self.name.into())),
            ("jurisdiction", self.jurisdiction.map(Value::from)),
            ("location_hint", self.location_hint.map(Value::from)),
        ]));
        body
    }
}

impl Update {
    /// Does it; gives the organization as it is now.
    pub async fn run(&self, api: &Api) -> Outcome<Value> {
        let path = format!("/orgs/{}", encoded(&self.name));
        let body = self.settings.clone().body();
        api.patch(&path, &Value::Object(body)).await
    }
}
