//! Where an organization's Ledger is (R52): told by its id, settled before anything else asks it.

use super::*;
use crate::testing::{self, World, now_or_never, requester};
use postern_domain::id::Id;
use postern_domain::time::Timestamp;
use serde_json::{Value, json};

fn made(world: &World, body: &Value) -> Result<Value> {
    let body = body.to_string();
    let config = testing::config();
    let administrator = Caller::Administrator(None);
    let created = create(&administrator, body.as_bytes(), requester(), &config, world);
    now_or_never(created).map(|view| serde_json::to_value(view).expect("JSON"))
}

#[test]
fn r52_the_place_is_settled_first_and_told() {
    for (body, jurisdiction, hint, asked) in [
        (json!({}), Value::Null, Value::Null, None),
        (
            json!({ "jurisdiction": "eu" }),
            json!("eu"),
            Value::Null,
            Some("place eu anywhere"),
        ),
        (
            json!({ "jurisdiction": "fedramp-high", "location_hint": "enam" }),
            json!("fedramp-high"),
            json!("enam"),
            Some("place fedramp-high enam"),
        ),
        (
            json!({ "location_hint": "apac-se" }),
            Value::Null,
            json!("apac-se"),
            Some("place anywhere apac-se"),
        ),
        (
            json!({ "id": "00000000-0000-4000-8000-000000000009", "location_hint": "me" }),
            Value::Null,
            json!("me"),
            Some("place anywhere me"),
        ),
    ] {
        let world = World::new();
        let mut request = json!({ "name": "placed" });
        for (name, value) in body.as_object().expect("an object") {
            request[name] = value.clone();
        }
        let view = made(&world, &request).expect("created");
        assert_eq!(view["jurisdiction"], jurisdiction, "{body}");
        assert_eq!(view["location_hint"], hint, "{body}");
        let id = OrganizationId::parse(view["id"].as_str().expect("an id")).expect("a UUID");
        let told = id.jurisdiction().map(Jurisdiction::word);
        assert_eq!(
            told.map_or(Value::Null, Value::from),
            jurisdiction,
            "{body}"
        );
        let done = world.take_asked();
        let place = done.iter().position(|line| line.starts_with("place "));
        assert_eq!(place.map(|at| done[at].as_str()), asked, "{body}");
        if let Some(at) = place {
            assert_eq!(at, 0, "before the record and the Ledger: {done:?}");
        }
    }
}

#[test]
fn r52_an_id_that_would_tell_another_place_is_refused() {
    let given = "00000000-0000-4000-8000-000000000009";
    for (body, why) in [
        (
            json!({ "name": "placed", "id": given, "jurisdiction": "eu" }),
            "exclude each other",
        ),
        (
            json!({ "name": "placed", "id": "00000000-0000-8001-8000-000000000009" }),
            "version 8",
        ),
        (
            json!({ "name": "placed", "id": "00000000-0000-8fff-8000-000000000009" }),
            "version 8",
        ),
    ] {
        let world = World::new();
        let error = made(&world, &body).expect_err("refused");
        assert_eq!(error.code(), "id_invalid", "{body}");
        assert!(error.public().contains(why), "{body}: {}", error.public());
        assert!(world.take_asked().is_empty(), "{body}");
    }
}

#[test]
fn r52_other_words_are_refused_with_those_that_there_are() {
    for (body, named) in [
        (
            json!({ "name": "placed", "jurisdiction": "moon" }),
            "fedramp-high",
        ),
        (
            json!({ "name": "placed", "jurisdiction": "EU" }),
            "fedramp-high",
        ),
        (
            json!({ "name": "placed", "location_hint": "Paris" }),
            "weur",
        ),
        (json!({ "name": "placed", "location_hint": 7 }), "expected"),
    ] {
        let world = World::new();
        let error = made(&world, &body).expect_err("refused");
        assert_eq!(error.code(), "body_invalid", "{body}");
        assert!(error.public().contains(named), "{body}: {}", error.public());
        assert!(world.take_asked().is_empty(), "{body}");
    }
}

#[test]
fn r52_nothing_is_recorded_where_the_ledger_could_not_be_placed() {
    let world = World::new();
    world.ledger_down.set(true);
    let body = json!({ "name": "placed", "jurisdiction": "us" });
    let error = made(&world, &body).expect_err("refused");
    assert_eq!(error.code(), "unavailable");
    assert_eq!(world.take_asked(), ["place us anywhere"]);
}

#[test]
fn a_view_tells_no_place_where_none_was_chosen() {
    let row = OrganizationRecord {
        id: Id::from_u128(9),
        created_at: Timestamp::from_millis(0),
        ..testing::organization()
    };
    let view = OrganizationView::new(row, &testing::config());
    let view = serde_json::to_value(view).expect("JSON");
    assert_eq!(view["jurisdiction"], Value::Null);
    assert_eq!(view["location_hint"], Value::Null);
}
