//! Exchanges that go well (RFC 8693): whose job tokens, what they become, and how long that lives.

use postern_domain::trust::DEFAULT_LIFE_SECONDS;
use postern_system_tests::audit;
use postern_system_tests::cases;
use postern_system_tests::forge;
use postern_system_tests::life::{self, assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::runner::Case;
use serde_json::{Value, json};

use crate::support::{
    GATE, ID_TOKEN, JWT, Jobs, OWNER_ID, REPOSITORY, REPOSITORY_ID, SUBJECT, audience, exchanging,
    exchanging_with,
};

pub fn cases() -> Vec<Case<Jobs>> {
    cases![
        r47_a_job_of_github_gets_a_token_that_says_where_it_comes_from,
        r47_jobs_of_gitlab_and_of_other_issuers_get_one,
        r47_every_kind_of_key_signs,
        r47_what_a_job_gets_ends_with_its_time_and_no_later_than_the_rule_allows,
        r47_the_request_names_the_organization_where_the_token_does_not,
        r47_requests_that_are_none,
        r47_an_organization_may_have_no_stored_secret_at_all,
        r53_jobs_of_an_issuer_that_is_not_trusted_and_of_a_paused_organization_get_nothing,
    ]
}

/// What is told of the sample job of GitHub.
fn facts(jobs: &Jobs, rule: &Value) -> Value {
    let workflow = "demo/shop/.github/workflows/release.yml@refs/heads/main";
    json!({
        "rule": rule["id"], "issuer": format!("github={}", jobs.issuer.url("github")),
        "repository": REPOSITORY, "run_id": 16_001_234_567_u64, "run_attempt": 1,
        "commit": "0f".repeat(20), "ref": "refs/heads/main", "event": "push",
        "workflow": workflow, "actor": "octocat", "actor_id": 12,
    })
}

/// Asserts that an object says each of these.
#[track_caller]
fn says(object: &Value, expected: &Value) {
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&object[name], value, "{name} of {object}");
    }
}

async fn r47_a_job_of_github_gets_a_token_that_says_where_it_comes_from(jobs: &Jobs) {
    let gateway = jobs.gateway();
    // `sub` of both forms: nothing in it counts.
    for shape in ["github", "github-old"] {
        let organization = jobs.bare_organization().await;
        let rule = jobs.trust(&organization, &json!({})).await;
        assert_eq!(rule["repository_id"], json!(REPOSITORY_ID), "{rule}");
        assert_eq!(rule["repository_owner_id"], json!(OWNER_ID), "{rule}");
        let token = jobs.job(&organization, &json!({ "shape": shape })).await;
        let given = jobs.exchanged(&token).await;
        assert_eq!(given.answer["scope"], "workflow:read workflow_run:read");
        assert_live(gateway, &given, "just made").await;

        let shown = jobs.only_token(&organization).await;
        assert_eq!(shown["id"], given.id, "{shown}");
        assert_eq!(shown["project"]["name"], SHOP, "{shown}");
        assert_eq!(shown["workflow"]["name"], RELEASE, "{shown}");
        let rule_name = rule["id"].as_str().expect("an id");
        assert_eq!(
            shown["created_by"],
            format!("trust-rule:{rule_name}"),
            "{shown}"
        );
        let description = shown["description"].as_str().expect("a description");
        assert!(description.contains(REPOSITORY), "{description}");
        assert!(description.contains("16001234567"), "{description}");
        let expected = facts(jobs, &rule);
        says(&shown["ci_job"], &expected);
        says(
            &jobs.introspected(&given.token).await["ci_job"],
            &json!({ "rule": rule["id"], "repository": REPOSITORY }),
        );
        let minted = audit::events(gateway, &organization, "action=token.mint").await;
        assert_eq!(minted.len(), 1, "{minted:#?}");
        let changes = json!({ "rule": rule["id"], "repository": REPOSITORY, "run_id": "16001234567", "actor": "octocat" });
        says(&minted[0]["changes"], &changes);

        organization.revoke(gateway, &given.id).await;
        assert_dead(gateway, &given, "revoked").await;
    }
}

/// The organization's one rule, an exchange, and what is told of the job.
async fn trusted(jobs: &Jobs, rule: &Value, issuer: &str, asked: &Value) -> (Organization, Value) {
    let organization = jobs.bare_organization().await;
    jobs.trust(&organization, rule).await;
    let token = jobs.job_of(issuer, &organization, asked).await;
    let given = jobs.exchanged(&token).await;
    assert_live(jobs.gateway(), &given, issuer).await;
    let shown = jobs.only_token(&organization).await;
    (organization, shown["ci_job"].clone())
}

async fn r47_jobs_of_gitlab_and_of_other_issuers_get_one(jobs: &Jobs) {
    let (_, gitlab) = trusted(jobs, &jobs.of_gitlab(), "gitlab", &json!({})).await;
    let expected = json!({
        "issuer": format!("gitlab={}", jobs.issuer.url("gitlab")), "repository": "demo/team/shop",
        "run_id": 574, "job_id": 302, "ref": "refs/heads/main", "event": "push", "actor": "sample-user",
    });
    says(&gitlab, &expected);
    let (_, other) = trusted(jobs, &jobs.of_plain("other"), "other", &json!({})).await;
    says(&other, &json!({ "issuer": jobs.issuer.url("other") }));
    assert!(other.to_string().contains(SUBJECT), "{other}");
    // Issuers of no forge may leave `jti` out.
    let marked_by_bytes = json!({ "claims": { "jti": null } });
    trusted(jobs, &jobs.of_plain("other"), "other", &marked_by_bytes).await;
}

async fn r47_every_kind_of_key_signs(jobs: &Jobs) {
    let rules = [
        ("github", json!({})),
        ("gitlab", jobs.of_gitlab()),
        ("other", jobs.of_plain("other")),
    ];
    for (issuer, rule) in rules {
        let organization = jobs.bare_organization().await;
        jobs.trust(&organization, &rule).await;
        for (key, algorithm) in [("rsa", "RS256"), ("ec", "ES256"), ("ed25519", "EdDSA")] {
            let token = jobs
                .job_of(issuer, &organization, &json!({ "key": key }))
                .await;
            assert_eq!(forge::part(&token, 0)["alg"], algorithm);
            let given = jobs.exchanged(&token).await;
            assert_live(jobs.gateway(), &given, algorithm).await;
        }
        let by_its_new_name = json!({ "key": "ed25519", "header": { "alg": "Ed25519" } });
        let token = jobs.job_of(issuer, &organization, &by_its_new_name).await;
        jobs.exchanged(&token).await;
    }
}

async fn r47_what_a_job_gets_ends_with_its_time_and_no_later_than_the_rule_allows(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let rows = [
        // The job token's end, the usual limit, and the rule's own.
        (json!({}), 300, 300),
        (json!({}), 7_200, i64::from(DEFAULT_LIFE_SECONDS)),
        (json!({ "longest_life": "2m" }), 300, 120),
        (json!({ "longest_life": "1h" }), 7_200, 3_600),
    ];
    for (changes, seconds, life) in rows {
        let organization = jobs.bare_organization().await;
        jobs.trust(&organization, &changes).await;
        let before = now();
        let token = jobs
            .job(&organization, &json!({ "seconds": seconds }))
            .await;
        let given = jobs.exchanged(&token).await;
        let shown = jobs.only_token(&organization).await;
        let end = millis(&shown["expires_at"]);
        let latest = now() + life * 1000;
        assert!(
            (before + (life - 1) * 1000..=latest).contains(&end),
            "{changes} {seconds}: {end} is not {life} s from {before}"
        );
        let told = given.answer["expires_in"].as_i64().expect("seconds");
        assert!((1..=life).contains(&told), "{}", given.answer);
    }
    let organization = jobs.organization().await;
    let token = jobs.job(&organization, &json!({ "seconds": 4 })).await;
    let given = jobs.exchanged(&token).await;
    let shown = jobs.only_token(&organization).await;
    let left = millis(&shown["expires_at"]) - now() + 100;
    tokio::time::sleep(std::time::Duration::from_millis(
        left.try_into().unwrap_or(0),
    ))
    .await;
    for isolate in 0..gateway.isolates() {
        let call = life::call(gateway, isolate, &given.token);
        call.send().await.refused(16, "JWT token has expired");
    }
    assert_eq!(
        jobs.introspected(&given.token).await,
        json!({ "active": false })
    );
}

async fn r47_the_request_names_the_organization_where_the_token_does_not(jobs: &Jobs) {
    let organization = jobs.organization().await;
    let asked = json!({ "claims": { "aud": [GATE] } });
    let token = jobs.job(&organization, &asked).await;
    let call = exchanging(jobs.gateway(), 0, &token).organization(&organization.name);
    let given = jobs.given(&call.send().await).await;
    assert_eq!(jobs.only_token(&organization).await["id"], given.id);
    // Where both name one, it is the same.
    let token = jobs.job(&organization, &json!({})).await;
    let call = exchanging(jobs.gateway(), 0, &token).organization(&organization.name);
    jobs.given(&call.send().await).await;
}

async fn r47_requests_that_are_none(jobs: &Jobs) {
    let organization = jobs.organization().await;
    let audience = audience(&organization);
    let token = jobs.job(&organization, &json!({})).await;
    let rows: [(&[(&str, &str)], &str); 7] = [
        (&[("grant_type", "")], "no grant type"),
        (
            &[("grant_type", "client_credentials")],
            "another grant type",
        ),
        (&[("subject_token", "")], "no token"),
        (&[("subject_token_type", "")], "no type"),
        (
            &[(
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:saml2",
            )],
            "another type",
        ),
        (&[("audience", GATE)], "an audience that is not the token's"),
        (
            &[("audience", "https://other.example/x")],
            "another gateway",
        ),
    ];
    for (changes, what) in rows {
        let answer = exchanging_with(jobs.gateway(), &token, changes)
            .send()
            .await;
        assert_eq!((what, answer.status), (what, 400), "{}", answer.text());
    }
    assert_eq!(jobs.tokens(&organization).await, Vec::<Value>::new());
    // None of that used the token up; its own audience may be said, and the type by its other name.
    let both = [
        ("audience", &audience[..]),
        ("subject_token_type", ID_TOKEN),
    ];
    let answer = exchanging_with(jobs.gateway(), &token, &both).send().await;
    jobs.given(&answer).await;
    let again = exchanging_with(jobs.gateway(), &token, &[("subject_token_type", JWT)]);
    jobs.refused("exchanged before", again, "").await;
}

async fn r47_an_organization_may_have_no_stored_secret_at_all(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let organization = jobs.organization().await;
    let stored = organization.mint_for_release(gateway, "opaque").await;
    let path = format!("/orgs/{}", organization.name);
    let only = async |federated: bool| {
        let call = organization.call(gateway, "PATCH", &path);
        let call = call.json(&json!({ "federated_only": federated }));
        call.send().await.json(200)
    };
    assert_eq!(only(true).await["federated_only"], true);
    let mint = organization.minting(gateway, &json!({ "project": SHOP }));
    mint.send().await.problem(409, "federated_only");
    let rotate = organization.rotating(gateway, &stored.id, &json!({}));
    rotate.send().await.problem(409, "federated_only");
    assert_live(gateway, &stored, "what there was stays").await;
    let token = jobs.job(&organization, &json!({})).await;
    let given = jobs.exchanged(&token).await;
    assert_live(gateway, &given, "jobs get tokens").await;
    assert_eq!(only(false).await["federated_only"], false);
    organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
}

async fn r53_jobs_of_an_issuer_that_is_not_trusted_and_of_a_paused_organization_get_nothing(
    jobs: &Jobs,
) {
    let gateway = jobs.gateway();
    let organization = jobs.organization().await;
    let path = format!("/orgs/{}", organization.name);
    let trusting = async |issuers: Value| {
        let call = organization.call(gateway, "PATCH", &path);
        let call = call.json(&json!({ "trusted_issuers": issuers }));
        call.send().await.json(200)
    };
    let row = trusting(json!(["gitlab"])).await;
    assert_eq!(row["trusted_issuers"], json!([jobs.issuer.url("gitlab")]));
    let token = jobs.job(&organization, &json!({})).await;
    let refused = exchanging(gateway, 0, &token);
    let cause = "the organization does not trust the issuer";
    jobs.refused("an issuer that is not trusted", refused, cause)
        .await;
    trusting(Value::Null).await;
    let pause = organization.call(gateway, "POST", "/org/pause");
    pause.send().await.json(200);
    let stopped = exchanging(gateway, 0, &token).send().await;
    stopped.problem(403, "organization_paused");
    let resume = organization.call(gateway, "POST", "/org/resume");
    resume.send().await.json(200);
    // None of that used the job token up.
    let given = jobs.exchanged(&token).await;
    assert_live(gateway, &given, "resumed").await;
}
