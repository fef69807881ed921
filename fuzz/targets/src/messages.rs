//! What arrives at a Ledger's object: paths, headers and bodies that an older or newer gateway, or nobody of ours, has
//! written.

use postern_domain::id::Id;
use postern_domain::time::Timestamp;
use postern_ledger::dispatch::{Failed, Progress, command};
use postern_ledger::testing::{Sqlite, claim, mint, open};
use postern_ledger::wire::{Call, parse_actor, print_actor};
use postern_ledger::{Addressed, AdmitQuery, Command, Delivery, Ledger, MintCommand};

use crate::bytes::{Bytes, piece};

const NOW: i64 = 1_900_000_000_000;

/// Every message that a release has sent, a line each, by its command.
const KNOWN: &str = include_str!("../../../crates/ledger/src/wire/messages.txt");

/// A path that is read is written again in the same way; bodies are carried out, or refused as a whole.
pub fn ledger_messages(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    match bytes.below(3) {
        0 => path(bytes.one_in(2), &bytes.rest_text()),
        kind => {
            let actor = (kind == 2).then(|| bytes.text());
            commands(actor.as_deref(), &bytes.rest_text());
        }
    }
}

fn path(posted: bool, path: &str) {
    if let Ok(call) = Call::parse(posted, path) {
        assert_eq!(call.posts(), posted, "{path}");
        assert_eq!(Call::parse(posted, &call.to_string()), Ok(call), "{path}");
    }
}

/// Commands, a line each, by their names, in one Ledger.
fn commands(actor: Option<&str>, lines: &str) {
    let Ok(actor) = parse_actor(actor) else {
        return;
    };
    let printed = print_actor(actor);
    assert_eq!(parse_actor(printed.as_deref()), Ok(actor));
    let mut ledger = open(&Sqlite::again());
    for (at, line) in lines.lines().enumerate().take(6) {
        let (name, body) = line.split_once(' ').unwrap_or((line, ""));
        let Ok(Call::Command(name)) = Call::parse(true, name) else {
            continue;
        };
        let Some(begin) = command::<Sqlite>(&name) else {
            continue;
        };
        let now = Timestamp::from_millis(NOW + at as i64);
        let addressed = Addressed {
            by: Some("acme"),
            actor,
        };
        let progress = match begin(&mut ledger, now, addressed, body) {
            Ok(progress) => progress,
            // A run of a token that was never here is no command that a gateway sends.
            Err(Failed(why)) if why == "runs of an unknown token" => return,
            Err(failed) => panic!("{name}: {failed}: {body}"),
        };
        ends(&mut ledger, now, progress);
        ledger.wake(now).expect("woken");
    }
}

/// A command has an answer at once, or behind its delivery.
fn ends(ledger: &mut Ledger<Sqlite>, now: Timestamp, progress: Progress<Sqlite>) {
    match progress {
        Progress::AfterDelivery(_, resume) => {
            let batch = ledger.outbox().expect("an outbox");
            if let Some(last) = batch.last() {
                ledger.delivered(last.id).expect("delivered");
            }
            let told = resume(ledger, now, Delivery::Arrived { row_of: None });
            let told = told.unwrap_or_else(|failed| panic!("{failed}"));
            assert!(
                !matches!(told, Progress::AfterDelivery(..)),
                "it waits twice"
            );
        }
        Progress::Reply(reply)
        | Progress::BestAfterDelivery(reply)
        | Progress::WhenFinal(_, reply) => {
            assert!((200..600).contains(&reply.status), "{reply:?}");
        }
        Progress::Watch(_) => {}
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let token = Id::from_u128(7);
    let mut query = AdmitQuery::look(token);
    let look = Call::Admit(query.clone()).to_string();
    query.counts = true;
    query.facts = true;
    query.claim = Some(claim(9, None));
    query.pin = true;
    let whole = Call::Admit(query).to_string();
    let mut seeds = Vec::new();
    for path in [&look, &whole, "events/1/7", "name", "ping", "describe/x"] {
        seeds.push([&[0, 0], path.as_bytes()].concat());
    }
    seeds.push(b"\0\x01conflict/00000000-0000-0000-0000-000000000001".to_vec());
    let minted: MintCommand = mint(7, "ci", NOW);
    let minted = serde_json::to_string(&minted).expect("serializes");
    let minted = format!("{} {minted}", MintCommand::NAME);
    let actor = piece(token.to_string());
    for line in KNOWN.lines().filter(|line| !line.contains(" = ")) {
        seeds.push([&[1], line.as_bytes()].concat());
        seeds.push([&[2][..], &actor, minted.as_bytes(), b"\n", line.as_bytes()].concat());
    }
    seeds
}
