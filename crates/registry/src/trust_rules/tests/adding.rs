//! Adding, reading and removing rules.

use super::*;
use postern_ledger::MAX_TRUST_RULES;

#[test]
fn r47_a_rule_is_added_told_and_removed() {
    let world = World::new();
    let rule = added(&rule(), &world);
    let id = rule["id"].as_str().expect("an id");
    let expected = json!({
        "id": id,
        "issuer": "github",
        "repository": "acme/shop",
        "repository_id": 74,
        "repository_owner_id": 65,
        "conditions": {},
        "project": { "id": testing::project().id.to_string(), "name": "shop" },
        "workflow": { "id": testing::workflow().id.to_string(), "name": "release" },
        "policies": ["workflow_run:read"],
        "longest_life_seconds": 600,
        "created_at": "2027-01-15T08:00:00Z",
        "created_by": "admin-token",
    });
    assert_eq!(rule, expected);

    let admin = Caller::Administrator(None);
    let listed = now_or_never(list(&admin, ACME, &config(), &world)).expect("lists");
    let issuers = ["github", "gitlab", "https://ci.example/oidc"];
    let expected = json!({
        "trust_rules": [rule],
        "issuers": issuers,
        "audiences": ["https://gate.example/acme"],
    });
    assert_eq!(serde_json::to_value(&listed).expect("JSON"), expected);
    let told = now_or_never(read(&admin, ACME, id, &world)).expect("reads");
    assert_eq!(serde_json::to_value(&told).expect("JSON"), rule);

    world.given_tokens.set(3);
    let removed = now_or_never(remove(&admin, ACME, id, requester(), &world)).expect("removes");
    let expected = json!({
        "id": id,
        "removed_at": "2027-01-15T08:00:00Z",
        "revoked_tokens": 3,
    });
    assert_eq!(serde_json::to_value(&removed).expect("JSON"), expected);
    for told in [
        now_or_never(read(&admin, ACME, id, &world)).map(drop),
        now_or_never(remove(&admin, ACME, id, requester(), &world)).map(drop),
    ] {
        assert_eq!(told, Err(UNKNOWN));
    }
    let malformed = now_or_never(read(&admin, ACME, "x", &world)).expect_err("no id");
    assert_eq!(malformed.code(), "trust_rule_id_invalid");
}

#[test]
fn r47_each_wrong_rule_has_its_own_sentence() {
    // What is changed of a rule; the code, and what the sentence says.
    let rows = [
        (
            json!({ "issuer": "circle" }),
            "trust_rule_invalid",
            "`issuer`: must be one of",
        ),
        (
            json!({ "repository_id": null }),
            "trust_rule_invalid",
            "`repository_id`: add it",
        ),
        (
            json!({ "repository_owner_id": null }),
            "trust_rule_invalid",
            "`repository_owner_id`: add",
        ),
        (
            json!({ "project_id": 5 }),
            "trust_rule_invalid",
            "`project_id`: tokens of this issuer",
        ),
        (
            json!({ "issuer": "gitlab" }),
            "trust_rule_invalid",
            "`repository_id`: tokens of this",
        ),
        (
            json!({ "repository": "a\u{202e}b" }),
            "trust_rule_invalid",
            "`repository`: must be",
        ),
        (
            json!({ "conditions": { "workflow": "*" } }),
            "trust_rule_invalid",
            "`workflow`: must be the file alone",
        ),
        (
            json!({ "conditions": { "protected_environment": true } }),
            "trust_rule_invalid",
            "`protected_environment`: tokens of this issuer",
        ),
        (
            json!({ "project": null }),
            "trust_rule_invalid",
            "`project`: add it",
        ),
        (
            json!({ "policies": null }),
            "trust_rule_invalid",
            "`policies`: add one",
        ),
        (
            json!({ "policies": [] }),
            "trust_rule_invalid",
            "`policies`: add one",
        ),
        (
            json!({ "policies": vec!["a:b"; 65] }),
            "trust_rule_invalid",
            "`policies`: must be at most 64",
        ),
        (
            json!({ "policies": ["a"] }),
            "policies_invalid",
            "`resource:action`",
        ),
        (
            json!({ "policies": ["workflow_run:raed"] }),
            "policy_unknown",
            "workflow_run:read",
        ),
        (
            json!({ "longest_life": "59s" }),
            "trust_rule_invalid",
            "from 60 to 3600 seconds",
        ),
        (
            json!({ "longest_life": "61m" }),
            "trust_rule_invalid",
            "from 60 to 3600 seconds",
        ),
        (
            json!({ "longest_life": "5000w" }),
            "trust_rule_invalid",
            "from 60 to 3600 seconds",
        ),
        (
            json!({ "longest_life": "900w" }),
            "trust_rule_invalid",
            "from 60 to 3600 seconds",
        ),
        (
            json!({ "longest_life": "0s" }),
            "trust_rule_invalid",
            "from 60 to 3600 seconds",
        ),
        (
            json!({ "longest_life": "soon" }),
            "trust_rule_invalid",
            "a span such as `15m`",
        ),
        (
            json!({ "repository_id": 0 }),
            "body_invalid",
            "an id of a forge",
        ),
        (
            json!({ "repository_id": -7 }),
            "body_invalid",
            "an id of a forge",
        ),
        (
            json!({ "repository_id": 7.5 }),
            "body_invalid",
            "an id of a forge",
        ),
        (
            json!({ "repository_id": "07" }),
            "body_invalid",
            "an id of a forge",
        ),
        (
            json!({ "repository_id": {} }),
            "body_invalid",
            "an id of a forge",
        ),
        (
            json!({ "conditions": { "branch": "main" } }),
            "body_invalid",
            "unknown field `branch`",
        ),
        (
            json!({ "conditions": { "environment": null } }),
            "body_invalid",
            "null",
        ),
        (json!({ "?": 1 }), "body_invalid", "unknown field `?`"),
        (
            json!({ "issuer": null }),
            "body_invalid",
            "missing field `issuer`",
        ),
        (
            json!({ "project": "nowhere" }),
            "not_found",
            "no such project",
        ),
        (
            json!({ "workflow": "nowhere" }),
            "not_found",
            "no such workflow",
        ),
    ];
    for (changes, code, sentence) in rows {
        let world = World::new();
        let error = add_by(&Caller::Administrator(None), &with(changes.clone()), &world);
        let error = error.expect_err("refused");
        assert_eq!(error.code(), code, "{changes}: {}", error.public());
        assert!(
            error.public().contains(sentence),
            "{changes}: {}",
            error.public()
        );
        assert!(world.trust_rules.borrow().rules.is_empty(), "{changes}");
    }
}

#[test]
fn r47_ids_are_taken_however_they_are_written() {
    for written in ["74", "74.0", "7.4e1", "\"74\""] {
        let world = World::new();
        let body = rule().to_string().replace("74", written);
        let meant = (body.as_bytes(), requester());
        let added = now_or_never(add(
            &Caller::Administrator(None),
            ACME,
            meant,
            &config(),
            &world,
        ));
        let added = serde_json::to_value(added.expect(written)).expect("JSON");
        assert_eq!(added["repository_id"], 74, "{written}");
    }
    // A whole condition that is `null` would be a rule without any.
    let body = rule()
        .to_string()
        .replacen('{', r#"{"conditions":null,"#, 1);
    let meant = (body.as_bytes(), requester());
    let world = World::new();
    let refused = now_or_never(add(
        &Caller::Administrator(None),
        ACME,
        meant,
        &config(),
        &world,
    ));
    assert_eq!(refused.expect_err("null").code(), "body_invalid");
}

#[test]
fn r47_no_two_rules_ask_the_same_and_there_are_not_too_many() {
    let world = World::new();
    let first = added(&rule(), &world);
    // What it gives and the repository's name make no other rule of it.
    let again = with(json!({ "repository": "acme/new-name", "workflow": null }));
    let error = add_by(&Caller::Administrator(None), &again, &world).expect_err("taken");
    assert_eq!(error.code(), "trust_rule_taken");
    let id = first["id"].as_str().expect("an id");
    assert!(error.public().contains(id), "{}", error.public());

    for number in 1..MAX_TRUST_RULES {
        added(&with(json!({ "repository_id": 100 + number })), &world);
    }
    let one_more = with(json!({ "repository_id": 1 }));
    let error = add_by(&Caller::Administrator(None), &one_more, &world).expect_err("full");
    assert_eq!(error.code(), "trust_rule_limit_reached");
    assert!(error.public().contains("200"), "{}", error.public());
}

#[test]
fn r47_where_job_tokens_are_off_none_is_added_and_the_list_says_so() {
    let world = World::new();
    let off = testing::config();
    let body = rule().to_string();
    let meant = (body.as_bytes(), requester());
    let error = now_or_never(add(&Caller::Administrator(None), ACME, meant, &off, &world));
    let error = error.expect_err("off");
    assert_eq!(error.code(), "job_tokens_off");
    assert!(
        error.public().contains("`CI_ISSUERS`"),
        "{}",
        error.public()
    );
    // Rules of before it was turned off are told, and can be removed.
    added(&rule(), &world);
    let listed =
        now_or_never(list(&Caller::Administrator(None), ACME, &off, &world)).expect("lists");
    let listed = serde_json::to_value(&listed).expect("JSON");
    assert_eq!(listed["issuers"], json!([]));
    assert_eq!(listed["audiences"], json!([]));
    assert_eq!(listed["trust_rules"].as_array().map(Vec::len), Some(1));
}

#[test]
fn r47_rules_that_cannot_be_read_are_named() {
    let world = World::new();
    let id = postern_domain::id::Id::from_u128(9);
    world.trust_rules.borrow_mut().unread.push(id);
    let listed = now_or_never(list(&Caller::Administrator(None), ACME, &config(), &world));
    let listed = serde_json::to_value(listed.expect("lists")).expect("JSON");
    assert_eq!(listed["unreadable"], json!([id.to_string()]));
}
