//! Tokens that are in use before anybody has told what their calls came to (R13).

use postern_domain::id::Id;

use crate::tallies::IN_USE_MS;
use crate::testing::*;
use crate::{AdmitQuery, Ledger, RevokeManyAnswer, Selector, SweepCommand};

const DAY_MS: i64 = 86_400_000;
const WHEN: i64 = 20_000 * DAY_MS;

#[test]
fn r13_a_token_whose_first_call_is_yet_to_be_told_is_neither_idle_nor_never_used() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    for id in [1, 2] {
        minted(&mut ledger, WHEN, mint(id, &format!("t{id}"), 0));
    }
    let later = WHEN + 3 * DAY_MS;
    // An isolate asks about one for a call, and somebody looks at the other.
    for (token, claim) in [(1, Some(claim(9, None))), (2, None)] {
        let query = AdmitQuery {
            claim,
            ..AdmitQuery::look(Id::from_u128(token))
        };
        ledger.admit(at(later), query).expect("it lives");
    }
    let never = || {
        let mut command = revoke_many(Selector {
            never_used: true,
            ..Selector::default()
        });
        command.dry_run = true;
        command
    };
    let found = |ledger: &mut Ledger<Sqlite>, now: i64| {
        let RevokeManyAnswer::Done { tokens, .. } =
            given(tell(ledger, now, never()).expect("done"))
        else {
            panic!("they are few")
        };
        let ids: Vec<u128> = tokens.iter().map(|id| id.as_u128()).collect();
        ids
    };
    assert_eq!(found(&mut ledger, later), [2]);
    assert_eq!(found(&mut ledger, later + IN_USE_MS - 1), [2]);
    assert_eq!(
        found(&mut ledger, later + IN_USE_MS),
        [1, 2],
        "it never was used"
    );
    let sweep = SweepCommand {
        max_idle_days: 1,
        requester: requester(),
    };
    let swept = given(tell(&mut ledger, later + 1, sweep).expect("done")).tokens;
    assert_eq!(swept, [Id::from_u128(2)]);
}
