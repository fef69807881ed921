//! Tokens are refused wherever their scope ends, by name and by run.

use postern_origin::attestation;
use postern_system_tests::organization::{Minted, OTHER, RELEASE, SHOP};
use postern_system_tests::rpc::{self, CANCEL, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use prost::Message as _;
use serde_json::json;

use crate::support::{OTHER_NAME, assert_run_open};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        a_workflow_token_is_refused_other_names,
        a_workflow_token_is_refused_foreign_runs,
        a_workflow_token_may_end_runs_that_others_began_in_its_workflow,
        a_project_token_stays_in_its_project,
        an_organization_token_may_go_everywhere_in_its_organization,
        every_form_of_an_own_run_id_is_the_same_run,
        every_form_of_a_foreign_run_id_is_refused,
        the_last_of_a_repeated_name_counts_as_it_does_at_the_origin,
        runs_are_known_to_every_isolate,
    ]
}

const OTHER_WORKFLOW: &str = "API token is scoped to a different workflow";

const OTHER_PROJECT: &str =
    "operation not allowed: This auth token is valid only with the project \"shop\"";

const UNKNOWN_RUN: &str = "operation not allowed: no such workflow run in the token's organization";

const NOT_CONFINED: &str = "operation not allowed: the request must name the project and, for a workflow-scoped token, the workflow that the token is for";

/// Asserts that the run can be neither stored nor cancelled with this token, and that nothing came of trying.
async fn assert_run_refused(suite: &Suite, token: &Minted, run: &str, message: &str) {
    let bundle = attestation::attest("file", b"content")
        .expect("entropy")
        .bundle;
    suite.origin.reset().await;
    let store = rpc::store(run, &bundle).encode_to_vec();
    rpc::call(&suite.gateway, STORE, &token.token, &store)
        .send()
        .await
        .refused(7, message);
    let cancel = rpc::cancel(run).encode_to_vec();
    rpc::call(&suite.gateway, CANCEL, &token.token, &cancel)
        .send()
        .await
        .refused(7, message);
    suite.origin.assert_only_asked_for_runs(run).await;
}

async fn a_workflow_token_is_refused_other_names(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;
        let rows = [
            (SHOP, OTHER, OTHER_NAME),
            (SHOP, "Release", OTHER_NAME),
            (SHOP, "release ", OTHER_NAME),
            (SHOP, "", NOT_CONFINED),
            ("elsewhere", RELEASE, OTHER_PROJECT),
            ("elsewhere", OTHER, OTHER_PROJECT),
            ("Shop", RELEASE, OTHER_PROJECT),
            ("", RELEASE, NOT_CONFINED),
            ("", "", NOT_CONFINED),
        ];
        suite.origin.reset().await;
        for (project, workflow, message) in rows {
            for path in [FIND_OR_CREATE, INIT] {
                let names = rpc::names(project, workflow);
                rpc::call(&suite.gateway, path, &token.token, &names)
                    .send()
                    .await
                    .refused(7, message);
            }
        }
        suite
            .origin
            .assert_untouched("names outside the scope")
            .await;
        rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
    }
}

async fn a_workflow_token_is_refused_foreign_runs(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let wide = organization
        .mint(&suite.gateway, &json!({ "project": SHOP }))
        .await;
    let theirs = stranger.mint_for_release(&suite.gateway, "opaque").await;
    let sibling = rpc::begin(&suite.gateway, &wide.token, SHOP, OTHER).await;
    let foreign = rpc::begin(&suite.gateway, &theirs.token, SHOP, RELEASE).await;
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;
        assert_run_refused(suite, &token, &sibling, OTHER_WORKFLOW).await;
        assert_run_refused(suite, &token, &foreign, UNKNOWN_RUN).await;
        assert_run_refused(suite, &token, &random_id(), UNKNOWN_RUN).await;
    }
    assert_run_open(suite, &sibling).await;
    assert_run_open(suite, &foreign).await;

    // The control: those whose runs they are may end them.
    let cancel = |run: &str| rpc::cancel(run).encode_to_vec();
    rpc::call(&suite.gateway, CANCEL, &wide.token, &cancel(&sibling))
        .send()
        .await
        .accepted();
    rpc::call(&suite.gateway, CANCEL, &theirs.token, &cancel(&foreign))
        .send()
        .await
        .accepted();
    assert_eq!(suite.origin.run(&foreign).await["status"], "CANCELLED");
}

async fn a_workflow_token_may_end_runs_that_others_began_in_its_workflow(suite: &Suite) {
    let organization = suite.organization().await;
    let wide = organization.mint(&suite.gateway, &json!({})).await;
    let narrow = organization.mint_for_release(&suite.gateway, "jwt").await;
    let run = rpc::begin(&suite.gateway, &wide.token, SHOP, RELEASE).await;
    let cancel = rpc::cancel(&run).encode_to_vec();
    rpc::call(&suite.gateway, CANCEL, &narrow.token, &cancel)
        .send()
        .await
        .accepted();
    assert_eq!(suite.origin.run(&run).await["status"], "CANCELLED");
}

async fn a_project_token_stays_in_its_project(suite: &Suite) {
    let organization = suite.organization().await;
    let wide = organization.mint(&suite.gateway, &json!({})).await;
    let elsewhere = rpc::begin(&suite.gateway, &wide.token, "elsewhere", RELEASE).await;
    for format in ["opaque", "jwt"] {
        let token = organization
            .mint(
                &suite.gateway,
                &json!({ "project": SHOP, "format": format }),
            )
            .await;
        for workflow in [RELEASE, OTHER, "made-just-now"] {
            let run = rpc::begin(&suite.gateway, &token.token, SHOP, workflow).await;
            let cancel = rpc::cancel(&run).encode_to_vec();
            rpc::call(&suite.gateway, CANCEL, &token.token, &cancel)
                .send()
                .await
                .accepted();
        }
        suite.origin.reset().await;
        for path in [FIND_OR_CREATE, INIT] {
            let names = rpc::names("elsewhere", RELEASE);
            rpc::call(&suite.gateway, path, &token.token, &names)
                .send()
                .await
                .refused(7, OTHER_PROJECT);
        }
        suite
            .origin
            .assert_untouched("names of another project")
            .await;
        assert_run_refused(suite, &token, &elsewhere, OTHER_PROJECT).await;
        assert_run_refused(suite, &token, &random_id(), UNKNOWN_RUN).await;
    }
    assert_run_open(suite, &elsewhere).await;
}

async fn an_organization_token_may_go_everywhere_in_its_organization(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let theirs = stranger.mint(&suite.gateway, &json!({})).await;
    let foreign = rpc::begin(&suite.gateway, &theirs.token, SHOP, RELEASE).await;
    for format in ["opaque", "jwt"] {
        let token = organization
            .mint(&suite.gateway, &json!({ "format": format }))
            .await;
        for (project, workflow) in [(SHOP, RELEASE), (SHOP, OTHER), ("elsewhere", "new")] {
            let run = rpc::begin(&suite.gateway, &token.token, project, workflow).await;
            let cancel = rpc::cancel(&run).encode_to_vec();
            rpc::call(&suite.gateway, CANCEL, &token.token, &cancel)
                .send()
                .await
                .accepted();
        }
        assert_run_refused(suite, &token, &foreign, UNKNOWN_RUN).await;
        assert_run_refused(suite, &token, &random_id(), UNKNOWN_RUN).await;
    }
    assert_run_open(suite, &foreign).await;
}

/// The forms of a UUID that the origin's parser takes.
fn forms(id: &str) -> [String; 6] {
    let digits = id.replace('-', "");
    [
        id.to_owned(),
        id.to_uppercase(),
        digits.to_uppercase(),
        digits,
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
    ]
}

async fn every_form_of_an_own_run_id_is_the_same_run(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    for index in 0..forms("").len() {
        let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
        let form = &forms(&run)[index];
        let bundle = attestation::attest("file", form.as_bytes())
            .expect("entropy")
            .bundle;
        let message = rpc::store(form, &bundle).encode_to_vec();
        rpc::call(&suite.gateway, STORE, &token.token, &message)
            .send()
            .await
            .accepted();
        assert_eq!(suite.origin.bundle(&run).await, bundle, "{form}");
    }
}

async fn every_form_of_a_foreign_run_id_is_refused(suite: &Suite) {
    let organization = suite.organization().await;
    let wide = organization.mint(&suite.gateway, &json!({})).await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let sibling = rpc::begin(&suite.gateway, &wide.token, SHOP, OTHER).await;
    for form in forms(&sibling) {
        assert_run_refused(suite, &token, &form, OTHER_WORKFLOW).await;
    }
    for form in forms(&random_id()) {
        assert_run_refused(suite, &token, &form, UNKNOWN_RUN).await;
    }
    suite.origin.reset().await;
    for nonsense in [
        "",
        "x",
        &sibling[1..],
        &format!("{sibling} "),
        &format!("{{{sibling}"),
    ] {
        let message = rpc::store(nonsense, b"{}").encode_to_vec();
        let answer = rpc::call(&suite.gateway, STORE, &token.token, &message)
            .send()
            .await;
        let sentence = if nonsense.is_empty() {
            "the message names no workflow run"
        } else {
            "the id of the workflow run is not a UUID"
        };
        answer.refused(3, sentence);
    }
    suite.origin.assert_untouched("run ids that are none").await;
    assert_run_open(suite, &sibling).await;
}

async fn the_last_of_a_repeated_name_counts_as_it_does_at_the_origin(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let (own, other) = (rpc::names(SHOP, RELEASE), rpc::names(SHOP, OTHER));
    suite.origin.reset().await;
    let smuggled = [own.clone(), other.clone()].concat();
    rpc::call(&suite.gateway, INIT, &token.token, &smuggled)
        .send()
        .await
        .refused(7, OTHER_NAME);
    suite
        .origin
        .assert_untouched("a second name behind the first")
        .await;

    rpc::call(&suite.gateway, FIND_OR_CREATE, &token.token, &own)
        .send()
        .await
        .accepted();
    let answer = rpc::call(&suite.gateway, INIT, &token.token, &[other, own].concat())
        .send()
        .await
        .accepted();
    let answer = postern_origin::proto::AttestationServiceInitResponse::decode(answer.as_slice())
        .expect("an answer");
    let run = answer
        .result
        .expect("a result")
        .workflow_run
        .expect("a run");
    assert_eq!(run.workflow.expect("a workflow").name, RELEASE);
}

async fn runs_are_known_to_every_isolate(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["opaque", "jwt"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;
        let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
        let message = rpc::cancel(&run).encode_to_vec();
        rpc::call_on(&suite.gateway, 1, CANCEL, &token.token, &message)
            .send()
            .await
            .accepted();
        assert_eq!(suite.origin.run(&run).await["status"], "CANCELLED");
    }
}
