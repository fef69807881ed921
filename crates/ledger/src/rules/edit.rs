//! An edit: what it may change, that it is final when it answers, and the calls that a limit gives (R53).

use postern_domain::conditions::{AddressRange, Conditions};
use postern_domain::edit::{TokenEdit, Widens};
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::name::TokenName;
use postern_domain::standing::{Actor, Inactive};
use postern_domain::token::TokenFacts;

use super::leases::{fire, is_final, renew, revoke, three};
use crate::testing::*;
use crate::{
    AdmitQuery, Done, EditAnswer, EditCommand, GivenCalls, LeakCommand, Ledger, Liveness,
    RotateAnswer, Stop,
};

pub(super) fn edit(id: u128, edit: TokenEdit) -> EditCommand {
    EditCommand {
        token: Id::from_u128(id),
        edit,
        description: None,
        requester: requester(),
    }
}

pub(super) fn calls(calls: u32) -> TokenEdit {
    TokenEdit {
        calls_per_minute: Some(calls),
        ..TokenEdit::default()
    }
}

pub(super) fn named(name: &str) -> TokenEdit {
    TokenEdit {
        name: Some(TokenName::parse(name).expect("a name")),
        ..TokenEdit::default()
    }
}

/// The facts after an edit.
pub(super) fn edited(ledger: &mut Ledger<Sqlite>, ms: i64, command: EditCommand) -> TokenFacts {
    match tell(ledger, ms, command).map(given) {
        Ok(EditAnswer::Edited { facts, .. }) => *facts,
        other => panic!("{other:?}"),
    }
}

fn refused(ledger: &mut Ledger<Sqlite>, ms: i64, command: EditCommand) -> EditAnswer {
    tell(ledger, ms, command).map(given).expect("an answer")
}

/// What an isolate is told that knows facts of this revision.
pub(super) fn told(
    ledger: &mut Ledger<Sqlite>,
    ms: i64,
    id: u128,
    revision: u32,
) -> Option<TokenFacts> {
    let query = AdmitQuery {
        revision,
        ..plain(id)
    };
    let admission = ledger.admit(at(ms), query).expect("an answer");
    assert_eq!(admission.liveness, Liveness::Live);
    admission.facts
}

fn give(ledger: &mut Ledger<Sqlite>, ms: i64, id: u128, claims: bool) -> Option<GivenCalls> {
    let query = AdmitQuery {
        calls: true,
        revision: 1,
        claim: claims.then(|| claim(9, None)),
        ..plain(id)
    };
    ledger.admit(at(ms), query).expect("an answer").calls
}

#[test]
fn r53_an_edit_is_final_when_it_answers() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    renew(&mut ledger, claim(9, None));
    let Ok(Done::WhenFinal(version, _)) = tell(&mut ledger, 10, edit(1, calls(60))) else {
        panic!("a lease is out");
    };
    assert!(!is_final(&mut ledger, version));
    fire(&mut ledger);
    assert!(is_final(&mut ledger, version));
}

#[test]
fn r53_a_holder_is_told_that_a_token_was_edited_and_acknowledges_it() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let before = renew(&mut ledger, claim(9, None));
    let Ok(Done::WhenFinal(version, _)) = tell(&mut ledger, 10, edit(2, calls(60))) else {
        panic!("a lease is out");
    };
    let news = renew(&mut ledger, claim(9, Some(before.version)));
    assert_eq!(news.changed, Some(vec![Id::from_u128(2)]));
    assert!(!is_final(&mut ledger, version), "told is not applied");
    renew(&mut ledger, claim(9, Some(news.version)));
    assert!(is_final(&mut ledger, version));
}

#[test]
fn r53_an_edit_that_changes_nothing_waits_for_the_one_before_it() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    renew(&mut ledger, claim(9, None));
    let first = tell(&mut ledger, 10, edit(1, calls(60)));
    let again = tell(&mut ledger, 10, edit(1, calls(60)));
    let (Ok(Done::WhenFinal(first, _)), Ok(Done::WhenFinal(again, answer))) = (first, again) else {
        panic!("a lease is out");
    };
    assert_eq!(first, again);
    let EditAnswer::Edited { facts, .. } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(facts.revision, 1, "once");
}

#[test]
fn r53_who_knows_another_revision_is_told_the_facts() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    assert_eq!(told(&mut ledger, 5, 1, 0), None);
    let facts = edited(&mut ledger, 10, edit(1, calls(60)));
    assert_eq!(told(&mut ledger, 11, 1, 0), Some(facts.clone()));
    assert_eq!(told(&mut ledger, 11, 1, 1), None);
    // Also where another release has counted on.
    assert_eq!(told(&mut ledger, 11, 1, 2), Some(facts.clone()));
    // And by the next instance, from what is stored.
    assert_eq!(told(&mut open(&sql), 12, 1, 0), Some(facts));
    assert_eq!(told(&mut open(&sql), 12, 1, 1), None);
}

#[test]
fn r53_what_an_edit_is_refused_for_changes_nothing() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    edited(&mut ledger, 10, edit(1, calls(60)));
    let own = told(&mut ledger, 11, 1, 0);
    let widens = |what| EditAnswer::Widens { what };
    let from = TokenEdit {
        address_ranges: Some(vec![AddressRange::parse("10.0.0.0/8").expect("a range")]),
        calls_per_minute: Some(61),
        ..TokenEdit::default()
    };
    let rows = [
        (edit(1, calls(61)), widens(Widens::CallsPerMinute)),
        (edit(1, from), widens(Widens::CallsPerMinute)),
        (edit(1, named("t2")), EditAnswer::NameTaken),
        (edit(77, calls(1)), EditAnswer::Unknown),
    ];
    for (command, expected) in rows {
        let before = sql.number("select count(*) from outbox");
        assert_eq!(
            refused(&mut ledger, 12, command.clone()),
            expected,
            "{command:?}"
        );
        assert_eq!(sql.number("select count(*) from outbox"), before);
    }
    assert_eq!(told(&mut ledger, 13, 1, 0), own);
}

#[test]
fn r53_a_token_that_has_ended_is_not_edited() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    tell(&mut ledger, 10, revoke(1))
        .map(given)
        .expect("revoked");
    let soon = TokenEdit {
        expires_at: Some(at(2_000)),
        ..TokenEdit::default()
    };
    edited(&mut ledger, 10, edit(2, soon));
    for (id, ms) in [(1, 11), (2, 2_000)] {
        let answer = refused(&mut ledger, ms, edit(id, calls(5)));
        assert_eq!(answer, EditAnswer::NotLive, "{id}");
    }
    // One in quarantine may be released, and is narrower then.
    let leak = LeakCommand {
        token: Id::from_u128(3),
        on_leak: OnLeak::Quarantine,
        requester: requester(),
    };
    tell(&mut ledger, 10, leak).map(given).expect("quarantined");
    assert_eq!(edited(&mut ledger, 11, edit(3, calls(5))).revision, 1);
}

#[test]
fn r53_an_earlier_end_counts_at_once() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let soon = TokenEdit {
        expires_at: Some(at(20_000)),
        ..TokenEdit::default()
    };
    let actor = Actor::Token(Id::from_u128(1));
    edited(&mut ledger, 10, edit(1, soon));
    // The Ledger goes by it for actors, beyond the leeway of a JWT.
    let late = 20_000 + LEEWAY_MS;
    let done = tell_for(&mut ledger, late, actor, edit(2, calls(5)));
    assert_eq!(done.err(), Some(Stop::Inactive(Inactive::Expired)));
}

#[test]
fn r53_a_name_is_free_again_after_a_rename() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let facts = edited(&mut ledger, 10, edit(1, named("other")));
    assert_eq!(facts.name.as_str(), "other");
    assert_eq!(
        edited(&mut ledger, 11, edit(2, named("t1"))).name.as_str(),
        "t1"
    );
    // Its own name is no other token's.
    assert_eq!(edited(&mut ledger, 12, edit(2, named("t1"))).revision, 1);
}

#[test]
fn r53_a_description_is_no_fact() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    for (given_text, expected) in [("of the release", Some("of the release")), ("", None)] {
        let command = EditCommand {
            description: Some(given_text.to_owned()),
            ..edit(1, TokenEdit::default())
        };
        match tell(&mut ledger, 10, command).map(given) {
            Ok(EditAnswer::Edited {
                facts, description, ..
            }) => {
                assert_eq!(description.as_deref(), expected);
                assert_eq!(facts.revision, 0);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn r53_a_successor_of_what_was_edited_meanwhile_is_none() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let begin = |ledger: &mut Ledger<Sqlite>, ms, revision| {
        let mut command = rotate(1, mint(40 + u128::from(revision), "t1", ms), ms);
        command.old_revision = revision;
        tell(ledger, ms, command)
    };
    // While its row was on the way to D1.
    let waiting = waits(begin(&mut ledger, 10, 0));
    edited(&mut ledger, 11, edit(1, calls(60)));
    let ended = arrived(&mut ledger, 12, waiting, None);
    assert_eq!(ended, RotateAnswer::NotLive);
    assert_eq!(liveness(&mut ledger, 13, 40), Liveness::Revoked);
    // Before it began.
    let begun = begin(&mut ledger, 14, 0).map(given);
    assert_eq!(begun, Ok(RotateAnswer::NotLive));
    let waiting = waits(begin(&mut ledger, 15, 1));
    let ended = arrived(&mut ledger, 16, waiting, None);
    assert!(matches!(ended, RotateAnswer::Rotated { .. }), "{ended:?}");
}

#[test]
fn r53_calls_are_given_of_tokens_with_a_limit() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    edited(&mut ledger, 10, edit(1, calls(120)));
    let none = Some(GivenCalls {
        granted: 0,
        wait_seconds: 61,
    });
    let some = |granted| {
        Some(GivenCalls {
            granted,
            wait_seconds: 0,
        })
    };
    assert_eq!(give(&mut ledger, 20, 2, true), None, "it has no limit");
    assert_eq!(give(&mut ledger, 20, 1, true), some(2), "a sixtieth");
    assert_eq!(
        give(&mut ledger, 20, 1, false),
        some(1),
        "of no isolate's copy"
    );
    edited(&mut ledger, 30, edit(1, calls(3)));
    assert_eq!(
        give(&mut ledger, 40, 1, true),
        none,
        "what was given counts"
    );
}

#[test]
fn r53_the_next_instance_counts_on() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    edited(&mut ledger, 10, edit(1, calls(1)));
    assert_eq!(
        give(&mut ledger, 20, 1, false).map(|given| given.granted),
        Some(1)
    );
    // Within the eight seconds after which an idle object keeps its memory.
    let due = ledger.wakes_at().expect("an alarm");
    assert!(due <= at(20 + 8_000));
    ledger.wake(due).expect("a turn");
    let mut next = open(&sql);
    let given = give(&mut next, 9_000, 1, false).expect("an answer");
    assert_eq!((given.granted, given.wait_seconds), (0, 52));
    // And what is over is not kept.
    next.wake(at(70_000)).expect("a turn");
    assert_eq!(sql.number("select count(*) from call_windows"), 0);
}

#[test]
fn r53_a_rotation_begins_no_new_minute() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    let limit = Conditions::new(Vec::new(), Some(2));
    let limit = limit.expect("good").map(Box::new);
    let limited = |id, name, now| {
        let mut command = mint(id, name, now);
        command.facts.conditions = limit.clone();
        command
    };
    let calls_of = |ledger: &mut Ledger<Sqlite>, ms, id| {
        let query = AdmitQuery {
            calls: true,
            ..plain(id)
        };
        let told = ledger.admit(at(ms), query).expect("an answer").calls;
        told.map(|calls| (calls.granted, calls.wait_seconds))
    };
    minted(&mut ledger, 0, limited(1, "t1", 0));
    for ms in [1_000, 2_000] {
        assert_eq!(calls_of(&mut ledger, ms, 1), Some((1, 0)));
    }
    assert_eq!(calls_of(&mut ledger, 2_000, 1), Some((0, 60)));
    let waiting = waits(tell(
        &mut ledger,
        3_000,
        rotate(1, limited(2, "t1", 3_000), 3_000),
    ));
    let rotated = arrived(&mut ledger, 3_000, waiting, None);
    assert!(matches!(rotated, RotateAnswer::Rotated { .. }));
    assert_eq!(calls_of(&mut ledger, 4_000, 2), Some((0, 58)));
    // Also once the object has lost its memory, and the next instance rotates.
    let due = ledger.wakes_at().expect("an alarm");
    ledger.wake(due).expect("a turn");
    let mut next = open(&sql);
    let waiting = waits(tell(
        &mut next,
        12_000,
        rotate(2, limited(3, "t1", 12_000), 12_000),
    ));
    arrived(&mut next, 12_000, waiting, None);
    assert_eq!(calls_of(&mut next, 12_000, 3), Some((0, 50)));
}

#[test]
fn r53_an_expired_or_revoked_token_is_given_no_calls() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let until = TokenEdit {
        expires_at: Some(at(20_000)),
        ..calls(5)
    };
    edited(&mut ledger, 10, edit(1, until));
    assert_eq!(give(&mut ledger, 20_000, 1, false), None);
    edited(&mut ledger, 10, edit(2, calls(5)));
    tell(&mut ledger, 11, revoke(2))
        .map(given)
        .expect("revoked");
    assert_eq!(give(&mut ledger, 12, 2, false), None);
}

#[test]
fn r53_conditions_are_stored_with_the_facts() {
    let sql = Sqlite::new();
    let mut ledger = three(&sql);
    let ranges = vec![AddressRange::parse("10.0.0.0/8").expect("a range")];
    let from = TokenEdit {
        address_ranges: Some(ranges.clone()),
        ..TokenEdit::default()
    };
    edited(&mut ledger, 10, edit(1, from));
    let expected = Conditions::new(ranges, None).expect("good").map(Box::new);
    let stored = told(&mut open(&sql), 11, 1, 0).expect("facts");
    assert_eq!(stored.conditions, expected);
}
