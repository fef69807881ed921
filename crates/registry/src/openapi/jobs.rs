//! Trust rules, and tokens of CI jobs: the members that docs/openapi.json has for them.

use super::tests::{Names, documented, expected, facts, members, record};
use crate::testing::{self, World, now_or_never, requester};
use crate::tokens::{TokenRecord, TokenView};
use crate::trust_rules;
use postern_domain::caller::Caller;
use postern_domain::conditions::{AddressRange, Conditions};
use postern_domain::id::Id;
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;
use postern_domain::token::TokenFacts;
use postern_domain::trust::JobFacts;

/// A token of a CI job, under conditions, of which everything is told.
pub(super) fn facts_of_job() -> TokenFacts {
    let job = testing::trust::whole_job();
    let range = AddressRange::parse("10.0.0.0/8").expect("a range");
    let conditions = Conditions::new(vec![range], Some(60)).expect("good conditions");
    TokenFacts {
        ci_job: Some(Box::new(JobFacts::of(&job, Id::from_u128(9)))),
        conditions: conditions.map(Box::new),
        ..facts()
    }
}

#[test]
fn a_token_of_a_ci_job_has_the_documented_members() {
    let view = TokenView::from(TokenRecord {
        facts: facts_of_job(),
        ..record()
    });
    let view = serde_json::to_value(&view).expect("serializes");
    assert_eq!(members(&view), documented("Token").0);
    let (known, _) = documented("CiJob");
    assert_eq!(members(&view["ci_job"]), known);
    let tested: Names = known.into_iter().filter(|one| one != "rule").collect();
    assert_eq!(documented("TestedJob").0, tested);
}

#[test]
fn trust_rules_have_the_documented_members_where_they_have_any() {
    let (world, config) = (World::new(), testing::trust::config());
    let (admin, acme) = (Caller::Administrator(None), Some("acme"));
    let mut found = Names::new();
    for ids in [
        r#""issuer":"github","repository_id":7,"repository_owner_id":6"#,
        r#""issuer":"gitlab","project_id":7,"namespace_id":6"#,
        r#""issuer":"https://ci.example/oidc","subject":"job:7""#,
    ] {
        let body = format!(r#"{{{ids},"project":"shop","policies":["workflow_run:read"]}}"#);
        let meant = (body.as_bytes(), requester());
        let added = now_or_never(trust_rules::add(&admin, acme, meant, &config, &world));
        found.extend(members(&added.expect("adds")));
    }
    // Of an author with conditions, which its rules give.
    let policies = ["trust_rule:*", "project_api_token:*", "workflow_run:*"];
    let author = TokenFacts {
        policies: policies
            .map(|text| Policy::parse(text).expect("a policy"))
            .to_vec(),
        conditions: facts_of_job().conditions,
        ..testing::facts(8, Scope::Organization)
    };
    let body = br#"{"issuer":"github","repository_id":8,"repository_owner_id":6,"project":"shop","policies":["workflow_run:read"]}"#;
    let meant = (body.as_slice(), requester());
    let author = Caller::Token(author.into());
    let added = now_or_never(trust_rules::add(&author, acme, meant, &config, &world));
    found.extend(members(&added.expect("adds")));
    let (known, required) = documented("TrustRule");
    assert_eq!(found, known);
    assert!(required.is_subset(&known));

    world.trust_rules.borrow_mut().unread.push(Id::from_u128(8));
    let list = now_or_never(trust_rules::list(&admin, acme, &config, &world));
    let list = serde_json::to_value(list.expect("lists")).expect("serializes");
    assert_eq!(members(&list), documented("TrustRuleList").0);
    let id = list["trust_rules"][0]["id"].as_str().expect("an id");
    let removed = trust_rules::remove(&admin, acme, id, requester(), &world);
    let removed = now_or_never(removed).expect("removes");
    assert_eq!(members(&removed), documented("RemovedTrustRule").0);
}

#[test]
fn bodies_about_trust_rules_may_have_exactly_the_documented_members() {
    let (world, config) = (World::new(), testing::config());
    let (admin, acme, wrong) = (Caller::Administrator(None), Some("acme"), br#"{"?":1}"#);
    let meant = (wrong.as_slice(), requester());
    let added = trust_rules::add(&admin, acme, meant, &config, &world);
    let found = trust_rules::find(&admin, wrong, &config, &world);
    let tested = trust_rules::test(&admin, acme, wrong, &config, &world);
    let rows = [
        ("AddTrustRule", expected(now_or_never(added))),
        ("FindRepository", expected(now_or_never(found))),
        ("TestJobToken", expected(now_or_never(tested))),
    ];
    for (name, found) in rows {
        assert_eq!(found, documented(name).0, "{name}");
    }
}
