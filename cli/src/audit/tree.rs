//! The check of an export with public keys alone: its rows in order, each once, each behind the link of
//! the one before; the Merkle tree that they make; and the checkpoints that somebody has kept against
//! that tree. What it finds is what nobody can undo who has every key of the gateway but no time machine:
//! a checkpoint that was kept elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use postern_domain::audit::checkpoint::Signed;
use postern_domain::audit::verify::{MAX_FAULTS, Problem, Row};
use postern_domain::audit::{GENESIS, hex};
use postern_domain::id::OrganizationId;
use postern_transparency::note::Note;
use postern_transparency::tree::{Frontier, Hash, empty_root, leaf};
use serde::Deserialize;

use super::public::{Keys, Opened};

/// A checkpoint as it came, and what its file is called.
#[derive(Debug, Clone)]
pub struct Kept {
    /// For people.
    pub place: String,
    /// Not believed yet.
    pub note: Note,
}

/// What does not fit, in words, with its place.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// At most [`MAX_FAULTS`].
    pub shown: Vec<String>,
    /// How many there are.
    pub in_all: usize,
}

impl Faults {
    fn add(&mut self, fault: String) {
        self.in_all += 1;
        if self.shown.len() < MAX_FAULTS {
            self.shown.push(fault);
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Whose log; `None` for an empty one.
    pub organization: Option<OrganizationId>,
    /// Lines with the form of a row or a checkpoint. None at all: this was no export.
    pub recognized: usize,
    /// Rows that follow on each other from the first one.
    pub rows: u64,
    /// The checkpoints that fit, the one that reaches furthest first.
    pub fitting: Vec<Opened>,
    /// How many rows are under a checkpoint that fits and that every witness has cosigned.
    pub proven: u64,
    /// What does not fit.
    pub faults: Faults,
}

#[derive(Deserialize)]
struct Place {
    organization_id: OrganizationId,
    sequence: u64,
}

/// The check of one export. Takes 32 bytes of memory for each checkpoint, and none for rows.
pub struct Check<'k> {
    keys: &'k Keys,
    opened: Vec<(String, Opened)>,
    /// The roots of the sizes that checkpoints have, once the tree is as large.
    roots: BTreeMap<u64, Hash>,
    sizes: BTreeSet<u64>,
    frontier: Frontier,
    previous: String,
    /// The tree ends before a row that is missing or out of its place.
    is_broken: bool,
    line: usize,
    report: Report,
}

impl<'k> Check<'k> {
    /// Begins with the checkpoints that are to fit.
    pub fn new(keys: &'k Keys, kept: &[Kept]) -> Self {
        let mut check = Self {
            keys,
            opened: Vec::new(),
            roots: BTreeMap::from([(0, empty_root())]),
            sizes: BTreeSet::new(),
            frontier: Frontier::new(),
            previous: hex(&GENESIS),
            is_broken: false,
            line: 0,
            report: Report::default(),
        };
        for Kept { place, note } in kept {
            match keys.open(note) {
                Ok(opened) => {
                    check.sizes.insert(opened.checkpoint.size);
                    check.opened.push((place.clone(), opened));
                }
                Err(error) => check.report.faults.add(format!("{place}: {error}")),
            }
        }
        check
    }

    /// The next line of the export. Its keyed checkpoint is another check's.
    pub fn line(&mut self, line: &str) {
        self.line += 1;
        match (
            serde_json::from_str(line),
            serde_json::from_str::<Signed>(line),
        ) {
            _ if line.is_empty() => return,
            (Ok(row), _) => self.row(&row),
            (_, Ok(_)) => {}
            _ => return self.fault(&Problem::Unreadable),
        }
        self.report.recognized += 1;
    }

    fn row(&mut self, row: &Row) {
        let Ok(place) = serde_json::from_str::<Place>(&row.content) else {
            return self.fault(&Problem::Unreadable);
        };
        let ours = *self
            .report
            .organization
            .get_or_insert(place.organization_id);
        if ours != place.organization_id {
            let organization = place.organization_id;
            return self.fault(&Problem::Foreign { organization });
        }
        if self.is_broken {
            return;
        }
        let (sequence, due) = (place.sequence, self.frontier.size() + 1);
        let broken = match sequence {
            _ if sequence > due => Some(Problem::Missing {
                from: due,
                to: sequence - 1,
            }),
            _ if sequence < due => Some(Problem::Repeated { sequence }),
            1 if row.previous != self.previous => Some(Problem::Genesis),
            _ if row.previous != self.previous => Some(Problem::Unlinked { sequence }),
            _ => None,
        };
        if let Some(problem) = broken {
            self.is_broken = true;
            return self.fault(&problem);
        }
        self.previous.clone_from(&row.link);
        self.frontier.append(leaf(row.content.as_bytes()));
        self.report.rows = sequence;
        if self.sizes.contains(&sequence) {
            self.roots.insert(sequence, self.frontier.root());
        }
    }

    fn fault(&mut self, problem: &Problem) {
        let line = self.line;
        self.report.faults.add(format!("line {line}: {problem}"));
    }

    /// Compares the checkpoints with the tree.
    pub fn end(mut self) -> Report {
        let opened = std::mem::take(&mut self.opened);
        let named = opened
            .iter()
            .map(|(place, opened)| (place.as_str(), opened));
        for fork in forks(named) {
            self.report.faults.add(fork);
        }
        for (place, opened) in opened {
            match self.compare(&opened) {
                Ok(()) => self.report.fitting.push(opened),
                Err(why) => self.report.faults.add(format!("{place}: {why}")),
            }
        }
        let fitting = &mut self.report.fitting;
        fitting.sort_by_key(|opened| std::cmp::Reverse(opened.checkpoint.size));
        let has = |opened: &Opened, (name, id): (&str, [u8; 4])| {
            let mut all = opened.cosigned.iter();
            all.any(|signed| signed.name == name && signed.id == id)
        };
        let keys = self.keys;
        let counts = |opened: &&Opened| keys.witnesses().all(|witness| has(opened, witness));
        match fitting.iter().find(counts) {
            Some(opened) => self.report.proven = opened.checkpoint.size,
            None if !fitting.is_empty() => {
                let faults = &mut self.report.faults;
                faults.add("no checkpoint that fits is cosigned by every witness".to_owned());
            }
            None => {}
        }
        if self.report.faults.in_all == 0 && self.report.rows > 0 && self.report.proven == 0 {
            let faults = &mut self.report.faults;
            faults.add("no checkpoint has a row of this log under it".to_owned());
        }
        self.report
    }

    fn compare(&self, opened: &Opened) -> Result<(), String> {
        let checkpoint = &opened.checkpoint;
        let (size, last) = (checkpoint.size, self.report.rows);
        if let Some(organization) = self.report.organization
            && !is_of(&checkpoint.origin, organization)
        {
            return Err(format!(
                "it is of the log {}, and the rows are of organization {organization}",
                checkpoint.origin.escape_debug()
            ));
        }
        match self.roots.get(&size) {
            Some(root) if *root == checkpoint.root => Ok(()),
            Some(_) => Err(format!(
                "it has another tree of {size} rows: the log was written anew, or somebody was shown another one"
            )),
            None if self.is_broken => Err(format!(
                "its {size} rows cannot be compared: the rows here end after row {last}"
            )),
            None => Err(Problem::Truncated {
                last,
                checkpoint: size,
            }
            .to_string()),
        }
    }
}

/// Two trees of one size under one log's key need no rows to be told.
pub fn forks<'o>(opened: impl Iterator<Item = (&'o str, &'o Opened)>) -> Vec<String> {
    let mut first: BTreeMap<(&str, u64), (&str, Hash)> = BTreeMap::new();
    let mut forks = Vec::new();
    for (place, Opened { checkpoint, .. }) in opened {
        let (size, root) = (checkpoint.size, checkpoint.root);
        let log = (checkpoint.origin.as_str(), size);
        let (other, first) = *first.entry(log).or_insert((place, root));
        if root != first {
            forks.push(format!(
                "{other} and {place}: a fork: the log's key has signed two trees of {size} rows"
            ));
        }
    }
    forks
}

/// Whether an origin is that of an organization's log: `<host>/audit/<organization>`.
pub fn is_of(origin: &str, organization: OrganizationId) -> bool {
    let named = origin.rsplit_once("/audit/");
    named.is_some_and(|(_, id)| id == organization.to_string())
}
