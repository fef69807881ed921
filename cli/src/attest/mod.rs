//! `postern attest`: hands in one attestation with the calls of a stock client (FindOrCreateWorkflow, Init, Store), by
//! gRPC-Web to the gateway, or by native gRPC through a bridge. Signs nothing, and never says that something is signed
//! which is not.

use std::path::PathBuf;

use http::HeaderValue;
use postern_wire::message::{embedded, text};
use postern_wire::protobuf;
use serde_json::json;

use self::bundle::{Bundle, Subject};
use self::call::{Caller, Way};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::job::Source;
use crate::output::{Format, print, print_json, remark};
use crate::settings::{Flags, Settings, bearer, trimmed, variable};
use crate::text::plain;
use crate::tokens::exchange::exchanged;

mod bundle;
mod call;

const AFTER: &str = "It signs nothing: give it what a signing tool has made. What --unsigned sends proves nothing, and a \
                     stock control plane refuses it.";

/// What a stock client leaves where a run begins: the field numbers of its answer.
const RUN: &[u32] = &[1, 2, 1];
/// And of that of Store.
const DIGEST: &[u32] = &[1, 2];

/// `postern attest`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = AFTER,
    group = clap::ArgGroup::new("attestation").required(true).multiple(true).args(["envelope", "unsigned"])
)]
pub struct Attest {
    /// The project
    #[arg(long, value_name = "NAME")]
    project: String,

    /// The workflow, which the origin creates if the token may
    #[arg(long, value_name = "NAME")]
    workflow: String,

    /// The signed attestation: a DSSE envelope, or a Sigstore bundle with one, in JSON; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subjects", "files"])]
    envelope: Option<PathBuf>,

    /// Send an attestation that nobody has signed, for trying: a minimal statement about the FILEs and subjects
    #[arg(long)]
    unsigned: bool,

    /// With --unsigned: what it is about, by name and digest
    #[arg(long = "subject", value_name = "NAME=sha256:HEX", requires = "unsigned", value_parser = Subject::parse)]
    subjects: Vec<Subject>,

    /// With --unsigned: files that it is about
    #[arg(value_name = "FILE", requires = "unsigned")]
    files: Vec<PathBuf>,

    /// Call the bridge at this address by native gRPC, instead of the gateway by gRPC-Web. Default: POSTERN_BRIDGE,
    /// which a bridge sets for its command
    #[arg(long, value_name = "HOST:PORT")]
    bridge: Option<String>,

    /// Exchange the job token of this CI job first, as `token exchange` does, and attest with what it becomes
    #[arg(long)]
    ci: bool,

    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,

    #[command(flatten)]
    source: Source,
}

impl Attest {
    /// Does it. Nothing is sent before the attestation is read.
    ///
    /// # Errors
    /// `Configuration` for a file that holds no attestation, or no signature; otherwise as the gateway answers.
    pub async fn run(self, flags: &Flags) -> Outcome {
        if self.source.is_given() && !self.ci {
            let message = "--token-file, --token-variable and --audience are about the job token";
            return Err(Failure::new(Kind::Usage, message).hint("give --ci too, or leave them out"));
        }
        let bundle = self.bundle()?;
        let caller = self.caller(flags).await?;
        if !bundle.is_signed {
            remark("unsigned: nobody has signed this attestation, so it proves nothing");
        }
        let names = [text(4, &self.workflow), text(5, &self.project)].concat();
        caller.call("FindOrCreateWorkflow", &names).await?;
        let begun = caller.call("Init", &names).await?;
        let run = read(&begun, RUN, "Init", "run")?;
        let message = [text(2, &run), embedded(5, &bundle.bytes)].concat();
        let stored = caller.call("Store", &message).await;
        let stored = stored.map_err(|failure| Failure {
            message: format!("{}; the run {run} has begun", failure.message),
            ..failure
        })?;
        let digest = read(&stored, DIGEST, "Store", "digest")?;
        if digest != bundle.digest() {
            let message = format!(
                "Store: the origin has stored {digest}, and was sent {}",
                bundle.digest()
            );
            return Err(Failure::new(Kind::Unavailable, message));
        }
        match self.output {
            Format::Json => print_json(
                &json!({ "workflow_run": run, "digest": digest, "signed": bundle.is_signed }),
            ),
            _ => print(&format!("run     {}\nstored  {digest}\n", plain(&run))),
        }
    }

    fn bundle(&self) -> Outcome<Bundle> {
        if let Some(file) = &self.envelope {
            return Bundle::read(file, self.unsigned);
        }
        let mut subjects = self.subjects.clone();
        for file in &self.files {
            subjects.push(Subject::of_file(file)?);
        }
        if subjects.is_empty() {
            return Err(Failure::new(Kind::Usage, "there is nothing to attest")
                .hint("name a FILE, or --subject NAME=sha256:HEX"));
        }
        Ok(Bundle::unsigned(&subjects))
    }

    async fn caller(&self, flags: &Flags) -> Outcome<Caller> {
        let environment = |name: &str| std::env::var_os(name);
        let bridge = match &self.bridge {
            Some(address) => Some(address.clone()),
            None => variable(&environment, "POSTERN_BRIDGE")?,
        };
        let job = match self.ci {
            true => Some(self.exchange(flags).await?),
            false => None,
        };
        let (way, mut settings) = match bridge {
            None => (Way::Web, Settings::find(flags)?),
            Some(address) => {
                let bridge = format!("http://{}", trimmed(&address));
                (Way::Native, Settings::find_by_bridge(flags, &bridge)?)
            }
        };
        settings.authorization = job.or(settings.authorization);
        if settings.authorization.is_none() {
            return Err(Failure::new(Kind::Credential, "there is no credential")
                .hint("set POSTERN_TOKEN to a token that may attest; in a CI job: --ci"));
        }
        Caller::new(way, settings)
    }

    /// What the job token of this job becomes.
    async fn exchange(&self, flags: &Flags) -> Outcome<HeaderValue> {
        let api = Api::new(Settings::find(flags)?)?.anonymous();
        let token = exchanged(&self.source, "jwt", &api).await?;
        // What the gateway has given and no header can carry is its fault.
        bearer(token.expose()).map_err(|failure| Failure {
            kind: Kind::Unavailable,
            ..failure
        })
    }
}

/// A text in an answer, which must be there.
fn read(answer: &[u8], path: &'static [u32], call: &str, what: &str) -> Outcome<String> {
    match protobuf::strings(answer, [path]) {
        Ok([found]) if !found.is_empty() => Ok(found.to_owned()),
        _ => {
            let message = format!("{call}: the origin's answer has no {what}");
            Err(Failure::new(Kind::Unavailable, message))
        }
    }
}
