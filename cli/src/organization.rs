//! `postern org update`: the settings of an organization that can change. What is not named stays as it is.

use serde_json::{Map, Value};

use crate::api::Api;
use crate::fail::Outcome;
use crate::output::Format;
use crate::text::encoded;

/// What to change.
#[derive(Debug, clap::Args)]
pub struct Update {
    /// The organization
    name: String,

    #[command(flatten)]
    settings: Changed,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = true)]
struct Changed {
    /// Maximum number of active tokens; 0 for no limit, `default` for the gateway's limit
    #[arg(long, value_name = "COUNT", value_parser = ceiling)]
    mint_ceiling: Option<Ceiling>,

    /// Days after which unused tokens are revoked; 0 for never
    #[arg(long, value_name = "DAYS")]
    max_idle_days: Option<u32>,

    /// What happens to tokens that are found in public
    #[arg(long, value_name = "WHAT", value_parser = ["revoke", "quarantine"])]
    on_leak: Option<String>,

    /// With true, only CI jobs get new tokens: none is created, rotated or adopted. Existing tokens stay
    #[arg(long, value_name = "BOOL")]
    federated_only: Option<bool>,

    /// Maximum life of new tokens, in days; 0 for no limit
    #[arg(long, value_name = "DAYS")]
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
            let count = text.parse().map(Ceiling::Of);
            count.map_err(|_| "must be a whole number, or `default`".to_owned())
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

impl Update {
    /// Does it; gives the organization as it is now.
    pub async fn run(&self, api: &Api) -> Outcome<Value> {
        let Changed {
            mint_ceiling,
            max_idle_days,
            on_leak,
            federated_only,
            max_lifetime_days,
            default_expires_in,
            trusted_issuers,
        } = &self.settings;
        let ceiling = mint_ceiling.map(|ceiling| match ceiling {
            Ceiling::Default => Value::Null,
            Ceiling::Of(count) => count.into(),
        });
        let body: Map<String, Value> = [
            ("mint_ceiling", ceiling),
            ("max_idle_days", max_idle_days.map(Value::from)),
            ("on_leak", on_leak.as_deref().map(Value::from)),
            ("federated_only", federated_only.map(Value::from)),
            ("max_lifetime_days", max_lifetime_days.map(Value::from)),
            (
                "default_expires_in",
                default_expires_in.as_deref().map(span),
            ),
            ("trusted_issuers", trusted_issuers.as_deref().map(issuers)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
        let path = format!("/orgs/{}", encoded(&self.name));
        api.patch(&path, &Value::Object(body)).await
    }
}
