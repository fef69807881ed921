//! wrangler, as a release pins it: run in the folder of the release, with what is secret on its standard input only.
//! In a dry run its commands are printed, and nothing is run.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{scratch, step};
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{print, remark};
use crate::text::plain;

/// Where npm puts it, below the folder.
const PROGRAM: &str = "node_modules/.bin/wrangler";

/// Lines of a failed command's words that are shown: the last ones say what went wrong.
const SHOWN: usize = 20;

pub struct Wrangler {
    folder: PathBuf,
    program: PathBuf,
    dry: bool,
}

impl Wrangler {
    /// The one of this folder.
    ///
    /// # Errors
    /// `Configuration` if npm has not installed it.
    pub fn find(folder: &Path, dry: bool) -> Outcome<Self> {
        let folder = folder.canonicalize().map_err(|error| {
            Failure::new(
                Kind::Configuration,
                format!("{}: {error}", folder.display()),
            )
        })?;
        let program = folder.join(PROGRAM);
        if !dry && !program.is_file() {
            let message = format!("wrangler is not installed in {}", folder.display());
            let hint = "run `npm ci` there (Node 22 or newer), and run it again";
            return Err(Failure::new(Kind::Configuration, message).hint(hint));
        }
        Ok(Self {
            folder,
            program,
            dry,
        })
    }

    /// Whether nothing is run.
    pub fn is_dry(&self) -> bool {
        self.dry
    }

    /// Runs a command to its end and gives its standard output; `None` in a dry run.
    ///
    /// # Errors
    /// `Other` if it fails, with its words on stderr.
    pub fn run(&self, what: &str, words: &[&str]) -> Outcome<Option<String>> {
        self.run_with(what, words, None)
    }

    /// The same, with something secret on standard input, of which `said` tells what it is.
    pub fn run_with(
        &self,
        what: &str,
        words: &[&str],
        secret: Option<(&str, &str)>,
    ) -> Outcome<Option<String>> {
        match self.attempt(what, words, secret, None)? {
            None => Ok(None),
            Some(Ended {
                good: true, stdout, ..
            }) => Ok(Some(stdout)),
            Some(ended) => Err(ended.failure(what, words)),
        }
    }

    /// Runs a command whose failure is an answer too, if what it says on stderr contains this.
    pub fn ask(&self, what: &str, words: &[&str], no: &str) -> Outcome<Option<String>> {
        match self.attempt(what, words, None, None)? {
            None => Ok(None),
            Some(Ended {
                good: true, stdout, ..
            }) => Ok(Some(stdout)),
            Some(ended) if ended.stderr.contains(no) => Ok(None),
            Some(ended) => Err(ended.failure(what, words)),
        }
    }

    /// Runs a command and reads its output as JSON; `None` in a dry run.
    pub fn json(&self, what: &str, words: &[&str]) -> Outcome<Option<Value>> {
        let Some(text) = self.run(what, words)? else {
            return Ok(None);
        };
        let value = json_in(&text).ok_or_else(|| {
            let message = format!(
                "{what}: `wrangler {}` did not answer with JSON",
                words.join(" ")
            );
            Failure::new(Kind::Other, message)
                .hint("use the wrangler that the release pins: npm ci")
        })?;
        Ok(Some(value))
    }

    /// Deploys; gives the address, if wrangler says one.
    pub fn deploy(&self) -> Outcome<Option<String>> {
        let (what, words) = ("deploying", ["deploy"]);
        let report = scratch(&self.folder);
        let ended = self.attempt(what, &words, None, Some(&report));
        let told = fs::read_to_string(&report).unwrap_or_default();
        let _ = fs::remove_file(&report);
        match ended? {
            None => Ok(None),
            Some(ended) if ended.good => Ok(target(&told).or_else(|| address_in(&ended.stdout))),
            Some(ended) => Err(ended.failure(what, &words)),
        }
    }

    fn attempt(
        &self,
        what: &str,
        words: &[&str],
        secret: Option<(&str, &str)>,
        report: Option<&Path>,
    ) -> Outcome<Option<Ended>> {
        if self.dry {
            let input = secret.map(|(said, _)| format!("   # standard input: {said}"));
            print(&format!(
                "npx wrangler {}{}\n",
                words.join(" "),
                input.unwrap_or_default()
            ))?;
            return Ok(None);
        }
        step(what);
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .current_dir(&self.folder)
            .env("PATH", self.path())
            .env("NO_COLOR", "1")
            .env("WRANGLER_SEND_METRICS", "false")
            // The key of the gateway is none of wrangler's business.
            .env_remove("POSTERN_TOKEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(report) = report {
            command.env("WRANGLER_OUTPUT_FILE_PATH", report);
        }
        let wrong = |error: std::io::Error| {
            let message = format!("{what}: starting {}: {error}", self.program.display());
            Failure::new(Kind::Other, message)
        };
        let mut child = command.spawn().map_err(wrong)?;
        if let Some(mut stdin) = child.stdin.take() {
            let text = secret.map(|(_, text)| text).unwrap_or_default();
            // One that reads nothing may have ended already.
            let _ = stdin.write_all(text.as_bytes());
        }
        let output = child.wait_with_output().map_err(wrong)?;
        Ok(Some(Ended {
            good: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }))
    }

    /// With npm's programs first: among them is a Node that is new enough.
    fn path(&self) -> OsString {
        let own = self.folder.join("node_modules/.bin");
        let old = std::env::var_os("PATH").filter(|path| !path.is_empty());
        let old = old.iter().flat_map(std::env::split_paths);
        // A folder whose name cannot stand in a PATH leaves wrangler with the Node that is there.
        std::env::join_paths([own].into_iter().chain(old))
            .unwrap_or_else(|_| std::env::var_os("PATH").unwrap_or_default())
    }
}

/// How a command ended.
struct Ended {
    good: bool,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// Shows what it said, and fails.
    fn failure(self, what: &str, words: &[&str]) -> Failure {
        let said: Vec<&str> = self.stdout.lines().chain(self.stderr.lines()).collect();
        for line in said.iter().skip(said.len().saturating_sub(SHOWN)) {
            remark(&format!("   {}", plain(line)));
        }
        let message = format!(
            "{what} failed: `npx wrangler {}`; its words are above",
            words.join(" ")
        );
        Failure::new(Kind::Other, message)
            .hint("fix that, and run `postern setup` again: it goes on with what is there")
    }
}

/// The JSON in what wrangler printed, behind banners and warnings.
fn json_in(text: &str) -> Option<Value> {
    let starts = text.char_indices().filter(|(_, c)| matches!(c, '[' | '{'));
    starts
        .filter_map(|(start, _)| text.get(start..))
        .find_map(|rest| {
            serde_json::Deserializer::from_str(rest)
                .into_iter()
                .next()?
                .ok()
        })
}

/// The first address in wrangler's report of a deployment, an object on each line.
fn target(report: &str) -> Option<String> {
    let objects = report
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut deployed =
        objects.filter(|object| object.get("type").is_some_and(|kind| kind == "deploy"));
    deployed.find_map(|object| {
        let mut targets = object.get("targets")?.as_array()?.iter();
        targets.find_map(|target| address_in(target.as_str()?))
    })
}

/// The first `https://` address in a text.
fn address_in(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let word = words.find(|word| word.starts_with("https://") && word.contains(".workers.dev"))?;
    Some(word.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_found_behind_a_banner() {
        for (text, expected) in [
            ("[]", Some(json!([]))),
            (
                " ⛅️ wrangler 4.156.0\n[warning] new\n[{\"id\": \"a\"}]\n",
                Some(json!([{"id": "a"}])),
            ),
            ("{\"a\": 1} trailing", Some(json!({"a": 1}))),
            ("no JSON [here", None),
            ("", None),
        ] {
            assert_eq!(json_in(text), expected, "{text}");
        }
    }

    #[test]
    fn the_address_of_a_deployment() {
        let report = "{\"type\":\"wrangler-session\"}\n\
            {\"type\":\"deploy\",\"targets\":[\"gate.acme.dev (custom domain)\",\"https://postern.acme.workers.dev\",\"schedule: 17 * * * *\"]}\n";
        let expected = Some("https://postern.acme.workers.dev".to_owned());
        assert_eq!(target(report), expected);
        assert_eq!(target(""), None);
        let text = "Deployed postern triggers (1 sec)\n  https://postern.acme.workers.dev/\nSee https://developers.example\n";
        assert_eq!(address_in(text), expected);
        assert_eq!(address_in("see https://developers.cloudflare.com"), None);
    }
}
