//! Pauses against their schemas.

use super::tests::{documented, expected, members};
use crate::organization::{OrganizationView, pause, resume};
use crate::testing::{self, World, now_or_never, requester};
use postern_domain::caller::Caller;

#[test]
fn r53_pauses_have_exactly_the_documented_members() {
    let world = World::new();
    let (admin, acme) = (Caller::Administrator(None), Some("acme"));
    let meant = || (requester(), false);
    let wrong = pause(&admin, acme, br#"{"?":1}"#, meant(), &world);
    assert_eq!(expected(now_or_never(wrong)), documented("PauseRequest").0);
    let paused = now_or_never(pause(&admin, acme, b"", meant(), &world)).expect("paused");
    let row = crate::organization::OrganizationRecord {
        pause: world.pause.borrow().clone(),
        ..testing::organization()
    };
    let view = serde_json::to_value(OrganizationView::new(row, &testing::config()));
    let view = view.expect("serializes");
    let resumed = now_or_never(resume(&admin, acme, requester(), &world)).expect("resumed");
    for (name, found) in [
        ("Paused", members(&paused)),
        ("Pause", members(&view["pause"])),
        ("Resumed", members(&resumed)),
    ] {
        let (known, required) = documented(name);
        assert_eq!(found, known, "{name}");
        assert_eq!(required, known, "{name}: every member is always there");
    }
}
