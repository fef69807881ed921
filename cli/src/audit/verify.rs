//! `postern audit verify`: the check of an exported log, under the gateway's own keys, under public
//! ones, or both; and of a proof of one event. Secret keys come from the environment, never from the
//! command line, where other users of the machine could read them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use postern_domain::audit::verify::verify;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_transparency::note::Note;

use super::public::{KeyFlags, Keys, plainly, text_of};
use super::tree::{self, Kept};
use super::{prove, tell};
use crate::fail::{Failure, Kind, Outcome};
use crate::files::named;

/// Longest line that is read, in bytes; a row has about 600.
const MAX_LINE: u64 = 1024 * 1024;

/// What `postern audit verify` takes.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// An export (`postern audit export`), or a proof of one event (`postern audit prove`); `-` for
    /// standard input
    file: PathBuf,

    #[command(flatten)]
    keys: KeyFlags,

    /// A checkpoint that the log must agree with: the newest, and those that you have kept; can be
    /// repeated. An export needs one with --key. A proof has a checkpoint of its own, with which these
    /// are compared
    #[arg(long = "checkpoint", value_name = "FILE", requires = "keys")]
    checkpoints: Vec<PathBuf>,
}

impl Verify {
    /// Checks a file.
    ///
    /// # Errors
    /// `Configuration` for keys and files that cannot be read and files that are no export, `Usage` for
    /// what is no public key, `Other` for a log that is not whole.
    pub fn run(&self) -> Outcome {
        let public = self.keys.read()?;
        let audit = keys(|name| std::env::var(name).ok())?;
        let kept = self.checkpoints.iter().map(|file| kept(file));
        let kept = kept.collect::<Outcome<Vec<_>>>()?;
        let mut input = self.input()?;
        let begins = input.fill_buf().map(String::from_utf8_lossy);
        let begins = begins.map_or_else(|_| String::new(), |begins| plainly(&begins));
        if prove::is_proof(&begins) {
            return prove::verify(&self.file, input, public.as_ref(), &kept);
        }
        if Note::parse(&begins).is_ok() {
            return Err(no_export(&self.file, "it is a checkpoint").hint(
                "give the export or the proof as FILE, and the checkpoint with --checkpoint",
            ));
        }
        match (public, audit) {
            (None, None) => Err(
                Failure::new(Kind::Configuration, "there is no key to check with").hint(
                    "give a public key with --key; or set ROOT_KEYS, or TOKEN_KEYS where the gateway has no ROOT_KEYS",
                ),
            ),
            (Some(_), _) if kept.is_empty() => Err(self.without_checkpoint(&begins)),
            (public, audit) => self.check(input, public.as_ref(), &kept, audit.as_ref()),
        }
    }

    /// Why a public key alone says nothing about this file, which is no proof.
    fn without_checkpoint(&self, begins: &str) -> Failure {
        let file = named(&self.file);
        match begins.trim_start().starts_with('{') {
            true => Failure::new(
                Kind::Usage,
                format!(
                    "{file} is an export, which public keys check against checkpoints: give one with \
                     --checkpoint"
                ),
            )
            .hint("get the newest: postern audit checkpoint --fresh > checkpoint.txt"),
            false => no_export(&self.file, "it has no row, and it is no proof of one event either")
                .hint("get one: postern audit export FILE, postern audit prove SEQUENCE > FILE"),
        }
    }

    /// The file, if it can be a text that is read here.
    fn input(&self) -> Outcome<Box<dyn BufRead>> {
        let input: Box<dyn Read> = if self.file == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(&self.file).map_err(|error| self.unreadable(&error))?)
        };
        let mut input = BufReader::new(input);
        let is_utf_16 = |mark: &&[u8]| input.fill_buf().is_ok_and(|begin| begin.starts_with(mark));
        match UTF_16.iter().any(is_utf_16) {
            true => Err(no_export(&self.file, "it is UTF-16 text")
                .hint("write it as it came, or convert it: iconv -f UTF-16 -t UTF-8")),
            false => Ok(Box::new(input)),
        }
    }

    /// Checks an export in one pass, under all keys that there are.
    fn check(
        &self,
        input: Box<dyn BufRead>,
        public: Option<&Keys>,
        kept: &[Kept],
        audit: Option<&KeyRing>,
    ) -> Outcome {
        let mut failed = None;
        let mut tree = public.map(|keys| tree::Check::new(keys, kept));
        let lines = lines(input, &mut failed).inspect(|line| {
            if let Some(tree) = &mut tree {
                tree.line(line.trim());
            }
        });
        let keyed = match audit {
            Some(audit) => Some(verify(lines, audit)),
            None => {
                lines.for_each(drop);
                None
            }
        };
        if let Some(error) = failed {
            return Err(self.unreadable(&error));
        }
        let public = tree.map(tree::Check::end);
        let recognized = keyed.as_ref().map(|report| report.recognized);
        let recognized = recognized.or(public.as_ref().map(|report| report.recognized));
        if recognized == Some(0) {
            return Err(
                no_export(&self.file, "no line of it is a row or a checkpoint")
                    .hint("export again: postern audit export FILE"),
            );
        }
        let public = public.map(|report| tell::public(&report, keyed.is_some()));
        let keyed = keyed.as_ref().map(tell::keyed);
        both(public.unwrap_or(Ok(())), keyed.unwrap_or(Ok(())))
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        let what = format!("{} cannot be read: {error}", named(&self.file));
        Failure::new(Kind::Configuration, what)
    }
}

/// What two checks of one log end with: nothing that either has found goes unsaid.
fn both(public: Outcome, keyed: Outcome) -> Outcome {
    match (public, keyed) {
        (Err(public), Err(keyed)) => {
            let message = format!("{}; {}", public.message, keyed.message);
            let failure = Failure::new(public.kind, message);
            Err(Failure {
                hint: public.hint.or(keyed.hint),
                ..failure
            })
        }
        (public, keyed) => public.and(keyed),
    }
}

/// A checkpoint that was kept.
fn kept(file: &Path) -> Outcome<Kept> {
    let place = file.display().to_string();
    match Note::parse(&text_of(file)?) {
        Ok(note) => Ok(Kept { place, note }),
        Err(error) => {
            let message = format!("{place} is not a checkpoint: {error}");
            Err(Failure::new(Kind::Configuration, message))
        }
    }
}

/// The byte order marks of UTF-16.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

fn no_export(file: &Path, why: &str) -> Failure {
    let what = format!("{} is not an export of the audit log: {why}", named(file));
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

/// The audit keys, derived as the gateway derives them; `None` where no variable has any.
fn keys(variable: impl Fn(&str) -> Option<String>) -> Outcome<Option<KeyRing>> {
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
        (None, None) => return Ok(None),
    };
    Ok(Some(roots.audit))
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
        assert!(of("ROOT_KEYS", key).is_ok_and(|keys| keys.is_some()));
        assert!(of("TOKEN_KEYS", key).is_ok_and(|keys| keys.is_some()));
        assert!(of("X", key).is_ok_and(|keys| keys.is_none()));
        for (name, text) in [("ROOT_KEYS", "k1:AA"), ("TOKEN_KEYS", "k1")] {
            let failure = of(name, text).err().map(|failure| failure.kind);
            assert_eq!(failure, Some(Kind::Configuration), "{name} {text}");
        }
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
