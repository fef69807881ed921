//! What was typed, as values: the grammar of every command. Looks at nothing but the words it is given.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::fail::{Outcome, misuse};

pub const USAGE: &str = "\
Postern's developer commands

  cargo xtask dev [--port 8787] [--origin-port 9090] [--state .postern/dev]
      everything, from a bare clone: installs what is missing, builds, migrates, starts the gateway, a sample origin and
      the dashboard, and prints three commands to try; Ctrl-C stops all
  cargo xtask test
      everything CI runs, from a bare clone; ends with a summary
  cargo xtask browser
      the dashboard's tests in Chromium
  cargo xtask openapi [--examples N] [--seed S]
      the tests of docs/openapi.json: a linter, a property tester with N inputs for each operation, generated clients
  cargo xtask build
      the wasm module into build/ (also what `wrangler dev` and `wrangler deploy` call)
  cargo xtask serve --port P --origin URL --state DIR [--set KEY=VALUE]... [--isolates N] [--brake N]
      the module on workerd, its stores kept in DIR; prints `ready http://127.0.0.1:P` when it answers
      with N isolates, N gateway workers listen on P, P+1, ... and share the stores
      with --brake, an address is slowed down after N refused credentials in a minute
  cargo xtask origin --port P
      the sample origin; prints `ready http://127.0.0.1:P`
  cargo xtask bench [--quick] [--rounds N] [--systems NAME,NAME] [--out DIR]
      Postern on workerd beside a Worker that only forwards and others; the table, and files in target/bench
  cargo xtask bench --growth | --cold | --soak SECONDS | --staleness  [--rounds N]
      a million tokens; cold starts; memory over time; a model of bounded mode in many locations
  cargo xtask attest --gateway URL --project P --workflow W
      one attestation of the built module through a gateway, with the token in POSTERN_TOKEN

Tools are kept in ${XDG_CACHE_HOME:-~/.cache}/postern. POSTERN_TOOLCHAIN=rustup|debian picks the compiler for wasm.";

#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    Help,
    Build,
    Test,
    Browser,
    OpenApi(OpenApi),
    Serve(Serve),
    Origin {
        port: u16,
    },
    Dev {
        port: u16,
        origin_port: u16,
        /// Where keys and stores are kept; `None` = in the checkout.
        state: Option<PathBuf>,
    },
    Attest(Vec<String>),
    /// The words are the bench's own.
    Bench(Vec<String>),
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
}

/// More would only measure the machine.
const MAX_ISOLATES: u16 = 16;

/// Names that mean a store or an object inside the module; a text there would be a puzzle for whoever reads it.
const RESERVED: [&str; 6] = [
    "DB",
    "FACTS",
    "LEDGER",
    "MINT_LIMITER",
    "ASSETS",
    "CREDENTIAL_BRAKE",
];

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
        "build" => options(&command, rest, &[]).map(|_| Request::Build),
        "test" => options(&command, rest, &[]).map(|_| Request::Test),
        "browser" => options(&command, rest, &[]).map(|_| Request::Browser),
        "openapi" => {
            let given = options(&command, rest, &["--examples", "--seed"])?;
            let or =
                |name, default| last(&given, name).map_or(Ok(default), |text| count(name, text));
            let usual = OpenApi::default();
            Ok(Request::OpenApi(OpenApi {
                examples: or("--examples", usual.examples)?,
                seed: or("--seed", usual.seed)?,
            }))
        }
        "serve" => serve(rest).map(Request::Serve),
        "origin" => {
            let given = options(&command, rest, &["--port"])?;
            Ok(Request::Origin {
                port: port("--port", one(&command, &given, "--port")?)?,
            })
        }
        "dev" => {
            let given = options(&command, rest, &["--port", "--origin-port", "--state"])?;
            let or =
                |name, default| last(&given, name).map_or(Ok(default), |text| port(name, text));
            let (gateway, origin) = (or("--port", 8787)?, or("--origin-port", 9090)?);
            if gateway == origin {
                return Err(misuse(format_args!(
                    "the gateway and the origin cannot both listen on port {gateway}"
                )));
            }
            Ok(Request::Dev {
                port: gateway,
                origin_port: origin,
                state: last(&given, "--state").map(PathBuf::from),
            })
        }
        "attest" => attest(rest),
        "bench" => Ok(Request::Bench(rest)),
        other => Err(misuse(format_args!(
            "no such command: `{other}`\n\n{USAGE}"
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
        ],
    )?;
    let need = |name| one("serve", &given, name);
    let port = port("--port", need("--port")?)?;
    let isolates = last(&given, "--isolates").map_or(Ok(1), isolates)?;
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
    })
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

type Given = Vec<(String, String)>;

/// `--name value` and `--name=value` pairs, each name known; only `--set` may come twice.
fn options(command: &str, words: Vec<String>, known: &[&str]) -> Outcome<Given> {
    let mut given = Given::new();
    let mut seen = BTreeSet::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => {
                (name.to_owned(), Some(value.to_owned()))
            }
            _ => (word, None),
        };
        if !known.contains(&name.as_str()) {
            return Err(misuse(format_args!(
                "`{command}` does not know `{name}`; see `cargo xtask help`"
            )));
        }
        if !seen.insert(name.clone()) && name != "--set" {
            return Err(misuse(format_args!("`{name}` is given twice")));
        }
        let value = inline
            .or_else(|| words.next())
            .filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| misuse(format_args!("`{name}` needs a value")))?;
        given.push((name, value));
    }
    Ok(given)
}

fn last<'a>(given: &'a Given, name: &str) -> Option<&'a str> {
    given
        .iter()
        .rev()
        .find(|(other, _)| other == name)
        .map(|(_, value)| value.as_str())
}

fn one<'a>(command: &str, given: &'a Given, name: &str) -> Outcome<&'a str> {
    last(given, name).ok_or_else(|| {
        misuse(format_args!(
            "`{command}` needs `{name}`; see `cargo xtask help`"
        ))
    })
}

fn port(name: &str, text: &str) -> Outcome<u16> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(misuse(format_args!(
            "`{name}` is `{text}`; a port is a number from 1 to 65535"
        ))),
    }
}

fn isolates(text: &str) -> Outcome<u16> {
    match text.parse() {
        Ok(count) if (1..=MAX_ISOLATES).contains(&count) => Ok(count),
        _ => Err(misuse(format_args!(
            "`--isolates` is `{text}`; a number from 1 to {MAX_ISOLATES} is possible"
        ))),
    }
}

fn brake(text: &str) -> Outcome<u32> {
    match text.parse() {
        Ok(limit) if limit > 0 => Ok(limit),
        _ => Err(misuse(format_args!(
            "`--brake` is `{text}`; a number of refused credentials, at least 1"
        ))),
    }
}

/// A number of something; none is not a number of it.
fn count(name: &str, text: &str) -> Outcome<u32> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(misuse(format_args!(
            "`{name}` is `{text}`; a whole number, at least 1, is possible"
        ))),
    }
}

/// `KEY=VALUE`; an empty value is a value.
fn variable(pair: &str) -> Outcome<(String, String)> {
    let Some((key, value)) = pair.split_once('=') else {
        return Err(misuse(format_args!(
            "`--set {pair}` is not `--set KEY=VALUE`"
        )));
    };
    let starts_well = key.starts_with(|c: char| c.is_ascii_uppercase());
    if !starts_well
        || !key
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    {
        return Err(misuse(format_args!(
            "`--set`: `{key}` is not a variable name (capitals, digits and `_`)"
        )));
    }
    if RESERVED.contains(&key) {
        return Err(misuse(format_args!(
            "`--set`: `{key}` names a store, not a variable"
        )));
    }
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Outcome<Request> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    fn refused(line: &str, saying: &str) {
        let failure = typed(line).expect_err(line);
        assert_eq!(failure.code, 2, "{line}");
        assert!(
            failure.message.contains(saying),
            "{line}: {}",
            failure.message
        );
    }

    #[test]
    fn plain_commands() {
        assert_eq!(typed(""), Ok(Request::Help));
        assert_eq!(typed("help"), Ok(Request::Help));
        assert_eq!(typed("serve --help"), Ok(Request::Help));
        assert_eq!(typed("build"), Ok(Request::Build));
        assert_eq!(typed("test"), Ok(Request::Test));
        assert_eq!(typed("browser"), Ok(Request::Browser));
        assert_eq!(
            typed("dev"),
            Ok(Request::Dev {
                port: 8787,
                origin_port: 9090,
                state: None,
            })
        );
        assert_eq!(
            typed("dev --port 1 --origin-port=2 --state d"),
            Ok(Request::Dev {
                port: 1,
                origin_port: 2,
                state: Some("d".into()),
            })
        );
        assert_eq!(typed("origin --port 9"), Ok(Request::Origin { port: 9 }));
    }

    #[test]
    fn serve_in_full() {
        let line = "serve --port 8000 --origin http://o --state d --set A=b=c --set B_2= --isolates 4 \
             --brake 7";
        let set = vec![
            ("A".to_owned(), "b=c".to_owned()),
            ("B_2".to_owned(), String::new()),
        ];
        let expected = Serve {
            port: 8000,
            origin: "http://o".to_owned(),
            state: "d".into(),
            set,
            isolates: 4,
            brake: Some(7),
        };
        assert_eq!(typed(line), Ok(Request::Serve(expected)));
    }

    #[test]
    fn an_equals_sign_may_join_option_and_value() {
        let Ok(Request::Serve(serve)) =
            typed("serve --port=8000 --origin=http://o/?a=b --state=d --set=A=b")
        else {
            panic!("refused");
        };
        assert_eq!(
            (serve.origin.as_str(), serve.isolates, serve.brake),
            ("http://o/?a=b", 1, None)
        );
        assert_eq!(serve.set, [("A".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let serve = "serve --port 8000 --origin http://o --state d";
        refused("fly", "no such command");
        refused("serve", "needs `--port`");
        refused("serve --port 1 --state d", "needs `--origin`");
        refused("serve --port 1 --origin o", "needs `--state`");
        refused("serve --port", "`--port` needs a value");
        refused("serve --port 0 --origin o --state d", "from 1 to 65535");
        refused("serve --port 65536 --origin o --state d", "from 1 to 65535");
        refused(
            "serve --port 65535 --isolates 2 --origin o --state d",
            "beyond 65535",
        );
        refused(&format!("{serve} --isolates 0"), "from 1 to 16");
        refused(&format!("{serve} --isolates 17"), "from 1 to 16");
        refused(&format!("{serve} --isolates x"), "from 1 to 16");
        refused(&format!("{serve} --brake 0"), "at least 1");
        refused(&format!("{serve} --brake x"), "at least 1");
        refused(&format!("{serve} --port 1"), "given twice");
        refused(&format!("{serve} --set A"), "KEY=VALUE");
        refused(&format!("{serve} --set a=b"), "not a variable name");
        refused(&format!("{serve} --set LEDGER=b"), "names a store");
        refused(&format!("{serve} extra"), "does not know `extra`");
        refused("openapi --examples 0", "at least 1");
        refused("openapi --seed x", "at least 1");
        refused("build --fast", "does not know `--fast`");
        refused("dev --port 1 --origin-port 1", "cannot both");
        refused("attest --gateway u --project p", "needs `--workflow`");
    }
}
