//! `postern audit verify`: the check of an exported log under the gateway's keys. Keys come from
//! the environment, never from the command line, where other users of the machine could read them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use postern_domain::audit::mend::Mended;
use postern_domain::audit::verify::{MAX_FAULTS, Report, verify};
use postern_domain::keys::{KeyRing, RootKeys};

use crate::fail::{Failure, Kind, Outcome};
use crate::output::print;
use crate::text::counted;

/// Longest line that is read, in bytes; a row has about 600.
const MAX_LINE: u64 = 1024 * 1024;

/// Checks a file.
///
/// # Errors
/// `Configuration` for keys and files that cannot be read and files that are no export, `Other` for
/// a log that is not whole.
pub fn run(file: &Path) -> Outcome {
    let audit = keys(|name| std::env::var(name).ok())?;
    let unreadable = |error: std::io::Error| {
        let what = format!("{} cannot be read: {error}", file.display());
        Failure::new(Kind::Configuration, what)
    };
    let input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(unreadable)?)
    };
    let mut input = BufReader::new(input);
    if UTF_16
        .iter()
        .any(|mark| input.fill_buf().is_ok_and(|begin| begin.starts_with(mark)))
    {
        return Err(no_export(file, "it is UTF-16 text")
            .hint("write it as it came, or convert it: iconv -f UTF-16 -t UTF-8"));
    }
    let mut failed = None;
    let report = verify(lines(input, &mut failed), &audit);
    match failed {
        Some(error) => Err(unreadable(error)),
        None if report.recognized == 0 => {
            Err(no_export(file, "no line of it is a row or a checkpoint")
                .hint("export again: postern audit export FILE"))
        }
        None => tell(&report),
    }
}

/// The byte order marks of UTF-16.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

fn no_export(file: &Path, why: &str) -> Failure {
    let what = format!(
        "{} is not an export of the audit log: {why}",
        file.display()
    );
    Failure::new(Kind::Configuration, what)
}

/// The lines of a file, without a byte order mark before the first; the first error ends them, and
/// is kept.
fn lines<'a>(
    mut input: impl BufRead + 'a,
    failed: &'a mut Option<std::io::Error>,
) -> impl Iterator<Item = String> + 'a {
    let mut mark = Some('\u{feff}');
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        match input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => {
                let line = String::from_utf8_lossy(&line);
                let text = mark.take().and_then(|mark| line.strip_prefix(mark));
                Some(text.unwrap_or(&line).to_owned())
            }
            Err(error) => {
                *failed = Some(error);
                None
            }
        }
    })
}

/// The audit keys, derived as the gateway derives them.
fn keys(variable: impl Fn(&str) -> Option<String>) -> Outcome<KeyRing> {
    let ring = |name: &str| {
        let text = variable(name).filter(|text| !text.trim().is_empty())?;
        Some(
            KeyRing::parse(&text)
                .map_err(|problem| Failure::new(Kind::Configuration, format!("{name}: {problem}"))),
        )
    };
    let roots = match (ring("ROOT_KEYS"), ring("TOKEN_KEYS")) {
        (Some(root), _) => RootKeys::from_root(&root?),
        (None, Some(tokens)) => RootKeys::from_token_keys(&tokens?),
        (None, None) => {
            return Err(
                Failure::new(Kind::Configuration, "there is no key to check with")
                    .hint("set ROOT_KEYS, or TOKEN_KEYS where the gateway has no ROOT_KEYS"),
            );
        }
    };
    Ok(roots.audit)
}

fn tell(report: &Report) -> Outcome {
    for fault in &report.faults {
        print(&format!("line {}: {}\n", fault.line, fault.problem))?;
    }
    if report.faults_in_all > report.faults.len() {
        let more = report.faults_in_all - report.faults.len();
        print(&format!(
            "and {more} more; the first {MAX_FAULTS} are shown\n"
        ))?;
    }
    if !report.is_clean() {
        let what = match report.faults_in_all {
            1 => "the log is not whole: 1 fault".to_owned(),
            faults => format!("the log is not whole: {faults} faults"),
        };
        let failure = Failure::new(Kind::Other, what);
        return Err(match report.rows {
            0 => failure.hint("not one row fits: are the keys those of the gateway that wrote it?"),
            _ => failure,
        });
    }
    for (sequence, mended) in report.mended.iter().take(MAX_FAULTS) {
        let found = match mended {
            Mended::Missing => "no row",
            Mended::Differed => "another row",
        };
        print(&format!(
            "row {sequence}: D1 had {found}, and the Ledger's copy stands here\n"
        ))?;
    }
    if report.mended.len() > MAX_FAULTS {
        let more = report.mended.len() - MAX_FAULTS;
        print(&format!("and {more} more rows like that\n"))?;
    }
    match (report.organization, report.checkpoint) {
        (Some(organization), Some((sequence, at))) => print(&format!(
            "{} of organization {organization}: whole, in order and unchanged; \
             the checkpoint reaches row {sequence}, at {}\n",
            counted(report.rows, "row"),
            postern_wire::rfc3339::print(at),
        )),
        _ => print("the log is empty\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_the_variables_of_the_gateway() {
        let key = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let of = |name: &'static str, text: &'static str| {
            keys(move |wanted| (wanted == name).then(|| text.to_owned()))
        };
        assert!(of("ROOT_KEYS", key).is_ok());
        assert!(of("TOKEN_KEYS", key).is_ok());
        for (name, text) in [("ROOT_KEYS", "k1:AA"), ("TOKEN_KEYS", "k1"), ("X", key)] {
            let failure = of(name, text).err().map(|failure| failure.kind);
            assert_eq!(failure, Some(Kind::Configuration), "{name} {text}");
        }
    }

    #[test]
    fn a_log_that_is_not_whole_is_a_failure() {
        let ring = KeyRing::parse("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let audit = RootKeys::from_root(&ring).audit;
        // A line that is no row, and no checkpoint behind it.
        let report = verify(["nonsense"], &audit);
        let failure = tell(&report).err().map(|failure| failure.message);
        assert_eq!(failure.as_deref(), Some("the log is not whole: 2 faults"));
        // Nothing at all proves nothing: the checkpoint is missing.
        let failure = tell(&verify(Vec::<String>::new(), &audit)).err();
        assert_eq!(failure.map(|failure| failure.kind), Some(Kind::Other));
    }

    #[test]
    fn lines_are_bounded_and_need_not_be_text() {
        let mut failed = None;
        let bytes: &[u8] = b"a\n\xff\nlast";
        let read: Vec<String> = lines(bytes, &mut failed).collect();
        assert_eq!(read, ["a\n", "\u{fffd}\n", "last"]);
        // One mark, at the very beginning.
        let bytes = "\u{feff}a\r\n\u{feff}b".as_bytes();
        let read: Vec<String> = lines(bytes, &mut failed).collect();
        assert_eq!(read, ["a\r\n", "\u{feff}b"]);
        let long = vec![b'x'; 3 << 20];
        assert_eq!(lines(long.as_slice(), &mut failed).count(), 3);
    }
}
