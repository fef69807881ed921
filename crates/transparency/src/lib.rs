//! An audit log that anyone can check with public keys (R54): signed notes and their keys, checkpoints,
//! the Merkle tree of RFC 6962 with its proofs, and the rules of witnesses. Values and pure functions:
//! no I/O, no clock, no randomness. The gateway, the command line and a witness use the same.
//!
//! The formats are those of C2SP: `signed-note`, `tlog-checkpoint`, `tlog-cosignature`, `tlog-proof`
//! and `tlog-witness`, with Ed25519 alone.

#![warn(missing_docs)]

pub mod checkpoint;
pub mod inclusion;
pub mod key;
pub mod log;
pub mod note;
pub mod proof;
pub mod tiles;
pub mod tree;
pub mod witness;

#[cfg(test)]
mod testing;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::tree::Hash;

/// A hash as notes and proofs write it: base64.
pub fn print_hash(hash: &Hash) -> String {
    STANDARD.encode(hash)
}

/// The hash behind a text; `None` where it is not the base64 of 32 bytes, in its one form.
pub fn parse_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Hashes as they are stored: each in base64, one behind the other, so that more can be appended.
pub fn pack(hashes: &[Hash]) -> String {
    hashes.iter().map(print_hash).collect()
}

/// The hashes behind a text of [`pack`]; `None` for any other.
pub fn unpack(text: &str) -> Option<Vec<Hash>> {
    let parts = text.as_bytes().chunks(PACKED);
    parts
        .map(|part| core::str::from_utf8(part).ok().and_then(parse_hash))
        .collect()
}

/// How long the base64 of a hash is.
const PACKED: usize = 44;

/// A number as notes write it: decimal, without leading zeros.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    match is_plain && is_short {
        true => text.parse().ok(),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_unpacked_as_they_were_packed() {
        let hashes = [[1; 32], [250; 32], [0; 32]];
        let packed = pack(&hashes);
        assert_eq!(unpack(&packed).as_deref(), Some(&hashes[..]));
        assert_eq!(unpack(""), Some(Vec::new()));
        let more = format!("{packed}{}", pack(&hashes[..1]));
        assert_eq!(unpack(&more).map(|all| all.len()), Some(4));
        for text in [
            packed.replacen('A', "", 1),
            format!("{packed}AAAA"),
            "x".to_owned(),
        ] {
            assert_eq!(unpack(&text), None, "{text}");
        }
    }
}
