//! For tests: the vectors of RFC 6962's own implementation, and a store of tiles in memory.

use core::cell::Cell;
use std::collections::BTreeMap;

use crate::tiles::{Edge, Place, Tiles, WIDTH, fold};
use crate::tree::{Hash, leaf};

/// The leaves of Certificate Transparency's tests.
pub const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// The roots of the trees of the first one to eight of them.
pub const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

pub fn unhex(text: &str) -> Hash {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).expect("hex")).expect("a digit"))
        .collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    bytes.try_into().expect("32 bytes")
}

pub fn seed(number: u8) -> [u8; 32] {
    [number; 32]
}

pub fn contents(count: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|number| format!("event {number}").into_bytes())
}

/// Tiles in memory, and how often they were read.
#[derive(Default)]
pub struct Memory {
    pub edge: Edge,
    tiles: BTreeMap<Place, Vec<Hash>>,
    pub reads: Cell<usize>,
}

impl Memory {
    pub fn of(contents: impl Iterator<Item = Vec<u8>>) -> Self {
        let mut memory = Self::default();
        for content in contents {
            memory.append(leaf(&content));
        }
        memory
    }

    fn append(&mut self, leaf: Hash) {
        let Some(full) = self.edge.append(leaf) else {
            return;
        };
        let (mut place, mut root) = (
            Place {
                level: 0,
                index: full.index,
            },
            full.root,
        );
        self.tiles.insert(place, full.hashes);
        loop {
            place = Place {
                level: place.level + 1,
                index: place.index / WIDTH,
            };
            let tile = self.tiles.entry(place).or_default();
            tile.push(root);
            match fold(tile).filter(|_| tile.len() as u64 == WIDTH) {
                Some(above) => root = above,
                None => return,
            }
        }
    }
}

impl Tiles for Memory {
    type Error = ();

    fn tile(&self, place: Place) -> Result<Vec<Hash>, ()> {
        self.reads.set(self.reads.get() + 1);
        if place.level == 0 && place.index == self.edge.size() / WIDTH {
            return Ok(self.edge.tail().to_vec());
        }
        Ok(self.tiles.get(&place).cloned().unwrap_or_default())
    }
}
