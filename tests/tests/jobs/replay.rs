//! A job token counts once: exchanged or shown, whichever was first, in each organization, in all isolates.

use postern_system_tests::cases;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::life;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{GATE, ISOLATES, Jobs, assert_refused_bearer, exchanging};

pub fn cases() -> Vec<Case<Jobs>> {
    cases![
        r47_a_job_token_is_exchanged_once,
        r47_of_sixteen_exchanges_at_once_one_is_accepted,
        r47_sixteen_first_calls_at_once_make_one_token,
        r47_exchanged_or_shown_never_both,
        r47_a_token_for_the_gateway_counts_once_in_each_organization,
    ]
}

/// The answers to calls that are sent at once, on both isolates.
async fn at_once(call: impl Fn(u16) -> Call) -> Vec<Answer> {
    let mut set = JoinSet::new();
    for index in 0..16 {
        set.spawn(call(index % ISOLATES).send());
    }
    set.join_all().await
}

async fn r47_a_job_token_is_exchanged_once(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let organization = jobs.organization().await;
    jobs.trust(&organization, &jobs.of_plain("other")).await;
    let rows = [
        ("github", json!({})),
        ("other", json!({})),
        // Known by its bytes.
        ("other", json!({ "claims": { "jti": null } })),
    ];
    for (issuer, asked) in rows {
        let token = jobs.job_of(issuer, &organization, &asked).await;
        let given = jobs.exchanged(&token).await;
        for isolate in 0..ISOLATES {
            let call = exchanging(gateway, isolate, &token);
            jobs.refused("exchanged before", call, "").await;
        }
        life::assert_live(gateway, &given, "the first one's token stays").await;
        // Not even after its end by hand.
        organization.revoke(gateway, &given.id).await;
        let call = exchanging(gateway, 0, &token);
        jobs.refused("exchanged and revoked", call, "").await;
    }
    // Another token with the same `jti` is the same to us.
    let same = json!({ "claims": { "jti": "the-same-one" } });
    let token = jobs.job(&organization, &same).await;
    jobs.exchanged(&token).await;
    let same = json!({ "key": "ec", "seconds": 200, "claims": { "jti": "the-same-one" } });
    let token = jobs.job(&organization, &same).await;
    let call = exchanging(gateway, 0, &token);
    jobs.refused("the same jti", call, "").await;
    jobs.refused_bearer("the same jti, shown", &token).await;
}

async fn r47_of_sixteen_exchanges_at_once_one_is_accepted(jobs: &Jobs) {
    let organization = jobs.organization().await;
    for round in 1..=4 {
        let token = jobs.job(&organization, &json!({})).await;
        let answers = at_once(|isolate| exchanging(jobs.gateway(), isolate, &token)).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        let mut expected = vec![400; 16];
        expected[0] = 200;
        assert_eq!(statuses, expected, "exactly one is accepted");
        let tokens = jobs.tokens(&organization).await;
        assert_eq!(tokens.len(), round, "{tokens:#?}");
    }
}

async fn r47_sixteen_first_calls_at_once_make_one_token(jobs: &Jobs) {
    let organization = jobs.organization().await;
    for round in 1..=4 {
        let token = jobs.job(&organization, &json!({})).await;
        let answers = at_once(|isolate| life::call(jobs.gateway(), isolate, &token)).await;
        for answer in answers {
            answer.accepted();
        }
        let tokens = jobs.tokens(&organization).await;
        assert_eq!(tokens.len(), round, "{tokens:#?}");
    }
}

async fn r47_exchanged_or_shown_never_both(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let organization = jobs.organization().await;
    let shown = jobs.job(&organization, &json!({})).await;
    life::call(gateway, 0, &shown).send().await.accepted();
    for isolate in 0..ISOLATES {
        let call = exchanging(gateway, isolate, &shown);
        jobs.refused("shown before", call, "").await;
    }
    life::call(gateway, 1, &shown).send().await.accepted();

    let exchanged = jobs.job(&organization, &json!({})).await;
    let given = jobs.exchanged(&exchanged).await;
    jobs.refused_bearer("exchanged before", &exchanged).await;
    life::assert_live(gateway, &given, "what it became stays").await;
    assert_eq!(jobs.tokens(&organization).await.len(), 2);

    // Both at once: one of the two ways, and one token.
    for round in 3..=6 {
        let token = jobs.job(&organization, &json!({})).await;
        let answers = at_once(|isolate| match isolate {
            0 => exchanging(gateway, isolate, &token),
            _ => life::call(gateway, isolate, &token),
        });
        let answers = answers.await;
        let exchanges = answers.iter().filter(|a| a.what.ends_with("/oauth/token"));
        let taken = exchanges.filter(|answer| answer.status == 200).count();
        assert!(taken <= 1, "{taken} exchanges are accepted");
        for answer in &answers {
            match (answer.what.ends_with("/oauth/token"), taken) {
                (false, 0) => drop(answer.accepted()),
                (false, _) => assert_refused_bearer("exchanged meanwhile", answer),
                (true, 0) => assert_eq!(answer.status, 400),
                (true, _) => assert!([200, 400].contains(&answer.status)),
            }
        }
        let tokens = jobs.tokens(&organization).await;
        assert_eq!(tokens.len(), round, "{tokens:#?}");
    }
}

async fn r47_a_token_for_the_gateway_counts_once_in_each_organization(jobs: &Jobs) {
    let gateway = jobs.gateway();
    let organizations = [jobs.organization().await, jobs.organization().await];
    let open = json!({ "claims": { "aud": GATE } });
    let token = jobs.job(&organizations[0], &open).await;
    let exchange =
        |of: &Organization, isolate| exchanging(gateway, isolate, &token).organization(&of.name);
    for organization in &organizations {
        let answer = exchange(organization, 0).send().await;
        jobs.given(&answer).await;
        let call = exchange(organization, 1);
        jobs.refused("exchanged there before", call, "").await;
        assert_eq!(jobs.tokens(organization).await.len(), 1);
    }
}
