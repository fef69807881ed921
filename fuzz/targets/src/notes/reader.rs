//! A second reader of signed notes, keys and checkpoints, written from the specifications of C2SP, over `ring`.

use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

use postern_transparency::note::{MAX_NOTE, MAX_SIGNATURES};
use postern_transparency::tree::Hash;

/// Base64 in its one form: whole groups, padding at the end alone, no bits that are left over.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let stem = match text.strip_suffix("==") {
        Some(stem) => stem,
        None => text.strip_suffix('=').unwrap_or(text),
    };
    let padding = text.len() - stem.len();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut read = Vec::new();
    let (mut held, mut bits) = (0, 0);
    for byte in stem.bytes() {
        (held, bits) = (held << 6 | digit(byte)?, bits + 6);
        if bits >= 8 {
            bits -= 8;
            read.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    (held == 0 && bits == 2 * padding).then_some(read)
}

/// A number in its one form.
pub fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// A hash.
pub fn hash(text: &str) -> Option<Hash> {
    Hash::try_from(base64(text)?).ok()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control())
}

/// A signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'t> {
    pub name: &'t str,
    pub id: [u8; 4],
    pub made: Vec<u8>,
}

/// Reads a signature line, without its end.
pub fn line(text: &str) -> Option<Line<'_>> {
    let [dash, name, encoded] = text.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let decoded = base64(encoded)?;
    let is_good = dash == "\u{2014}" && is_name(name) && decoded.len() > 4;
    is_good.then(|| Line {
        name,
        id: [decoded[0], decoded[1], decoded[2], decoded[3]],
        made: decoded[4..].to_vec(),
    })
}

/// A note.
#[derive(Debug)]
pub struct Note<'t> {
    pub text: &'t str,
    pub lines: Vec<Line<'t>>,
}

/// Reads a note, from its end: the lines up to the last empty one are its signatures.
pub fn note(input: &str) -> Option<Note<'_>> {
    let mut end = input.len().checked_sub(1)?;
    let mut lines = Vec::new();
    if !input.ends_with('\n') || input.len() > MAX_NOTE {
        return None;
    }
    loop {
        let before = input[..end].rfind('\n')?;
        match &input[before + 1..end] {
            "" => break,
            text => lines.insert(0, line(text)?),
        }
        end = before;
    }
    let text = &input[..end];
    let is_plain = !text.bytes().any(|byte| byte < 0x20 && byte != b'\n');
    let is_good = is_plain && (1..=MAX_SIGNATURES).contains(&lines.len());
    is_good.then_some(Note { text, lines })
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    /// 1 = it signs a note, 4 = it is a witness's.
    pub kind: u8,
    pub id: [u8; 4],
    pub public: Vec<u8>,
}

/// Reads the text of a key.
pub fn key(text: &str) -> Option<Key> {
    let (name, rest) = text.split_once('+')?;
    let (id, encoded) = rest.split_once('+')?;
    let decoded = base64(encoded)?;
    let own = key_id(name, &decoded);
    let printed: String = own.iter().map(|byte| format!("{byte:02x}")).collect();
    let is_good = is_name(name) && decoded.len() == 33 && [1, 4].contains(&decoded[0]);
    (is_good && printed == id).then(|| Key {
        name: name.to_owned(),
        kind: decoded[0],
        id: own,
        public: decoded[1..].to_vec(),
    })
}

/// The id of a key, of which its kind is the first byte.
pub fn key_id(name: &str, key: &[u8]) -> [u8; 4] {
    let hash = Sha256::digest([name.as_bytes(), b"\n", key].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

impl Key {
    /// Whether it has signed the text, and for witnesses when.
    ///
    /// `ring` takes what RFC 8032 takes; the other verifier refuses an R of small order besides, which nobody
    /// can make without the secret key.
    pub fn holds(&self, text: &str, made: &[u8]) -> Option<Option<u64>> {
        let public = UnparsedPublicKey::new(&ED25519, &self.public);
        if self.kind == 1 {
            return public.verify(text.as_bytes(), made).ok().map(|()| None);
        }
        let (at, made) = made.split_at_checked(8)?;
        let at = u64::from_be_bytes(at.try_into().ok()?);
        let text = format!("cosignature/v1\ntime {at}\n{text}");
        public.verify(text.as_bytes(), made).ok()?;
        (at < 1 << 63).then_some(Some(at))
    }
}

/// Who has signed: name, id, and when for witnesses.
pub type Signed = (String, [u8; 4], Option<u64>);

/// The signatures of known keys, each with its key's kind and whether it holds.
pub struct Tried(Vec<(u8, Option<Signed>)>);

impl Note<'_> {
    /// Tries all signatures of these keys.
    pub fn tried(&self, keys: &[Key]) -> Tried {
        let known = self.lines.iter().filter_map(|line| {
            let mut keys = keys.iter();
            let key = keys.find(|key| key.name == line.name && key.id == line.id)?;
            let at = key.holds(self.text, &line.made);
            Some((key.kind, at.map(|at| (key.name.clone(), key.id, at))))
        });
        Tried(known.collect())
    }
}

impl Tried {
    /// Who has signed with a key of one of these kinds, each once; `None` where a signature of one does not hold.
    pub fn signed(&self, kinds: &[u8]) -> Option<Vec<Signed>> {
        let mut signed: Vec<Signed> = Vec::new();
        for (_, one) in self.0.iter().filter(|(kind, _)| kinds.contains(kind)) {
            let (name, id, at) = one.clone()?;
            if !signed.iter().any(|known| known.0 == name && known.1 == id) {
                signed.push((name, id, at));
            }
        }
        Some(signed)
    }
}

/// A checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub struct Checkpoint<'t> {
    pub origin: &'t str,
    pub size: u64,
    pub root: Hash,
    /// Whether there is more in its text.
    pub has_more: bool,
}

/// Reads the text of a checkpoint.
pub fn checkpoint(text: &str) -> Option<Checkpoint<'_>> {
    let lines: Vec<&str> = text.strip_suffix('\n')?.split('\n').collect();
    let [origin, size, root, ..] = lines[..] else {
        return None;
    };
    let (size, root) = (number(size)?, hash(root)?);
    (!lines.contains(&"")).then_some(Checkpoint {
        origin,
        size,
        root,
        has_more: lines.len() > 3,
    })
}

/// What a note says, if it is a checkpoint of a log whose key is among these, and all that they have signed holds.
pub fn opened<'t>(note: &Note<'t>, tried: &Tried) -> Option<Checkpoint<'t>> {
    let signed = tried.signed(&[1])?;
    let checkpoint = checkpoint(note.text)?;
    let is_own = signed.iter().any(|(name, _, _)| name == checkpoint.origin);
    is_own.then_some(checkpoint)
}
