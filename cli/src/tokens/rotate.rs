//! `postern token rotate`.

use serde_json::Value;

use super::find::{self, Among};
use super::{body, expiration, route, view};
use crate::api::Api;
use crate::fail::Outcome;
use crate::output::TokenFormat;

/// Which token to replace, and how.
#[derive(Debug, clap::Args)]
pub struct Rotate {
    #[command(flatten)]
    token: find::One,

    /// How long the old token keeps working, such as 10m. Default: it is revoked at once
    #[arg(long, value_name = "SPAN")]
    overlap: Option<String>,

    /// Lifetime of the new token, such as 90d. Default: the expiry of the old token
    #[arg(long, value_name = "SPAN")]
    expiration: Option<String>,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = TokenFormat::Table)]
    output: TokenFormat,
}

impl Rotate {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let body = body(&[
            ("overlap", self.overlap.as_deref()),
            ("expires_in", expiration(self.expiration.as_ref())),
        ]);
        let id = find::id(api, self.token.text(), Among::Active).await?;
        let path = format!("{}/rotate", route(&id));
        let made = api.post(&path, &Value::Object(body)).await?;
        view::print_new(&made, self.output)
    }
}
