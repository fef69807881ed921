//! Checkpoints, shown to witnesses by the rules of C2SP `tlog-witness` (R54): behind an answer, or by the
//! schedule. One that does not answer delays neither the caller nor the others.

use futures_util::future::join_all;

use super::tree::ask;
use crate::config::Witness;
use crate::error::Error;
use crate::ports::{Clock, PublicLog};
use postern_domain::id::OrganizationId;
use postern_ledger::{TreeAnswer, TreeStep};
use postern_transparency::checkpoint::Checkpoint;
use postern_transparency::note::{Note, Signature};
use postern_transparency::parse_hash;
use postern_transparency::witness::{AddCheckpoint, Answer, read_answer};

/// What has become of an offer: the size that was cosigned, or why it was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The witness.
    pub name: String,
    /// What it said.
    pub outcome: Result<u64, String>,
}

/// Shows the newest checkpoint of a log to each witness that has not cosigned it.
pub async fn offer<P: Clock + PublicLog>(
    organization: OrganizationId,
    witnesses: &[Witness],
    ports: &P,
) -> Vec<Offered> {
    let newest = match ports.notes(organization, None, 1).await {
        Ok(notes) => notes.into_iter().next(),
        Err(error) => return all(witnesses, &error.private()),
    };
    let Some(newest) = newest else {
        return Vec::new();
    };
    let Ok(note) = Note::parse(&newest.note) else {
        return all(witnesses, "the kept checkpoint is no note");
    };
    let is_new = |witness: &&Witness| {
        let mut lines = newest.cosignatures.iter();
        !lines.any(|line| Signature::parse(line).is_some_and(|line| witness.key.made(&line)))
    };
    let offers = witnesses.iter().filter(is_new).map(async |witness| {
        let offer = Offer {
            organization,
            note: &note,
            size: newest.size,
            witness,
            ports,
        };
        Offered {
            name: witness.key.name().to_owned(),
            outcome: offer.run().await,
        }
    });
    join_all(offers).await
}

fn all(witnesses: &[Witness], why: &str) -> Vec<Offered> {
    let failed = |witness: &Witness| Offered {
        name: witness.key.name().to_owned(),
        outcome: Err(why.to_owned()),
    };
    witnesses.iter().map(failed).collect()
}

/// One checkpoint for one witness.
struct Offer<'a, P> {
    organization: OrganizationId,
    note: &'a Note,
    size: u64,
    witness: &'a Witness,
    ports: &'a P,
}

impl<P: Clock + PublicLog> Offer<'_, P> {
    async fn run(&self) -> Result<u64, String> {
        let name = self.witness.key.name();
        let private = |error: Error| error.private();
        if Checkpoint::parse(self.note.text()).is_none_or(|kept| kept.size != self.size) {
            return Err("the kept checkpoint is of another size".to_owned());
        }
        let known = self.ports.cosigned(self.organization, name).await;
        let known = known.map_err(private)?.min(self.size);
        let mut answer = self.show(known).await?;
        // It has cosigned another one last, as with a log that was shown to it by another deployment, or
        // an answer that was lost.
        if let Answer::At(size) = answer {
            if size > self.size {
                return Err(format!(
                    "it has cosigned a checkpoint of {size} events, and this one has {}: the log was \
                     cut, or another one is shown under its name",
                    self.size
                ));
            }
            if size == known {
                return Err(format!("it knows another root of {size} events: a fork"));
            }
            answer = self.show(size).await?;
        }
        match answer {
            Answer::Cosigned(signature) => {
                let line = signature.to_string();
                let kept = self.ports.keep_cosignature(
                    self.organization,
                    self.size,
                    (name, &line),
                    self.ports.now(),
                );
                kept.await.map_err(private)?;
                Ok(self.size)
            }
            Answer::At(size) => Err(format!("it has moved to {size} meanwhile, or knows a fork")),
            // The proof is the Ledger's own, so that it is not at fault.
            Answer::Refused(422) => Err(
                "it has cosigned another history of this log: events were changed, or another log is \
                 shown under its name"
                    .to_owned(),
            ),
            Answer::Refused(status) => Err(format!("it answered {status}")),
            Answer::Unusable => Err("its answer has no good signature".to_owned()),
        }
    }

    async fn show(&self, old: u64) -> Result<Answer, String> {
        let step = TreeStep::Consistency {
            from: old,
            to: self.size,
        };
        let proof = ask(self.organization, step, self.ports).await;
        let hashes = match proof.map_err(|error| error.private())? {
            TreeAnswer::Proof { hashes } => hashes,
            _ => return Err("the Ledger gave no proof".to_owned()),
        };
        let proof: Option<Vec<_>> = hashes.iter().map(|hash| parse_hash(hash)).collect();
        let request = AddCheckpoint {
            old,
            proof: proof.ok_or("the Ledger gave no proof")?,
            checkpoint: self.note.clone(),
        };
        let url = format!("{}/add-checkpoint", self.witness.url);
        let told = self.ports.show_witness(&url, &request.to_string()).await?;
        let key = &self.witness.key;
        Ok(read_answer(told.status, &told.body, self.note, key))
    }
}
