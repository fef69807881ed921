//! `postern audit checkpoint`: the newest signed checkpoint of the log, and whether the log continues one
//! that was kept. Two people who compare what they are given so cannot be shown two logs.

use std::path::PathBuf;

use postern_transparency::parse_hash;
use postern_transparency::proof::verify_consistency;
use serde_json::Value;

use super::public::{KeyFlags, Keys, Opened, text_of};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{print_all, remark};
use crate::text::counted;

/// `postern audit checkpoint`.
#[derive(Debug, clap::Args)]
pub struct Newest {
    /// Have the gateway sign one now, instead of the newest that it has kept
    #[arg(long)]
    fresh: bool,

    /// A checkpoint that you have kept, and that the log must continue
    #[arg(long, value_name = "FILE", requires = "keys")]
    since: Option<PathBuf>,

    #[command(flatten)]
    keys: KeyFlags,
}

/// What is known before the gateway is asked.
pub struct Known {
    keys: Option<Keys>,
    since: Option<Opened>,
}

impl Newest {
    /// Reads the keys, and the checkpoint that was kept.
    ///
    /// # Errors
    /// As [`KeyFlags::read`]; `Other` for a checkpoint that is not believed.
    pub fn known(&self) -> Outcome<Known> {
        let keys = self.keys.read()?;
        let since = match (&self.since, &keys) {
            (Some(file), Some(keys)) => {
                // Kept before a witness was there, perhaps: the log's own signature is enough.
                let note = text_of(file)?;
                Some(
                    keys.of_logs()
                        .open_all(&file.display().to_string(), &note)?,
                )
            }
            _ => None,
        };
        Ok(Known { keys, since })
    }

    /// Gets it, and prints it if it is to be believed.
    ///
    /// # Errors
    /// Those of the calls; `Other` for a checkpoint that is not believed, or does not continue the one
    /// that was kept.
    pub async fn run(&self, api: &Api, known: Known) -> Outcome {
        let path = match self.fresh {
            true => "/org/audit/checkpoint?fresh=true",
            false => "/org/audit/checkpoint",
        };
        let note = api.text(path).await?;
        match &known.keys {
            None => {
                remark("note: nobody has verified this checkpoint: give a public key with --key")
            }
            Some(keys) => {
                let newest = keys.open_all("the gateway's checkpoint", &note)?;
                if let Some(since) = &known.since {
                    continues(api, since, &newest).await?;
                    let size = counted(since.checkpoint.size, "row");
                    remark(&format!("it continues the checkpoint of {size}"));
                }
                remark(&newest.signers());
            }
        }
        print_all(&note)
    }
}

/// Has the gateway prove that the log which was kept is the beginning of the newest.
async fn continues(api: &Api, since: &Opened, newest: &Opened) -> Outcome {
    let (old, new) = (&since.checkpoint, &newest.checkpoint);
    let wrong = |why: String| {
        Failure::new(Kind::Other, why).hint("keep both checkpoints: together they are the evidence")
    };
    if old.origin != new.origin {
        return Err(wrong(
            "the checkpoint that was kept is of another log".to_owned(),
        ));
    }
    if old.size > new.size {
        let (old, new) = (counted(old.size, "row"), counted(new.size, "row"));
        return Err(wrong(format!(
            "the log has lost its end: {old} were signed, and now it has {new}"
        )));
    }
    let mut hashes = Vec::new();
    if old.size > 0 && old.size < new.size {
        let path = format!("/org/audit/consistency?from={}&to={}", old.size, new.size);
        let answer = api.get(&path).await?;
        let listed = answer.get("hashes").and_then(Value::as_array);
        let read = |hash: &Value| hash.as_str().and_then(parse_hash);
        let read = listed.and_then(|listed| listed.iter().map(read).collect());
        hashes = read.ok_or_else(|| {
            Failure::new(Kind::Unavailable, "the gateway's answer has no proof in it")
        })?;
    }
    let (before, after) = ((old.size, &old.root), (new.size, &new.root));
    verify_consistency(before, after, &hashes).map_err(|_| {
        let size = counted(old.size, "row");
        wrong(format!(
            "the log does not continue the checkpoint of {size}: it was written anew, or somebody was shown another one"
        ))
    })
}
