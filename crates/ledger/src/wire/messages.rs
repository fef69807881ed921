//! Every message to and from a Ledger, byte for byte as messages.txt has it: a release at the other end reads these.
//! What may change is in docs/STORAGE.md, under "Two releases at once".
//!
//! `POSTERN_WRITE_DOCUMENTS=1` writes the file anew where lines were only added.

mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Misread, Reply, Unanswered};
use crate::{Admission, Command, LeakAnswer, MintAnswer, RevokeAnswer};

/// A message by its kind, such as `mint` or `mint =` for the answer to it; its text; and its reader, which prints what
/// it has read.
struct Message {
    kind: String,
    text: String,
    read: fn(&str) -> Result<String, String>,
}

fn message<T: Serialize + DeserializeOwned>(kind: &str, value: &T) -> Message {
    Message {
        kind: kind.to_owned(),
        text: print(value),
        read: |text| {
            let read: Result<T, _> = serde_json::from_str(text);
            read.map(|value| print(&value))
                .map_err(|error| error.to_string())
        },
    }
}

fn command<C: Command>(command: &C) -> Message {
    message(C::NAME, command)
}

fn answer<C: Command>(answer: &C::Answer) -> Message {
    message(&format!("{} =", C::NAME), answer)
}

fn print(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("serializes")
}

fn line(message: &Message) -> String {
    format!("{} {}", message.kind, message.text)
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wire/messages.txt")
}

#[test]
fn every_message_has_the_bytes_that_other_releases_know() {
    let printed: Vec<String> = samples::all().iter().map(line).collect();
    let known = fs::read_to_string(file()).unwrap_or_default();
    let known: Vec<&str> = known.lines().collect();
    let gone: Vec<_> = known
        .iter()
        .filter(|line| printed.iter().all(|other| other != *line))
        .collect();
    assert!(
        gone.is_empty(),
        "another release sends these, and reads nothing else in their place: {gone:#?}"
    );
    if std::env::var_os("POSTERN_WRITE_DOCUMENTS").is_some() {
        fs::write(file(), printed.join("\n") + "\n").expect("the file is ours");
        return;
    }
    assert_eq!(printed, known, "new messages: POSTERN_WRITE_DOCUMENTS=1");
}

#[test]
fn every_message_is_read_as_it_was_printed() {
    for message in samples::all() {
        let read = (message.read)(&message.text);
        assert_eq!(read, Ok(message.text.clone()), "{}", message.kind);
    }
}

#[test]
fn every_command_is_among_the_messages() {
    let named: BTreeSet<String> = include_str!("../dispatch.rs")
        .lines()
        .filter_map(|line| line.trim().split_once("::NAME => "))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert!(named.len() > 20, "{named:?}");
    let messages = samples::all();
    let of = |is_answer: bool| -> BTreeSet<&str> {
        let kinds = messages.iter().map(|message| message.kind.as_str());
        kinds
            .filter(|kind| crate::dispatch::command::<crate::testing::Sqlite>(word(kind)).is_some())
            .filter(|kind| kind.ends_with('=') == is_answer)
            .map(word)
            .collect()
    };
    assert_eq!(of(false).len(), named.len(), "{named:?}");
    assert_eq!(of(true), of(false), "each command has an answer");
}

fn word(kind: &str) -> &str {
    kind.split(' ').next().unwrap_or_default()
}

/// Members that are read whatever is in them: who asked and the event decide nothing, and changes have any names.
const OPEN: [&str; 3] = ["origin", "event", "changes"];

#[test]
fn a_member_that_is_not_known_is_refused_wherever_it_stands() {
    let mut tried = 0;
    for message in samples::all() {
        let value: Value = serde_json::from_str(&message.text).expect("JSON");
        for place in objects(&value) {
            let mut later = value.clone();
            let object = later.pointer_mut(&place).expect("an object");
            object["later"] = true.into();
            let unit = object.get("level") == Some(&"organization".into())
                || object.get("effect") == Some(&"insert_run".into());
            let read = (message.read)(&later.to_string());
            // A level or an effect without members of its own has none that a later release could give it: that would
            // be another level.
            match unit {
                true => assert_eq!(read, Ok(message.text.clone()), "{later}"),
                false => {
                    let why = read.expect_err(&format!("{} with {place}/later", message.kind));
                    // Beside a variant that is a word, JSON itself has no place for another member.
                    let is_refused = ["unknown field `later`", "expected value"];
                    let is_refused = is_refused.iter().any(|told| why.contains(told));
                    assert!(is_refused, "{later}: {why}");
                }
            }
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

/// Where the objects of a value are that are not open.
fn objects(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match value {
        Value::Object(members) => {
            // One variant of an enum; the value of this one may be a variant without members.
            let is_variant = members.len() == 1
                && members
                    .iter()
                    .all(|(name, value)| value.is_object() || name == "expiry_refused");
            if !is_variant {
                found.push(String::new());
            }
            for (name, member) in members {
                if !OPEN.contains(&name.as_str()) {
                    found.extend(
                        objects(member)
                            .iter()
                            .map(|below| format!("/{name}{below}")),
                    );
                }
            }
        }
        Value::Array(parts) => {
            for (index, part) in parts.iter().enumerate() {
                found.extend(objects(part).iter().map(|below| format!("/{index}{below}")));
            }
        }
        _ => {}
    }
    found
}

/// What a gateway makes of an answer of a later release.
#[test]
fn a_later_answer_is_no_answer() {
    let read = |body: &str| Reply {
        status: 200,
        body: body.to_owned(),
    };
    let rows = [
        (
            read(r#""only_until_noon""#).read::<MintAnswer>().map(drop),
            "unknown variant `only_until_noon`",
        ),
        (
            read(r#""paused""#).read::<LeakAnswer>().map(drop),
            "unknown variant `paused`",
        ),
        (
            read(r#"{"liveness":"live","only_from":"192.0.2.1"}"#)
                .read_unless_usual::<Admission>()
                .map(drop),
            "unknown field `only_from`",
        ),
        (
            read(r#"{"liveness":"paused"}"#)
                .read_unless_usual::<Admission>()
                .map(drop),
            "unknown variant `paused`",
        ),
        (
            read(r#"{"revoked":{}}"#).read::<RevokeAnswer>().map(drop),
            "missing field `at`",
        ),
    ];
    for (read, because) in rows {
        let Err(Unanswered::Failed(cause)) = read else {
            panic!("{because}: {read:?}");
        };
        assert!(cause.contains(because), "{cause}");
        let ours = format!("of release {}", env!("CARGO_PKG_VERSION"));
        assert!(cause.contains(&ours), "{cause}");
    }
}

/// What a gateway says of a Ledger that does not know what it sends.
#[test]
fn a_ledger_that_does_not_understand_says_of_which_release_it_is() {
    let ours = env!("CARGO_PKG_VERSION");
    let theirs = r#"{"release":"0.0.9","cause":"no command `later`"}"#;
    let reply = |status, body: &str| Reply {
        status,
        body: body.to_owned(),
    };
    let rows = [
        (
            Reply::unknown("later"),
            format!("release {ours}"),
            "no command `later`",
        ),
        (
            reply(404, theirs),
            "release 0.0.9".to_owned(),
            "no command `later`",
        ),
        (
            Reply::misread(Misread::Unknown),
            format!("release {ours}"),
            "no such question",
        ),
        (
            Reply::misread(Misread::Malformed),
            format!("release {ours}"),
            "a part of a question that it cannot read",
        ),
        // As 0.1.0 answers.
        (
            reply(404, "unknown"),
            "another release".to_owned(),
            "status 404",
        ),
        (
            reply(400, "not a call to a Ledger"),
            "another release".to_owned(),
            "status 400",
        ),
    ];
    for (reply, release, cause) in rows {
        let expected = format!(
            "a Ledger of {release} does not understand this gateway, which is of release {ours}: {cause}"
        );
        let expected = match reply.status {
            404 => Unanswered::NotKnown(expected),
            _ => Unanswered::Failed(expected),
        };
        assert_eq!(reply.read::<()>(), Err(expected));
    }
}
