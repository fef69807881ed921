//! The journal: the revocation log's version, the head of the audit chain, and the record changes
//! that go with them. A step writes all of them or none.

use postern_domain::audit::links::next_row;
use postern_domain::audit::{Event, GENESIS, Link, hex, unhex};
use postern_domain::keys::KeyRing;

use super::Store;
use crate::sql::{self, Result, Sql, SqlError, Value};
use crate::{AuditRow, RecordChange};

/// The Ledger's counters: revocation version, and the audit chain's last sequence and link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub version: i64,
    pub sequence: i64,
    pub link: [u8; 32],
}

impl Head {
    /// Before the first event.
    pub const GENESIS: Self = Self {
        version: 0,
        sequence: 0,
        link: GENESIS,
    };
}

/// A version of the revocation log that a step has moved to. What changes a token's standing takes
/// one, so nothing does without a step.
#[derive(Debug, Clone, Copy)]
pub struct Version(i64);

impl Version {
    /// The number, as it is stored.
    pub fn number(self) -> i64 {
        self.0
    }
}

/// A step of the journal that has begun. What is put into it is stored when it is committed; the
/// store is reached through it meanwhile.
pub struct Step<'l, S> {
    pub store: &'l mut Store<S>,
    audit: &'l KeyRing,
    before: Head,
    head: Head,
    entries: Vec<Vec<RecordChange>>,
}

impl<'l, S: Sql> Step<'l, S> {
    /// Begins where the last step ended.
    pub fn begin(store: &'l mut Store<S>, audit: &'l KeyRing) -> Result<Self> {
        let head = store.head()?;
        Ok(Self {
            store,
            audit,
            before: head,
            head,
            entries: Vec::new(),
        })
    }

    /// The step's version: one more than before, however many tokens it concerns. It is stored
    /// before anything takes it: should a later statement of the turn fail, and the platform keep
    /// what was written, a head that is too high is harmless, and a change that is above the head
    /// would be told to no holder of a lease.
    pub fn version(&mut self) -> Result<Version> {
        if !self.has_version() {
            self.head.version = self.before.version + 1;
            let moved = Head {
                version: self.head.version,
                ..self.before
            };
            self.store.set_head(&moved)?;
        }
        Ok(Version(self.head.version))
    }

    /// Whether the step has moved the revocation log.
    pub fn has_version(&self) -> bool {
        self.head.version != self.before.version
    }

    /// The number of the next event.
    pub fn next_sequence(&self) -> i64 {
        self.head.sequence + 1
    }

    /// A change that D1 has to follow, about which there is no event.
    pub fn change(&mut self, change: RecordChange) {
        self.entries.push(vec![change]);
    }

    /// An event. It gets its place in the chain here.
    pub fn event(&mut self, event: Event) -> Result<()> {
        let row = self.link(event)?;
        self.entries.push(vec![row]);
        Ok(())
    }

    /// A change with its event: D1 takes both or neither.
    pub fn change_with_event(&mut self, change: RecordChange, event: Event) -> Result<()> {
        let row = self.link(event)?;
        self.entries.push(vec![change, row]);
        Ok(())
    }

    fn link(&mut self, mut event: Event) -> Result<RecordChange> {
        self.head.sequence += 1;
        event.sequence = u64::try_from(self.head.sequence).unwrap_or_default();
        let content = serde_json::to_string(&event)?;
        let row = next_row(self.audit, &mut self.head.link, content);
        Ok(RecordChange::AppendAudit(Box::new(AuditRow {
            event,
            content: row.content,
            previous: row.previous,
            link: Link {
                kid: row.kid,
                mac: row.link,
            },
        })))
    }

    /// Stores all of it, with a copy of each event and its leaf in the tree, and tells the id of the last entry of the outbox;
    /// 0, which is before every entry, where the step had none.
    pub fn commit(self) -> Result<i64> {
        let mut last = 0;
        if self.head.sequence != self.before.sequence {
            let events = self
                .entries
                .iter()
                .flatten()
                .filter_map(|change| match change {
                    RecordChange::AppendAudit(row) => Some((&*row.content, &*row.link.mac)),
                    _ => None,
                });
            let number = u64::try_from(self.before.sequence).unwrap_or_default();
            let link = hex(&self.before.link);
            self.store.grow_tree((number, &link), events)?;
        }
        for changes in &self.entries {
            for change in changes {
                if let RecordChange::AppendAudit(row) = change {
                    self.store.keep_event(row)?;
                }
            }
            last = self.store.push_entry(changes)?;
        }
        if self.head != self.before {
            self.store.set_head(&self.head)?;
        }
        Ok(last)
    }
}

impl<S: Sql> Store<S> {
    /// The counters.
    pub fn head(&self) -> Result<Head> {
        let query = "select version, sequence, link from head where only = 0";
        let Some(mut row) = self.first(query, &[])? else {
            return Ok(Head::GENESIS);
        };
        Ok(Head {
            version: row.integer()?,
            sequence: row.integer()?,
            link: unhex(&row.text()?)
                .ok_or_else(|| SqlError("the audit link does not parse".to_owned()))?,
        })
    }

    /// Takes over the chain as D1 has it: the next event follows on the one of this number and link.
    /// The revocation log goes on. The tree is made anew from D1's log, unless it is that log's already.
    pub fn adopt_chain(&self, sequence: i64, link: [u8; 32]) -> Result<()> {
        let grown = self.tree()?;
        let is_same = u64::try_from(sequence) == Ok(grown.size()) && grown.link == hex(&link);
        if !is_same {
            self.forget_tree()?;
        }
        let version = self.head()?.version;
        self.set_head(&Head {
            version,
            sequence,
            link,
        })
    }

    fn set_head(&self, head: &Head) -> Result<()> {
        let values = [
            Value::Integer(head.version),
            Value::Integer(head.sequence),
            sql::text(hex(&head.link)),
        ];
        let query = "insert into head (only, version, sequence, link) values (0, ?, ?, ?) \
                     on conflict (only) do update set version = excluded.version, \
                     sequence = excluded.sequence, link = excluded.link";
        self.run(query, &values)
    }
}
