//! Requests to a witness, what it makes of them, and its answers, as the log reads them.

use postern_transparency::key::VerifierKey;
use postern_transparency::note::Note;
use postern_transparency::proof::MAX_HASHES;
use postern_transparency::tree::{Hash, empty_root};
use postern_transparency::witness::{
    AddCheckpoint, Answer, Latest, MAX_REQUEST, Verdict, WatchedLog, judge, read_answer,
};

use super::changes::{edited, flip, near, number};
use super::keys::{COSIGNED_AT, ORIGIN, log, note_of, with_tree, witness};
use super::reader;
use super::tree::{Tree, continues};
use crate::bytes::Bytes;

/// A request, as the second reader has it.
struct Request<'t> {
    old: u64,
    hashes: Vec<Hash>,
    note: reader::Note<'t>,
}

fn read(body: &str) -> Option<Request<'_>> {
    let (old, mut rest) = body.strip_prefix("old ")?.split_once('\n')?;
    let mut hashes = Vec::new();
    let note = loop {
        match rest.split_once('\n')? {
            ("", note) => break note,
            (hash, behind) => {
                hashes.push(reader::hash(hash)?);
                rest = behind;
            }
        }
    };
    (hashes.len() <= MAX_HASHES && body.len() <= MAX_REQUEST).then_some(Request {
        old: reader::number(old)?,
        hashes,
        note: reader::note(note)?,
    })
}

fn key(key: &VerifierKey) -> reader::Key {
    reader::key(&key.to_string()).expect("a key")
}

/// What is to be cosigned, if the request continues the newest checkpoint that the witness has of the tree's log.
fn continued(request: &Request<'_>, latest: Latest) -> Option<Latest> {
    let tried = request.note.tried(&[key(&log())]);
    let opened = reader::opened(&request.note, &tried)?;
    let new = Latest {
        size: opened.size,
        root: opened.root,
    };
    let holds = continues(
        (latest.size, &latest.root),
        (new.size, &new.root),
        &request.hashes,
    );
    (opened.origin == ORIGIN && request.old == latest.size && holds).then_some(new)
}

/// A body is a request for both readers or for none, and is cosigned exactly where both say that it continues what was
/// cosigned.
pub fn request(body: &str, latest: Option<Latest>) -> Verdict {
    let (request, second) = (AddCheckpoint::parse(body), read(body));
    assert_eq!(request.is_some(), second.is_some(), "{body}");
    let own = |origin: &str| {
        (origin == ORIGIN).then(|| WatchedLog {
            keys: vec![log()],
            latest,
        })
    };
    let verdict = judge(body, own);
    let latest = latest.unwrap_or(Latest {
        size: 0,
        root: empty_root(),
    });
    let (Some(request), Some(second)) = (request, second) else {
        assert_eq!(verdict, Verdict::BadRequest);
        return verdict;
    };
    assert_eq!(request.to_string(), body, "two texts of one request");
    assert_eq!((request.old, &request.proof), (second.old, &second.hashes));
    let expected = continued(&second, latest);
    match &verdict {
        Verdict::Cosign(cosigning) => {
            assert_eq!(Some(cosigning.latest), expected, "{body}");
            let new = cosigning.latest;
            let own = with_tree(|tree| tree.root(new.size));
            assert_eq!(new.root, own, "nobody has signed this root");
            let body = cosigning.sign(witness(), COSIGNED_AT);
            answer_is(200, &body, &request.checkpoint);
            assert_eq!(cosigning.origin, ORIGIN);
        }
        other => {
            assert_eq!(expected, None, "{other:?}: {body}");
            assert!((400..500).contains(&other.status()));
        }
    }
    match verdict {
        Verdict::Conflict { size } => {
            assert!(size == latest.size && request.old != size, "{body}");
        }
        Verdict::Forked { size } => assert_eq!(size, latest.size),
        _ => {}
    }
    verdict
}

/// Growths of the tree as a log shows them to its witness, who may know another tree; or changed in some places.
pub fn request_of_the_tree(bytes: &mut Bytes<'_>) {
    let most = with_tree(Tree::size);
    let new = u64::from(bytes.number()) % (most + 1);
    let old = u64::from(bytes.number()) % (new + 1);
    let printed = AddCheckpoint {
        old,
        proof: with_tree(|tree| tree.consistency(old, new)),
        checkpoint: Note::parse(&note_of(new)).expect("a note"),
    }
    .to_string();
    let mut latest = Latest {
        size: old,
        root: with_tree(|tree| tree.root(old)),
    };
    match bytes.below(6) {
        // The witness has cosigned another tree.
        0 => {
            flip(bytes, &mut latest.root);
            let verdict = request(&printed, Some(latest));
            assert_ne!(verdict.status(), 200);
        }
        1 => {
            let verdict = request(&printed, None);
            assert_eq!(verdict.status() == 200, old == 0, "{verdict:?}");
        }
        2 => {
            latest.size = near(bytes, latest.size);
            request(&printed, Some(latest));
        }
        _ => {
            let given = edited(bytes, &printed);
            let verdict = request(&given, Some(latest));
            assert!(verdict.status() == 200 || given != printed, "{verdict:?}");
        }
    }
}

/// Any text as a request, to a witness that knows a small tree or none.
pub fn request_as_it_is(bytes: &mut Bytes<'_>) -> Verdict {
    // A printable first byte: files of the corpus are texts.
    let size = u64::from(bytes.byte() % 16);
    let latest = Latest {
        size,
        root: with_tree(|tree| tree.root(size)),
    };
    request(&bytes.rest_text(), (size > 0).then_some(latest))
}

/// What the log reads in an answer of the witness, and what is so.
fn answer_is(status: u16, body: &str, checkpoint: &Note) -> Answer {
    let answer = read_answer(status, body, checkpoint, &witness().verifier());
    let witness = key(&witness().verifier());
    let expected = match status {
        200 => {
            // The first line by the witness's name and id counts.
            let lines = body
                .split('\n')
                .map(|line| line.strip_suffix('\r').unwrap_or(line));
            let mut own = lines
                .filter_map(reader::line)
                .filter(|line| line.name == witness.name && line.id == witness.id);
            let holds =
                |line: &reader::Line<'_>| witness.holds(checkpoint.text(), &line.made).is_some();
            let made = own.next().filter(holds).map(|line| line.made);
            match (&answer, made) {
                (Answer::Cosigned(signature), Some(made)) => assert_eq!(signature.bytes, made),
                (Answer::Unusable, None) => {}
                other => panic!("{other:?}: {body}"),
            }
            return answer;
        }
        409 => match body.split_once('\n') {
            Some((size, "")) => reader::number(size).map(Answer::At),
            _ => None,
        },
        other => Some(Answer::Refused(other)),
    };
    assert_eq!(answer, expected.unwrap_or(Answer::Unusable), "{body}");
    answer
}

/// Answers to a checkpoint of the tree: good ones, changed ones, ones to another checkpoint, and any text.
pub fn answer(bytes: &mut Bytes<'_>) {
    let most = with_tree(Tree::size);
    let size = u64::from(bytes.number()) % (most + 1);
    let note = Note::parse(&note_of(size)).expect("a note");
    match bytes.below(4) {
        0 => {
            let status = *bytes.pick(&[200, 409, 422, 404, 500]);
            answer_is(status, &bytes.rest_text(), &note);
        }
        1 => {
            let body = format!("{}\n", number(bytes));
            answer_is(409, &edited(bytes, &body), &note);
        }
        kind => {
            let (at, is_other) = (number(bytes), kind == 3);
            let text = match is_other {
                true => note.text().replacen(ORIGIN, "example.com/other", 1),
                false => note.text().to_owned(),
            };
            let body = format!("{}\n", witness().sign_at(&text, at));
            let given = edited(bytes, &body);
            let answer = answer_is(200, &given, &note);
            if given == body {
                let is_good = !is_other && at < 1 << 63;
                assert_eq!(matches!(answer, Answer::Cosigned(_)), is_good, "{body}");
            }
        }
    }
}
