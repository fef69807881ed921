//! The log that anyone can check: who may read it, what is signed and when, what is proven, and what
//! witnesses are shown.

use super::super::witnesses::offer;
use super::*;
use crate::testing::public_log::{TestWitness, witness_key};
use crate::testing::{World, now_or_never, organization};
use postern_domain::caller::Caller;
use postern_domain::decide::Denial;
use postern_ledger::testing::log_keys;

const ADMIN: Caller = Caller::Administrator(None);
const ACME: Option<&str> = Some("acme");

/// A configuration with the keys of the Ledger of these tests.
fn config(witnesses: &[(&str, u8)]) -> Config {
    let mut config = crate::testing::config();
    let witness = |(name, number): &(&str, u8)| Witness {
        key: witness_key(name, *number).verifier(),
        url: format!("https://{name}"),
    };
    config.audit_log = Some(Keys {
        keys: log_keys(),
        witnesses: witnesses.iter().map(witness).collect(),
    });
    config
}

fn keys_of_acme() -> Vec<VerifierKey> {
    log_keys()
        .verifiers(&organization().id.to_string())
        .expect("keys")
}

fn shown(world: &World, is_fresh: bool, config: &Config) -> Result<(u64, ShownNote)> {
    let shown = now_or_never(checkpoint(&ADMIN, ACME, is_fresh, config, world))?;
    let note = Note::parse(&shown.note).expect("a note");
    let checkpoint = Checkpoint::open(&note, &keys_of_acme()).expect("a checkpoint");
    Ok((checkpoint.size, shown))
}

fn listen(world: &World, name: &str, key: Option<u8>) {
    let witness = TestWitness {
        key: key.map(|number| witness_key(name, number)),
        logs: log_keys(),
        latest: None,
        asked: 0,
    };
    let url = format!("https://{name}/add-checkpoint");
    world.public.witnesses.borrow_mut().insert(url, witness);
}

fn asked(world: &World, name: &str) -> u32 {
    let url = format!("https://{name}/add-checkpoint");
    world.public.witnesses.borrow()[&url].asked
}

#[test]
fn r54_it_is_for_readers_of_the_log_and_needs_keys() {
    let world = World::new();
    world.write_events(3);
    world.take_asked();
    let unset = Err(UNSET);
    let without = crate::testing::config();
    let reader = |caller: &Caller, config: &Config| {
        let calls = [
            now_or_never(checkpoint(caller, ACME, false, config, &world)).map(drop),
            now_or_never(checkpoint(caller, ACME, true, config, &world)).map(drop),
            now_or_never(consistency(caller, ACME, (1, None), config, &world)).map(drop),
            now_or_never(proof(caller, ACME, "1", config, &world)).map(drop),
        ];
        let span = Span::parse(None, None).expect("the defaults");
        let list = now_or_never(notes(caller, ACME, &span, config, &world)).map(drop);
        calls.into_iter().chain([list]).collect::<Vec<_>>()
    };
    for answer in reader(&ADMIN, &without) {
        assert_eq!(answer, unset);
    }
    assert_eq!(keys(Some("x"), &without), Err(UNSET));
    let stranger = Caller::Token(std::rc::Rc::new(crate::testing::facts(
        7,
        postern_domain::scope::Scope::Organization,
    )));
    for answer in reader(&stranger, &config(&[])) {
        assert_eq!(answer, Err(Error::Denied(Denial::Operation)));
    }
    assert_eq!(world.take_asked(), Vec::<String>::new(), "nobody was asked");
    for answer in reader(&ADMIN, &config(&[])) {
        assert_eq!(answer, Ok(()));
    }
}

#[test]
fn r54_a_checkpoint_is_kept_and_shown_until_a_fresh_one_is_asked_for() {
    let (world, config) = (World::new(), config(&[]));
    world.write_events(3);
    assert_eq!(shown(&world, false, &config).expect("one").0, 3);
    world.write_events(2);
    assert_eq!(shown(&world, false, &config).expect("the kept one").0, 3);
    assert_eq!(shown(&world, true, &config).expect("a fresh one").0, 5);
    assert_eq!(shown(&world, false, &config).expect("the kept one").0, 5);
    // One that somebody else has written to D1 is passed over, and told in the list.
    let mut forged = world.public.notes.borrow()[1].clone();
    forged.size = 9;
    world.public.notes.borrow_mut().push(forged);
    assert_eq!(shown(&world, false, &config).expect("the kept one").0, 5);
    let span = Span::parse(Some("2"), None).expect("a span");
    let list = now_or_never(notes(&ADMIN, ACME, &span, &config, &world)).expect("a list");
    let list = serde_json::to_value(list).expect("serializes");
    assert_eq!(list["checkpoints"][0]["size"], 5);
    assert_eq!(list["faults"][0]["sequence"], 9);
    assert_eq!(list["faults"][0]["problem"], "forged_checkpoint");
    let cursor = list["next_cursor"].as_str().expect("there is one more");
    let span = Span::parse(None, Some(cursor)).expect("a span");
    let list = now_or_never(notes(&ADMIN, ACME, &span, &config, &world)).expect("a list");
    let list = serde_json::to_value(list).expect("serializes");
    assert_eq!(list["checkpoints"][0]["size"], 3);
    assert_eq!(list["next_cursor"], serde_json::Value::Null);
}

#[test]
fn r54_proofs_stand_alone() {
    let (world, config) = (World::new(), config(&[("w1.example", 1)]));
    listen(&world, "w1.example", Some(1));
    world.write_events(20);
    shown(&world, true, &config).expect("a checkpoint");
    let witnesses = &config.audit_log.as_ref().expect("keys").witnesses;
    now_or_never(offer(organization().id, witnesses, &world));
    world.write_events(5);
    // The last of them is in no kept checkpoint: one is made.
    for (sequence, size, cosigned) in [("1", 20, 1), ("20", 20, 1), ("25", 25, 0)] {
        let text = now_or_never(proof(&ADMIN, ACME, sequence, &config, &world));
        let proof = InclusionProof::parse(&text.expect("a proof")).expect("a proof");
        let entry = proof.extra.clone().expect("the event");
        let keys = [witnesses[0].key.clone()];
        let included = proof.verify(&entry, &keys_of_acme(), &keys).expect("holds");
        assert_eq!(included.checkpoint.size, size, "{sequence}");
        assert_eq!(included.cosigned.len(), cosigned, "{sequence}");
        let number = format!(r#""sequence":{sequence},"#);
        assert!(String::from_utf8_lossy(&entry).contains(&number));
    }
    for sequence in ["0", "26", "-1", "one", "18446744073709551616"] {
        let none = now_or_never(proof(&ADMIN, ACME, sequence, &config, &world));
        assert_eq!(none, Err(NO_EVENT), "{sequence}");
    }
}

#[test]
fn r54_consistency_is_proven_between_any_two_sizes() {
    let (world, config) = (World::new(), config(&[]));
    world.write_events(9);
    let (_, old) = shown(&world, true, &config).expect("a checkpoint");
    world.write_events(30);
    let (_, new) = shown(&world, true, &config).expect("a checkpoint");
    let proven = now_or_never(consistency(&ADMIN, ACME, (9, None), &config, &world));
    let proven = proven.expect("a proof");
    assert_eq!((proven.from, proven.to), (9, 39));
    let read = |shown: &ShownNote| {
        let note = Note::parse(&shown.note).expect("a note");
        Checkpoint::open(&note, &keys_of_acme()).expect("a checkpoint")
    };
    let hashes: Vec<_> = proven
        .hashes
        .iter()
        .map(|hash| parse_hash(hash).expect("a hash"))
        .collect();
    let (old, new) = (read(&old), read(&new));
    let verified = postern_transparency::proof::verify_consistency(
        (old.size, &old.root),
        (new.size, &new.root),
        &hashes,
    );
    assert_eq!(verified, Ok(()));
    for sizes in [(9, Some(40)), (10, Some(9))] {
        let refused = now_or_never(consistency(&ADMIN, ACME, sizes, &config, &world));
        assert_eq!(
            refused.map(drop).map_err(|error| error.code()),
            Err("size_invalid")
        );
    }
}

#[test]
fn r54_an_older_log_is_caught_up_by_the_calls_that_need_it() {
    let (world, config) = (World::new(), config(&[]));
    world.write_events(6_000);
    world
        .public
        .sql
        .borrow()
        .as_ref()
        .expect("a database")
        .transact("delete from tree; delete from tree_tiles");
    // Eight pages of 500 in a call.
    let behind = shown(&world, false, &config).map(drop);
    let expected = AuditTreeFault::Behind {
        size: 4_000,
        log: 6_000,
    };
    assert_eq!(behind, Err(Error::AuditTree(expected)));
    assert_eq!(shown(&world, false, &config).expect("one").0, 6_000);
    // D1 lacks the events that are missing: it stays behind, and says so.
    {
        let sql = world.public.sql.borrow();
        let sql = sql.as_ref().expect("a database");
        sql.transact("delete from tree; delete from tree_tiles; delete from tree_signed");
    }
    world.rows.borrow_mut().clear();
    let behind = shown(&world, true, &config).map(drop);
    let expected = AuditTreeFault::Behind {
        size: 0,
        log: 6_000,
    };
    assert_eq!(behind, Err(Error::AuditTree(expected)));
}

#[test]
fn r54_witnesses_cosign_and_one_that_is_down_delays_nothing() {
    let names = [("w1.example", 1), ("w2.example", 2), ("w3.example", 3)];
    let (world, config) = (World::new(), config(&names));
    listen(&world, "w1.example", Some(1));
    listen(&world, "w2.example", None);
    listen(&world, "w3.example", Some(9));
    let witnesses = &config.audit_log.as_ref().expect("keys").witnesses;
    let offered = || {
        let all = now_or_never(offer(organization().id, witnesses, &world));
        let told = all.into_iter().map(|one| (one.name, one.outcome));
        told.collect::<Vec<_>>()
    };
    assert_eq!(offered(), [], "there is no checkpoint yet");
    world.write_events(4);
    let (_, fresh) = shown(&world, true, &config).expect("a checkpoint");
    assert_eq!(fresh.witnesses.len(), 3, "it is to be shown to them");
    let first = offered();
    assert_eq!(first[0], ("w1.example".to_owned(), Ok(4)));
    assert_eq!(first[1].1, Err("no answer within 5 s".to_owned()));
    assert_eq!(
        first[2].1,
        Err("its answer has no good signature".to_owned())
    );
    let (_, kept) = shown(&world, false, &config).expect("the kept one");
    assert!(kept.witnesses.is_empty());
    assert!(kept.note.contains("\n— w1.example "), "{}", kept.note);
    assert!(!kept.note.contains("\n— w3.example "), "{}", kept.note);
    // What was cosigned is not shown again, and what was not is.
    let second = offered();
    assert_eq!(second.len(), 2);
    assert_eq!(
        (asked(&world, "w1.example"), asked(&world, "w2.example")),
        (1, 2)
    );
    // The next one continues it.
    world.write_events(3);
    shown(&world, true, &config).expect("a checkpoint");
    assert_eq!(offered()[0].1, Ok(7));
    assert_eq!(asked(&world, "w1.example"), 2);
    // An answer that was lost: the witness says where it is.
    world.write_events(3);
    shown(&world, true, &config).expect("a checkpoint");
    for note in world.public.notes.borrow_mut().iter_mut() {
        note.cosignatures.clear();
    }
    assert_eq!(offered()[0].1, Ok(10));
    assert_eq!(asked(&world, "w1.example"), 4);
}

#[test]
fn r54_a_witness_that_has_seen_another_log_says_so() {
    let (world, config) = (World::new(), config(&[("w1.example", 1)]));
    listen(&world, "w1.example", Some(1));
    let witnesses = &config.audit_log.as_ref().expect("keys").witnesses;
    world.write_events(4);
    shown(&world, true, &config).expect("a checkpoint");
    let seen = |size, root| {
        let url = "https://w1.example/add-checkpoint";
        let mut all = world.public.witnesses.borrow_mut();
        let witness = all.get_mut(url).expect("a witness");
        witness.latest = Some(postern_transparency::witness::Latest { size, root });
    };
    for (size, expected) in [
        (9, "it has cosigned a checkpoint of 9 events"),
        (3, "it has cosigned another history of this log"),
        (4, "it has cosigned another history of this log"),
    ] {
        seen(size, [9; 32]);
        let offered = now_or_never(offer(organization().id, witnesses, &world));
        let why = offered[0].outcome.clone().expect_err(expected);
        assert!(why.starts_with(expected), "{why}");
    }
}

#[test]
fn r54_keys_are_open_and_go_by_the_name_of_the_log() {
    let config = config(&[]);
    let id = organization().id.to_string();
    let text = keys(Some(&id), &config).expect("keys");
    let expected = format!("gateway.example/audit/{id}+");
    assert!(
        text.starts_with(&expected) && text.ends_with('\n'),
        "{text}"
    );
    assert_eq!(
        VerifierKey::parse(text.trim_end()).as_ref(),
        Ok(&keys_of_acme()[0])
    );
    for wrong in [None, Some("acme"), Some("")] {
        let refused = keys(wrong, &config).map_err(|error| error.code());
        assert_eq!(refused, Err("organization_id_invalid"), "{wrong:?}");
    }
}
