//! `postern audit witness` over HTTP (R54): the rules of tlog-witness, and what it remembers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use postern_transparency::checkpoint::cosigned;
use postern_transparency::key::{Kind, SigningKey, VerifierKey};
use postern_transparency::note::Note;
use postern_transparency::witness::{Answer as Read, read_answer};

use crate::gateway::run_plain;
use crate::logs::{Files, Log, ORIGIN, Witness, log_key};

const NAME: [&str; 2] = ["--name", "witness.example/own"];

#[tokio::test]
async fn r54_a_witness_cosigns_what_continues_and_nothing_else() {
    let (log, files) = (Log::of(60), Files::new());
    let state = files.path("state");
    let witness = Witness::start(&state, &NAME);
    let own = VerifierKey::parse(&witness.key).unwrap();
    assert_eq!(
        (own.name(), own.kind()),
        ("witness.example/own", Kind::Cosignature)
    );
    for (old, new) in [(0, 10), (10, 10), (10, 33)] {
        let request = log.add(old, new);
        let answer = witness.add(&request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let read = read_answer(200, &answer.body, &request.checkpoint, &own);
        assert!(matches!(read, Read::Cosigned(_)), "{read:?}");
    }

    let foreign = SigningKey::new("gate.example/audit/other", Kind::Ed25519, &[1; 32]).unwrap();
    let thief = SigningKey::new(ORIGIN, Kind::Ed25519, &[9; 32]).unwrap();
    let fork = log.rewritten(20);
    let mut garbled = log.add(33, 60);
    garbled.proof[0][0] ^= 1;
    let mut unknown = log.add(33, 60);
    unknown.checkpoint = log.checkpoint_by(60, &foreign);
    let mut unsigned = log.add(33, 60);
    unsigned.checkpoint = log.checkpoint_by(60, &thief);
    let mut backwards = log.add(10, 33);
    (backwards.old, backwards.proof) = (40, Vec::new());
    let mut padded = log.add(33, 33);
    padded.proof = log.consistency(10, 33);
    for (what, request, status, body) in [
        (
            "an unknown log",
            unknown,
            404,
            "no such log is watched here\n",
        ),
        (
            "another key",
            unsigned,
            403,
            "no key of the log has signed it\n",
        ),
        (
            "sizes in the wrong order",
            backwards,
            400,
            "no request to add a checkpoint\n",
        ),
        (
            "an old size that is not the newest",
            log.add(10, 60),
            409,
            "33\n",
        ),
        (
            "a broken proof",
            garbled,
            422,
            "it does not continue what was cosigned\n",
        ),
        (
            "a proof too many",
            padded,
            422,
            "it does not continue what was cosigned\n",
        ),
        (
            "another log",
            fork.add(33, 60),
            422,
            "it does not continue what was cosigned\n",
        ),
        (
            "a fork",
            fork.add(33, 33),
            422,
            "a fork: the log has signed two trees of 33 rows\n",
        ),
    ] {
        let answer = witness.add(&request).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, body),
            "{what}"
        );
        let media = if status == 409 {
            "text/x.tlog.size"
        } else {
            "text/plain; charset=utf-8"
        };
        assert_eq!(answer.media, media, "{what}");
    }
    // What proves the fork is kept, beside the checkpoint that it contradicts.
    let mut names: Vec<String> = fs::read_dir(&state)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let [checkpoint, forked, key, lock] = names.try_into().expect("four files");
    assert_eq!((key.as_str(), lock.as_str()), ("key", "lock"));
    let kept = fs::read_to_string(state.join(&forked)).unwrap();
    assert_eq!(kept, fork.checkpoint(33).to_string());
    assert!(forked.ends_with(".fork"), "{forked}");

    // Whoever asks gets the newest, signed by the log and by the witness.
    let hash = checkpoint.strip_suffix(".checkpoint").unwrap();
    let answer = witness
        .ask("GET", &format!("/{hash}/checkpoint"), b"")
        .await;
    assert_eq!(answer.status, 200);
    let note = Note::parse(&answer.body).unwrap();
    assert_eq!(note.text(), log.checkpoint(33).text());
    assert_eq!(note.verify(&[log_key().verifier()]).unwrap().len(), 1);
    assert_eq!(cosigned(&note, &[own]).unwrap().len(), 1);
}

#[tokio::test]
async fn r54_a_witness_that_starts_again_remembers() {
    let (log, files) = (Log::of(60), Files::new());
    let state = files.path("state");
    let first = Witness::start(&state, &NAME);
    assert_eq!(first.add(&log.add(0, 33)).await.status, 200);
    let (key, folder) = (first.key.clone(), state.to_str().unwrap());
    // Two on one folder would each forget what the other saw.
    let words = [
        "audit",
        "witness",
        "--state",
        folder,
        "--log",
        &log_key().verifier().to_string(),
    ]
    .map(str::to_owned);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = run_plain(&words).await;
    assert_eq!(output.code, 3);
    assert!(
        output.stderr.contains("another witness uses it"),
        "{}",
        output.stderr
    );
    drop(first);
    let second = Witness::start(&state, &[]);
    assert_eq!(second.key, key);
    let fork = log.rewritten(20);
    assert_eq!(second.add(&log.add(0, 60)).await.body, "33\n");
    assert_eq!(second.add(&fork.add(33, 60)).await.status, 422);
    assert_eq!(second.add(&log.add(33, 60)).await.status, 200);
    drop(second);

    // A memory that it has not written is none to rely on.
    let kept = fs::read_dir(&state)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let kept = kept
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "checkpoint"));
    let kept = kept.unwrap();
    let own = fs::read_to_string(&kept).unwrap();
    let third = Witness::start(&state, &[]);
    fs::write(&kept, log.checkpoint(60).to_string()).unwrap();
    assert_eq!(third.add(&log.add(60, 60)).await.status, 500);
    drop(third);
    // Nor does it start with one.
    for spoilt in [log.checkpoint(60).to_string(), "hello\n".to_owned()] {
        fs::write(&kept, spoilt).unwrap();
        let output = run_plain(&words).await;
        assert_eq!((output.code, output.stdout.as_str()), (3, ""));
        let told = "that was cosigned cannot be read";
        assert!(output.stderr.contains(told), "{}", output.stderr);
        let file = kept.to_str().unwrap();
        assert!(output.stderr.contains(file), "{}", output.stderr);
    }
    fs::write(&kept, own).unwrap();

    let mode = |name: &str| fs::metadata(state.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("key"), mode("")), (0o600, 0o700));
    // Another name would be another witness.
    let output = run_plain(&[&words[..], &["--name", "other"]].concat()).await;
    assert_eq!(output.code, 2, "{}", output.stderr);
    fs::write(
        state.join("key"),
        "PRIVATE+KEY+witness.example/own+00000000+AAAA\n",
    )
    .unwrap();
    let output = run_plain(&words).await;
    assert_eq!(output.code, 3);
    assert!(
        output.stderr.contains("its file `key` has no key"),
        "{}",
        output.stderr
    );
    // A key that others can read is not the witness's alone.
    for mode in [0o644, 0o640, 0o602] {
        let file = state.join("key");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let output = run_plain(&words).await;
        assert_eq!(output.code, 3, "{mode:o}");
        for told in [
            "others can read or change its file `key`",
            "hint: make it yours alone: chmod 600",
        ] {
            assert!(output.stderr.contains(told), "{}", output.stderr);
        }
    }
}

#[tokio::test]
async fn r54_a_witness_takes_no_nonsense() {
    let files = Files::new();
    let witness = Witness::start(&files.path("state"), &NAME);
    let long = vec![b'x'; 200_000];
    let (empty, add): (&[u8], _) = (b"", "/add-checkpoint");
    for (method, path, body, status) in [
        ("POST", add, empty, 400),
        ("POST", add, b"old 0\n\nhello\n", 400),
        ("POST", add, b"\xff\xfe", 400),
        ("POST", add, &long, 413),
        ("GET", add, empty, 405),
        ("PUT", "/0/checkpoint", empty, 405),
        ("GET", "/0/checkpoint", empty, 404),
        ("GET", "/../key", empty, 404),
        ("GET", "/../key/checkpoint", empty, 404),
        ("GET", "/", empty, 404),
    ] {
        let answer = witness.ask(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(!answer.body.contains("PRIVATE"), "{method} {path}");
    }
    let (key, own) = (log_key().verifier().to_string(), witness.key.clone());
    let folder = files.path("other").to_str().unwrap().to_owned();
    let base = ["audit", "witness", "--state", &folder];
    for (more, code, told) in [
        (vec!["--log", &key], 2, "the witness has no key yet"),
        (vec!["--log", &key, "--name", "a b"], 2, "cannot name a key"),
        (
            vec!["--log", "x", "--name", "w"],
            2,
            "it is no verifier key",
        ),
        (vec!["--name", "w"], 2, "--log"),
        (
            vec!["--log", &own, "--name", "w"],
            2,
            "it is the key of a witness, not of a log\n",
        ),
        (
            vec!["--log", &key, "--name", "w", "--listen", "nowhere"],
            3,
            "cannot listen on `nowhere`",
        ),
    ] {
        let output = run_plain(&[&base[..], &more].concat()).await;
        assert_eq!(output.code, code, "{more:?}: {}", output.stderr);
        assert!(output.stderr.contains(told), "{more:?}: {}", output.stderr);
    }
}
