//! A search by what a body says: which list it asks for, what it tells of a secret, and that it repeats none.

use serde_json::{Value, json};

use super::*;
use crate::testing::{self, World, facts, now_or_never, record, workflow};
use crate::tokens::Status;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;
use postern_domain::token::Verifier;
use postern_wire::opaque::MINT_ENTROPY;

fn key(id: u128) -> String {
    let keys = testing::config().root_keys;
    let key = opaque::mint(TokenId::from_u128(id), &[7; MINT_ENTROPY], &keys);
    key.expect("entropy").expose().to_owned()
}

/// The answer, and the filter of the list that was asked for.
fn searched(world: &World, caller: &Caller, body: &Value) -> Result<(Value, Option<TokenFilter>)> {
    world.listed.replace(None);
    let body = body.to_string();
    let config = testing::config();
    let found = search(caller, Some("acme"), body.as_bytes(), &config, world);
    let found = now_or_never(found)?;
    let answer = serde_json::to_value(&found).expect("serializes");
    Ok((answer, world.listed.take()))
}

use crate::tokens::TokenFilter;

#[test]
fn r48_a_search_takes_the_filters_of_the_list() {
    let world = World::new();
    let body = json!({
        "text": "Nightly ci", "status": "revoked", "scope": "project", "project": "shop",
        "minted_by": TokenId::from_u128(9), "include_system": true, "uses_days": 7.0,
        "never_expires": true, "unused_since": "2026-01-01T00:00:00Z", "quarantined": true,
        "created_after": "2025-01-01T00:00:00Z", "limit": 3,
    });
    let (answer, asked) = searched(&world, &Caller::Administrator(None), &body).expect("answers");
    assert_eq!(answer["found_by"], "words");
    assert_eq!(answer["genuine"], Value::Null);
    assert_eq!(
        (&answer["tokens"], &answer["searched_all"]),
        (&json!([]), &json!(true))
    );
    let asked = asked.expect("a list");
    let search = asked.search.clone().expect("a search");
    assert_eq!(search.words, ["ci", "nightly"]);
    assert_eq!(asked.status, Status::Revoked);
    assert_eq!(asked.project, Some(testing::project().id));
    assert_eq!(asked.minted_by, Some(TokenId::from_u128(9)));
    assert!(asked.include_system && asked.never_expires && asked.quarantined);
    assert_eq!(asked.uses_days, 7);
    assert_eq!(
        asked.unused_since.map(Timestamp::as_millis),
        Some(1_767_225_600_000)
    );
    assert_eq!(
        asked.created_after.map(Timestamp::as_millis),
        Some(1_735_689_600_000)
    );
}

#[test]
fn r48_what_could_find_nothing_is_refused() {
    let world = World::new();
    let rows = [
        (json!({ "text": "" }), "search_invalid"),
        (json!({ "text": "?" }), "search_invalid"),
        (
            json!({ "text": "x".repeat(MAX_TEXT + 1) }),
            "search_invalid",
        ),
        (json!({}), "body_invalid"),
        (json!({ "text": "a", "uses_days": 31 }), "uses_days_invalid"),
        (json!({ "text": "a", "limit": 501 }), "limit_invalid"),
        (json!({ "text": "a", "cursor": "x" }), "cursor_invalid"),
        (json!({ "text": "a", "status": "gone" }), "status_invalid"),
        (
            json!({ "text": "a", "unused_since": "monday" }),
            "moment_invalid",
        ),
        (
            json!({ "text": "a", "never_expires": true, "expires_before": "2030-01-01T00:00:00Z" }),
            "filter_invalid",
        ),
        (
            json!({ "text": "a", "status": "all", "expires_before": "2030-01-01T00:00:00Z" }),
            "filter_invalid",
        ),
        (json!({ "text": "a", "project": "nowhere" }), "not_found"),
    ];
    for (body, code) in rows {
        let refused = searched(&world, &Caller::Administrator(None), &body);
        assert_eq!(refused.map_err(|error| error.code()), Err(code), "{body}");
    }
}

#[test]
fn r48_a_secret_finds_its_token_whatever_the_filters_say() {
    let world = World::new();
    let mut revoked = record(facts(42, Scope::Organization));
    revoked.revoked_at = Some(Timestamp::from_millis(1));
    world.recorded.replace(vec![revoked]);
    let id = TokenId::from_u128(42);
    let mut expired = facts(42, Scope::Organization);
    expired.verifier = Verifier::Jwt { signed: None };
    expired.expires_at = Some(Timestamp::from_millis(1_000));
    let jwt = jwt::issue(&expired, &testing::config().token_keys).expect("issues");
    let filters = json!({ "status": "active", "project": "nowhere", "quarantined": true });
    for secret in [
        key(42),
        format!("TOKEN='{}'", key(42)),
        jwt.token.expose().to_owned(),
    ] {
        let mut body = filters.clone();
        body["text"] = secret.clone().into();
        let (answer, asked) =
            searched(&world, &Caller::Administrator(None), &body).expect("answers");
        assert_eq!(answer["found_by"], "secret");
        assert_eq!(answer["genuine"], true);
        assert_eq!(answer["tokens"][0]["id"], id.to_string());
        assert!(!answer.to_string().contains(&secret));
        let asked = asked.expect("a list");
        assert_eq!(asked.search, Some(Search::one(id)));
        assert_eq!((asked.status, asked.project), (Status::All, None));
        assert!(asked.include_system && !asked.quarantined);
    }
}

#[test]
fn r48_a_secret_of_elsewhere_is_answered_like_one_of_nobody() {
    let world = World::new();
    let (mut caller, other) = (facts(6, Scope::Organization), facts(7, Scope::Organization));
    caller.policies = vec![Policy::parse("project_api_token:list").expect("a policy")];
    world.recorded.replace(Vec::new());
    let caller = Caller::Token(caller.into());
    let (unknown, asked) = searched(&world, &caller, &json!({ "text": key(77) })).expect("answers");
    // The list keeps to the caller's own organization and reach.
    let asked = asked.expect("a list");
    assert!(!asked.include_system && !asked.reach.organization_tokens);
    let (foreign, _) = searched(&world, &caller, &json!({ "text": key(7) })).expect("answers");
    assert_eq!(unknown, foreign);
    assert_eq!(unknown["tokens"], json!([]));
    assert_eq!(unknown["genuine"], true);
    drop(other);
    // Authorize first: a caller that may not list must not learn whether the body can be read.
    let narrow = Caller::Token(
        facts(
            8,
            Scope::Workflow {
                project: testing::project(),
                workflow: workflow(),
            },
        )
        .into(),
    );
    let refused = searched(&world, &narrow, &json!({ "text": key(7) }));
    assert_eq!(
        refused.map_err(|error| error.code()),
        Err("operation_not_allowed")
    );
}

#[test]
fn r48_what_no_key_of_ours_has_made_is_not_genuine() {
    let world = World::new();
    let ring = KeyRing::parse("k9:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk").expect("a ring");
    let foreign = opaque::mint(
        TokenId::from_u128(42),
        &[7; MINT_ENTROPY],
        &RootKeys::from_root(&ring),
    );
    let foreign = foreign.expect("entropy").expose().to_owned();
    let mistyped = key(42).replacen('7', "8", 1);
    let cut = key(42).get(..70).expect("characters").to_owned();
    let jwt = jwt::issue(&facts(42, Scope::Organization), &ring).expect("issues");
    let jwt = jwt.token.expose().to_owned();
    let id = Search::one(TokenId::from_u128(42));
    // Its id is readable, whoever made it, and whatever is wrong with it.
    for (text, expected) in [
        (foreign, Some(&id)),
        (mistyped, Some(&id)),
        (cut, Some(&id)),
        (jwt, None),
    ] {
        let (answer, asked) = searched(
            &world,
            &Caller::Administrator(None),
            &json!({ "text": text }),
        )
        .expect("answers");
        assert_eq!(answer["found_by"], "secret", "{text}");
        assert_eq!(answer["genuine"], false, "{text}");
        assert_eq!(answer["secrets"], 1, "{text}");
        assert_eq!(answer["elsewhere"], Value::Null, "it is not genuine");
        let asked = asked.and_then(|asked| asked.search);
        assert_eq!(asked.as_ref(), expected, "{text}");
    }
}

#[test]
fn r48_a_page_that_stopped_says_so_and_goes_on_from_there() {
    let world = World::new();
    let place = crate::page::Cursor {
        at: Timestamp::from_millis(5),
        id: TokenId::from_u128(5).to_string(),
    };
    world.reached.replace(Some(place.clone()));
    let body = json!({ "text": "ci", "status": "all", "limit": 1 });
    let (answer, _) = searched(&world, &Caller::Administrator(None), &body).expect("answers");
    assert_eq!(answer["searched_all"], false);
    assert_eq!(answer["next_cursor"], place.print());
    // A full page goes on behind its last row.
    let rows = [8, 9].map(|id| record(facts(id, Scope::Organization)));
    world.recorded.replace(rows.into());
    let (answer, _) = searched(&world, &Caller::Administrator(None), &body).expect("answers");
    assert_eq!(answer["searched_all"], true);
    let last = crate::page::Cursor {
        at: Timestamp::from_millis(0),
        id: TokenId::from_u128(9).to_string(),
    };
    assert_eq!(answer["next_cursor"], last.print());
}

#[test]
fn r48_of_several_secrets_the_first_that_is_genuine_is_looked_up() {
    let world = World::new();
    let cut = key(41).get(..70).expect("characters").to_owned();
    for (text, count, id) in [
        (format!("{} {}", key(42), key(43)), 2, 42),
        (format!("{cut}, {}", key(43)), 2, 43),
        (format!("{}\n{}", key(42), key(42)), 1, 42),
    ] {
        let body = json!({ "text": text });
        let (answer, asked) =
            searched(&world, &Caller::Administrator(None), &body).expect("answers");
        assert_eq!(
            (&answer["secrets"], &answer["genuine"]),
            (&json!(count), &json!(true))
        );
        let asked = asked.and_then(|asked| asked.search);
        assert_eq!(asked, Some(Search::one(TokenId::from_u128(id))), "{text}");
    }
}

#[test]
fn r48_an_administrator_is_told_which_organization_a_genuine_secret_is_of() {
    let world = World::new();
    world.recorded.replace(Vec::new());
    let mut other = facts(7, Scope::Organization);
    other.organization.id = postern_domain::id::Id::from_u128(1 << 90);
    other.organization.name = "demo".to_owned();
    let organization = json!({ "id": other.organization.id, "name": "demo" });
    world.keep(other);
    world.keep(facts(8, Scope::Organization));
    let mut narrow = facts(6, Scope::Organization);
    narrow.policies = vec![Policy::parse("org_api_token:*").expect("a policy")];
    let narrow = Caller::Token(narrow.into());
    let admin = Caller::Administrator(None);
    let found = json!({ "organization": organization });
    for (caller, text, expected) in [
        (&admin, key(7), found),
        // It is of this one, and the record lacks it; and nobody's.
        (&admin, key(8), Value::Null),
        (&admin, key(9), Value::Null),
        (
            &admin,
            key(7).get(..70).expect("characters").to_owned(),
            Value::Null,
        ),
        (&narrow, key(7), Value::Null),
    ] {
        let (answer, _) = searched(&world, caller, &json!({ "text": text })).expect("answers");
        assert_eq!(answer["elsewhere"], expected, "{caller:?}");
        assert_eq!(answer["tokens"], json!([]), "nothing of the token");
    }
}
