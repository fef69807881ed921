//! Room that is held under the limit of active tokens (R27, R43).

use postern_domain::id::Id;

use crate::testing::*;
use crate::{
    LONGEST_RESERVATION_MS, Ledger, MAX_RESERVATIONS, MintAnswer, MintCommand, ReserveAnswer,
    ReserveCommand, RotateAnswer, UnreserveCommand,
};

fn reserve(ledger: &mut Ledger<Sqlite>, now: i64, id: u128, ceiling: u32) -> ReserveAnswer {
    let command = ReserveCommand {
        id: Id::from_u128(id),
        ceiling,
        lasts_ms: 100,
    };
    answer(tell(ledger, now, command))
}

fn order(id: u128, ceiling: u32, reservation: Option<u128>) -> MintCommand {
    MintCommand {
        ceiling,
        reservation: reservation.map(Id::from_u128),
        ..mint(id, &format!("t{id}"), 0)
    }
}

const FULL: ReserveAnswer = ReserveAnswer::CeilingReached { ceiling: 2 };
const NO_ROOM: MintAnswer = MintAnswer::CeilingReached { ceiling: 2 };

#[test]
fn r43_a_reservation_counts_until_it_is_taken_given_back_or_over() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, order(1, 2, None));
    assert_eq!(reserve(&mut ledger, 0, 7, 2), ReserveAnswer::Reserved);
    // It counts for others, and not for its own token.
    assert_eq!(reserve(&mut ledger, 1, 8, 2), FULL);
    assert_eq!(minted(&mut ledger, 1, order(2, 2, None)), NO_ROOM);
    assert_eq!(minted(&mut ledger, 1, order(2, 2, Some(8))), NO_ROOM);
    assert_eq!(
        minted(&mut ledger, 1, order(2, 2, Some(7))),
        MintAnswer::Minted
    );
    // Now the token does, and the reservation no longer.
    assert_eq!(
        minted(&mut ledger, 2, order(3, 3, None)),
        MintAnswer::Minted
    );
    assert_eq!(minted(&mut ledger, 2, order(4, 3, Some(7))).clone(), {
        MintAnswer::CeilingReached { ceiling: 3 }
    });

    assert_eq!(reserve(&mut ledger, 10, 9, 4), ReserveAnswer::Reserved);
    let back = UnreserveCommand {
        id: Id::from_u128(9),
    };
    answer(tell(&mut ledger, 11, back));
    assert_eq!(reserve(&mut ledger, 12, 10, 4), ReserveAnswer::Reserved);
    for (now, expected) in [(111, false), (112, true)] {
        let is_over = reserve(&mut ledger, now, 11, 4) == ReserveAnswer::Reserved;
        assert_eq!(is_over, expected, "{now}");
    }
}

#[test]
fn r43_a_mint_that_is_refused_leaves_its_reservation() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, order(1, 2, None));
    reserve(&mut ledger, 0, 7, 2);
    let mut taken = order(2, 2, Some(7));
    taken.facts.name = mint(1, "t1", 0).facts.name;
    assert_eq!(minted(&mut ledger, 1, taken), MintAnswer::NameTaken);
    assert_eq!(minted(&mut ledger, 1, order(3, 2, None)), NO_ROOM);
    assert_eq!(
        minted(&mut ledger, 1, order(3, 2, Some(7))),
        MintAnswer::Minted
    );
}

#[test]
fn r43_a_lower_limit_refuses_a_mint_with_a_reservation_too() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    minted(&mut ledger, 0, order(1, 2, None));
    reserve(&mut ledger, 0, 7, 2);
    let refused = MintAnswer::CeilingReached { ceiling: 1 };
    assert_eq!(minted(&mut ledger, 1, order(2, 1, Some(7))), refused);
    // A Ledger that was opened again holds no room, and its limit stands.
    drop(ledger);
    let mut ledger = open(&sql);
    assert_eq!(
        minted(&mut ledger, 1, order(3, 2, None)),
        MintAnswer::Minted
    );
    assert_eq!(minted(&mut ledger, 1, order(4, 2, Some(7))), NO_ROOM);
}

#[test]
fn r43_room_that_is_held_is_not_given_to_a_second_overlap() {
    let rows = [(false, true), (true, false)];
    for (is_held, rotates) in rows {
        let sql = Sqlite::new();
        let mut ledger = open(&sql);
        minted(&mut ledger, 0, mint(1, "ci", 0));
        let order = |id| MintCommand {
            ceiling: 2,
            ..mint(id, "ci", 1)
        };
        let first = waits(tell(&mut ledger, 1, rotate(1, order(2), 5_000)));
        arrived(&mut ledger, 1, first, None);
        if is_held {
            assert_eq!(reserve(&mut ledger, 2, 7, 2), ReserveAnswer::Reserved);
        }
        match tell(&mut ledger, 3, rotate(2, order(3), 5_000)) {
            Ok(crate::Done::AfterDelivery(_)) => assert!(rotates),
            other => {
                let full = RotateAnswer::CeilingReached { ceiling: 2 };
                assert_eq!((answer(other), rotates), (full, false));
            }
        }
    }
}

#[test]
fn r43_reservations_are_so_many_and_so_long_and_no_limit_holds_none_back() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    for id in 0..MAX_RESERVATIONS {
        let told = reserve(&mut ledger, 0, id as u128, 0);
        assert_eq!(told, ReserveAnswer::Reserved, "{id}");
    }
    let full = ReserveAnswer::CeilingReached { ceiling: 0 };
    assert_eq!(reserve(&mut ledger, 0, 5_000, 0), full);
    assert_eq!(reserve(&mut ledger, 0, 0, 0), ReserveAnswer::Reserved);
    let long = ReserveCommand {
        id: Id::from_u128(1),
        ceiling: 1,
        lasts_ms: u32::MAX,
    };
    assert_eq!(
        answer(tell(&mut ledger, 100, long)),
        ReserveAnswer::Reserved
    );
    let end = 100 + i64::from(LONGEST_RESERVATION_MS);
    let full = ReserveAnswer::CeilingReached { ceiling: 1 };
    assert_eq!(reserve(&mut ledger, end - 1, 2, 1), full);
    assert_eq!(reserve(&mut ledger, end, 2, 1), ReserveAnswer::Reserved);
    // To ask for room writes nothing.
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
}
