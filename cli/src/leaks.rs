//! `postern leaks report`: tells the gateway of tokens that were found in public. Finds them in
//! text of any kind (a log, a dump, a scanner's report), and prints none of them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use serde_json::json;

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{Progress, print};
use crate::settings::{Flags, Settings};

/// Most texts in one report, and most JWTs among them, as the gateway has it; and their bytes, well
/// below its limit.
const MAX_TEXTS: usize = 1000;
const MAX_JWTS: usize = 64;
const MAX_BYTES: usize = 512 * 1024;
/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;
/// Longest credential that the gateway would look at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;
/// Characters of an opaque key.
const KEY: usize = 75;

/// `postern leaks`.
#[derive(Debug, clap::Args)]
pub struct Leaks {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Report every token in a file; what lives of them is revoked or held back
    Report {
        /// Text of any kind; `-` for standard input
        file: PathBuf,
    },
}

impl Leaks {
    /// Does it. Needs no credential, and sends none.
    pub async fn run(self) -> Outcome {
        let What::Report { file } = self.what;
        let settings = Settings::find(&self.flags)?;
        let api = Api::new(Settings {
            authorization: None,
            organization: None,
            ..settings
        })?;
        let text = read(&file)?;
        let found = tokens(&text);
        if found.is_empty() {
            let message = format!("{} holds nothing that looks like a token", file.display());
            return Err(Failure::new(Kind::Usage, message));
        }
        let progress = Progress::new("reported");
        let mut reported = 0;
        for report in reports(&found) {
            let body = json!({ "tokens": report });
            api.post("/leaks", &body).await.map_err(|failure| {
                let message = format!(
                    "{reported} of {} reported: {}",
                    found.len(),
                    failure.message
                );
                Failure { message, ..failure }
            })?;
            reported += report.len();
            progress.at(reported);
        }
        drop(progress);
        print(&format!(
            "{reported} reported. What lives of them is being revoked or held back; the gateway tells nobody which.\n"
        ))
    }
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

/// Everything in the text that has the form of an opaque key or of a JWT, once each.
fn tokens(text: &[u8]) -> Vec<&str> {
    let of_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let of_jwt = |byte: &u8| of_word(byte) || matches!(byte, b'-' | b'.');
    let keys = text
        .split(|byte| !of_word(byte))
        .filter(|word| word.len() == KEY && word.starts_with(b"pst_"));
    let jwts = text
        .split(|byte| !of_jwt(byte))
        // A full stop behind it is the sentence's.
        .map(|word| word.strip_suffix(b".").unwrap_or(word))
        .filter(|word| {
            let parts = word.split(|byte| *byte == b'.').count();
            word.len() <= MAX_TOKEN && word.starts_with(b"eyJ") && parts == 3
        });
    let found: BTreeSet<&str> = keys
        .chain(jwts)
        .filter_map(|word| std::str::from_utf8(word).ok())
        .collect();
    found.into_iter().collect()
}

/// As many texts in each report as the gateway takes.
fn reports<'t>(found: &[&'t str]) -> Vec<Vec<&'t str>> {
    let mut reports: Vec<Vec<&str>> = Vec::new();
    let (mut bytes, mut jwts) = (0, 0);
    for text in found {
        let jwt = usize::from(text.contains('.'));
        bytes += text.len();
        jwts += jwt;
        match reports.last_mut() {
            Some(last) if last.len() < MAX_TEXTS && bytes <= MAX_BYTES && jwts <= MAX_JWTS => {
                last.push(text);
            }
            _ => {
                reports.push(vec![text]);
                (bytes, jwts) = (text.len(), jwt);
            }
        }
    }
    reports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_any_text() {
        let key = format!("pst_{}_{}", "A".repeat(22), "b".repeat(48));
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0.c2ln-bmF_0";
        let text = format!(
            "TOKEN={key}\n{{\"match\": \"{key}\"}} Bearer {jwt}. ({jwt}) x{key} {key}9 pst_short eyJ.eyJ a.b.c"
        );
        let mut bytes = text.into_bytes();
        bytes.extend(b"\xff\xfe");
        assert_eq!(tokens(&bytes), [jwt, &key]);
        assert!(tokens(b"nothing here").is_empty());
    }

    #[test]
    fn reports_are_as_large_as_the_gateway_takes() {
        let small: Vec<String> = (0..2001).map(|n| n.to_string()).collect();
        let small: Vec<&str> = small.iter().map(String::as_str).collect();
        let sizes: Vec<_> = reports(&small).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1000, 1000, 1]);
        let jwts: Vec<String> = (0..130).map(|n| format!("eyJ{n}.b.c")).collect();
        let jwts: Vec<&str> = jwts.iter().map(String::as_str).collect();
        let sizes: Vec<_> = reports(&jwts).iter().map(Vec::len).collect();
        assert_eq!(sizes, [64, 64, 2]);
        let large = "x".repeat(MAX_TOKEN);
        let sizes: Vec<_> = reports(&[large.as_str(); 100])
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(sizes, [64, 36]);
        assert!(reports(&[]).is_empty());
    }
}
