//! `postern leaks report`: tells the gateway of tokens that were found in public. Finds them in
//! text of any kind (a log, a dump, a scanner's report), and prints none of them.

mod clean;
mod find;

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use serde_json::json;

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Progress, print};
use crate::settings::{Flags, Settings};
use find::{Found, tokens};

/// Most texts in one report, as the gateway has it; and their bytes, well below its limit.
const MAX_TEXTS: usize = 1000;
const MAX_BYTES: usize = 512 * 1024;
/// Most JWTs among them: each costs the gateway a signature.
const MAX_JWTS: usize = 64;
/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// `postern leaks`.
#[derive(Debug, clap::Args)]
pub struct Leaks {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Report leaked tokens found in a file; active ones are revoked or quarantined
    Report {
        /// Text of any kind; `-` for standard input
        file: PathBuf,
    },
}

impl Leaks {
    /// Does it. Needs no credential, and sends none.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let What::Report { file } = self.what;
        let settings = Settings::find(flags)?;
        let api = Api::new(Settings {
            authorization: None,
            organization: None,
            withheld: None,
            ..settings
        })?;
        let text = read(&file)?;
        let found = tokens(&text);
        let (all, good) = (found.all(), found.keys.len() + found.jwts.len());
        if good == 0 {
            let name = file.display();
            let message = match all {
                0 => format!("{name} holds nothing that looks like a token"),
                _ => format!("{name}: {all} looked at{}", left_out(&found)),
            };
            return Err(Failure::new(Kind::Usage, message));
        }
        let progress = Progress::new("reported");
        let mut reported = 0;
        for report in reports(&found) {
            let body = json!({ "tokens": report });
            api.post("/leaks", &body).await.map_err(|failure| {
                let message = format!("{reported} of {good} reported: {}", failure.message);
                Failure { message, ..failure }
            })?;
            reported += report.len();
            progress.at(reported);
        }
        drop(progress);
        print(&format!(
            "{reported} reported of {all} looked at{}. Active ones are being revoked or quarantined; \
             the gateway tells nobody which.\n",
            left_out(&found)
        ))
    }
}

/// Whether a text has a token in it, or something that looks like one.
pub fn looks_like_a_token(text: &str) -> bool {
    tokens(text.as_bytes()).all() > 0
}

fn read(file: &PathBuf) -> Outcome<Vec<u8>> {
    let wrong = |error: std::io::Error| {
        let message = format!("{}: {error}", file.display());
        Failure::new(Kind::Configuration, message)
    };
    let mut bytes = Vec::new();
    let mut source: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(File::open(file).map_err(wrong)?),
    };
    let read = source.by_ref().take(MAX_FILE + 1).read_to_end(&mut bytes);
    match read.map_err(wrong)? as u64 > MAX_FILE {
        true => Err(wrong(std::io::Error::other("more than 256 MiB"))),
        false => Ok(bytes),
    }
}

/// As many texts in each report as the gateway takes.
fn reports(found: &Found) -> Vec<Vec<&str>> {
    let mut reports: Vec<Vec<&str>> = Vec::new();
    let (mut bytes, mut jwts) = (0, 0);
    let keys = found.keys.iter().map(|key| (key, 0));
    for (text, is_jwt) in keys.chain(found.jwts.iter().map(|jwt| (jwt, 1))) {
        bytes += text.len();
        jwts += is_jwt;
        match reports.last_mut() {
            Some(last) if last.len() < MAX_TEXTS && bytes <= MAX_BYTES && jwts <= MAX_JWTS => {
                last.push(text);
            }
            _ => {
                reports.push(vec![text]);
                (bytes, jwts) = (text.len(), is_jwt);
            }
        }
    }
    reports
}

/// What was looked at and not reported.
fn left_out(found: &Found) -> String {
    match found.others.len() {
        0 => String::new(),
        others => format!(
            ", {others} left out: keys whose checksum does not fit, or JWTs of another kind than a gateway's"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_as_large_as_the_gateway_takes() {
        let numbers = |count: usize| (0..count).map(|number| number.to_string()).collect();
        let sizes = |keys: usize, jwts: usize| -> Vec<usize> {
            let found = Found {
                keys: numbers(keys),
                jwts: numbers(jwts),
                ..Found::default()
            };
            reports(&found).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(2001, 0), [1000, 1000, 1]);
        assert_eq!(
            sizes(10, 130),
            [10 + MAX_JWTS, MAX_JWTS, 130 - 2 * MAX_JWTS]
        );
        assert_eq!(sizes(0, 0), Vec::<usize>::new());
        let large = |number: usize| format!("{number:08192}");
        let found = Found {
            keys: (0..100).map(large).collect(),
            ..Found::default()
        };
        let sizes: Vec<_> = reports(&found).iter().map(Vec::len).collect();
        assert_eq!(sizes, [64, 36]);
    }
}
