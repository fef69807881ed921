//! Proofs that an event is in the log: `postern audit prove` gets one from the gateway, and `postern
//! audit verify` checks one that somebody has kept, without the gateway and without the log.

use std::io::{BufRead, Read as _};
use std::path::Path;

use postern_domain::id::OrganizationId;
use postern_transparency::inclusion::InclusionProof;
use postern_transparency::proof::verify_inclusion;
use postern_transparency::tree::leaf;
use serde::Deserialize;

use super::public::{KeyFlags, Keys};
use super::tree::is_of;
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{print, remark};
use crate::text::{counted, plain};

/// What a proof begins with.
pub const BEGIN: &[u8] = b"c2sp.org/tlog-proof@v1\n";
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
    size: u64,
    signers: String,
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
            size: tree.0,
            signers: opened.signers(),
        })
    }
}

/// Checks a proof that was kept, and prints the event that it proves.
///
/// # Errors
/// `Configuration` without a key, and for a file that cannot be read; `Other` for a proof that does not
/// hold.
pub fn verify(file: &Path, input: impl BufRead, keys: Option<&Keys>) -> Outcome {
    let keys = keys.ok_or_else(|| {
        Failure::new(
            Kind::Configuration,
            "there is no key to check the proof with",
        )
        .hint("give the public key of the log with --key")
    })?;
    let mut text = String::new();
    input
        .take(MAX_PROOF)
        .read_to_string(&mut text)
        .map_err(|error| {
            let message = format!("{} cannot be read: {error}", file.display());
            Failure::new(Kind::Configuration, message)
        })?;
    let proven = Proven::of(&file.display().to_string(), &text, keys)?;
    print(&format!(
        "event {} of organization {}: in the log, unchanged and at its number\n\
         checkpoint of {}: {}\n\
         {}\n",
        proven.sequence,
        proven.organization,
        counted(proven.size, "row"),
        proven.signers,
        plain(&proven.content),
    ))
}
