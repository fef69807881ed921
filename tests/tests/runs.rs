//! Which workflow a run belongs to (R32), where the gate has not seen it begin: asked of the origin with the caller's own
//! credential, remembered, and refused when the origin says no or says nothing. And workflows made anew under an old
//! name, which are not the ones that tokens were minted for.

use std::process::ExitCode;

use postern_origin::attestation;
use postern_origin::client::{Connection, Wire};
use postern_origin::proto::workflow_service_client::WorkflowServiceClient;
use postern_origin::proto::{
    AttestationServiceGetContractRequest, FindOrCreateWorkflowRequest,
    WorkflowRunServiceListRequest, WorkflowServiceCreateRequest, WorkflowServiceDeleteRequest,
};
use postern_origin::sha256_hex;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::ledgers::{WITHOUT_LATER_THAN_4, on_ledgers};
use postern_system_tests::organization::{Minted, OTHER, Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, CANCEL, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, runner};
use prost::Message as _;
use serde_json::json;

const VIEW: &str = "/controlplane.v1.WorkflowRunService/View";
const STATE_READ: &str = "/controlplane.v1.AttestationStateService/Read";
const UNKNOWN_RUN: &str = "operation not allowed: no such workflow run in the token's organization";
const OTHER_WORKFLOW: &str = "API token is scoped to a different workflow";
const GET_CONTRACT: &str = "/controlplane.v1.AttestationService/GetContract";
const LIST_RUNS: &str = "/controlplane.v1.WorkflowRunService/List";
const REPLACED: &str = "API token is scoped to a workflow that was deleted; if there is one of this name, it is new: create a token for it";

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(2)),
        cases![
            r32_a_run_is_known_elsewhere_once_init_has_answered,
            r32_a_run_begun_elsewhere_is_looked_up_once,
            r32_a_run_looked_up_is_held_against_the_scope,
            r32_runs_that_the_origin_does_not_give_stay_closed,
            r32_without_the_origin_a_run_stays_closed,
            r30_a_workflow_made_anew_is_another_one,
            r30_nothing_by_name_goes_to_a_workflow_made_anew,
            r30_a_workflow_that_was_deleted_is_not_made_by_its_token,
            r30_the_workflow_is_asked_about_once_in_a_while,
            r30_without_the_origins_word_nothing_goes_there,
            ledgers_of_the_first_release_come_forward,
        ],
    )
}

/// How often the gate has asked about runs since the last reset.
async fn lookups(suite: &Suite) -> usize {
    let calls = suite.origin.calls().await;
    calls.iter().filter(|call| call["path"] == VIEW).count()
}

fn store(
    suite: &Suite,
    isolate: u16,
    token: &Minted,
    run: &str,
) -> postern_system_tests::http::Call {
    let bundle = attestation::attest("file", b"content")
        .expect("entropy")
        .bundle;
    let message = rpc::store(run, &bundle).encode_to_vec();
    rpc::call_on(&suite.gateway, isolate, STORE, &token.token, &message)
}

/// Begins a run at the origin itself, past the gate.
async fn begin_past_the_gate(suite: &Suite, token: &Minted, workflow: &str) -> String {
    let names = rpc::names(SHOP, workflow);
    for path in [FIND_OR_CREATE, INIT] {
        let call = suite.origin.post(path, rpc::frame(0, &names));
        let answer = call.bearer(&token.token).send().await.accepted();
        if path == INIT {
            return rpc::run_of(&answer);
        }
    }
    unreachable!("Init comes last")
}

/// A JWT: the sample origin tells organizations apart by its claims.
async fn wide(organization: &Organization, gateway: &Gateway) -> Minted {
    organization
        .mint(gateway, &json!({ "format": "jwt" }))
        .await
}

async fn r32_a_run_is_known_elsewhere_once_init_has_answered(suite: &Suite) {
    let organization = suite.organization().await;
    for format in ["jwt", "opaque", "jwt", "opaque"] {
        let token = organization.mint_for_release(&suite.gateway, format).await;
        let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
        store(suite, 1, &token, &run).send().await.accepted();
    }
}

async fn r32_a_run_begun_elsewhere_is_looked_up_once(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let run = begin_past_the_gate(suite, &token, RELEASE).await;
    suite.origin.reset().await;
    let read = rpc::cancel(&run).encode_to_vec();
    for isolate in [0, 1, 0] {
        let call = rpc::call_on(&suite.gateway, isolate, STATE_READ, &token.token, &read);
        let (ending, _) = call.send().await.ending();
        assert_eq!(ending.code, 5, "no state is saved: {ending:?}");
    }
    assert_eq!(lookups(suite).await, 1);
    let calls = suite.origin.calls().await;
    let lookup = calls
        .iter()
        .find(|call| call["path"] == VIEW)
        .expect("a lookup");
    let own = sha256_hex(format!("Bearer {}", token.token).as_bytes());
    assert_eq!(lookup["headers"]["authorization_sha256"], json!([own]));
    store(suite, 1, &token, &run).send().await.accepted();
    assert_eq!(lookups(suite).await, 1);
}

async fn r32_a_run_looked_up_is_held_against_the_scope(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let wide = wide(&organization, &suite.gateway).await;
    let run = begin_past_the_gate(suite, &wide, OTHER).await;
    for _ in 0..2 {
        store(suite, 0, &token, &run)
            .send()
            .await
            .refused(7, OTHER_WORKFLOW);
        let cancel = rpc::cancel(&run).encode_to_vec();
        rpc::call(&suite.gateway, CANCEL, &token.token, &cancel)
            .send()
            .await
            .refused(7, OTHER_WORKFLOW);
    }
    assert_eq!(suite.origin.run(&run).await["status"], "INITIALIZED");
    store(suite, 0, &wide, &run).send().await.accepted();
}

async fn r32_runs_that_the_origin_does_not_give_stay_closed(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let token = wide(&organization, &suite.gateway).await;
    let theirs = wide(&stranger, &suite.gateway).await;
    let foreign = begin_past_the_gate(suite, &theirs, RELEASE).await;
    for run in [foreign.as_str(), &random_id()] {
        suite.origin.reset().await;
        for _ in 0..2 {
            store(suite, 0, &token, run)
                .send()
                .await
                .refused(7, UNKNOWN_RUN);
        }
        // A no is not kept: the run may begin yet.
        assert_eq!(lookups(suite).await, 2);
        suite.origin.assert_only_asked_for_runs(run).await;
    }
    // An opaque key is nothing to the origin, which takes it for its own organization's; what it answers is another
    // organization's run still.
    let opaque = organization.mint(&suite.gateway, &json!({})).await;
    store(suite, 0, &opaque, &foreign)
        .send()
        .await
        .refused(7, UNKNOWN_RUN);
    assert_eq!(suite.origin.run(&foreign).await["status"], "INITIALIZED");
}

async fn r32_without_the_origin_a_run_stays_closed(suite: &Suite) {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let gateway = Serve::new(&url, &suite.keys)
        .set("ORIGIN_TIMEOUT_SECONDS", "1")
        .start()
        .await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let token = wide(&organization, &gateway).await;
    let message = rpc::cancel(&random_id()).encode_to_vec();
    let answer = rpc::call(&gateway, CANCEL, &token.token, &message)
        .send()
        .await;
    answer.refused(14, "the origin is not available: try again");
    gateway.stop();
}

async fn r30_a_workflow_made_anew_is_another_one(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let wide = wide(&organization, &suite.gateway).await;
    let old = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
    recreate(suite, &wide).await;

    // The new workflow's runs are not the token's, whoever began them; nor does it get to begin one.
    let begun = rpc::begin(&suite.gateway, &wide.token, SHOP, RELEASE).await;
    for isolate in [0, 1] {
        store(suite, isolate, &token, &begun)
            .send()
            .await
            .refused(7, REPLACED);
        let init = rpc::init(SHOP, RELEASE).encode_to_vec();
        rpc::call_on(&suite.gateway, isolate, INIT, &token.token, &init)
            .send()
            .await
            .refused(7, REPLACED);
    }
    assert_eq!(suite.origin.run(&begun).await["status"], "INITIALIZED");
    // Its own runs it keeps.
    store(suite, 0, &token, &old).send().await.accepted();
    // A token minted since is for the new one.
    let fresh = organization.mint_for_release(&suite.gateway, "jwt").await;
    store(suite, 0, &fresh, &begun).send().await.accepted();
}

/// What a token can do by the name of its workflow, as gRPC-Web calls.
fn by_name() -> Vec<(&'static str, Vec<u8>)> {
    let contract = FindOrCreateWorkflowRequest {
        contract_bytes: b"schemaVersion: v1".to_vec(),
        ..rpc::find_or_create(SHOP, RELEASE)
    };
    let read = AttestationServiceGetContractRequest {
        project_name: SHOP.to_owned(),
        workflow_name: RELEASE.to_owned(),
        ..Default::default()
    };
    let list = WorkflowRunServiceListRequest {
        project_name: SHOP.to_owned(),
        workflow_name: RELEASE.to_owned(),
        ..Default::default()
    };
    vec![
        (INIT, rpc::init(SHOP, RELEASE).encode_to_vec()),
        (FIND_OR_CREATE, rpc::names(SHOP, RELEASE)),
        (FIND_OR_CREATE, contract.encode_to_vec()),
        (GET_CONTRACT, read.encode_to_vec()),
        (LIST_RUNS, list.encode_to_vec()),
    ]
}

async fn r30_nothing_by_name_goes_to_a_workflow_made_anew(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let wide = wide(&organization, &suite.gateway).await;
    rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
    for (path, message) in by_name() {
        let call = rpc::call(&suite.gateway, path, &token.token, &message);
        call.send().await.accepted();
    }
    recreate(suite, &wide).await;
    let runs = suite.origin.runs().await.len();
    suite.origin.reset().await;
    // An isolate that was told nothing yet.
    for _ in 0..2 {
        for (path, message) in by_name() {
            let call = rpc::call_on(&suite.gateway, 1, path, &token.token, &message);
            call.send().await.refused(7, REPLACED);
        }
    }
    let told = suite.origin.paths().await;
    assert_eq!(told, vec![GET_CONTRACT; 10], "only the gate's own question");
    assert_eq!(suite.origin.runs().await.len(), runs);
}

async fn r30_a_workflow_that_was_deleted_is_not_made_by_its_token(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    let wide = wide(&organization, &suite.gateway).await;
    rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
    delete(suite, &wide).await;
    suite.origin.reset().await;
    for (path, message) in by_name() {
        let call = rpc::call(&suite.gateway, path, &token.token, &message);
        call.send().await.refused(7, REPLACED);
    }
    assert_eq!(suite.origin.paths().await, vec![GET_CONTRACT; 5]);
    create(suite, &wide).await;
}

async fn r30_the_workflow_is_asked_about_once_in_a_while(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, "jwt").await;
    rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
    let init = rpc::init(SHOP, RELEASE).encode_to_vec();
    let begin = |isolate| rpc::call_on(&suite.gateway, isolate, INIT, &token.token, &init).send();
    suite.origin.reset().await;
    for isolate in [0, 0, 1, 0, 1] {
        begin(isolate).await.accepted();
    }
    let asked = suite.origin.paths().await;
    let asked = asked.iter().filter(|path| *path == GET_CONTRACT).count();
    assert_eq!(asked, 2, "once for each isolate");
    // It is the caller that asks: the question has its credential.
    let calls = suite.origin.calls().await;
    let own = sha256_hex(format!("Bearer {}", token.token).as_bytes());
    let question = calls.iter().find(|call| call["path"] == GET_CONTRACT);
    let headers = &question.expect("asked")["headers"];
    assert_eq!(headers["authorization_sha256"], json!([own]));
    // Tokens of no single workflow are not asked about.
    let wide = wide(&organization, &suite.gateway).await;
    suite.origin.reset().await;
    for _ in 0..2 {
        rpc::begin(&suite.gateway, &wide.token, SHOP, RELEASE).await;
    }
    assert!(
        !suite
            .origin
            .paths()
            .await
            .iter()
            .any(|path| path == GET_CONTRACT)
    );
}

async fn r30_without_the_origins_word_nothing_goes_there(suite: &Suite) {
    let serve = suite.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "jwt").await;
    rpc::begin(&gateway, &token.token, SHOP, RELEASE).await;
    gateway.stop();
    // The same stores before an origin that says nothing: its one answer would be the question's.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let serve = serve
        .set("ORIGIN_URL", &url)
        .set("ORIGIN_TIMEOUT_SECONDS", "1");
    let gateway = serve.start().await;
    let init = rpc::init(SHOP, RELEASE).encode_to_vec();
    let call = rpc::call(&gateway, INIT, &token.token, &init);
    let answer = call.send().await;
    answer.refused(14, "the origin is not available: try again");
    gateway.stop();
}

/// Deletes `shop`/`release` at the origin and makes it again.
async fn recreate(suite: &Suite, token: &Minted) {
    delete(suite, token).await;
    create(suite, token).await;
}

async fn delete(suite: &Suite, token: &Minted) {
    let connection = Connection::new(&suite.origin.url, Some(&token.token), Wire::Binary);
    let mut workflows = connection
        .expect("a connection")
        .client(WorkflowServiceClient::with_origin);
    let delete = WorkflowServiceDeleteRequest {
        name: RELEASE.to_owned(),
        project_name: SHOP.to_owned(),
    };
    workflows.delete(delete).await.expect("deleted");
}

async fn create(suite: &Suite, token: &Minted) {
    let connection = Connection::new(&suite.origin.url, Some(&token.token), Wire::Binary);
    let mut workflows = connection
        .expect("a connection")
        .client(WorkflowServiceClient::with_origin);
    let create = WorkflowServiceCreateRequest {
        name: RELEASE.to_owned(),
        project_name: SHOP.to_owned(),
        ..Default::default()
    };
    workflows.create(create).await.expect("made anew");
}

async fn ledgers_of_the_first_release_come_forward(suite: &Suite) {
    let serve = suite.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "jwt").await;
    let run = rpc::begin(&gateway, &token.token, SHOP, RELEASE).await;
    gateway.stop();
    let first = "drop table schema; drop table pins; drop table refusals; \
                 drop index tokens_by_version; drop index tokens_living; drop index tokens_pending;";
    on_ledgers(&serve.state(), &format!("{WITHOUT_LATER_THAN_4} {first}"));

    let gateway = serve.start().await;
    let cancel = rpc::cancel(&run).encode_to_vec();
    rpc::call(&gateway, CANCEL, &token.token, &cancel)
        .send()
        .await
        .accepted();
    gateway.stop();
    // The tables are there again, and the run has told the token's workflow.
    let workflow = suite.origin.run(&run).await["workflow_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let check = format!(
        "create temp table ok (x check (x = 1)); \
         insert into ok select count(*) from schema where version = 15; \
         insert into ok select count(*) from pins where token = '{}' and workflow = '{workflow}'",
        token.id
    );
    on_ledgers(&serve.state(), &check);
}
