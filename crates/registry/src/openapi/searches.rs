//! Searches, overviews and selections against their schemas.

use std::collections::BTreeSet;

use serde_json::Value;

use super::DOCUMENT;
use super::tests::{documented, expected, members, record};
use crate::testing::{World, config, now_or_never, requester};
use crate::tokens::{self, SelectedToken};
use postern_domain::caller::Caller;
use postern_domain::id::Id;

#[test]
fn r48_searches_and_figures_have_exactly_the_documented_members() {
    let (world, config) = (World::new(), config());
    let (admin, acme) = (Caller::Administrator(None), Some("acme"));
    let found = tokens::search(&admin, acme, br#"{"text":"ci"}"#, &config, &world);
    let found = now_or_never(found).expect("searches");
    let overview = now_or_never(tokens::overview(&admin, acme, &config, &world));
    let overview = serde_json::to_value(overview.expect("counts")).expect("serializes");
    world.bulk_found.replace(vec![Id::from_u128(7)]);
    world.selected.replace(Some(vec![SelectedToken {
        record: record(),
        recent_uses: 0,
    }]));
    let body = br#"{"never_used":true}"#;
    let revoked = now_or_never(tokens::revoke_many(&admin, acme, body, requester(), &world));
    let revoked = serde_json::to_value(revoked.expect("revokes")).expect("serializes");
    let rows = [
        ("TokenSearch", members(&found)),
        ("Overview", members(&overview)),
        ("TokenTotals", members(&overview["tokens"])),
        ("MintHour", members(&overview["mints_by_hour"][0])),
        ("SelectedToken", members(&revoked["tokens"][0])),
        ("ProjectCount", members(&revoked["projects"][0])),
    ];
    for (name, found) in rows {
        let (known, required) = documented(name);
        assert_eq!(found, known, "{name}");
        assert_eq!(required, known, "{name}: every member is always there");
    }
}

#[test]
fn r48_a_search_may_have_exactly_the_documented_members_which_are_those_of_the_list() {
    let (world, config) = (World::new(), config());
    let admin = Caller::Administrator(None);
    let refused = tokens::search(&admin, Some("acme"), br#"{"?":1}"#, &config, &world);
    let known = documented("SearchRequest").0;
    assert_eq!(expected(now_or_never(refused)), known);
    let document: Value = serde_json::from_str(DOCUMENT).expect("the document is JSON");
    let parameters = document["paths"]["/org/tokens"]["get"]["parameters"].clone();
    let parameters = parameters.as_array().expect("parameters").iter();
    let mut names: BTreeSet<String> = parameters
        .filter_map(|one| one["name"].as_str().map(str::to_owned))
        .chain(["limit", "cursor", "text"].map(str::to_owned))
        .collect();
    names.remove("q");
    assert_eq!(known, names);
}
