//! The audit log for everybody who has its public keys: checkpoints as signed notes, proofs of inclusion and
//! of consistency, and the keys (R54). Reading it takes what reading the log takes; the keys are open.

use serde::Serialize;

use super::tree::ask;
use super::{FaultView, Span, permit};
use crate::config::{AuditLog as Keys, Config, Witness};
use crate::error::{AuditTreeFault, Error, Result};
use crate::organization::resolve_id;
use crate::page::EventCursor;
use crate::ports::{Clock, Directory, Ledgers, PublicLog, StoredNote};
use postern_domain::audit::links::PageFault;
use postern_domain::audit::verify::Problem;
use postern_domain::caller::Caller;
use postern_domain::id::OrganizationId;
use postern_domain::operation::Operation;
use postern_ledger::{TreeAnswer, TreeStep};
use postern_transparency::checkpoint::{Checkpoint, cosigned};
use postern_transparency::inclusion::InclusionProof;
use postern_transparency::key::VerifierKey;
use postern_transparency::note::{Note, Signature};
use postern_transparency::parse_hash;
use postern_wire::rfc3339;

/// What reading the public log needs of the world.
pub trait Reads: Clock + Directory + Ledgers + PublicLog {}

impl<P: Clock + Directory + Ledgers + PublicLog> Reads for P {}

/// Whose log it is, and what signs it.
struct Reader<'c> {
    organization: OrganizationId,
    log: &'c Keys,
    keys: Vec<VerifierKey>,
}

/// A checkpoint, and whom it is to be offered to once the answer has left.
#[derive(Debug)]
pub struct ShownNote {
    /// The note.
    pub note: String,
    /// Whose log it is.
    pub organization: OrganizationId,
    /// Whom it is to be offered to; empty = it was offered before, or nobody is there.
    pub witnesses: Vec<Witness>,
}

/// A page of checkpoints.
#[derive(Debug, Serialize)]
pub struct NoteList {
    checkpoints: Vec<NoteView>,
    /// Those that no key of ours has signed for this log.
    faults: Vec<FaultView>,
    next_cursor: Option<String>,
}

/// A checkpoint in a list.
#[derive(Debug, Serialize)]
pub struct NoteView {
    size: u64,
    at: String,
    note: String,
    witnesses: Vec<WitnessView>,
}

/// Who has cosigned it, and when.
#[derive(Debug, Serialize)]
pub struct WitnessView {
    name: String,
    at: String,
}

/// A proof that the log of one size is the beginning of the log of another.
#[derive(Debug, Serialize)]
pub struct ConsistencyView {
    from: u64,
    to: u64,
    /// In base64.
    hashes: Vec<String>,
}

async fn reader<'c, P: Reads>(
    caller: &Caller,
    organization: Option<&str>,
    config: &'c Config,
    ports: &P,
) -> Result<Reader<'c>> {
    permit(caller, Operation::AuditRead)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let log = config.audit_log.as_ref().ok_or(UNSET)?;
    let keys = verifiers(log, organization.id)?;
    Ok(Reader {
        organization: organization.id,
        log,
        keys,
    })
}

const UNSET: Error = Error::AuditTree(AuditTreeFault::KeysNotSet);

fn verifiers(log: &Keys, organization: OrganizationId) -> Result<Vec<VerifierKey>> {
    let keys = log.keys.verifiers(&organization.to_string());
    keys.map_err(Error::unavailable)
}

/// `GET /org/audit/checkpoint`: the newest that is kept, or one that is made now.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for the organization, `AuditTree`, `Conflict`, `Unavailable`.
pub async fn checkpoint<P: Reads>(
    caller: &Caller,
    organization: Option<&str>,
    is_fresh: bool,
    config: &Config,
    ports: &P,
) -> Result<ShownNote> {
    let reader = reader(caller, organization, config, ports).await?;
    let kept = match is_fresh {
        true => None,
        false => reader.newest(ports).await?,
    };
    let is_kept = kept.is_some();
    let (_, note) = match kept {
        Some(kept) => kept,
        None => reader.fresh(ports).await?,
    };
    Ok(ShownNote {
        note: note.to_string(),
        organization: reader.organization,
        witnesses: match is_kept {
            true => Vec::new(),
            false => reader.log.witnesses.clone(),
        },
    })
}

/// `GET /org/audit/checkpoints?public=true`: those that are kept, the largest first.
///
/// # Errors
/// As [`checkpoint`].
pub async fn notes<P: Reads>(
    caller: &Caller,
    organization: Option<&str>,
    span: &Span,
    config: &Config,
    ports: &P,
) -> Result<NoteList> {
    let reader = reader(caller, organization, config, ports).await?;
    let before = span.after.map(|place| place.sequence);
    let rows = ports.notes(reader.organization, before, span.limit + 1);
    let (rows, next_cursor) = span.cut(rows.await?, |row| EventCursor {
        at: row.at,
        sequence: row.size,
    });
    let mut list = NoteList {
        checkpoints: Vec::new(),
        faults: Vec::new(),
        next_cursor,
    };
    for row in rows {
        match reader.read(&row) {
            Some((_, note)) => list.checkpoints.push(reader.view(&row, &note)),
            None => list.faults.push(forged(row.size)),
        }
    }
    Ok(list)
}

fn forged(sequence: u64) -> FaultView {
    let problem = Problem::ForgedCheckpoint;
    PageFault { sequence, problem }.into()
}

/// `GET /org/audit/consistency`: from one size to another, or to the newest checkpoint that is kept.
///
/// # Errors
/// As [`checkpoint`].
pub async fn consistency<P: Reads>(
    caller: &Caller,
    organization: Option<&str>,
    (from, to): (u64, Option<u64>),
    config: &Config,
    ports: &P,
) -> Result<ConsistencyView> {
    let reader = reader(caller, organization, config, ports).await?;
    let to = match to {
        Some(to) => to,
        None => match reader.newest(ports).await? {
            Some((checkpoint, _)) => checkpoint.size,
            None => reader.fresh(ports).await?.0.size,
        },
    };
    let step = TreeStep::Consistency { from, to };
    match ask(reader.organization, step, ports).await? {
        TreeAnswer::Proof { hashes } => Ok(ConsistencyView { from, to, hashes }),
        _ => Err(strange()),
    }
}

/// `GET /org/audit/{sequence}/proof`: that an event is in the log of a checkpoint, as a text that stands
/// alone. The event itself is in it.
///
/// # Errors
/// As [`checkpoint`]; `NotFound` for an event that the log does not have.
pub async fn proof<P: Reads>(
    caller: &Caller,
    organization: Option<&str>,
    sequence: &str,
    config: &Config,
    ports: &P,
) -> Result<String> {
    let reader = reader(caller, organization, config, ports).await?;
    let sequence: u64 = sequence.parse().map_err(|_| NO_EVENT)?;
    let index = sequence.checked_sub(1).ok_or(NO_EVENT)?;
    let kept = reader.newest(ports).await?;
    let covers = |(checkpoint, _): &(Checkpoint, Note)| checkpoint.size >= sequence;
    let (checkpoint, note) = match kept.filter(covers) {
        Some(kept) => kept,
        None => reader.fresh(ports).await?,
    };
    if checkpoint.size < sequence {
        return Err(NO_EVENT);
    }
    let size = checkpoint.size;
    let step = TreeStep::Inclusion { index, size };
    let TreeAnswer::Proof { hashes } = ask(reader.organization, step, ports).await? else {
        return Err(strange());
    };
    let hashes: Option<Vec<_>> = hashes.iter().map(|hash| parse_hash(hash)).collect();
    let rows = ports.log_rows(reader.organization, index, sequence, 1);
    let event = rows.await?.into_iter().next();
    let proof = InclusionProof {
        index,
        hashes: hashes.ok_or_else(strange)?,
        checkpoint: note,
        extra: event.map(|(_, row)| row.content.into_bytes()),
    };
    Ok(proof.to_string())
}

/// `/.well-known/postern-audit-keys`: the keys of an organization's log, one a line. Any id has some: who
/// asks learns of no organization whether it exists.
///
/// # Errors
/// `Invalid` without an id; `AuditTree` without keys.
pub fn keys(organization: Option<&str>, config: &Config) -> Result<String> {
    let log = config.audit_log.as_ref().ok_or(UNSET)?;
    let id = organization.and_then(|text| OrganizationId::parse(text).ok());
    let id = id.ok_or_else(|| {
        Error::invalid(
            "organization_id_invalid",
            "`organization` must be the id of an organization: its log's keys have a name of their \
             own",
        )
    })?;
    let keys = verifiers(log, id)?;
    Ok(keys.iter().map(|key| format!("{key}\n")).collect())
}

/// Signs how far a log reaches now, and keeps it.
///
/// # Errors
/// As [`ask`].
pub async fn sign<P: Clock + PublicLog>(organization: OrganizationId, ports: &P) -> Result<Note> {
    let TreeAnswer::Signed { size, note } = ask(organization, TreeStep::Sign, ports).await? else {
        return Err(strange());
    };
    if size > 0 {
        ports
            .keep_note(organization, size, ports.now(), &note)
            .await?;
    }
    Note::parse(&note).map_err(|_| strange())
}

const NO_EVENT: Error = Error::NotFound { what: "event" };

fn strange() -> Error {
    Error::unavailable("Ledger: an answer to another question about the tree")
}

impl Reader<'_> {
    /// What a stored note says, with the cosignatures that hold or are of a witness that is not known.
    fn read(&self, row: &StoredNote) -> Option<(Checkpoint, Note)> {
        let mut note = Note::parse(&row.note).ok()?;
        let checkpoint = Checkpoint::open(&note, &self.keys).ok()?;
        for line in &row.cosignatures {
            let Some(signature) = Signature::parse(line) else {
                continue;
            };
            let of = |witness: &&Witness| witness.key.made(&signature);
            let holds = |witness: &Witness| {
                let made = witness.key.verify(note.text(), &signature.bytes);
                made.is_some()
            };
            if self.log.witnesses.iter().find(of).is_none_or(holds) {
                note.add(signature);
            }
        }
        (checkpoint.size == row.size).then_some((checkpoint, note))
    }

    /// The newest checkpoint that is kept and genuine.
    async fn newest<P: Reads>(&self, ports: &P) -> Result<Option<(Checkpoint, Note)>> {
        const LOOKED_AT: u32 = 20;
        let rows = ports.notes(self.organization, None, LOOKED_AT).await?;
        Ok(rows.iter().find_map(|row| self.read(row)))
    }

    async fn fresh<P: Reads>(&self, ports: &P) -> Result<(Checkpoint, Note)> {
        let note = sign(self.organization, ports).await?;
        let checkpoint = Checkpoint::open(&note, &self.keys).map_err(Error::unavailable)?;
        Ok((checkpoint, note))
    }

    fn view(&self, row: &StoredNote, note: &Note) -> NoteView {
        let witnesses: Vec<VerifierKey> = self
            .log
            .witnesses
            .iter()
            .map(|witness| witness.key.clone())
            .collect();
        let signed = cosigned(note, &witnesses).unwrap_or_default();
        let view = |signed: postern_transparency::note::Verified| WitnessView {
            name: signed.name,
            at: rfc3339::print(seconds(signed.at.unwrap_or_default())),
        };
        NoteView {
            size: row.size,
            at: rfc3339::print(row.at),
            note: note.to_string(),
            witnesses: signed.into_iter().map(view).collect(),
        }
    }
}

fn seconds(at: u64) -> postern_domain::time::Timestamp {
    let ms = i64::try_from(at).unwrap_or_default().saturating_mul(1000);
    postern_domain::time::Timestamp::from_millis(ms)
}

#[cfg(test)]
mod tests;
