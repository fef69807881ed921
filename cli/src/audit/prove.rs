//! Proofs that an event is in the log: `postern audit prove` gets one from the gateway, and `postern
//! audit verify` checks one that somebody has kept, without the gateway and without the log.

use std::io::{BufRead, Read as _};
use std::path::Path;

use postern_domain::id::OrganizationId;
use postern_transparency::inclusion::InclusionProof;
use postern_transparency::proof::verify_inclusion;
use postern_transparency::tree::{empty_root, leaf};
use serde::Deserialize;

use super::public::{KeyFlags, Keys, Opened, plainly};
use super::tree::{Kept, forks, is_of};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::files::named;
use crate::output::{print, remark};
use crate::text::{counted, plain};

/// The first line of a proof.
const FIRST: &str = "c2sp.org/tlog-proof@v1";
/// Longest proof, in bytes: an event, 63 hashes and a note.
const MAX_PROOF: u64 = 1024 * 1024;

/// `postern audit prove`.
#[derive(Debug, clap::Args)]
pub struct Prove {
    /// The number of the event, as `sequence` in the log
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    sequence: u64,

    #[command(flatten)]
    keys: KeyFlags,
}

impl Prove {
    /// The keys to check with, before anything is asked.
    ///
    /// # Errors
    /// As [`KeyFlags::read`].
    pub fn keys(&self) -> Outcome<Option<Keys>> {
        self.keys.read()
    }

    /// Gets the proof, and prints it if it holds.
    ///
    /// # Errors
    /// Those of the call; `Other` for a proof that does not hold.
    pub async fn run(&self, api: &Api, keys: Option<&Keys>) -> Outcome {
        let sequence = self.sequence;
        let proof = api.text(&format!("/org/audit/{sequence}/proof")).await?;
        match keys {
            Some(keys) => {
                let proven = Proven::of("the gateway's proof", &proof, keys)?;
                if proven.sequence != sequence {
                    let other = proven.sequence;
                    let message = format!("the gateway's proof is of event {other}");
                    return Err(Failure::new(Kind::Other, message));
                }
            }
            None => {
                remark("note: nobody has verified this proof: postern audit verify FILE --key KEY")
            }
        }
        print(&proof)
    }
}

/// What a proof has proven.
struct Proven {
    organization: OrganizationId,
    sequence: u64,
    content: String,
    opened: Opened,
}

/// Whether a text begins as a proof does.
pub fn is_proof(text: &str) -> bool {
    text.lines().next() == Some(FIRST) && text.len() > FIRST.len()
}

#[derive(Deserialize)]
struct Place {
    organization_id: OrganizationId,
    sequence: u64,
}

impl Proven {
    fn of(what: &str, text: &str, keys: &Keys) -> Outcome<Self> {
        let wrong = |why: &str| Failure::new(Kind::Other, format!("{what} does not hold: {why}"));
        let proof = InclusionProof::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let opened = keys.open_all("its checkpoint", &proof.checkpoint.to_string())?;
        let content = proof
            .extra
            .ok_or_else(|| wrong("it has no event in it, in its line `extra`"))?;
        let tree = (opened.checkpoint.size, &opened.checkpoint.root);
        verify_inclusion(&leaf(&content), proof.index, tree, &proof.hashes)
            .map_err(|_| wrong("the event is not in the tree of its checkpoint"))?;
        let place: Place =
            serde_json::from_slice(&content).map_err(|_| wrong("what it proves is no event"))?;
        if place.sequence != proof.index + 1 {
            return Err(wrong("the event stands at another number than its own"));
        }
        if !is_of(&opened.checkpoint.origin, place.organization_id) {
            return Err(wrong("the event is of another organization than the log"));
        }
        Ok(Self {
            organization: place.organization_id,
            sequence: place.sequence,
            content: String::from_utf8_lossy(&content).into_owned(),
            opened,
        })
    }
}

/// Checks a proof that was kept, against the checkpoints that were kept besides, and prints the event
/// that it proves.
///
/// # Errors
/// `Configuration` without a key, and for a file that cannot be read; `Other` for a proof that does not
/// hold, or that does not agree with a checkpoint or cannot be compared with it.
pub fn verify(file: &Path, input: impl BufRead, keys: Option<&Keys>, kept: &[Kept]) -> Outcome {
    let keys = keys.ok_or_else(|| {
        Failure::new(
            Kind::Configuration,
            "there is no key to check the proof with",
        )
        .hint("give the public key of the log with --key")
    })?;
    let place = named(file);
    let mut text = String::new();
    input
        .take(MAX_PROOF)
        .read_to_string(&mut text)
        .map_err(|error| {
            let message = format!("{place} cannot be read: {error}");
            Failure::new(Kind::Configuration, message)
        })?;
    let proven = Proven::of(&place, &plainly(&text), keys)?;
    let compared = Compared::of(&place, &proven.opened, keys, kept);
    if !compared.faults.is_empty() {
        for fault in &compared.faults {
            print(&format!("{}\n", plain(fault)))?;
        }
        let faults = counted(compared.faults.len() as u64, "fault");
        let message = format!("the proof does not agree with the checkpoints: {faults}");
        return Err(Failure::new(Kind::Other, message)
            .hint("keep the proof and the checkpoints: together they are the evidence"));
    }
    print(&format!(
        "event {} of organization {}: in the log, unchanged and at its number\n\
         checkpoint of {}: {}\n",
        proven.sequence,
        proven.organization,
        counted(proven.opened.checkpoint.size, "row"),
        proven.opened.signers(),
    ))?;
    for line in compared.same.iter().chain(&compared.uncompared) {
        print(&format!("{}\n", plain(line)))?;
    }
    print(&format!("{}\n", plain(&proven.content)))?;
    match compared.uncompared.len() as u64 {
        0 => Ok(()),
        left => {
            let left = counted(left, "checkpoint");
            let message = format!("the proof holds, but {left} could not be compared with its own");
            Err(Failure::new(Kind::Other, message).hint(
                "whether one continues the other takes an export (postern audit verify EXPORT --checkpoint \
                 FILE) or the gateway (postern audit checkpoint --since FILE)",
            ))
        }
    }
}

/// The checkpoints that were kept beside the one of a proof, in words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Compared {
    /// Those with the same tree, or with an empty one.
    same: Vec<String>,
    /// Those of the same log with another number of rows: a proof of one event does not say whether one
    /// tree continues the other.
    uncompared: Vec<String>,
    /// Those that are not believed, are of another log, or make a fork.
    faults: Vec<String>,
}

impl Compared {
    fn of(place: &str, own: &Opened, keys: &Keys, kept: &[Kept]) -> Self {
        let mut compared = Self::default();
        let mut believed = Vec::new();
        for Kept { place, note } in kept {
            match keys.open(note) {
                Ok(opened) => believed.push((place.as_str(), opened)),
                Err(error) => compared.faults.push(format!("{place}: {error}")),
            }
        }
        let named = believed.iter().map(|(place, opened)| (*place, opened));
        compared
            .faults
            .extend(forks([(place, own)].into_iter().chain(named)));
        let (origin, size) = (&own.checkpoint.origin, own.checkpoint.size);
        for (place, Opened { checkpoint, .. }) in &believed {
            if checkpoint.origin != *origin {
                compared.faults.push(format!(
                    "{place}: it is of the log {}, and the proof is of {origin}",
                    checkpoint.origin
                ));
            } else if checkpoint.size == 0 && checkpoint.root == empty_root() {
                let line = format!("{place}: an empty log, which every log continues");
                compared.same.push(line);
            } else if checkpoint.size == 0 {
                let line = format!("{place}: it has no rows, and another tree than none");
                compared.faults.push(line);
            } else if checkpoint.size != size {
                compared.uncompared.push(format!(
                    "{place}: not compared: it has {}, and the proof's checkpoint {size}",
                    counted(checkpoint.size, "row")
                ));
            } else if checkpoint.root == own.checkpoint.root {
                compared.same.push(format!("{place}: the same tree"));
            }
        }
        compared
    }
}
