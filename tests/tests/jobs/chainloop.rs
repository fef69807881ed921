//! Job tokens for `chainloop`, the audience that the stock command line asks for: where the deployment takes them, as
//! bearers alone, for an organization that is named.

use postern_system_tests::cases;
use postern_system_tests::life;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use serde_json::json;

use crate::support::{Jobs, assert_refused_bearer, exchanging, refused_by, trusting, upstream};

pub fn cases() -> Vec<Case<Jobs>> {
    cases![
        r47_the_request_names_the_organization_of_a_token_for_control_planes,
        r47_the_configuration_names_it,
    ]
}

const NAME: &str = "CI_CONTROL_PLANE_AUDIENCE";
const BEARER_ONLY: &str = "a token for `chainloop` is not exchanged";

async fn r47_the_request_names_the_organization_of_a_token_for_control_planes(jobs: &Jobs) {
    let suite = &jobs.suite;
    let serve = trusting(suite.serve(), &jobs.issuer).set(NAME, "named");
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    upstream(&gateway, &organization).await;
    let rule = jobs.trusting(&gateway, &organization, &json!({}));
    rule.send().await.json(201);
    let asked = json!({ "claims": { "aud": "chainloop" } });
    let token = jobs.job(&organization, &asked).await;
    let call = || life::call(&gateway, 0, &token);
    assert_refused_bearer("nobody is named", &call().send().await);
    let elsewhere = Organization::new(&gateway, &suite.keys.admin).await;
    let call_there = call().organization(&elsewhere.name);
    assert_refused_bearer("one without rules is named", &call_there.send().await);
    let exchange = exchanging(&gateway, 0, &token).organization(&organization.name);
    refused_by(&gateway, "exchanged", exchange, BEARER_ONLY).await;
    let named = call().organization(&organization.name);
    named.send().await.accepted();
    assert_eq!(organization.tokens(&gateway, "").await.len(), 1);
    gateway.stop();
}

async fn r47_the_configuration_names_it(jobs: &Jobs) {
    let suite = &jobs.suite;
    // The name must be known before the organization is there.
    let serve = trusting(suite.serve(), &jobs.issuer);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let other = Organization::new(&gateway, &suite.keys.admin).await;
    for of in [&organization, &other] {
        upstream(&gateway, of).await;
        let rule = jobs.trusting(&gateway, of, &json!({}));
        rule.send().await.json(201);
    }
    gateway.stop();
    let gateway = serve.set(NAME, &organization.name).start().await;
    let asked = json!({ "claims": { "aud": "chainloop" } });
    let token = jobs.job(&organization, &asked).await;
    life::call(&gateway, 0, &token).send().await.accepted();
    let call = life::call(&gateway, 0, &token).organization(&other.name);
    assert_refused_bearer("another one is named", &call.send().await);
    assert_eq!(organization.tokens(&gateway, "").await.len(), 1);
    assert_eq!(other.tokens(&gateway, "").await.len(), 0);
    let exchange = exchanging(&gateway, 0, &token);
    refused_by(&gateway, "exchanged", exchange, BEARER_ONLY).await;
    gateway.stop();
}
