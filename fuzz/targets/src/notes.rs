//! Signed notes, their keys, checkpoints and proofs: texts as they are, and what was signed and changed afterwards. A
//! second reader of the formats, over another verifier, and trees whose leaves are known say what is so.

mod changes;
mod keys;
mod proofs;
mod reader;
mod seeds;
mod tree;
mod witness;

pub(crate) use seeds::seeds;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use postern_transparency::checkpoint::{Checkpoint, cosigned};
use postern_transparency::key::{KeyError, Kind, SigningKey, VerifierKey};
use postern_transparency::note::{MAX_NOTE, MAX_SIGNATURES, Note, NoteError, Signature, Verified};
use postern_transparency::{pack, parse_hash, print_hash, unpack};

use crate::bytes::Bytes;
use changes::{edited, number};
use keys::{KNOWN, LOOSE, LOOSE_KEYS, ORIGIN, WITNESS, is_of_the_tree};
use reader::{Line, Signed};

/// One text for one note, key or proof; one holds exactly where a second reader and the tree itself say so.
pub fn notes(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    match bytes.below(16) {
        0 => drop(note(&bytes.rest_text())),
        1 => signed(&mut bytes),
        2 => key(&bytes.rest_text()),
        3 => key_of_parts(&mut bytes),
        4 => drop(proofs::text(&bytes.rest_text())),
        5 => proofs::text_of_the_tree(&mut bytes),
        6 => drop(witness::request_as_it_is(&mut bytes)),
        7 => witness::request_of_the_tree(&mut bytes),
        8 | 14 => proofs::inclusion_of_a_tree(&mut bytes),
        9 => proofs::inclusion(&mut bytes),
        10 | 15 => proofs::consistency_of_a_tree(&mut bytes),
        11 => proofs::consistency(&mut bytes),
        12 => witness::answer(&mut bytes),
        _ => lines(&bytes.rest_text()),
    }
}

/// Who has signed, in the second reader's terms; `None` where a signature does not hold.
fn told(verified: Result<Vec<Verified>, NoteError>) -> Option<Vec<Signed>> {
    match verified {
        Ok(verified) => {
            let signed = verified.into_iter();
            Some(signed.map(|one| (one.name, one.id, one.at)).collect())
        }
        Err(NoteError::Unsigned) => Some(Vec::new()),
        Err(error) => {
            assert_eq!(error, NoteError::BadSignature);
            None
        }
    }
}

/// A text is a note for both readers or for none. Gives who has signed it, of all keys that are known.
fn note(input: &str) -> Option<Vec<Signed>> {
    let read = Note::parse(input);
    let Some(second) = reader::note(input) else {
        let ends = input.bytes().filter(|byte| *byte == b'\n').count();
        match read {
            Err(NoteError::TooLarge) => {
                assert!(input.len() > MAX_NOTE || ends > MAX_SIGNATURES, "{input}");
            }
            other => assert_eq!(other, Err(NoteError::Malformed), "{input}"),
        }
        return None;
    };
    let read = read.unwrap_or_else(|error| panic!("{error}: {input}"));
    assert_eq!(read.text(), second.text);
    let lines = read.signatures().iter().map(line);
    assert_eq!(lines.collect::<Vec<_>>(), second.lines);
    assert_eq!(read.to_string(), input, "two texts of one note");

    let (keys, second_keys) = &*KNOWN;
    let verified = read.verify(keys);
    assert_ne!(verified.as_deref(), Ok(&[][..]), "{input}");
    let (signed, tried) = (told(verified), second.tried(second_keys));
    assert_eq!(signed, tried.signed(&[1, 4]), "{input}");
    assert_eq!(told(cosigned(&read, keys)), tried.signed(&[4]), "{input}");

    checkpoint(second.text);
    let opened = Checkpoint::open(&read, keys).ok();
    let found = opened
        .as_ref()
        .map(|opened| (opened.origin.as_str(), opened.size, opened.root));
    let expected = reader::opened(&second, &tried);
    let expected = expected.map(|opened| (opened.origin, opened.size, opened.root));
    assert_eq!(found, expected, "{input}");
    if let Some((origin, size, root)) = found {
        is_of_the_tree(origin, size, &root);
    }
    signed
}

fn line(signature: &Signature) -> Line<'_> {
    Line {
        name: &signature.name,
        id: signature.id,
        made: signature.bytes.clone(),
    }
}

/// A text is a checkpoint for both readers or for none; its first three lines are written again.
fn checkpoint(text: &str) {
    let (read, second) = (Checkpoint::parse(text), reader::checkpoint(text));
    let found = read
        .as_ref()
        .map(|read| (read.origin.as_str(), read.size, read.root));
    let expected = second
        .as_ref()
        .map(|read| (read.origin, read.size, read.root));
    assert_eq!(found, expected, "{text}");
    if let (Some(read), Some(second)) = (read, second) {
        let printed = read.text();
        assert!(text.starts_with(&printed), "{text}");
        assert_eq!(printed.len() < text.len(), second.has_more, "{text}");
    }
}

/// A note that loose keys sign verifies, unless some places of it are changed.
fn signed(bytes: &mut Bytes<'_>) {
    let text = match bytes.below(3) {
        0 => bytes.text(),
        _ => {
            let origin = match bytes.below(4) {
                0 => bytes.text(),
                at => [LOOSE, WITNESS, ORIGIN][at - 1].to_owned(),
            };
            let (size, root) = (number(bytes), print_hash(&changes::hash(bytes)));
            let more = match bytes.one_in(4) {
                true => bytes.text(),
                false => String::new(),
            };
            format!("{origin}\n{size}\n{root}\n{more}")
        }
    };
    let Some(mut made) = Note::unsigned(text.clone()) else {
        let is_plain = !text.bytes().any(|byte| byte < 0x20 && byte != b'\n');
        assert!(!text.ends_with('\n') || !is_plain, "{text}");
        return;
    };
    let mut all_hold = true;
    for _ in 0..1 + bytes.below(3) {
        let (key, at) = (bytes.pick(&*LOOSE_KEYS), number(bytes));
        made.add(key.sign_at(&text, at));
        // A later signature of a witness takes the place of an earlier one.
        all_hold &= key.verifier().kind() == Kind::Ed25519 || at < 1 << 63;
    }
    let printed = made.to_string();
    let given = edited(bytes, &printed);
    let signed = note(&given);
    if all_hold && given == printed {
        let signatures = made.signatures().len();
        assert_eq!(signed.map(|all| all.len()), Some(signatures), "{printed}");
    }
}

/// Encodings of points of small order, without the sign (their list in libsodium): no key has one of them.
const SMALL: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

fn is_small(public: &[u8]) -> bool {
    let mut public = public.to_vec();
    public[31] &= 0x7f;
    let hex: String = public.iter().map(|byte| format!("{byte:02x}")).collect();
    SMALL.contains(&hex.as_str())
}

/// A text is a key for both readers or for none, but for points that are none or weak.
fn key(text: &str) {
    let (read, second) = (VerifierKey::parse(text), reader::key(text));
    match (read, second) {
        (Ok(read), Some(second)) => {
            let kind = match read.kind() {
                Kind::Ed25519 => 1,
                Kind::Cosignature => 4,
            };
            assert_eq!(
                (read.name(), kind, read.id(), &read.public()[..]),
                (&*second.name, second.kind, second.id, &second.public[..])
            );
            assert!(!is_small(&second.public), "a weak key: {text}");
            assert_eq!(read.to_string(), text, "two texts of one key");
        }
        (Err(KeyError::Weak), Some(second)) => {
            let is_known = KNOWN.1.iter().any(|key| key.public == second.public);
            assert!(!is_known, "no weak key: {text}");
        }
        (Err(_), None) => {}
        (read, second) => panic!("{read:?}, {second:?}: {text}"),
    }
}

/// Keys with a good id, of any bytes or of a seed, and what both verifiers say of a signature by them.
fn key_of_parts(bytes: &mut Bytes<'_>) {
    let (name, kind) = (bytes.text(), *bytes.pick(&[1, 4, 0, 2, 3, 255]));
    let of_seed = bytes.one_in(2).then(|| {
        let kind = if kind == 4 {
            Kind::Cosignature
        } else {
            Kind::Ed25519
        };
        SigningKey::new(&name, kind, &[bytes.byte(); 32]).ok()
    });
    let of_seed = of_seed.flatten();
    let mut encoded = vec![kind];
    match &of_seed {
        Some(signing) => encoded.extend(signing.verifier().public()),
        None => encoded.extend(bytes.take(32)),
    }
    let id = u32::from_be_bytes(reader::key_id(&name, &encoded));
    let encoded = STANDARD.encode(&encoded);
    let text = format!("{name}+{id:08x}+{encoded}");
    key(&text);
    let (Ok(verifier), Some(second)) = (VerifierKey::parse(&text), reader::key(&text)) else {
        return;
    };
    let said = bytes.text();
    let mut made = match &of_seed {
        Some(signing) => signing.sign_at(&said, number(bytes)).bytes,
        None => bytes.take(72).to_vec(),
    };
    if bytes.one_in(2)
        && let Some(byte) = made.get_mut(bytes.below(72))
    {
        *byte ^= 1 << bytes.below(8);
    }
    let holds = verifier.verify(&said, &made);
    let expected = second.holds(&said, &made);
    assert_eq!(holds, expected.map(|at| at.unwrap_or(0)), "{text} {made:?}");
    key(&edited(bytes, &text));
}

/// Signature lines, and hashes alone and one behind the other.
fn lines(text: &str) {
    for text in text.split('\n') {
        let read = Signature::parse(text);
        assert_eq!(read.as_ref().map(line), reader::line(text), "{text}");
        if let Some(read) = read {
            assert_eq!(read.to_string(), text, "two texts of one signature");
        }
        let hash = parse_hash(text);
        assert_eq!(hash, reader::hash(text), "{text}");
        if let Some(hash) = hash {
            assert_eq!(print_hash(&hash), text, "two texts of one hash");
        }
        if let Some(hashes) = unpack(text) {
            assert_eq!(pack(&hashes), text, "two texts of some hashes");
        }
    }
}

#[cfg(test)]
mod tests;
