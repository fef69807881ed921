//! `postern setup`: a release becomes a gateway, step by step. What is there is found and kept, so it can be run again
//! after any failure; keys that exist are never made anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use postern_domain::trust::{Issuers, Loopback};

use crate::deployment::{Deployment, origin_problem};
use crate::fail::{Failure, Kind, Outcome};
use crate::output::remark;
use crate::preflight;
use crate::settings::{Environment, variable};

mod ask;
mod config;
mod first;
pub mod jsonc;
mod keys;
mod secrets;
mod stores;
mod wrangler;

use config::Config;
use wrangler::Wrangler;

const AFTER: &str = "\
Asks for what no flag gives, if it is run on a terminal. Run it again after a failure: it goes on with what is there.
POSTERN_TOKEN is the administrator key of a gateway that has one already.
CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID reach wrangler.";

/// `postern setup`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Setup {
    /// The folder with a release
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,

    /// The Worker's name, and that of its stores. Default: the one in wrangler.jsonc
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The attestation API behind the gateway
    #[arg(long, value_name = "URL")]
    origin_url: Option<String>,

    /// How calls show themselves to the origin
    #[arg(long, value_name = "MODE", value_parser = ["passthrough", "assertion", "upstream"])]
    origin_auth: Option<String>,

    /// The first organization
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,

    /// Its first project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,

    /// The project's first workflow, which the first token is for
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,

    /// Trust tokens of these CI systems: github, gitlab, gitlab=https://…, https://…, with commas between them.
    /// Default: as it is configured, at first none
    #[arg(long, value_name = "ISSUERS", value_parser = issuers)]
    ci_issuers: Option<String>,

    /// The gateway's address, if it is not the one that wrangler gives it
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,

    /// How long to wait for the gateway to be ready, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait: u64,

    /// Print every command of wrangler, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What was asked for, complete.
struct Wanted {
    name: String,
    origin_url: String,
    origin_auth: String,
    first: first::Names,
}

impl Setup {
    /// Does it.
    pub async fn run(self) -> Outcome {
        let environment: Environment<'_> = &|name| std::env::var_os(name);
        let mut config = Config::open(&self.folder)?;
        let wanted = self.wanted(config.deployment())?;
        let wrangler = Wrangler::find(&self.folder, self.dry_run)?;
        logged_in(&wrangler)?;
        stores::is_free(&wrangler, &wanted.name, config.deployment())?;
        let ids = stores::ensure(&wrangler, &wanted.name, config.deployment())?;
        config.fill(&wanted.values(&ids))?;
        if let (Some(issuers), Some(url)) = (&self.ci_issuers, &self.gateway) {
            config.trust_jobs(issuers, url)?;
        }
        if !self.dry_run {
            config.save()?;
            preflight::check(config.deployment())?;
        }
        wrangler.run(
            "applying the migrations",
            &["d1", "migrations", "apply", "DB", "--remote"],
        )?;
        let made = keys::ensure(&wrangler, &wanted.name, &wanted.origin_auth)?;
        let url = match &self.gateway {
            Some(url) => wrangler.deploy().map(|_| Some(url.clone()))?,
            None => self.deploy(&wrangler, &mut config)?,
        };
        if self.dry_run {
            return first::tell(url.as_deref(), &wanted.first, &wanted.origin_auth);
        }
        let url = url.ok_or_else(|| {
            Failure::new(Kind::Other, "wrangler has deployed, and did not say where")
                .hint("give the gateway's address, and run it again: --gateway https://…")
        })?;
        let key = match made.administrator() {
            Some(key) => Some(key.to_owned()),
            None => variable(environment, "POSTERN_TOKEN")?,
        };
        let wait = Duration::from_secs(self.wait);
        first::create(&url, key, (&wanted.first, &wanted.origin_auth), wait).await
    }

    /// Deploys, and learns the gateway's address by that. The tokens of CI jobs are made for it, so where they are
    /// wanted it is written down, and deployed again.
    fn deploy(&self, wrangler: &Wrangler, config: &mut Config) -> Outcome<Option<String>> {
        let url = wrangler.deploy()?;
        let Some(issuers) = &self.ci_issuers else {
            return Ok(url);
        };
        let again = match &url {
            Some(url) => config.trust_jobs(issuers, url)?,
            None => self.dry_run,
        };
        if again && !self.dry_run {
            config.save()?;
        }
        if again {
            wrangler.deploy()?;
        }
        Ok(url)
    }

    /// Every value, from its flag, from what is configured, or from whoever sits at the terminal.
    fn wanted(&self, now: &Deployment) -> Outcome<Wanted> {
        let configured = |name: &str| now.variable(name).map(str::to_owned);
        let origin = self.origin_url.clone();
        let origin =
            origin.or_else(|| configured("ORIGIN_URL").filter(|url| origin_problem(url).is_none()));
        let origin_url = ask::given("--origin-url", "URL of the attestation API", origin)?;
        if let Some(problem) = origin_problem(&origin_url) {
            return Err(Failure::new(Kind::Usage, format!("--origin-url {problem}")));
        }
        let name = self.name.clone().or_else(|| now.name().map(str::to_owned));
        let name = ask::given("--name", "Name of the Worker", name)?;
        if !is_worker_name(&name) {
            let message = "--name must be 1 to 54 lower case letters, digits and hyphens";
            return Err(Failure::new(Kind::Usage, message));
        }
        let organization = ask::given(
            "--organization",
            "First organization",
            self.organization.clone(),
        )?;
        let project = ask::given("--project", "Its first project", self.project.clone())?;
        let workflow = ask::given("--workflow", "Its first workflow", self.workflow.clone())?;
        let auth = self
            .origin_auth
            .clone()
            .or_else(|| configured("ORIGIN_AUTH"));
        Ok(Wanted {
            name,
            origin_url,
            origin_auth: auth.unwrap_or_else(|| "passthrough".to_owned()),
            first: first::Names {
                organization,
                project,
                workflow,
                trusts_jobs: self.ci_issuers.is_some(),
            },
        })
    }
}

impl Wanted {
    fn values<'v>(&'v self, ids: &'v stores::Ids) -> config::Values<'v> {
        config::Values {
            name: &self.name,
            origin_url: &self.origin_url,
            origin_auth: &self.origin_auth,
            database: ids.database.as_deref(),
            namespace: ids.namespace.as_deref(),
        }
    }
}

fn logged_in(wrangler: &Wrangler) -> Outcome {
    let asked = wrangler.run("asking who is logged in", &["whoami", "--json"]);
    asked.map(drop).map_err(|failure| {
        Failure::new(Kind::Credential, failure.message)
            .hint("log in, and run it again: npx wrangler login, or set CLOUDFLARE_API_TOKEN")
    })
}

/// Issuers as the gateway reads them.
fn issuers(text: &str) -> Result<String, String> {
    match Issuers::parse(text, Loopback::Refused) {
        Ok(_) => Ok(text.to_owned()),
        Err((place, why)) => Err(format!("entry {place} {why}")),
    }
}

/// As a host name of the platform has it.
fn is_worker_name(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=54).contains(&name.len())
        && name.bytes().all(inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Says what is done next.
fn step(what: &str) {
    remark(&format!("== {what}"));
}

/// A file for results of wrangler, which this process alone writes to.
fn scratch(folder: &Path) -> PathBuf {
    folder.join(format!(".postern-setup-{}", std::process::id()))
}
