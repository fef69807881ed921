//! Searches and the filters of R48: every way to find rows finds the same ones, by the index that is meant.

use super::*;
use postern_domain::beginning::{ids_of_base62, ids_of_text};
use postern_domain::id::{Organization, Token};
use postern_domain::token::base62_id;

/// A search for words.
pub fn words(all: &[&str]) -> Search {
    Search {
        words: all.iter().map(|word| (*word).to_owned()).collect(),
        ..Search::default()
    }
}

pub(super) fn acme() -> OrganizationId {
    Id::from_u128(1)
}

/// Tokens by number: name, description, whether opaque.
const TOKENS: [(&str, Option<&str>, bool); 7] = [
    ("CI release", Some("signs v2.1 (nightly)"), true),
    ("ci-nightly", None, true),
    ("deploy_ci", Some("of the shop's release"), false),
    ("social", Some("not a c.i. token"), true),
    ("Bär 日本", None, false),
    ("precision", Some("release-candidate"), true),
    ("nightly", Some("shop"), false),
];

fn id(number: usize) -> Id<Token> {
    Id::from_u128(0x1111_1111_0000_4000_8000_0000_0000_0000 * (number as u128 + 1))
}

fn stocked() -> Connection {
    let db = query_plans::record();
    let organization = acme().to_string();
    let other = Id::<Organization>::from_u128(2).to_string();
    for (id, name) in [(&organization, "acme"), (&other, "other")] {
        let sql = "insert into organizations (id, name, created_at) values (?, ?, 0)";
        db.execute(sql, (id, name)).expect("an organization");
    }
    let sql = "insert into tokens (id, organization_id, name, description, format, pepper, hash, policies, \
               is_system, created_at, created_by) values (?, ?, ?, ?, ?, ?, ?, '[]', 0, ?, 'session:u1')";
    for (number, (name, description, opaque)) in TOKENS.into_iter().enumerate() {
        let (format, hash) = if opaque {
            ("opaque", Some("h"))
        } else {
            ("jwt", None)
        };
        let at = NOW - number as i64;
        let values = (
            id(number).to_string(),
            &organization,
            name,
            description,
            format,
            hash,
            hash,
            at,
        );
        db.execute(sql, values).expect("a token");
    }
    let foreign = Id::<Token>::from_u128(5).to_string();
    let values = (
        foreign,
        &other,
        "ci release nightly",
        None::<&str>,
        "jwt",
        None::<&str>,
        None::<&str>,
        NOW,
    );
    db.execute(sql, values)
        .expect("a token of another organization");
    db
}

/// The numbers of the tokens of a page, in its order.
fn found(
    db: &Connection,
    filter: &TokenFilter,
    asked: &Page,
    way: &Way,
    end: Option<&Cursor>,
) -> Vec<usize> {
    let (sql, values) = page(acme(), filter, asked, way, end).expect("a statement");
    let mut statement = db.prepare(&sql).expect("a statement");
    let rows = statement
        .query_map(params_from_iter(values), |row| row.get::<_, String>("id"))
        .expect("rows");
    let number = |text: String| (0..TOKENS.len()).find(|number| id(*number).to_string() == text);
    rows.map(|text| number(text.expect("an id")).expect("a token of ours"))
        .collect()
}

#[test]
fn r48_a_search_finds_the_same_by_every_way() {
    let db = stocked();
    let rows: [(&[&str], &[usize]); 14] = [
        (&["ci"], &[0, 1, 2]),
        (&["c"], &[0, 1, 2, 3, 5]),
        (&["ci", "nightly"], &[0, 1]),
        (&["night"], &[0, 1, 6]),
        (&["rel", "ci"], &[0, 2]),
        (&["v2", "1"], &[0]),
        (&["shop"], &[2, 6]),
        (&["s"], &[0, 2, 3, 6]),
        (&["bär"], &[4]),
        (&["日"], &[4]),
        (&["本"], &[]),
        (&["u1"], &[0, 1, 2, 3, 4, 5, 6]),
        (&["ession"], &[]),
        (&["release", "nothing"], &[]),
    ];
    for (asked, expected) in rows {
        let filter = TokenFilter {
            search: Some(words(asked)),
            ..filter()
        };
        let mut ways = vec![Way::Index("tokens_by_age")];
        ways.extend(asked.iter().map(|word| Way::Word((*word).to_owned())));
        for way in ways {
            let all = found(&db, &filter, &first(100), &way, None);
            assert_eq!(all, expected, "{asked:?} by {way:?}");
            // Page by page.
            let mut pages = Vec::new();
            let mut after = None;
            loop {
                let page = found(&db, &filter, &Page { limit: 1, after }, &way, None);
                let Some(last) = page.last() else { break };
                after = Some(Cursor {
                    at: Timestamp::from_millis(NOW - *last as i64),
                    id: id(*last).to_string(),
                });
                pages.extend(page);
            }
            assert_eq!(pages, expected, "{asked:?} by {way:?}");
        }
    }
}

#[test]
fn r48_a_beginning_of_an_id_finds_its_token() {
    let db = stocked();
    let own = |format: Format, number: usize| {
        let (opaque, text) = (base62_id(id(number)), id(number).to_string());
        match format {
            Format::Opaque => ids_of_base62(opaque.get(..6).expect("digits")).expect("ids"),
            Format::Jwt => ids_of_text(text.get(..8).expect("digits")).expect("ids"),
        }
    };
    for (number, (_, _, opaque)) in TOKENS.into_iter().enumerate() {
        for (format, shown) in [(Format::Opaque, opaque), (Format::Jwt, !opaque)] {
            let (first_id, last_id) = own(format, number);
            let range = IdRange {
                first: first_id,
                last: last_id,
                format: Some(format),
            };
            let filter = TokenFilter {
                search: Some(Search {
                    ids: vec![range],
                    ..Search::default()
                }),
                ..filter()
            };
            let expected: Vec<usize> = Some(number).filter(|_| shown).into_iter().collect();
            assert_eq!(found(&db, &filter, &first(9), &Way::Ids, None), expected);
        }
        // A whole id, and one of another organization.
        for (id, expected) in [(id(number), vec![number]), (Id::from_u128(5), vec![])] {
            let filter = TokenFilter {
                search: Some(Search::one(id)),
                ..filter()
            };
            assert_eq!(found(&db, &filter, &first(9), &Way::Ids, None), expected);
        }
    }
}

#[test]
fn r48_a_word_and_an_id_are_found_by_their_keys() {
    let db = query_plans::record();
    let plan = |filter: &TokenFilter, way: &Way| {
        let (sql, values) = page(acme(), filter, &first(101), way, None).expect("a statement");
        query_plans::plan(&db, &sql, params_from_iter(values)).join("; ")
    };
    for mut filter in filters() {
        filter.search = Some(words(&["ci", "nightly"]));
        let by_word = plan(&filter, &Way::Word("ci".to_owned()));
        assert!(
            by_word.contains("SEARCH t USING INDEX sqlite_autoindex_tokens_1 (id=?)"),
            "{by_word}"
        );
        let key = "SEARCH token_words USING PRIMARY KEY (organization_id=? AND word>? AND word<?)";
        assert!(by_word.contains(key), "{by_word}");
        let (first_id, last_id) = ids_of_base62("1613").expect("ids");
        filter.search = Some(Search {
            ids: vec![IdRange {
                first: first_id,
                last: last_id,
                format: Some(Format::Opaque),
            }],
            ..Search::default()
        });
        let by_id = plan(&filter, &Way::Ids);
        assert!(
            by_id.contains("sqlite_autoindex_tokens_1 (id>? AND id<?)"),
            "{by_id}"
        );
    }
}

#[test]
fn r48_filters_show_what_they_say_and_stop_where_they_are_told_to() {
    let db = stocked();
    // By number: expires, last used, quarantined.
    let rows = [
        (Some(NOW + 50), None, None),
        (None, Some(NOW - 100), None),
        (Some(NOW + 20), Some(NOW + 9), Some(NOW)),
        (Some(NOW - 1), None, None),
        (None, None, Some(NOW)),
        (Some(NOW + 20), Some(NOW), None),
        (Some(NOW + 90), None, None),
    ];
    for (number, (expires, used, quarantined)) in rows.into_iter().enumerate() {
        let sql =
            "update tokens set expires_at = ?, last_used_at = ?, quarantined_at = ? where id = ?";
        let values = (expires, used, quarantined, id(number).to_string());
        db.execute(sql, values).expect("a change");
    }
    let at = |moment: i64| Some(Timestamp::from_millis(moment));
    let active = TokenFilter {
        status: Status::Active,
        ..filter()
    };
    let expiring = TokenFilter {
        expires_before: at(NOW + 90),
        ..active.clone()
    };
    let rows = [
        (active.clone(), vec![0, 1, 2, 4, 5, 6]),
        // The next to expire first; of two at once the lower id.
        (expiring.clone(), vec![2, 5, 0]),
        (
            TokenFilter {
                never_expires: true,
                ..active.clone()
            },
            vec![1, 4],
        ),
        (
            TokenFilter {
                never_expires: true,
                ..filter()
            },
            vec![1, 4],
        ),
        (
            TokenFilter {
                quarantined: true,
                ..active.clone()
            },
            vec![2, 4],
        ),
        (
            TokenFilter {
                unused_since: at(NOW),
                ..active.clone()
            },
            vec![1, 4, 6],
        ),
        (
            TokenFilter {
                unused_since: at(NOW + 1),
                ..active.clone()
            },
            vec![0, 1, 4, 5, 6],
        ),
        (
            TokenFilter {
                created_after: at(NOW - 2),
                ..active.clone()
            },
            vec![0, 1],
        ),
        (
            TokenFilter {
                search: Some(words(&["ci"])),
                ..expiring.clone()
            },
            vec![2, 0],
        ),
    ];
    for (filter, expected) in rows {
        let way = Way::Index(index(&filter));
        assert_eq!(
            found(&db, &filter, &first(9), &way, None),
            expected,
            "{filter:?}"
        );
    }
    // Each list stops at its floor, that place with it, and goes on behind it.
    for (filter, place, before, behind) in [
        (
            active,
            Cursor {
                at: Timestamp::from_millis(NOW - 2),
                id: id(2).to_string(),
            },
            vec![0, 1, 2],
            vec![4, 5, 6],
        ),
        (
            expiring,
            Cursor {
                at: Timestamp::from_millis(NOW + 20),
                id: id(2).to_string(),
            },
            vec![2],
            vec![5, 0],
        ),
    ] {
        let way = Way::Index(index(&filter));
        assert_eq!(found(&db, &filter, &first(9), &way, Some(&place)), before);
        let rest = Page {
            limit: 9,
            after: Some(place),
        };
        assert_eq!(found(&db, &filter, &rest, &way, None), behind);
    }
}
