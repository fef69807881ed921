//! What a job token would get: verified or not, each condition that it does not meet, and what the rule
//! gives.

use super::*;
use crate::testing::trust::{claims, job_token};
use postern_domain::conditions::{AddressRange, Conditions};
use postern_wire::job::MAX_JOB_TOKEN;

fn test_by(caller: &Caller, token: &str, world: &World) -> Result<Value> {
    let body = json!({ "token": token }).to_string();
    let tested = now_or_never(test(caller, ACME, body.as_bytes(), &config(), world))?;
    Ok(serde_json::to_value(&tested).expect("JSON"))
}

pub(super) fn tested(changes: Value, world: &World) -> Value {
    let token = job_token(&changed(claims(world), changes));
    let told = test_by(&Caller::Administrator(None), &token, world).expect("tested");
    assert!(!told.to_string().contains(&token));
    told
}

/// These with others in their place; `null` takes one out.
fn changed(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().expect("members") {
        let members = claims.as_object_mut().expect("an object");
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    claims
}

pub(super) fn world() -> World {
    let world = World::new();
    world.publish_github();
    world
}

#[test]
fn r47_a_job_that_meets_a_rule_is_told_what_it_would_get() {
    let world = world();
    let narrow = added(
        &with(json!({ "conditions": { "environment": "production" } })),
        &world,
    );
    let wide = added(
        &with(json!({ "workflow": null, "repository": null })),
        &world,
    );
    world.take_asked();
    let told = tested(json!({}), &world);
    let expected = json!({
        "verified": true,
        "refusal": null,
        "presented": false,
        "job": {
            "issuer": "github",
            "identity": { "kind": "repository", "repository_id": 74, "repository_owner_id": 65 },
            "repository": "acme/shop",
            "run_id": 1234,
            "run_attempt": 1,
            "commit": "0f".repeat(20),
            "ref": "refs/heads/main",
            "event": "push",
            "environment": "production",
            "workflow": "acme/shop/.github/workflows/release.yml@refs/heads/main",
            "actor": "octocat",
            "actor_id": 12,
            "runner_environment": "github-hosted",
        },
        "rules": [
            {
                "id": narrow["id"], "repository": "acme/shop", "chosen": true, "met": true,
                "unmet": null, "asks": null, "says": null,
            },
            {
                "id": wide["id"], "repository": null, "chosen": false, "met": true,
                "unmet": null, "asks": null, "says": null,
            },
        ],
        "gives": {
            "project": narrow["project"],
            "workflow": narrow["workflow"],
            "policies": ["workflow_run:read"],
            // With the job token, which ends before the rule's ten minutes.
            "expires_at": "2027-01-15T08:05:00Z",
        },
    });
    assert_eq!(told, expected);
    // Nothing was written: the rules were asked for, and nothing else of the Ledger.
    let asked = world.take_asked();
    let of_ledger: Vec<&String> = asked
        .iter()
        .filter(|asked| !asked.starts_with("fetch") && *asked != "verify")
        .collect();
    assert_eq!(of_ledger, ["list trust rules", "describe"]);
}

#[test]
fn r53_the_conditions_that_a_rule_gives_are_told() {
    let world = world();
    let mut author = facts(8, Scope::Organization);
    let policies = [
        "trust_rule:*",
        "project_api_token:create",
        "workflow_run:read",
    ];
    author.policies = policies
        .map(|text| Policy::parse(text).expect("a policy"))
        .to_vec();
    let range = AddressRange::parse("10.0.0.0/8").expect("a range");
    let own = Conditions::new(vec![range], Some(60)).expect("good");
    author.conditions = own.map(Box::new);
    let author = Caller::Token(author.into());
    let says = |view: &Value| {
        assert_eq!(view["address_ranges"], json!(["10.0.0.0/8"]), "{view}");
        assert_eq!(view["calls_per_minute"], 60, "{view}");
    };
    says(&add_by(&author, &rule(), &world).expect("added"));
    let all = now_or_never(list(&author, ACME, &config(), &world)).expect("lists");
    says(&serde_json::to_value(&all).expect("serializes")["trust_rules"][0]);
    says(&tested(json!({}), &world)["gives"]);
    // It asks the same of jobs, and gives more.
    let error = add_by(&Caller::Administrator(None), &rule(), &world).expect_err("taken");
    assert_eq!(error.code(), "trust_rule_taken");
    assert!(
        error.public().contains("whatever it gives"),
        "{}",
        error.public()
    );
}

#[test]
fn r47_each_unmet_condition_is_named_with_what_was_asked_and_said() {
    let rule = |conditions: Value| with(json!({ "conditions": conditions }));
    // The rule; what the token says; the condition, what the rule asks, and what the token says.
    let rows = [
        (
            with(json!({ "repository_id": 75 })),
            json!({}),
            (
                "repository",
                Some("repository 75 of owner 65"),
                Some("repository 74 of owner 65"),
            ),
        ),
        (
            with(json!({ "repository_owner_id": 66 })),
            json!({}),
            (
                "owner",
                Some("repository 74 of owner 66"),
                Some("repository 74 of owner 65"),
            ),
        ),
        (
            rule(json!({ "workflow": "build.yml" })),
            json!({}),
            (
                "workflow",
                Some(".github/workflows/build.yml"),
                Some("acme/shop/.github/workflows/release.yml@refs/heads/main"),
            ),
        ),
        (
            rule(json!({ "environment": "production" })),
            json!({ "environment": "staging" }),
            ("environment", Some("production"), Some("staging")),
        ),
        (
            rule(json!({ "environment": "production" })),
            json!({ "environment": null }),
            ("environment", Some("production"), None),
        ),
        (
            rule(json!({ "ref": "refs/tags/v1" })),
            json!({}),
            ("ref", Some("refs/tags/v1"), Some("refs/heads/main")),
        ),
        (
            rule(json!({ "events": ["release"] })),
            json!({}),
            ("event", Some("release"), Some("push")),
        ),
    ];
    for (rule, claims, (unmet, asks, says)) in rows {
        let world = world();
        added(&rule, &world);
        let told = tested(claims, &world);
        assert_eq!(told["verified"], true, "{unmet}");
        assert_eq!(told["refusal"], "the job meets no rule", "{unmet}");
        assert_eq!(told["gives"], Value::Null, "{unmet}");
        let outcome = &told["rules"][0];
        assert_eq!(outcome["met"], false, "{unmet}");
        assert_eq!(outcome["chosen"], false, "{unmet}");
        assert_eq!(outcome["unmet"], unmet, "{outcome}");
        assert_eq!(outcome["asks"].as_str(), asks, "{outcome}");
        assert_eq!(outcome["says"].as_str(), says, "{outcome}");
    }
    // The others, whose texts the rules of the domain have.
    let rows = [
        (
            rule(json!({ "ref": "refs/heads/main", "protected_ref": true })),
            "unprotected_ref",
        ),
        (
            rule(json!({ "reusable_workflow": "acme/ci/.github/workflows/a.yml@refs/tags/v1" })),
            "reusable_workflow",
        ),
        (
            json!({
                "issuer": "gitlab", "project_id": 1, "namespace_id": 2, "project": "shop",
                "policies": ["workflow_run:read"],
            }),
            "issuer",
        ),
    ];
    for (rule, unmet) in rows {
        let world = world();
        added(&rule, &world);
        assert_eq!(tested(json!({}), &world)["rules"][0]["unmet"], unmet);
    }
    let world = world();
    added(&super::rule(), &world);
    let told = tested(json!({ "event_name": "pull_request_target" }), &world);
    assert_eq!(told["rules"][0]["unmet"], "outside_event");
}

#[test]
fn r47_a_token_that_does_not_count_is_told_why_and_no_rule() {
    let now = World::new().now.get() / 1000;
    let rows = [
        (
            json!({ "aud": "https://other.example" }),
            "`aud` is somebody else",
        ),
        (json!({ "exp": now - 100 }), "expired"),
        (json!({ "iss": "https://issuer.example" }), "issuer"),
        (json!({ "repository_id": null }), "repository_id"),
    ];
    for (changes, sentence) in rows {
        let world = world();
        added(&rule(), &world);
        let told = tested(changes.clone(), &world);
        let refusal = told["refusal"].as_str().expect("a sentence").to_owned();
        assert!(refusal.contains(sentence), "{changes}: {refusal}");
        let expected = json!({
            "verified": false, "refusal": refusal, "presented": false, "job": null, "rules": [],
            "gives": null,
        });
        assert_eq!(told, expected, "{changes}");
    }
    // Others have no claims: none, too long a text, another's signature.
    let world = world();
    world.published.holds.set(|_| false);
    let long = "a".repeat(MAX_JOB_TOKEN + 1);
    let forged = job_token(&claims(&world));
    for (token, sentence) in [
        ("x", "three parts"),
        (&long, "more than 16384 bytes"),
        (&forged, "signature"),
    ] {
        let told = test_by(&Caller::Administrator(None), token, &world).expect("tested");
        assert_eq!(told["verified"], false);
        let refusal = told["refusal"].as_str().expect("a sentence");
        assert!(refusal.contains(sentence), "{refusal}");
    }
}

#[test]
fn r47_a_token_for_another_organization_gets_nothing_of_this_one() {
    let world = world();
    added(&rule(), &world);
    // The audience; why it opens nothing here.
    let rows = [
        (format!("{GATE}/acme"), None),
        (GATE.to_owned(), None),
        (
            "chainloop".to_owned(),
            // Where the origin is sent what the caller shows, job tokens are exchanged alone.
            Some("a token for `chainloop` is not exchanged"),
        ),
        (
            format!("{GATE}/globex"),
            Some("the request names another organization"),
        ),
    ];
    for (audience, refusal) in rows {
        let told = tested(json!({ "aud": audience }), &world);
        assert_eq!(told["verified"], true, "{audience}");
        assert_eq!(told["refusal"].as_str(), refusal, "{audience}");
        assert_eq!(told["gives"].is_null(), refusal.is_some(), "{audience}");
        // What is met counts nothing where the token opens nothing.
        let rule = &told["rules"][0];
        assert_eq!(
            (&rule["met"], &rule["chosen"]),
            (&true.into(), &refusal.is_none().into())
        );
    }
}

#[test]
fn r47_without_the_issuers_keys_nobody_knows() {
    let world = World::new();
    let token = job_token(&claims(&world));
    let error = test_by(&Caller::Administrator(None), &token, &world).expect_err("no keys");
    assert_eq!(error.code(), "unavailable");
    // Where job tokens are off, that is why.
    let body = json!({ "token": token }).to_string();
    let off = testing::config();
    let told = now_or_never(test(
        &Caller::Administrator(None),
        ACME,
        body.as_bytes(),
        &off,
        &world,
    ));
    let told = serde_json::to_value(told.expect("tested")).expect("JSON");
    assert_eq!(told["refusal"], "job tokens are off: CI_ISSUERS is not set");
}

#[test]
fn r47_only_the_organizations_own_people_are_told() {
    for (caller, may) in [
        (session("owner"), true),
        (token(Scope::Organization, &["trust_rule:read"]), true),
        (session("member"), false),
        (token(Scope::Organization, &[]), false),
        (Caller::Bootstrap, false),
    ] {
        let world = world();
        let token = job_token(&claims(&world));
        let told = test_by(&caller, &token, &world);
        let body = br#"{"issuer":"github","repository":"acme/shop"}"#;
        let found = now_or_never(find(&caller, body, &config(), &world));
        match may {
            true => {
                assert_eq!(told.expect("tested")["verified"], true);
                assert_eq!(
                    found.expect_err("nobody answers").code(),
                    "forge_unavailable"
                );
            }
            false => {
                assert_eq!(told.expect_err("refused").code(), "operation_not_allowed");
                assert_eq!(found.expect_err("refused").code(), "operation_not_allowed");
                assert!(world.take_asked().is_empty(), "nobody is asked");
            }
        }
    }
}

#[test]
fn r47_the_ids_of_a_repository_are_found_and_each_refusal_says_why() {
    let world = World::new();
    let answer = json!({
        "id": 74, "full_name": "acme/shop", "private": false, "owner": { "id": 65, "login": "acme" },
    });
    let url = "https://api.github.com/repos/acme/shop".to_owned();
    let bytes = answer.to_string().into_bytes();
    world
        .published
        .documents
        .borrow_mut()
        .insert(url, Ok(bytes));
    let find = |issuer: &str, repository: &str, config: &Config| {
        let body = json!({ "issuer": issuer, "repository": repository }).to_string();
        let found = find(
            &Caller::Administrator(None),
            body.as_bytes(),
            config,
            &world,
        );
        Ok::<_, Error>(serde_json::to_value(now_or_never(found)?).expect("JSON"))
    };
    let config = config();
    let found = find("github", "acme/shop", &config).expect("found");
    let expected =
        json!({ "repository": "acme/shop", "repository_id": 74, "repository_owner_id": 65 });
    assert_eq!(found, expected);
    let off = testing::config();
    let rows = [
        ("github", "shop", &config, "repository_invalid"),
        ("github", "acme/other", &config, "forge_unavailable"),
        (
            "https://ci.example/oidc",
            "acme/shop",
            &config,
            "repository_unknown",
        ),
        ("circle", "acme/shop", &config, "trust_rule_invalid"),
        ("github", "acme/shop", &off, "job_tokens_off"),
    ];
    for (issuer, repository, config, code) in rows {
        let refused = find(issuer, repository, config).expect_err("refused");
        assert_eq!(refused.code(), code, "{issuer} {repository}");
    }
}
