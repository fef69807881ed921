//! What was typed, as values: the grammar of every command. Looks at nothing but the words it is given.

mod evidence;
mod fuzz;
mod kill;
mod values;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::fail::{Outcome, misuse};

pub use evidence::SupplyChain;
pub use fuzz::Fuzz;
pub use kill::Kill;

use values::{brake, count, isolates, last, module, modules, one, options, port, variable};

pub const USAGE: &str = "\
Postern's developer commands

  cargo xtask dev [--port 8787] [--origin-port 9090] [--state .postern/dev] [--ci [--issuer-port 9091]]
      everything, from a bare clone: installs what is missing, builds, migrates, starts the gateway, a sample origin and
      the dashboard, and prints three commands to try; Ctrl-C stops all
      with --ci, an issuer of job tokens and a rule that trusts it too, and commands to try as a CI job
  cargo xtask test
      every test, from a bare clone; ends with a summary
  cargo xtask test native
      formatting, lints and the tests that need no module: after each change
  cargo xtask test system [NAME]
      builds the module and runs the whole-system tests of tests/tests, or those of one file there
  cargo xtask test browser
      builds the module and runs the dashboard's tests in Chromium
  cargo xtask test openapi [--examples N] [--seed S]
      builds the module and runs the tests of docs/openapi.json: a linter, a property tester with N inputs for each
      operation, generated clients
  cargo xtask supply-chain [--advisories DIR] [--offline] [--no-module]
      what is linked: licences, sources, advisories, `unsafe`, npm's locks, secrets in the history, two builds of the module
      with --offline, leaves out what only the network knows; DIR is a clone of RustSec's database
  cargo xtask fuzz [TARGET]... [--seconds 20] [--runs N] [--seed S] [--jobs N]
      every reader of what strangers send, and the machines behind them, under libFuzzer: some targets of fuzz/ or all,
      each for so long, or until it has so many runs, N side by side; prints a table; what is found is kept in target/fuzz
  cargo xtask kill [--rounds 50] [--seed S]
      builds the module, kills it under load with SIGKILL again and again, and looks whether anything was lost, is there
      twice or came back: a line for each round, and the time
  cargo xtask build
      the wasm module into build/ (also what `wrangler dev` and `wrangler deploy` call)
  cargo xtask build previous
      the module of the previous release, from the repository's history, into target/previous, once: for tests of
      upgrades and rollbacks
  cargo xtask serve --port P --origin URL --state DIR [--set KEY=VALUE]... [--isolates N] [--brake N]
      the module on workerd, its stores kept in DIR; prints `ready http://127.0.0.1:P` when it answers
      with N isolates, N gateway workers listen on P, P+1, ... and share the stores
      with --brake, an address is slowed down after N refused credentials in a minute
      with --modules current,previous,..., each isolate is of this checkout or of the previous release, and with
      --ledgers current|previous the Durable Objects too (else they are of the first isolate)
  cargo xtask origin --port P [--strict] [--store-port S] [--organization O]
      the sample origin; prints `ready http://127.0.0.1:P`
      with --strict, it behaves as a stock control plane, and prints a line `strict {JSON}` with tokens before that
  cargo xtask issuer --port P
      an issuer of job tokens for tests, which signs whatever it is asked to (xtask/issuer.mjs says how); prints
      `ready http://127.0.0.1:P`
  cargo xtask bench [--quick] [--rounds N] [--systems NAME,NAME] [--out DIR]
      Postern on workerd beside a Worker that only forwards and others; the table, and files in target/bench
  cargo xtask bench --growth | --cold | --soak SECONDS | --finality | --distance  [--rounds N]
      a million tokens; cold starts; memory over time; a model of how long a revoke takes
  cargo xtask attest --gateway URL --project P --workflow W
      one attestation of the built module through a gateway, with the token in POSTERN_TOKEN
  cargo xtask release
      what is published, into target/dist: the deployable folder and the static `postern` command as archives, the npm
      package create-postern, SBOMs, provenance, checksums
  cargo xtask release --command
      of that the archive of the command and its SBOM alone, on the machine for POSTERN_RELEASE_TARGET: no module is built
  cargo xtask release --check
      builds the module once more in another folder and compares the bytes
  cargo xtask release --test
      tries what is in target/dist without Rust: wrangler dev, a first token, an attestation with it

Tools are kept in ${XDG_CACHE_HOME:-~/.cache}/postern. POSTERN_TOOLCHAIN=rustup|debian picks the compiler for wasm.";

#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    Help,
    Build(Module),
    Test(Tests),
    Serve(Serve),
    Origin {
        port: u16,
        /// Words for the program itself.
        with: Vec<String>,
    },
    Issuer {
        port: u16,
    },
    Dev(Dev),
    Attest(Vec<String>),
    Fuzz(Fuzz),
    Kill(Kill),
    /// The words are the bench's own.
    Bench(Vec<String>),
    Release(Release),
    SupplyChain(SupplyChain),
}

/// What is started to try things.
#[derive(Debug, PartialEq, Eq)]
pub struct Dev {
    pub port: u16,
    pub origin_port: u16,
    /// Where an issuer of job tokens listens; `None` = there is none.
    pub issuer_port: Option<u16>,
    /// Where keys and stores are kept; `None` = in the checkout.
    pub state: Option<PathBuf>,
}

/// What to do about a release.
#[derive(Debug, PartialEq, Eq)]
pub enum Release {
    Make,
    /// The `postern` command alone, for another kind of machine.
    Command,
    /// Compare two builds of the module.
    Check,
    /// Try what was made.
    Test,
}

/// Which tests.
#[derive(Debug, PartialEq, Eq)]
pub enum Tests {
    All,
    Native,
    /// Those of one file, or of all.
    System(Option<String>),
    Browser,
    OpenApi(OpenApi),
}

/// How hard the document is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenApi {
    /// Inputs that the property tester makes for each operation, at most.
    pub examples: u32,
    /// Where its random choices begin.
    pub seed: u32,
}

impl Default for OpenApi {
    /// What `cargo xtask test` takes: the same inputs each time, in about a minute.
    fn default() -> Self {
        Self {
            examples: 20,
            seed: 1,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    pub port: u16,
    pub origin: String,
    pub state: PathBuf,
    pub set: Vec<(String, String)>,
    pub isolates: u16,
    /// Refused credentials that an address may present in a minute; `None` = no such limit.
    pub brake: Option<u32>,
    /// What each isolate runs, where they are not all of this checkout.
    pub modules: Vec<Module>,
    /// What the Durable Objects run, where that is not what the first isolate does.
    pub ledgers: Option<Module>,
}

/// Which module is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Module {
    /// That of this checkout.
    Current,
    /// That of the previous release.
    Previous,
}

pub fn parse(words: impl IntoIterator<Item = String>) -> Outcome<Request> {
    let mut words = words.into_iter();
    let Some(command) = words.next() else {
        return Ok(Request::Help);
    };
    let rest: Vec<String> = words.collect();
    if rest.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Request::Help);
    }
    match command.as_str() {
        "help" | "--help" | "-h" => Ok(Request::Help),
        "build" => match rest.as_slice() {
            [] => Ok(Request::Build(Module::Current)),
            [word] if word == "previous" => Ok(Request::Build(Module::Previous)),
            _ => Err(misuse("`build` takes `previous`, or nothing")),
        },
        "test" => tests(rest).map(Request::Test),
        "serve" => serve(rest).map(Request::Serve),
        "origin" => origin(rest),
        "issuer" => {
            let given = options(&command, rest, &["--port"])?;
            let port = port("--port", one("issuer", &given, "--port")?)?;
            Ok(Request::Issuer { port })
        }
        "dev" => dev(rest).map(Request::Dev),
        "attest" => attest(rest),
        "supply-chain" => evidence::supply_chain(rest).map(Request::SupplyChain),
        "fuzz" => fuzz::parse(rest).map(Request::Fuzz),
        "kill" => kill::parse(rest).map(Request::Kill),
        "bench" => Ok(Request::Bench(rest)),
        "release" => match rest.as_slice() {
            [] => Ok(Request::Release(Release::Make)),
            [word] if word == "--command" => Ok(Request::Release(Release::Command)),
            [word] if word == "--check" => Ok(Request::Release(Release::Check)),
            [word] if word == "--test" => Ok(Request::Release(Release::Test)),
            _ => Err(misuse(
                "`release` takes `--command`, `--check`, `--test`, or nothing",
            )),
        },
        other => Err(misuse(format_args!(
            "no such command: `{other}`\n\n{USAGE}"
        ))),
    }
}

fn tests(words: Vec<String>) -> Outcome<Tests> {
    let mut words = words.into_iter();
    let Some(part) = words.next() else {
        return Ok(Tests::All);
    };
    let rest: Vec<String> = words.collect();
    let command = format!("test {part}");
    match (part.as_str(), rest.as_slice()) {
        ("native", _) => options(&command, rest, &[]).map(|_| Tests::Native),
        ("browser", _) => options(&command, rest, &[]).map(|_| Tests::Browser),
        ("system", []) => Ok(Tests::System(None)),
        ("system", [name]) if !name.starts_with('-') => Ok(Tests::System(Some(name.clone()))),
        ("system", _) => Err(misuse(
            "`test system` takes the name of one file in tests/tests, or none",
        )),
        ("openapi", _) => {
            let given = options(&command, rest, &["--examples", "--seed"])?;
            let or =
                |name, default| last(&given, name).map_or(Ok(default), |text| count(name, text));
            let usual = OpenApi::default();
            Ok(Tests::OpenApi(OpenApi {
                examples: or("--examples", usual.examples)?,
                seed: or("--seed", usual.seed)?,
            }))
        }
        (other, _) => Err(misuse(format_args!(
            "no such tests: `{other}`; `test` takes native, system, browser, openapi, or nothing"
        ))),
    }
}

fn serve(words: Vec<String>) -> Outcome<Serve> {
    let given = options(
        "serve",
        words,
        &[
            "--port",
            "--origin",
            "--state",
            "--set",
            "--isolates",
            "--brake",
            "--modules",
            "--ledgers",
        ],
    )?;
    let need = |name| one("serve", &given, name);
    let port = port("--port", need("--port")?)?;
    let modules = last(&given, "--modules").map_or(Ok(Vec::new()), modules)?;
    let isolates = match (last(&given, "--isolates"), modules.len()) {
        (Some(_), 1..) => {
            return Err(misuse(
                "`--modules` says how many isolates there are: leave `--isolates` out",
            ));
        }
        (Some(text), 0) => isolates(text)?,
        (None, 0) => 1,
        (None, count) => isolates(&count.to_string())?,
    };
    if port.checked_add(isolates - 1).is_none() {
        return Err(misuse(format_args!(
            "{isolates} ports from {port} on go beyond 65535"
        )));
    }
    let set = given
        .iter()
        .filter(|(name, _)| name == "--set")
        .map(|(_, pair)| variable(pair))
        .collect::<Outcome<_>>()?;
    Ok(Serve {
        port,
        origin: need("--origin")?.to_owned(),
        state: need("--state")?.into(),
        set,
        isolates,
        brake: last(&given, "--brake").map(brake).transpose()?,
        modules,
        ledgers: last(&given, "--ledgers").map(module).transpose()?,
    })
}

fn dev(words: Vec<String>) -> Outcome<Dev> {
    let (ci, words) = flag("--ci", words)?;
    let known = ["--port", "--origin-port", "--issuer-port", "--state"];
    let given = options("dev", words, &known)?;
    let or = |name, default| last(&given, name).map_or(Ok(default), |text| port(name, text));
    let (gateway, origin) = (or("--port", 8787)?, or("--origin-port", 9090)?);
    let issuer = or("--issuer-port", 9091)?;
    if !ci && last(&given, "--issuer-port").is_some() {
        return Err(misuse("`--issuer-port` is for `--ci`, which is not there"));
    }
    let issuer = ci.then_some(issuer);
    for (one, other, port) in [
        ("gateway", "origin", (gateway == origin).then_some(gateway)),
        ("gateway", "issuer", issuer.filter(|port| *port == gateway)),
        ("origin", "issuer", issuer.filter(|port| *port == origin)),
    ] {
        if let Some(port) = port {
            return Err(misuse(format_args!(
                "the {one} and the {other} cannot both listen on port {port}"
            )));
        }
    }
    Ok(Dev {
        port: gateway,
        origin_port: origin,
        issuer_port: issuer,
        state: last(&given, "--state").map(PathBuf::from),
    })
}

/// Whether a word that has no value is among these, and the others.
fn flag(name: &str, words: Vec<String>) -> Outcome<(bool, Vec<String>)> {
    let (flags, words): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word == name);
    match flags.len() {
        0 | 1 => Ok((!flags.is_empty(), words)),
        _ => Err(misuse(format_args!("`{name}` is given twice"))),
    }
}

/// Beside the port, the words are the other program's: what is wrong with them, it says itself.
fn origin(words: Vec<String>) -> Outcome<Request> {
    let (strict, words) = flag("--strict", words)?;
    let given = options(
        "origin",
        words,
        &["--port", "--store-port", "--organization"],
    )?;
    let port = port("--port", one("origin", &given, "--port")?)?;
    let others = given.into_iter().filter(|(name, _)| name != "--port");
    let with = strict
        .then(|| "--strict".to_owned())
        .into_iter()
        .chain(others.flat_map(|(name, value)| [name, value]))
        .collect();
    Ok(Request::Origin { port, with })
}

/// The option names are the other program's; what is missing here is only what we fill in ourselves.
fn attest(words: Vec<String>) -> Outcome<Request> {
    let given = options(
        "attest",
        words.clone(),
        &["--gateway", "--project", "--workflow", "--file"],
    )?;
    for name in ["--gateway", "--project", "--workflow"] {
        one("attest", &given, name)?;
    }
    Ok(Request::Attest(words))
}
