//! What the stock client calls, in its own order (init, add, status, push, reset, verify), through the gate with tokens
//! of every scope and format, in both forms of gRPC-Web and in native gRPC through a bridge; and the same calls with something that is not the token's.

mod calls;
mod clients;
mod support;

use std::process::ExitCode;

use postern_origin::client::Wire;
use postern_origin::proto::workflow_run_service_view_request::Ref;
use postern_origin::reason;
use postern_system_tests::cases;
use postern_system_tests::organization::{OTHER, Organization, RELEASE, SHOP};
use postern_system_tests::program::Postern;
use postern_system_tests::rpc;
use postern_system_tests::runner::{self, Case};
use tonic::Code;

use self::calls::{names, send};
use self::clients::{Calls, Clients};
use self::support::{ELSEWHERE, assert_run_refused, connect, mint, organization, runs_before};
use postern_system_tests::suite::Suite;

const OTHER_NAME: &str =
    "API token is workflow-scoped and cannot create or look up other workflows";
const OTHER_WORKFLOW: &str = "API token is scoped to a different workflow";
const OTHER_PROJECT: &str =
    "operation not allowed: This auth token is valid only with the project \"shop\"";
const UNKNOWN_RUN: &str = "operation not allowed: no such workflow run in the token's organization";
const NOT_CONFINED: &str = "operation not allowed: the request must name the project and, for a workflow-scoped token, the workflow that \
     the token is for";

const GET_CONTRACT: &str = "/controlplane.v1.AttestationService/GetContract";

fn main() -> ExitCode {
    let mut cases = Vec::new();
    for scope in ["organization", "project", "workflow"] {
        for format in ["opaque", "jwt"] {
            for wire in [Wire::Binary, Wire::Text] {
                let name = format!("r29_{scope}_tokens_run_the_sequences_{format}_{wire:?}");
                cases.push(Case::new(
                    &name.to_lowercase(),
                    async move |suite: &Suite| runs_the_sequences(suite, scope, format, wire).await,
                ));
            }
        }
    }
    cases.extend(cases![
        r29_native_grpc_runs_the_sequences_through_the_bridge,
        r30_no_call_on_a_run_leaves_the_workflow,
        r30_no_call_on_a_run_leaves_the_project,
        r32_a_run_of_another_organization_is_unknown_to_every_call,
        r31_no_call_by_name_leaves_the_scope,
        r30_a_digest_names_neither_project_nor_workflow,
    ]);
    runner::run(Suite::start(), cases)
}

async fn runs_the_sequences(suite: &Suite, scope: &'static str, format: &'static str, wire: Wire) {
    let organization = organization(suite).await;
    let token = mint(suite, &organization, scope, format).await;
    let clients = connect(suite, &token, wire);
    suite.origin.reset().await;
    the_sequences(suite, &organization, clients, scope, format).await;

    let protocol = if wire == Wire::Text {
        "grpc-web-text"
    } else {
        "grpc-web"
    };
    for call in suite.origin.calls().await {
        // The gate's own question about a workflow token's workflow is in the gate's own protocol.
        let own = scope == "workflow" && call["path"] == GET_CONTRACT;
        if own && call["protocol"] == "grpc-web" {
            continue;
        }
        assert_eq!(call["protocol"], protocol, "{call}");
    }
}

async fn r29_native_grpc_runs_the_sequences_through_the_bridge(suite: &Suite) {
    let postern = Postern::new(&[("POSTERN_URL", &suite.gateway.url(0))]);
    let bridge = postern.bridge().await;
    let organization = organization(suite).await;
    for scope in ["organization", "project", "workflow"] {
        let token = mint(suite, &organization, scope, "opaque").await;
        let clients = Clients::native(&bridge.url, &token.token).await;
        suite.origin.reset().await;
        the_sequences(suite, &organization, clients, scope, "opaque").await;
        for call in suite.origin.calls().await {
            assert_eq!(call["protocol"], "grpc-web", "{call}");
        }
    }
}

/// Everything that the stock client's commands call.
async fn the_sequences<C: Calls>(
    suite: &Suite,
    organization: &Organization,
    mut clients: Clients<C>,
    scope: &str,
    format: &str,
) {
    let run = clients.init(SHOP, RELEASE).await;
    let digest = clients.add(&run, "").await;
    clients.status(&run).await;
    let digest = clients.add(&run, &digest).await;
    // Two jobs at once: the one that comes late has to read first.
    let late = clients.save(&run, "0").await.expect_err("a lost update");
    assert_eq!(late.code(), Code::Aborted, "{late:?}");
    assert_eq!(
        reason(&late).as_deref(),
        Some("ATTESTATION_STATE_ERROR_CONFLICT")
    );
    assert!(late.message().contains(&digest), "{late:?}");
    let stored = clients.push(&run).await;
    clients.verify().await;
    assert_eq!(suite.origin.run(&run).await["status"], "SUCCEEDED");

    let cancelled = clients.init(SHOP, RELEASE).await;
    clients.reset(&cancelled).await;
    assert_eq!(suite.origin.run(&cancelled).await["status"], "CANCELLED");

    let seen = clients
        .view_run(Ref::Id(run.clone()))
        .await
        .expect("the run");
    assert_eq!(
        seen.org_name,
        if format == "jwt" {
            &organization.name
        } else {
            "sample"
        }
    );
    let seen = clients
        .view_workflow(SHOP, RELEASE)
        .await
        .expect("the workflow");
    assert_eq!(seen.runs_count, 2 + runs_before(suite, &run).await);
    let by_digest = clients.view_run(Ref::Digest(stored)).await;
    assert_eq!(by_digest.is_ok(), scope == "organization", "{by_digest:?}");
}

async fn r30_no_call_on_a_run_leaves_the_workflow(suite: &Suite) {
    let organization = organization(suite).await;
    let wide = mint(suite, &organization, "organization", "opaque").await;
    let sibling = rpc::begin(&suite.gateway, &wide.token, SHOP, OTHER).await;
    let elsewhere = rpc::begin(&suite.gateway, &wide.token, ELSEWHERE, RELEASE).await;
    for format in ["opaque", "jwt"] {
        let token = mint(suite, &organization, "workflow", format).await;
        assert_run_refused(suite, &token, &sibling, OTHER_WORKFLOW, false).await;
        assert_run_refused(suite, &token, &elsewhere, OTHER_WORKFLOW, false).await;
    }
}

async fn r30_no_call_on_a_run_leaves_the_project(suite: &Suite) {
    let organization = organization(suite).await;
    let wide = mint(suite, &organization, "organization", "opaque").await;
    let elsewhere = rpc::begin(&suite.gateway, &wide.token, ELSEWHERE, RELEASE).await;
    for format in ["opaque", "jwt"] {
        let token = mint(suite, &organization, "project", format).await;
        assert_run_refused(suite, &token, &elsewhere, OTHER_PROJECT, false).await;
    }
}

async fn r32_a_run_of_another_organization_is_unknown_to_every_call(suite: &Suite) {
    let (organization, stranger) = (organization(suite).await, organization(suite).await);
    let theirs = mint(suite, &stranger, "workflow", "jwt").await;
    let run = rpc::begin(&suite.gateway, &theirs.token, SHOP, RELEASE).await;
    for scope in ["organization", "project", "workflow"] {
        for format in ["opaque", "jwt"] {
            let token = mint(suite, &organization, scope, format).await;
            assert_run_refused(suite, &token, &run, UNKNOWN_RUN, true).await;
        }
    }
}

async fn r31_no_call_by_name_leaves_the_scope(suite: &Suite) {
    let organization = organization(suite).await;
    for format in ["opaque", "jwt"] {
        for (scope, project, workflow, message) in [
            ("workflow", SHOP, OTHER, OTHER_NAME),
            ("workflow", ELSEWHERE, RELEASE, OTHER_PROJECT),
            ("project", ELSEWHERE, RELEASE, OTHER_PROJECT),
        ] {
            let token = mint(suite, &organization, scope, format).await;
            suite.origin.reset().await;
            for (path, body) in names(project, workflow) {
                for wire in [Wire::Binary, Wire::Text] {
                    let answer = send(&suite.gateway, wire, path, &token.token, &body).await;
                    answer.refused(7, message);
                }
            }
            suite.origin.assert_untouched(message).await;
        }
    }
}

async fn r30_a_digest_names_neither_project_nor_workflow(suite: &Suite) {
    let organization = organization(suite).await;
    let wide = mint(suite, &organization, "organization", "jwt").await;
    let mut clients = connect(suite, &wide, Wire::Binary);
    let run = clients.init(SHOP, RELEASE).await;
    let digest = clients.push(&run).await;
    for scope in ["project", "workflow"] {
        let token = mint(suite, &organization, scope, "opaque").await;
        suite.origin.reset().await;
        let mut clients = connect(suite, &token, Wire::Binary);
        let refused = clients.view_run(Ref::Digest(digest.clone()));
        let refused = refused.await.expect_err("a narrow token");
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::PermissionDenied, NOT_CONFINED)
        );
        suite.origin.assert_untouched(scope).await;
    }
}
