//! Changes of what was right: of texts, numbers, hashes and proofs, as the bytes of an input choose them.

use postern_transparency::tree::Hash;

use crate::bytes::Bytes;

/// A text with up to three places changed.
pub fn edited(bytes: &mut Bytes<'_>, text: &str) -> String {
    let mut text = text.as_bytes().to_vec();
    for _ in 0..bytes.below(4) {
        let at = usize::from(bytes.byte()) << 8 | usize::from(bytes.byte());
        let at = at % (text.len() + 1);
        match bytes.below(8) {
            0 | 1 => {
                if let Some(byte) = text.get_mut(at) {
                    *byte ^= 1 << bytes.below(8);
                }
            }
            2 => {
                if let Some(byte) = text.get_mut(at) {
                    *byte = bytes.byte();
                }
            }
            3 => {
                let piece = bytes.piece();
                text.splice(at..at, piece.iter().copied());
            }
            4 => {
                let end = (at + bytes.below(64)).min(text.len());
                text.drain(at..end);
            }
            kind => text = lines(&text, at, bytes.below(8), kind),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// One line more, or less, or two that have changed places.
fn lines(text: &[u8], at: usize, by: usize, kind: usize) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let (one, other) = (at % lines.len(), (at + by) % lines.len());
    match kind {
        5 => lines.insert(one, lines[other]),
        6 => lines.swap(one, other),
        _ => drop(lines.remove(one)),
    }
    lines.join(&b'\n')
}

/// A number of up to eight bytes.
pub fn number(bytes: &mut Bytes<'_>) -> u64 {
    match bytes.below(4) {
        0 => u64::from(bytes.number()) << 32 | u64::from(bytes.number()),
        1 => u64::MAX - u64::from(bytes.byte()),
        2 => 1 << bytes.below(64),
        _ => u64::from(bytes.number()),
    }
}

/// A number near another one.
pub fn near(bytes: &mut Bytes<'_>, number: u64) -> u64 {
    match bytes.below(3) {
        0 => number ^ 1 << bytes.below(64),
        1 => number.wrapping_add(u64::from(bytes.byte())),
        _ => number.wrapping_sub(u64::from(bytes.byte())),
    }
}

/// A hash of nothing, in 256 ways.
pub fn hash(bytes: &mut Bytes<'_>) -> Hash {
    [bytes.byte(); 32]
}

/// One bit of a hash is another.
pub fn flip(bytes: &mut Bytes<'_>, hash: &mut Hash) {
    hash[bytes.below(32)] ^= 1 << bytes.below(8);
}

/// A proof that has other hashes, or more, or less, or in another order.
pub fn change_proof(bytes: &mut Bytes<'_>, proof: &mut Vec<Hash>) {
    let at = bytes.below(proof.len() + 1);
    match bytes.below(5) {
        0 => {
            if let Some(changed) = proof.get_mut(at) {
                flip(bytes, changed);
            }
        }
        1 if at < proof.len() => drop(proof.remove(at)),
        2 => {
            let other = proof.get(bytes.below(proof.len())).copied();
            let own = hash(bytes);
            proof.insert(at, other.unwrap_or(own));
        }
        3 if at < proof.len() => {
            let other = bytes.below(proof.len());
            proof.swap(at, other);
        }
        _ => proof.truncate(at),
    }
}
