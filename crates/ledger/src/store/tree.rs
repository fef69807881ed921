//! The Merkle tree over the audit log: its growing end, written in the step of the event, and full tiles,
//! from which any proof is made with a few reads.

use core::cell::RefCell;
use std::collections::BTreeMap;

use postern_domain::audit::verify::Row as EventRow;
use postern_domain::audit::{GENESIS, hex};
use postern_transparency::tiles::{Edge, FullTile, Place, Tiles, WIDTH, fold};
use postern_transparency::tree::{Frontier, Hash, leaf};
use postern_transparency::{pack, parse_hash, print_hash, unpack};

use super::Store;
use crate::sql::{self, Result, Sql, SqlError, Value};

/// How far the tree reaches, with the link of its last event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// The growing end.
    pub edge: Edge,
    /// The link in hex.
    pub link: String,
}

impl Grown {
    /// How many events it has.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }
}

/// The checkpoint that was signed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSigned {
    /// The name of the log.
    pub origin: String,
    /// How many events it covers.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl<S: Sql> Store<S> {
    /// The tree as it is; one that was never written is empty.
    pub fn tree(&self) -> Result<Grown> {
        let query = "select size, link, frontier, tail from tree where only = 0";
        let Some(mut row) = self.first(query, &[])? else {
            return Ok(Grown {
                edge: Edge::new(),
                link: hex(&GENESIS),
            });
        };
        let size = u64::try_from(row.integer()?).unwrap_or_default();
        let link = row.text()?;
        let (frontier, tail) = (row.text()?, row.text()?);
        let edge = unpack(&frontier)
            .and_then(|hashes| Frontier::stored(size, hashes))
            .zip(unpack(&tail))
            .and_then(|(frontier, tail)| Edge::stored(frontier, tail));
        let edge = edge.ok_or_else(|| SqlError("the audit tree does not parse".to_owned()))?;
        Ok(Grown { edge, link })
    }

    /// Adds events, each with its content and its link, if they follow on what the tree has: they are
    /// behind the event of this number and link. A tree that is behind stays as it is, and catches up
    /// later.
    pub fn grow_tree<'r>(
        &self,
        (number, link): (u64, &str),
        events: impl IntoIterator<Item = (&'r str, &'r str)>,
    ) -> Result<()> {
        let mut grown = self.tree()?;
        if grown.size() != number || grown.link != link {
            return Ok(());
        }
        let mut is_larger = false;
        for (content, link) in events {
            if let Some(full) = grown.edge.append(leaf(content.as_bytes())) {
                self.keep_tile(&full)?;
            }
            link.clone_into(&mut grown.link);
            is_larger = true;
        }
        match is_larger {
            true => self.set_tree(&grown),
            false => Ok(()),
        }
    }

    /// Adds events that were checked to follow on each other, if they follow on what the tree has.
    pub fn grow_tree_by(&self, rows: &[(u64, EventRow)]) -> Result<()> {
        let Some((sequence, first)) = rows.first() else {
            return Ok(());
        };
        let behind = (sequence.saturating_sub(1), first.previous.as_str());
        let event = |(_, row): &'_ (u64, EventRow)| (row.content.clone(), row.link.clone());
        let events: Vec<(String, String)> = rows.iter().map(event).collect();
        let events = events.iter().map(|(content, link)| (&**content, &**link));
        self.grow_tree(behind, events)
    }

    /// Forgets the tree: it is made anew from the log. The checkpoint that was signed last stays.
    pub fn forget_tree(&self) -> Result<()> {
        self.run("delete from tree", &[])?;
        self.run("delete from tree_tiles", &[])
    }

    /// The checkpoint that was signed last.
    pub fn last_signed(&self) -> Result<Option<LastSigned>> {
        let query = "select origin, size, root from tree_signed where only = 0";
        let Some(mut row) = self.first(query, &[])? else {
            return Ok(None);
        };
        let origin = row.text()?;
        let size = u64::try_from(row.integer()?).unwrap_or_default();
        let root = parse_hash(&row.text()?);
        let root = root.ok_or_else(|| SqlError("the signed root does not parse".to_owned()))?;
        Ok(Some(LastSigned { origin, size, root }))
    }

    /// Keeps what was signed last.
    pub fn set_signed(&self, signed: &LastSigned) -> Result<()> {
        let values = [
            sql::text(&signed.origin),
            sql::count(signed.size),
            sql::text(print_hash(&signed.root)),
        ];
        let query = "insert into tree_signed (only, origin, size, root) values (0, ?, ?, ?) \
                     on conflict (only) do update set origin = excluded.origin, \
                     size = excluded.size, root = excluded.root";
        self.run(query, &values)
    }

    fn set_tree(&self, grown: &Grown) -> Result<()> {
        let values = [
            sql::count(grown.size()),
            sql::text(&grown.link),
            sql::text(pack(grown.edge.frontier().hashes())),
            sql::text(pack(grown.edge.tail())),
        ];
        let query = "insert into tree (only, size, link, frontier, tail) values (0, ?, ?, ?, ?) \
                     on conflict (only) do update set size = excluded.size, link = excluded.link, \
                     frontier = excluded.frontier, tail = excluded.tail";
        self.run(query, &values)
    }

    /// Keeps a full tile of leaves, and adds its root to the tile above, and so on where that is full.
    fn keep_tile(&self, full: &FullTile) -> Result<()> {
        let mut place = Place {
            level: 0,
            index: full.index,
        };
        self.append_to_tile(place, &pack(&full.hashes))?;
        let mut root = full.root;
        loop {
            let above = Place {
                level: place.level + 1,
                index: place.index / WIDTH,
            };
            self.append_to_tile(above, &print_hash(&root))?;
            if !(place.index + 1).is_multiple_of(WIDTH) {
                return Ok(());
            }
            let tile = self.stored_tile(above)?;
            let whole = Some(tile).filter(|tile| tile.len() as u64 == WIDTH);
            let whole = whole.as_deref().and_then(fold);
            root = whole.ok_or_else(|| SqlError("a tile of the audit tree is short".to_owned()))?;
            place = above;
        }
    }

    fn append_to_tile(&self, place: Place, hashes: &str) -> Result<()> {
        let values = [
            Value::Integer(i64::from(place.level)),
            sql::count(place.index),
            sql::text(hashes),
        ];
        let query = "insert into tree_tiles (level, place, hashes) values (?, ?, ?) \
                     on conflict (level, place) do update set hashes = hashes || excluded.hashes";
        self.run(query, &values)
    }

    fn stored_tile(&self, place: Place) -> Result<Vec<Hash>> {
        let values = [
            Value::Integer(i64::from(place.level)),
            sql::count(place.index),
        ];
        let query = "select hashes from tree_tiles where level = ? and place = ?";
        let Some(mut row) = self.first(query, &values)? else {
            return Ok(Vec::new());
        };
        unpack(&row.text()?).ok_or_else(|| SqlError("a tile does not parse".to_owned()))
    }
}

/// The tiles of a tree, each read once.
pub struct StoredTiles<'s, S> {
    store: &'s Store<S>,
    edge: Edge,
    read: RefCell<BTreeMap<Place, Vec<Hash>>>,
}

impl<'s, S: Sql> StoredTiles<'s, S> {
    /// The tiles of the tree as it is.
    pub fn of(store: &'s Store<S>, grown: Grown) -> Self {
        Self {
            store,
            edge: grown.edge,
            read: RefCell::default(),
        }
    }
}

impl<S: Sql> Tiles for StoredTiles<'_, S> {
    type Error = SqlError;

    fn tile(&self, place: Place) -> Result<Vec<Hash>> {
        if place.level == 0 && place.index == self.edge.size() / WIDTH {
            return Ok(self.edge.tail().to_vec());
        }
        if let Some(tile) = self.read.borrow().get(&place) {
            return Ok(tile.clone());
        }
        let tile = self.store.stored_tile(place)?;
        self.read.borrow_mut().insert(place, tile.clone());
        Ok(tile)
    }
}
