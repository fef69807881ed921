//! The rules of a witness as rows: each answer of the specification, and why.

use super::*;
use crate::key::Kind;
use crate::proof;
use crate::testing::{Memory, contents, seed};

const ORIGIN: &str = "example.com/log";

fn key(name: &str, kind: Kind, number: u8) -> SigningKey {
    SigningKey::new(name, kind, &seed(number)).expect("a name")
}

fn log_key() -> SigningKey {
    key(ORIGIN, Kind::Ed25519, 1)
}

fn signed(memory: &Memory, size: u64, key: &SigningKey) -> Note {
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size,
        root: proof::root(memory, size).expect("a root"),
    };
    checkpoint.sign(key).expect("a note")
}

fn request(memory: &Memory, old: u64, size: u64) -> AddCheckpoint {
    AddCheckpoint {
        old,
        proof: proof::consistency(memory, old.min(size), size).expect("a proof"),
        checkpoint: signed(memory, size, &log_key()),
    }
}

fn judged(body: &str, latest: Option<Latest>) -> Verdict {
    judge(body, |origin| {
        (origin == ORIGIN).then(|| WatchedLog {
            keys: vec![log_key().verifier()],
            latest,
        })
    })
}

fn latest(memory: &Memory, size: u64) -> Option<Latest> {
    Some(Latest {
        size,
        root: proof::root(memory, size).expect("a root"),
    })
}

#[test]
fn a_continuation_is_cosigned() {
    let memory = Memory::of(contents(700));
    let witness = key("witness.example/w", Kind::Cosignature, 9);
    let mut seen = None;
    for (old, size) in [(0, 0), (0, 3), (3, 3), (3, 299), (299, 700)] {
        let request = request(&memory, old, size);
        let body = request.to_string();
        assert_eq!(AddCheckpoint::parse(&body), Some(request.clone()));
        let verdict = judged(&body, seen);
        let Verdict::Cosign(cosigning) = &verdict else {
            panic!("{old} to {size}: {verdict:?}");
        };
        assert_eq!(verdict.status(), 200);
        assert_eq!(cosigning.origin, ORIGIN);
        let answer = cosigning.sign(&witness, 1_700_000_000);
        let read = read_answer(200, &answer, &request.checkpoint, &witness.verifier());
        let Answer::Cosigned(signature) = read else {
            panic!("{read:?}");
        };
        let mut note = request.checkpoint;
        note.add(signature);
        let cosigned = crate::checkpoint::cosigned(&note, &[witness.verifier()]);
        assert_eq!(cosigned.map(|all| all[0].at), Ok(Some(1_700_000_000)));
        seen = Some(cosigning.latest);
        assert_eq!(seen, latest(&memory, size));
    }
}

#[test]
fn what_is_no_continuation_is_refused() {
    let memory = Memory::of(contents(40));
    let other = Memory::of(contents(40).map(|content| [&content[..], b"!"].concat()));
    let good = request(&memory, 20, 40);
    let body = good.to_string();
    let stranger = AddCheckpoint {
        checkpoint: signed(&memory, 40, &key(ORIGIN, Kind::Ed25519, 2)),
        ..good.clone()
    };
    let unproven = AddCheckpoint {
        proof: good.proof.iter().rev().copied().collect(),
        ..good.clone()
    };
    let first = AddCheckpoint {
        old: 0,
        ..good.clone()
    };
    let conflict = |size| Verdict::Conflict { size };
    let at = |size| latest(&memory, size);
    let rows = [
        (
            "no request",
            "hello".to_owned(),
            at(20),
            Verdict::BadRequest,
        ),
        (
            "no old size",
            body.replace("old ", "old +"),
            at(20),
            Verdict::BadRequest,
        ),
        (
            "no checkpoint",
            body.replace("\n40\n", "\nforty\n"),
            at(20),
            Verdict::BadRequest,
        ),
        (
            "a shrunk log",
            request(&memory, 41, 40).to_string(),
            at(20),
            Verdict::BadRequest,
        ),
        (
            "another log",
            body.replace(ORIGIN, "example.com/2"),
            at(20),
            Verdict::UnknownLog,
        ),
        (
            "another key",
            stranger.to_string(),
            at(20),
            Verdict::Untrusted,
        ),
        (
            "a changed size",
            body.replace("\n40\n", "\n39\n"),
            at(20),
            Verdict::Untrusted,
        ),
        ("an old proof", body.clone(), at(30), conflict(30)),
        ("the first one", body.clone(), None, conflict(0)),
        (
            "a fork of the old",
            body.clone(),
            latest(&other, 20),
            Verdict::Inconsistent,
        ),
        (
            "a wrong proof",
            unproven.to_string(),
            at(20),
            Verdict::Inconsistent,
        ),
        (
            "a proof of nothing",
            first.to_string(),
            None,
            Verdict::Inconsistent,
        ),
        (
            "a fork of the same size",
            request(&memory, 40, 40).to_string(),
            latest(&other, 40),
            Verdict::Forked { size: 40 },
        ),
    ];
    for (what, body, latest, expected) in rows {
        let verdict = judged(&body, latest);
        assert_eq!(verdict, expected, "{what}");
        assert!(verdict.status() >= 400, "{what}");
    }
    // A log goes on at the size of a 409 (C2SP `tlog-witness`), so that a fork is none.
    assert_eq!(Verdict::Forked { size: 1 }.status(), 422);
}

#[test]
fn answers_are_read_for_one_witness_and_one_checkpoint() {
    let memory = Memory::of(contents(9));
    let checkpoint = signed(&memory, 9, &log_key());
    let [witness, other] = [("w", 5), ("v", 6)].map(|(name, n)| key(name, Kind::Cosignature, n));
    let line = |key: &SigningKey, text: &str| format!("{}\n", key.sign_at(text, 3));
    let own = line(&witness, checkpoint.text());
    let both = format!("{}{own}", line(&other, checkpoint.text()));
    let elsewhere = line(&witness, signed(&memory, 8, &log_key()).text());
    let cosigned = Answer::Cosigned(witness.sign_at(checkpoint.text(), 3));
    let rows = [
        (200, own.as_str(), cosigned.clone()),
        (200, both.as_str(), cosigned),
        (200, elsewhere.as_str(), Answer::Unusable),
        (200, "", Answer::Unusable),
        (409, "12\n", Answer::At(12)),
        (409, "twelve\n", Answer::Unusable),
        (409, "12", Answer::Unusable),
        (404, "", Answer::Refused(404)),
        (500, own.as_str(), Answer::Refused(500)),
    ];
    for (status, body, expected) in rows {
        let read = read_answer(status, body, &checkpoint, &witness.verifier());
        assert_eq!(read, expected, "{status} {body:?}");
    }
}
