//! Who has to do with rules, and that none gives more than its author could.

use super::*;
use postern_domain::time::Timestamp;

#[test]
fn r47_only_who_manages_the_organization_has_to_do_with_rules() {
    let narrow = || Scope::Project {
        project: testing::project(),
    };
    let all = &["trust_rule:*", "workflow_run:*"][..];
    // Whether the caller may read, add and remove.
    let rows = [
        (
            "administrator",
            Caller::Administrator(None),
            true,
            true,
            true,
        ),
        ("owner", session("owner"), true, true, true),
        ("admin", session("admin"), true, true, true),
        ("member", session("member"), false, false, false),
        ("viewer", session("viewer"), false, false, false),
        ("bootstrap", Caller::Bootstrap, false, false, false),
        (
            "a token",
            token(Scope::Organization, &[]),
            false,
            false,
            false,
        ),
        (
            "a reader",
            token(Scope::Organization, &["trust_rule:read"]),
            true,
            false,
            false,
        ),
        (
            "a manager",
            token(Scope::Organization, all),
            true,
            true,
            true,
        ),
        ("of a project", token(narrow(), all), false, false, false),
    ];
    for (who, caller, reads, adds, removes) in rows {
        let world = World::new();
        let rule = added(&rule(), &world);
        let id = rule["id"].as_str().expect("an id");
        world.take_asked();
        let allowed = |outcome: Result<()>| match outcome {
            Ok(()) => true,
            Err(Error::Denied(denial)) => {
                assert_eq!(denial.code(), "operation_not_allowed", "{who}");
                false
            }
            Err(error) => panic!("{who}: {error:?}"),
        };
        let other = with(json!({ "repository_id": 75 }));
        // A body that is wrong is no business of who may not.
        let wrong = now_or_never(add(&caller, ACME, (b"?", requester()), &config(), &world));
        assert_eq!(
            wrong.expect_err("refused").code() == "body_invalid",
            adds,
            "{who}"
        );
        let config = config();
        let listed = now_or_never(list(&caller, ACME, &config, &world)).map(drop);
        assert_eq!(allowed(listed), reads, "{who}");
        let told = now_or_never(read(&caller, ACME, id, &world)).map(drop);
        assert_eq!(allowed(told), reads, "{who}");
        assert_eq!(
            allowed(add_by(&caller, &other, &world).map(drop)),
            adds,
            "{who}"
        );
        let removed = now_or_never(remove(&caller, ACME, id, requester(), &world)).map(drop);
        assert_eq!(allowed(removed), removes, "{who}");
    }
}

#[test]
fn r47_a_rule_gives_no_more_than_its_author_could() {
    let manager = |more: &[&str]| {
        let mut row = facts(8, Scope::Organization);
        let policies = more.iter().chain(&["trust_rule:update"]);
        row.policies = policies
            .map(|text| Policy::parse(text).expect("a policy"))
            .collect();
        row
    };
    let full = &["project_api_token:create", "workflow_run:read"][..];
    let expires = |at: i64| {
        let mut row = manager(full);
        row.expires_at = Some(Timestamp::from_millis(at));
        row
    };
    let rows = [
        (manager(full), Ok(())),
        (manager(&["project_api_token:*", "workflow_run:*"]), Ok(())),
        // It may not create the token that the rule gives.
        (
            manager(&["workflow_run:read"]),
            Err(("operation_not_allowed", "operation not allowed")),
        ),
        (
            manager(&["org_api_token:create", "workflow_run:read"]),
            Err(("operation_not_allowed", "operation not allowed")),
        ),
        // It does not hold what the rule gives.
        (
            manager(&["project_api_token:create"]),
            Err(("policy_not_held", "`workflow_run:read`")),
        ),
        (
            manager(&["project_api_token:create", "workflow_run:list"]),
            Err(("policy_not_held", "`workflow_run:read`")),
        ),
        // It ends, and the rule does not.
        (
            expires(1_800_000_060_000),
            Err(("lifetime_exceeded", "until it is removed")),
        ),
        (
            expires(4_000_000_000_000),
            Err(("lifetime_exceeded", "until it is removed")),
        ),
    ];
    for (row, expected) in rows {
        let world = World::new();
        let policies = row.policies.clone();
        let told = add_by(&Caller::Token(Rc::new(row)), &rule(), &world);
        match (told, expected) {
            (Ok(rule), Ok(())) => {
                let by = rule["created_by"].as_str().expect("a text");
                assert!(by.starts_with("org-token:jwt_"), "{by}");
            }
            (Err(error), Err((code, sentence))) => {
                assert_eq!(error.code(), code, "{policies:?}");
                assert!(error.public().contains(sentence), "{}", error.public());
                assert!(world.trust_rules.borrow().rules.is_empty());
            }
            (told, _) => panic!("{policies:?}: {told:?}"),
        }
    }
}
