//! The gate reads the messages of calls by the field numbers of its operation table, not by generated types. Here it is
//! held to the types that are generated from the `.proto` files: what it finds is what a generated reader finds, for
//! every call, on whole messages and on 100,000 that are broken or odd, read whole or in windows. Needs no gateway.

mod mutate;
mod rows;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use postern_domain::rpc::{Access, NOTHING, Rpc, rpc, rpcs};
use postern_system_tests::cases;
use postern_system_tests::runner;
use postern_wire::scan::{Framing, Progress, Scan};
use postern_wire::{grpc_web, identity};

use self::mutate::Random;
use self::rows::{Row, rows};
use self::seen::Seen;

/// Sizes of windows, in bytes.
const WINDOWS: [usize; 9] = [1, 2, 3, 5, 7, 64, 512, 4096, usize::MAX];

/// How many messages are tried.
const MESSAGES: usize = 100_000;

/// Changes to the generator below change this, so that a failure can be told apart from another run's.
const SEED: u64 = 0x706f_7374_6572_6e31;

fn main() -> ExitCode {
    runner::run(
        async {},
        cases![
            the_table_has_every_call_of_the_proto_files,
            every_identity_field_is_found,
            r29_odd_messages_are_read_as_the_origin_reads_them_or_refused,
        ],
    )
}

/// What the gate finds in a message, in the words of [`Seen`].
fn found(row: &Row, message: &[u8]) -> Result<Seen, String> {
    let table = rpc(&row.path()).expect("a row of the table");
    let whole = match identity::read(message, table) {
        Ok(found) => Ok(Seen::from(found)),
        Err(refused) => Err(refused.to_string()),
    };
    // Messages of all lengths take turns in all sizes.
    let size = WINDOWS[message.len() % WINDOWS.len()];
    let framed = grpc_web::frame(message).expect("a short message");
    for (body, framing) in [(message, Framing::Bare), (&framed[..], Framing::Frame)] {
        let read = in_windows(table, body, framing, size);
        assert_eq!(read, whole, "{} {size} {body:02x?}", row.method);
    }
    whole
}

/// The same out of a body that is given in windows of this size.
fn in_windows(
    table: &'static Rpc,
    body: &[u8],
    framing: Framing,
    size: usize,
) -> Result<Seen, String> {
    let mut scan = Scan::new(table, framing, body.len());
    let mut from = 0_usize;
    loop {
        let end = from.saturating_add(size).min(body.len());
        match scan.feed(from, &body[from..end]) {
            Ok(Progress::More { from: next }) => from = next,
            Ok(Progress::Done(found)) => return Ok(Seen::from(found.identified())),
            Err(refused) => return Err(refused.to_string()),
        }
    }
}

async fn the_table_has_every_call_of_the_proto_files(_: &()) {
    let rows = rows();
    let here: BTreeSet<&str> = rows.iter().map(|row| row.method).collect();
    let table: BTreeSet<&str> = rpcs().map(|row| row.method).collect();
    assert_eq!(here.len(), rows.len(), "a call has two rows here");
    assert_eq!(here, table);
    assert_eq!(table.len(), 81);
}

/// With distinct values in all fields that name something, so that a wrong number finds a wrong value or none.
async fn every_identity_field_is_found(_: &()) {
    let mut named = 0;
    for row in rows() {
        let table = rpc(&row.path()).expect("a row of the table");
        for sample in &row.samples {
            let expected = (row.read)(sample).expect("our own message");
            if table.access == Access::Person {
                // Nobody with a token of the gate gets so far.
                assert_eq!(table.identity, NOTHING, "{}", row.method);
                continue;
            }
            named += usize::from(expected != Seen::default());
            assert_eq!(found(&row, sample), Ok(expected), "{}", row.method);
        }
        // An empty message names nothing; it may call for policies.
        let empty = (row.read)(b"").expect("an empty message");
        assert_eq!(found(&row, b""), Ok(empty.clone()), "{}", row.method);
        let nothing = Seen {
            policies: Vec::new(),
            ..empty
        };
        assert_eq!(nothing, Seen::default(), "{}", row.method);
    }
    assert!(named > 40, "only {named} samples name anything");
}

/// How the two readers took one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Both read it, and agree on every field.
    Agreed,
    /// The gate refused what the generated reader takes.
    OursRefused,
    /// Neither takes it.
    BothRefused,
    /// Only the generated reader refused: over a field that the gate does not need, so that the origin answers itself.
    TheirsRefused,
}

async fn r29_odd_messages_are_read_as_the_origin_reads_them_or_refused(_: &()) {
    // Rows that the gate reads nothing of are not worth the time.
    let rows: Vec<Row> = rows()
        .into_iter()
        .filter(|row| rpc(&row.path()).expect("a row").is_inspected())
        .collect();
    let mut random = Random::new(SEED);
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    let (mut told, mut disagreements) = (0usize, Vec::new());
    for _ in 0..MESSAGES {
        let row = random.pick(&rows);
        let message = mutate::message(&mut random, row);
        let outcome = match (found(row, &message), (row.read)(&message)) {
            (Ok(ours), Some(theirs)) if ours == theirs => {
                told += usize::from(ours != Seen::default());
                Outcome::Agreed
            }
            (Ok(ours), Some(theirs)) => {
                disagreements.push(format!(
                    "{} {message:02x?}\n  ours {ours:?}\n  theirs {theirs:?}",
                    row.method
                ));
                continue;
            }
            (Err(_), Some(_)) => Outcome::OursRefused,
            (Err(_), None) => Outcome::BothRefused,
            (Ok(_), None) => Outcome::TheirsRefused,
        };
        *counts.entry(outcome).or_default() += 1;
    }
    let of = |outcome| counts.get(&outcome).copied().unwrap_or_default();
    println!(
        "{MESSAGES} messages over {} calls: agreed {} ({told} of them name something), only ours refused {}, both refused \
         {}, only the generated reader refused {}, disagreements {}",
        rows.len(),
        of(Outcome::Agreed),
        of(Outcome::OursRefused),
        of(Outcome::BothRefused),
        of(Outcome::TheirsRefused),
        disagreements.len(),
    );
    assert!(
        disagreements.is_empty(),
        "{} disagreements; the first:\n{}",
        disagreements.len(),
        disagreements
            .iter()
            .take(5)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
    // A generator that makes only rubbish, or only good messages, would prove nothing.
    assert!(told > MESSAGES / 5, "only {told} messages named anything");
    for outcome in [
        Outcome::OursRefused,
        Outcome::BothRefused,
        Outcome::TheirsRefused,
    ] {
        assert!(
            of(outcome) > MESSAGES / 1000,
            "{outcome:?} is hardly tried: {}",
            of(outcome)
        );
    }
}
