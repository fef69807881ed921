//! What a rule gives: the one that counts, and what goes with one that is removed.

use std::collections::BTreeMap;

use postern_system_tests::audit;
use postern_system_tests::cases;
use postern_system_tests::life::{self, assert_dead, assert_live};
use postern_system_tests::organization::{OTHER, Organization, RELEASE, SHOP, id};
use postern_system_tests::runner::Case;
use serde_json::{Value, json};

use crate::support::{Jobs, exchanging};

pub fn cases() -> Vec<Case<Jobs>> {
    cases![
        r47_a_rule_takes_what_it_gave_with_it,
        r47_the_narrowest_rule_counts_and_is_explained,
        r47_a_rule_without_ids_is_refused,
        r47_jobs_that_meet_their_rule,
    ]
}

async fn r47_a_rule_takes_what_it_gave_with_it(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let organization = jobs.bare_organization().await;
    let wide = jobs.trust(&organization, &json!({})).await;
    let narrow = json!({ "conditions": { "environment": "production" } });
    let narrow = jobs.trust(&organization, &narrow).await;
    let of_wide = jobs.job(&organization, &json!({})).await;
    let exchanged = jobs.exchanged(&of_wide).await;
    let bearer = jobs.job(&organization, &json!({})).await;
    life::call(gateway, 0, &bearer).send().await.accepted();
    let production = json!({ "claims": { "environment": "production" } });
    let of_narrow = jobs.job(&organization, &production).await;
    let kept = jobs.exchanged(&of_narrow).await;
    let stored = organization.mint_for_release(gateway, "opaque").await;

    let path = format!("/org/trust-rules/{}", id(&wide));
    let removed = organization.call(gateway, "DELETE", &path).send().await;
    let removed = removed.json(200);
    assert_eq!(removed["id"], wide["id"]);
    assert_eq!(removed["revoked_tokens"], 2, "{removed}");
    assert_dead(gateway, &exchanged, "its rule is gone").await;
    jobs.refused_bearer("its rule is gone", &bearer).await;
    assert_live(gateway, &kept, "another rule's").await;
    assert_live(gateway, &stored, "no rule's").await;
    let next = jobs.job(&organization, &json!({})).await;
    let call = exchanging(gateway, 1, &next);
    jobs.refused("a rule that is gone", call, "the job meets no rule")
        .await;
    for method in ["GET", "DELETE"] {
        let again = organization.call(gateway, method, &path).send().await;
        assert_eq!(again.status, 404, "{method}: {}", again.text());
    }
    let rules = organization.call(gateway, "GET", "/org/trust-rules");
    let rules = rules.send().await.json(200);
    let left: Vec<&Value> = rules["trust_rules"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    assert_eq!(left.len(), 1, "{rules}");
    assert_eq!(left[0]["id"], narrow["id"]);
    let mut actions = BTreeMap::new();
    for event in audit::events(gateway, &organization, "").await {
        let action = event["action"].as_str().expect("an action").to_owned();
        *actions.entry(action).or_insert(0) += 1;
    }
    assert_eq!(actions.get("trust_rule.add"), Some(&2), "{actions:?}");
    assert_eq!(actions.get("trust_rule.remove"), Some(&1), "{actions:?}");
    assert_eq!(actions.get("token.revoke"), Some(&2), "{actions:?}");
}

/// The explanation of a job token.
pub async fn explained(jobs: &Jobs, of: &Organization, token: &str) -> Value {
    let call = of.call(jobs.gateway(), "POST", "/org/trust-rules/test");
    let call = call.json(&json!({ "token": token }));
    call.send().await.json(200)
}

async fn r47_the_narrowest_rule_counts_and_is_explained(jobs: &Jobs) {
    let organization = jobs.bare_organization().await;
    let wide = jobs
        .trust(&organization, &json!({ "workflow": null }))
        .await;
    let narrow = json!({ "workflow": OTHER, "conditions": { "ref": "refs/heads/main" } });
    let narrow = jobs.trust(&organization, &narrow).await;
    let rows = [
        (json!({}), &narrow, Some(OTHER)),
        (
            json!({ "claims": { "ref": "refs/heads/next" } }),
            &wide,
            None,
        ),
    ];
    for (asked, rule, workflow) in rows {
        let token = jobs.job(&organization, &asked).await;
        for _ in 0..2 {
            // Asking uses nothing up.
            let told = explained(jobs, &organization, &token).await;
            assert_eq!(
                (&told["verified"], &told["refusal"]),
                (&json!(true), &Value::Null),
                "{told}"
            );
            assert_eq!(told["gives"]["project"]["name"], SHOP, "{told}");
            assert_eq!(
                told["gives"]["workflow"]["name"].as_str(),
                workflow,
                "{told}"
            );
            let chosen = told["rules"].as_array().expect("a list").iter();
            let chosen: Vec<_> = chosen.filter(|one| one["chosen"] == true).collect();
            assert_eq!(chosen.len(), 1, "{told}");
            assert_eq!(chosen[0]["id"], rule["id"], "{told}");
        }
        let given = jobs.exchanged(&token).await;
        let shown = organization.token(jobs.gateway(), &given.id).await;
        assert_eq!(shown["ci_job"]["rule"], rule["id"], "{shown}");
        assert_eq!(shown["workflow"]["name"].as_str(), workflow, "{shown}");
    }
    let same = jobs.trusting(jobs.gateway(), &organization, &json!({}));
    let answer = same.send().await;
    assert_eq!(answer.status, 409, "asks the same: {}", answer.text());
}

async fn r47_a_rule_without_ids_is_refused(jobs: &Jobs) {
    let organization = jobs.bare_organization().await;
    let gitlab = |left_out: &str| {
        let mut rule = jobs.of_gitlab();
        rule[left_out] = Value::Null;
        rule
    };
    let mut subject = jobs.of_plain("other");
    subject["subject"] = json!("job/*");
    let mut unnamed = jobs.of_plain("other");
    unnamed["subject"] = Value::Null;
    let rows = [
        (json!({ "repository_id": null }), "repository_id"),
        (
            json!({ "repository_owner_id": null }),
            "repository_owner_id",
        ),
        (gitlab("project_id"), "project_id"),
        (gitlab("namespace_id"), "namespace_id"),
        (unnamed, "subject"),
        (subject, "subject"),
        (
            json!({ "issuer": "https://ci.elsewhere.example" }),
            "issuer",
        ),
        (json!({ "conditions": { "ref": "refs/heads/*" } }), "ref"),
        (json!({ "conditions": { "environment": null } }), ""),
        (json!({ "conditions": { "branch": "main" } }), ""),
        (json!({ "policies": [] }), "policies"),
        (json!({ "longest_life": "2h" }), "longest_life"),
    ];
    for (changes, member) in rows {
        let call = jobs.trusting(jobs.gateway(), &organization, &changes);
        let answer = call.send().await;
        assert_eq!(answer.status, 400, "{changes}: {}", answer.text());
        assert!(answer.text().contains(member), "{}", answer.text());
    }
    let rules = organization.call(jobs.gateway(), "GET", "/org/trust-rules");
    let rules = rules.send().await.json(200);
    assert_eq!(rules["trust_rules"], json!([]));
}

async fn r47_jobs_that_meet_their_rule(jobs: &Jobs) {
    let organization = jobs.bare_organization().await;
    let renamed = json!({
        "repository": "demo/store", "sub": "repo:demo@65/store@74:ref:refs/heads/main",
        "workflow_ref": "demo/store/.github/workflows/release.yml@refs/heads/main",
    });
    let called = "demo/pipes/.github/workflows/build.yml@refs/tags/v1";
    // Of the rule, and of the job.
    let rows = [
        (
            "a repository of another name now",
            json!({ "workflow": "release.yml" }),
            renamed,
        ),
        (
            "an environment in another case",
            json!({ "environment": "pRODUCTION" }),
            json!({ "environment": "Production" }),
        ),
        (
            "a reusable workflow of another repository",
            json!({ "reusable_workflow": called }),
            json!({ "job_workflow_ref": called }),
        ),
        (
            "a reusable workflow, called by the file that the rule names",
            json!({ "workflow": "release.yml" }),
            json!({ "job_workflow_ref": called }),
        ),
        (
            "a protected reference",
            json!({ "ref": "refs/heads/main", "protected_ref": true }),
            json!({}),
        ),
        (
            "a pull request, where the rule names it",
            json!({ "events": ["pull_request"] }),
            json!({ "event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "patch-1", "base_ref": "main" }),
        ),
        (
            "a tag",
            json!({ "ref": "refs/tags/v1" }),
            json!({ "ref": "refs/tags/v1", "ref_type": "tag", "ref_protected": "false" }),
        ),
    ];
    for (repository, (what, conditions, mut claims)) in (2_000..).zip(rows) {
        let rule = json!({ "repository_id": repository, "conditions": conditions });
        let rule = jobs.trust(&organization, &rule).await;
        claims["repository_id"] = json!(repository.to_string());
        let token = jobs.job(&organization, &json!({ "claims": claims })).await;
        let given = jobs.exchanged(&token).await;
        let shown = organization.token(jobs.gateway(), &given.id).await;
        assert_eq!(
            (what, &shown["ci_job"]["rule"]),
            (what, &rule["id"]),
            "{shown}"
        );
        assert_eq!(shown["workflow"]["name"], RELEASE, "{shown}");
        let told = &shown["ci_job"]["repository"];
        let claimed = claims.get("repository").cloned();
        assert_eq!(told, &claimed.unwrap_or(json!("demo/shop")), "{what}");
    }
}
