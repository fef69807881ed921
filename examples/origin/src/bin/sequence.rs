//! `sequence`: makes the calls that the stock command line makes for one attestation, and prints a
//! line for each. Takes the bearer from the environment only, and prints it nowhere.

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use postern_origin::client::{Endpoint, Wire};
use postern_origin::sequence::{Plan, Sequence, Stopped};

const TOKEN: &str = "POSTERN_TOKEN";

const USAGE: &str = "\
usage: sequence --endpoint URL [--native] [--store URL] [--remote-state] [--reset]
                --project P --workflow W --file PATH [--contract PATH]
                [--organization O]

Attests the file at PATH as workflow W of project P with the calls of the stock
command line, `attestation init`, `add`, `status` and `push` (with --reset:
`reset`), and prints a line for each call. Over gRPC-Web, or with --native over
gRPC (HTTP/2 without TLS). The bearer comes from the environment variable
POSTERN_TOKEN. --store uploads the file to the artifact store at URL.

exit code: 0 all calls went well, 1 one was refused, 2 nothing was called
";

struct Args {
    endpoint: String,
    organization: String,
    native: bool,
    reset: bool,
    file: PathBuf,
    contract: Option<PathBuf>,
    plan: Plan,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match arguments() {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("sequence: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let reset = args.reset;
    let mut sequence = match prepared(args) {
        Ok(sequence) => sequence,
        Err(why) => {
            eprintln!("sequence: {why}");
            return ExitCode::from(2);
        }
    };
    let ended = attest(&mut sequence, reset).await;
    print!("{}", sequence.transcript());
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stopped) => ExitCode::FAILURE,
    }
}

async fn attest(sequence: &mut Sequence, reset: bool) -> Result<(), Stopped> {
    sequence.init().await?;
    sequence.add().await?;
    sequence.status().await?;
    if reset {
        sequence.reset().await
    } else {
        sequence.push().await
    }
}

fn arguments() -> Result<Option<Args>, lexopt::Error> {
    let (mut endpoint, mut file, mut contract) = (None, None, None);
    let (mut project, mut workflow) = (None, None);
    let (mut native, mut reset, mut organization) = (false, false, String::new());
    let mut plan = Plan::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("endpoint") => endpoint = Some(parser.value()?.string()?),
            Long("native") => native = true,
            Long("store") => plan.store = Some(parser.value()?.string()?),
            Long("remote-state") => plan.remote_state = true,
            Long("reset") => reset = true,
            Long("project") => project = Some(parser.value()?.string()?),
            Long("workflow") => workflow = Some(parser.value()?.string()?),
            Long("file") => file = Some(parser.value()?.into()),
            Long("contract") => contract = Some(parser.value()?.into()),
            Long("organization") => organization = parser.value()?.string()?,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    plan.project = project.ok_or("`--project` is missing")?;
    plan.workflow = workflow.ok_or("`--workflow` is missing")?;
    Ok(Some(Args {
        endpoint: endpoint.ok_or("`--endpoint` is missing")?,
        organization,
        native,
        reset,
        file: file.ok_or("`--file` is missing")?,
        contract,
        plan,
    }))
}

fn prepared(args: Args) -> Result<Sequence, String> {
    let token = std::env::var(TOKEN)
        .map_err(|_| format!("set the environment variable `{TOKEN}` to a bearer"))?;
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| format!("`{}`: {error}", path.display()))
    };
    let mut plan = args.plan;
    plan.content = read(&args.file)?;
    plan.contract = args.contract.as_ref().map(read).transpose()?;
    let name = args.file.file_name().unwrap_or(args.file.as_os_str());
    plan.file = name.to_string_lossy().into_owned();
    let endpoint = if args.native {
        Endpoint::native(&args.endpoint, &token)
    } else {
        Endpoint::web(&args.endpoint, &token, Wire::Binary)
    };
    let endpoint = endpoint.and_then(|endpoint| endpoint.of(&args.organization));
    Ok(Sequence::new(
        endpoint.map_err(|error| error.to_string())?,
        plan,
    ))
}
