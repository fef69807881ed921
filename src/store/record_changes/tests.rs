//! What the statements of changes make of a record that has other rows already.

use super::*;
use crate::query_plans::record;
use postern_domain::audit::{Action, Event, Link, Requester};
use postern_domain::id::Id;
use postern_domain::time::Timestamp;

fn event(sequence: u64, mac: &str) -> AuditRow {
    let requester: Requester = Requester {
        actor: "admin-token".to_owned(),
        tier: "admin".to_owned(),
        address: None,
        user_agent: None,
        request_id: "r".to_owned(),
    };
    AuditRow {
        event: Event {
            organization_id: Id::from_u128(1),
            sequence,
            at: Timestamp::from_millis(1),
            action: Action::TokenMint,
            token_id: None,
            token_prefix: None,
            requester: requester.noted(),
            replaces: None,
            target: None,
            outcome: None,
            count: None,
            changes: None,
        },
        content: String::new(),
        previous: String::new(),
        link: Link {
            kid: "r1".to_owned(),
            mac: mac.to_owned(),
        },
    }
}

#[test]
fn a_run_of_the_release_before_is_taken_and_leaves_nothing() {
    let db = record();
    // As it stands in that release.
    let insert = "insert into runs \
        (organization_id, id, project, workflow, workflow_id, token_id, created_at) \
        values ('o', 'r', 'shop', 'release', null, 't', 1) \
        on conflict (organization_id, id) do nothing";
    for _ in 0..2 {
        assert_eq!(db.execute(insert, []), Ok(0));
    }
    let rows = db.query_row("select count(*) from runs", [], |row| row.get::<_, i64>(0));
    assert_eq!(rows, Ok(0));
}

#[test]
fn r35_an_event_has_landed_when_d1_shows_its_link() {
    let sent = [event(7, "07"), event(8, "08"), event(9, "09")];
    let sent: Vec<&AuditRow> = sent.iter().collect();
    let not_landed = |rows: &[(u64, &str)]| {
        let landed = |(sequence, link): &(u64, &str)| Landed {
            sequence: *sequence,
            link: (*link).to_owned(),
        };
        let landed: Vec<Landed> = rows.iter().map(landed).collect();
        super::not_landed(&sent, &landed)
    };
    assert_eq!(not_landed(&[(9, "09"), (7, "07"), (8, "08")]), None);
    assert_eq!(not_landed(&[(7, "07"), (8, "ff"), (9, "09")]), Some(8));
    assert_eq!(not_landed(&[(7, "07"), (8, "08")]), Some(9));
    assert_eq!(not_landed(&[]), Some(7));
}
