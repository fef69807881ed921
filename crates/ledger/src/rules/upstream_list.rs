//! Which upstream credentials are set (R42).

use postern_domain::id::Id;
use postern_domain::upstream::{Credential, Reach};

use crate::testing::*;
use crate::{
    ClearUpstreamCommand, Ledger, ListUpstreamsCommand, SetUpstreamAnswer, SetUpstreamCommand,
};

fn set(ledger: &mut Ledger<Sqlite>, now: i64, id: u128, project: &str, workflow: &str) {
    let credential = Credential::parse(format!("text-{id}")).expect("good");
    let command = SetUpstreamCommand {
        organization: Id::from_u128(1),
        reach: Reach::of(Some(project), Some(workflow)),
        id: Id::from_u128(id),
        sealed: "sealed".to_owned(),
        digest: credential.digest(),
        keep_ms: 1_000,
        set_by: "admin-token".to_owned(),
        requester: requester(),
    };
    let told = answer(tell(ledger, now, command));
    assert!(matches!(told, SetUpstreamAnswer::Set(_)));
}

/// What is listed, each with whether one is kept that it replaced.
fn listed(ledger: &mut Ledger<Sqlite>, now: i64) -> Vec<(String, bool)> {
    let states = answer(tell(ledger, now, ListUpstreamsCommand {}));
    let told = states
        .iter()
        .map(|state| (state.reach.to_string(), state.replaced.is_some()));
    told.collect()
}

#[test]
fn r42_all_that_are_set_are_listed_once() {
    let sql = Sqlite::new();
    let mut ledger = open(&sql);
    assert_eq!(listed(&mut ledger, 0), []);
    assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
    set(&mut ledger, 0, 1, "shop", "release");
    set(&mut ledger, 1, 2, "shop", "");
    set(&mut ledger, 2, 3, "", "");
    set(&mut ledger, 3, 4, "blog", "");
    set(&mut ledger, 4, 5, "shop", "");
    let told = |is_kept| {
        [
            ("organization".to_owned(), false),
            ("project:blog".to_owned(), false),
            ("project:shop".to_owned(), is_kept),
            ("workflow:shop/release".to_owned(), false),
        ]
    };
    assert_eq!(listed(&mut ledger, 5), told(true));
    assert_eq!(listed(&mut ledger, 1_004), told(false));
    let clear = ClearUpstreamCommand {
        organization: Id::from_u128(1),
        reach: Reach::of(Some("blog"), None),
        requester: requester(),
    };
    answer(tell(&mut ledger, 6, clear));
    let left = listed(&mut ledger, 7);
    assert_eq!(left.len(), 3, "{left:?}");
}
