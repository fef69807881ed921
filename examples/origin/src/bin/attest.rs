//! `attest`: attests one file through a gateway, as a CI job would, over gRPC-Web.
//! Takes the token from the environment only, so that it shows in no process
//! list, and prints it nowhere.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use postern_origin::client::{self, Client, Wire};
use postern_origin::proto::{
    AttestationServiceInitRequest, AttestationServiceStoreRequest, FindOrCreateWorkflowRequest,
};
use postern_origin::{attestation, sha256_hex};
use tonic::Status;

const TOKEN: &str = "POSTERN_TOKEN";

const USAGE: &str = "\
usage: attest --gateway URL --project P --workflow W --file PATH [--text]

Attests the file at PATH as workflow W of project P: FindOrCreateWorkflow, Init
and Store over gRPC-Web, through the gate (or origin) at URL. The token comes
from the environment variable POSTERN_TOKEN. --text uses the base64 form of
gRPC-Web. The signature is made with a key thrown away at once: a sample.

exit code: 0 stored, 1 a call was refused or failed, 2 nothing was called
";

struct Args {
    gateway: String,
    project: String,
    workflow: String,
    file: PathBuf,
    wire: Wire,
}

enum Command {
    Attest(Args),
    Help,
}

/// Why the file is not attested.
enum Failure {
    /// Nothing was sent.
    Start(String),
    /// This call came back with an error.
    Call(&'static str, Status),
    /// This call's answer makes no sense.
    Answer(&'static str, &'static str),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(why) => f.write_str(why),
            Self::Call(call, status) => write!(f, "{call}: {}", client::describe(status)),
            Self::Answer(call, why) => write!(f, "{call}: {why}"),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match arguments() {
        Ok(Command::Attest(args)) => args,
        Ok(Command::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("attest: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match attest(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("attest: {failure}");
            ExitCode::from(if matches!(failure, Failure::Start(_)) {
                2
            } else {
                1
            })
        }
    }
}

fn arguments() -> Result<Command, lexopt::Error> {
    let (mut gateway, mut project, mut workflow, mut file) = (None, None, None, None);
    let mut wire = Wire::Binary;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("gateway") => gateway = Some(parser.value()?.string()?),
            Long("project") => project = Some(parser.value()?.string()?),
            Long("workflow") => workflow = Some(parser.value()?.string()?),
            Long("file") => file = Some(parser.value()?.into()),
            Long("text") => wire = Wire::Text,
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Attest(Args {
        gateway: gateway.ok_or("`--gateway` is missing")?,
        project: project.ok_or("`--project` is missing")?,
        workflow: workflow.ok_or("`--workflow` is missing")?,
        file: file.ok_or("`--file` is missing")?,
        wire,
    }))
}

async fn attest(args: Args) -> Result<(), Failure> {
    let token = std::env::var(TOKEN).map_err(|_| {
        Failure::Start(format!(
            "set the environment variable `{TOKEN}` to a token created at the gateway"
        ))
    })?;
    let mut client = client::connect_as(&args.gateway, &token, args.wire)
        .map_err(|e| Failure::Start(e.to_string()))?;
    let content = std::fs::read(&args.file)
        .map_err(|e| Failure::Start(format!("`{}`: {e}", args.file.display())))?;
    let name = args
        .file
        .file_name()
        .unwrap_or(args.file.as_os_str())
        .to_string_lossy();
    let made = attestation::attest(&name, &content).map_err(|e| Failure::Start(e.to_string()))?;

    find_or_create(&mut client, &args).await?;
    let run = init(&mut client, &args).await?;
    store(&mut client, run, made.bundle).await
}

async fn find_or_create(client: &mut Client, args: &Args) -> Result<(), Failure> {
    const CALL: &str = "FindOrCreateWorkflow";
    let request = FindOrCreateWorkflowRequest {
        workflow_name: args.workflow.clone(),
        project_name: args.project.clone(),
        ..Default::default()
    };
    let answer = client
        .find_or_create_workflow(request)
        .await
        .map_err(|status| Failure::Call(CALL, status))?;
    let workflow = answer
        .into_inner()
        .result
        .ok_or(Failure::Answer(CALL, "no workflow in the answer"))?;
    println!("workflow {} ({})", workflow.name, workflow.id);
    Ok(())
}

async fn init(client: &mut Client, args: &Args) -> Result<String, Failure> {
    const CALL: &str = "Init";
    let request = AttestationServiceInitRequest {
        workflow_name: args.workflow.clone(),
        project_name: args.project.clone(),
        ..Default::default()
    };
    let answer = client
        .init(request)
        .await
        .map_err(|status| Failure::Call(CALL, status))?;
    let run = answer
        .into_inner()
        .result
        .and_then(|result| result.workflow_run);
    let run = run.ok_or(Failure::Answer(CALL, "no run in the answer"))?;
    println!("run {}", run.id);
    Ok(run.id)
}

async fn store(client: &mut Client, run: String, bundle: Vec<u8>) -> Result<(), Failure> {
    const CALL: &str = "Store";
    let sent = format!("sha256:{}", sha256_hex(&bundle));
    let request = AttestationServiceStoreRequest {
        workflow_run_id: run,
        attestation_bundle: bundle,
        ..Default::default()
    };
    let answer = client
        .store(request)
        .await
        .map_err(|status| Failure::Call(CALL, status))?;
    let digest = answer.into_inner().result.map(|result| result.digest);
    let digest = digest.ok_or(Failure::Answer(CALL, "no digest in the answer"))?;
    if digest != sent {
        return Err(Failure::Answer(
            CALL,
            "the stored digest is not that of the bundle sent",
        ));
    }
    println!("stored {digest}");
    Ok(())
}
