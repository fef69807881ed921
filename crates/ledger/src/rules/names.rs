//! Names of tokens (R8), and the name of the organization.

use postern_domain::id::Id;
use postern_domain::standing::Actor;

use crate::testing::*;
use crate::{
    Addressed, KeptQuery, MintAnswer, MintCommand, RevokeAnswer, RevokeCommand, RotateAnswer, Stop,
};

fn revoke(id: u128) -> RevokeCommand {
    RevokeCommand {
        token: Id::from_u128(id),
        requester: requester(),
        respond_async: false,
    }
}

#[test]
fn r8_a_name_is_taken_in_its_place_while_its_token_is_active() {
    let expiring = MintCommand {
        facts: postern_domain::token::TokenFacts {
            expires_at: Some(at(5_000)),
            ..mint(4, "short", 0).facts
        },
        ..mint(4, "short", 0)
    };
    let in_shop = |id| {
        let mut command = mint(id, "ci", 0);
        command.facts.scope = shop();
        command
    };
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    // The moment, the order and what comes of it.
    let rows = [
        (0, mint(1, "ci", 0), MintAnswer::Minted),
        (0, mint(2, "ci", 0), MintAnswer::NameTaken),
        (0, in_shop(3), MintAnswer::Minted),
        (0, in_shop(9), MintAnswer::NameTaken),
        (0, expiring, MintAnswer::Minted),
        (4_999, mint(5, "short", 0), MintAnswer::NameTaken),
        (5_000, mint(6, "short", 0), MintAnswer::Minted),
        (0, mint(7, "caf\u{e9}", 0), MintAnswer::Minted),
        (0, mint(8, "cafe\u{301}\u{200b}", 0), MintAnswer::NameTaken),
    ];
    for (now, command, expected) in rows {
        let name = command.facts.name.clone();
        let found = minted(&mut ledger, now, command);
        assert_eq!(found, expected, "{name:?} at {now}");
    }
    let revoked = answer(tell(&mut ledger, 10, revoke(1)));
    assert_eq!(
        revoked,
        RevokeAnswer::Revoked {
            at: at(10),
            final_in_ms: 0
        }
    );
    assert_eq!(
        minted(&mut ledger, 11, mint(2, "ci", 0)),
        MintAnswer::Minted
    );
}

#[test]
fn r8_r9_a_successor_may_take_its_predecessors_name() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "ci", 0));
    minted(&mut ledger, 0, mint(2, "deploy", 0));
    let taken = answer(tell(&mut ledger, 0, rotate(1, mint(3, "deploy", 0), 0)));
    assert_eq!(taken, RotateAnswer::NameTaken);
    let waiting = waits(tell(&mut ledger, 0, rotate(1, mint(3, "ci", 0), 9_000)));
    let rotated = arrived(&mut ledger, 1, waiting, None);
    assert_eq!(rotated, RotateAnswer::Rotated { description: None });
    // The old one has given its name up; the new one has it.
    assert_eq!(
        minted(&mut ledger, 2, mint(4, "ci", 0)),
        MintAnswer::NameTaken
    );
}

#[test]
fn r8_names_of_an_earlier_build_are_compared_too() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, mint(1, "caf\u{e9}", 0));
    let as_given = "update tokens set name = 'cafe\u{301}'";
    sql.connection().execute(as_given, []).expect("an update");
    assert_eq!(
        minted(&mut ledger, 1, mint(2, "caf\u{e9}", 0)),
        MintAnswer::NameTaken
    );
}

#[test]
fn the_first_write_tells_the_organizations_name_for_good() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    assert_eq!(ledger.confirm(Some("other")), Ok(false));
    assert_eq!(ledger.confirm(Some("acme")), Ok(false));
    minted(&mut ledger, 0, mint(1, "ci", 0));
    for mut ledger in [ledger, open(&sql)] {
        assert_eq!(ledger.confirm(Some("acme")), Ok(true));
        assert_eq!(ledger.confirm(None), Ok(true));
        let token = Id::from_u128(1);
        let kept = KeptQuery { after: 0, up_to: 9 };
        assert_eq!(ledger.confirm(Some("other")), Err(Stop::Misdirected));
        assert_eq!(
            ledger.describe(Some("other"), token),
            Err(Stop::Misdirected)
        );
        assert_eq!(
            ledger.kept_events(Some("other"), kept),
            Err(Stop::Misdirected)
        );
        let addressed = Addressed {
            by: Some("other"),
            actor: Actor::NotAToken,
        };
        let refused = ledger.handle(at(1), addressed, revoke(1));
        assert!(matches!(refused, Err(Stop::Misdirected)));
    }
    assert_eq!(liveness(&mut open(&sql), 2, 1), crate::Liveness::Live);
}

#[test]
fn a_ledger_of_an_earlier_release_has_its_name_from_its_first_token() {
    let sql = Sqlite::new();
    minted(&mut open(&sql), 0, mint(1, "ci", 0));
    let back = "drop table organization; drop index tokens_retiring; drop table events; \
                drop table leases; drop table upstreams; drop table upstream_changes; \
                drop table rebuild; drop table rebuild_tokens; drop table trust_rules; \
                drop table policy; \
                drop index tokens_by_rule; drop index tokens_of_rules; \
                drop index tokens_of_rules_by_end; alter table tokens drop column rule; \
                drop table activity_days; drop table refused_calls; drop table pause; \
                drop table tree; drop table tree_tiles; drop table tree_signed; \
                drop table call_windows; \
                update schema set version = 4";
    sql.transact(back);
    let mut ledger = open(&sql);
    assert_eq!(ledger.confirm(Some("acme")), Ok(true));
    assert_eq!(ledger.confirm(Some("other")), Err(Stop::Misdirected));
    assert_eq!(sql.number("select version from schema"), 15);
}

#[test]
fn what_was_only_asked_stores_nothing() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    assert_eq!(liveness(&mut ledger, 0, 1), crate::Liveness::Unknown);
    assert_eq!(ledger.describe(None, Id::from_u128(1)), Ok(None));
    let asked = answer(tell(&mut ledger, 0, revoke(1)));
    assert_eq!(asked, RevokeAnswer::Unknown);
    let refused = tell_for(
        &mut ledger,
        0,
        Actor::Token(Id::from_u128(1)),
        mint(2, "ci", 0),
    );
    assert!(matches!(refused, Err(Stop::Inactive(_))));
    ledger.wake(at(1)).expect("a wake");
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
    assert_eq!(ledger.wakes_at(), None);
}
