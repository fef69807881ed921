//! What only another release knows is refused, said, and changes nothing.

use postern_system_tests::cases;
use postern_system_tests::http::Answer;
use postern_system_tests::life::assert_live;
use postern_system_tests::organization::Organization;
use postern_system_tests::releases::Module::Current;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Setup;
use serde_json::json;

use crate::serve;

pub fn cases() -> Vec<Case<Setup>> {
    cases![what_only_another_release_knows_is_refused]
}

async fn what_only_another_release_knows_is_refused(setup: &Setup) {
    let gateway = serve(setup, &[Current]).other_release().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let set = organization.call(&gateway, "PUT", "/org/upstream");
    let body = json!({ "credential": "stored" });
    set.json(&body).send().await.json(200);
    let token = organization.mint_for_release(&gateway, "opaque").await;
    let before = organization.snapshot(&gateway).await;

    let version = env!("CARGO_PKG_VERSION");
    let refused = async |answer: Answer, cause: &str| {
        answer.problem(503, "unavailable");
        let id = answer.header("x-request-id").expect("an id");
        let line = gateway.log_line(id).await;
        let told = line["cause"].as_str().expect("a cause");
        assert!(told.contains(cause), "{told}");
        let ours = format!("release {version}");
        assert!(told.contains(&ours), "{told}");
    };
    let rotate = organization.rotating(&gateway, &token.id, &json!({}));
    refused(rotate.send().await, "no command `rotate-at-noon`").await;
    let many = organization.revoking(&gateway, &json!({ "ids": [token.id] }));
    refused(many.send().await, "unknown field `only_at_noon`").await;
    let path = format!("/org/tokens/{}/release", token.id);
    let release = organization.call(&gateway, "POST", &path);
    refused(release.send().await, "unknown variant `at_noon`").await;

    assert_eq!(organization.snapshot(&gateway).await, before);
    assert_live(&gateway, &token, "nothing came of it").await;
    gateway.stop();
}
