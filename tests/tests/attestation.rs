//! The whole path on real input: tokens of every scope attest this project's own build through the gate with a real
//! gRPC-Web client, and are refused wherever their scope ends. What reaches the origin is looked at there.

use std::process::ExitCode;

use postern_origin::client::{self, Client, Wire};
use postern_origin::{attestation, sha256_hex};
use postern_system_tests::organization::{Minted, OTHER, RELEASE, SHOP};
use postern_system_tests::rpc::{self, CANCEL, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::runner::{self, Case};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_address, random_id, root};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::Request;

/// What the gate says of a call or run outside the token's scope.
const OTHER_NAME: &str =
    "API token is workflow-scoped and cannot create or look up other workflows";
const OTHER_WORKFLOW: &str = "API token is scoped to a different workflow";
const OTHER_PROJECT: &str =
    "operation not allowed: This auth token is valid only with the project \"shop\"";
const UNKNOWN_RUN: &str = "operation not allowed: no such workflow run in the token's organization";
const NOT_CONFINED: &str = "operation not allowed: the request must name the project and, for a workflow-scoped token, the workflow that the token is for";

fn main() -> ExitCode {
    let attest = |name: &str, format: &'static str, wire: Wire| {
        Case::new(name, async move |suite: &Suite| {
            attests_our_own_build(suite, format, wire).await
        })
    };
    let mut cases = vec![
        attest(
            "an_opaque_key_attests_our_own_build_in_binary",
            "opaque",
            Wire::Binary,
        ),
        attest(
            "an_opaque_key_attests_our_own_build_in_text",
            "opaque",
            Wire::Text,
        ),
        attest("a_jwt_attests_our_own_build_in_binary", "jwt", Wire::Binary),
        attest("a_jwt_attests_our_own_build_in_text", "jwt", Wire::Text),
    ];
    cases.extend(cases![
        the_origin_gets_the_credential_as_it_was_written,
        the_origin_sees_the_platforms_address_and_nothing_forged,
        without_the_platforms_address_the_origin_gets_none,
        a_trace_is_continued_and_a_broken_one_begins_anew,
        a_workflow_token_is_refused_other_names,
        a_workflow_token_is_refused_foreign_runs,
        a_workflow_token_may_end_runs_that_others_began_in_its_workflow,
        a_project_token_stays_in_its_project,
        an_organization_token_may_go_everywhere_in_its_organization,
        every_form_of_an_own_run_id_is_the_same_run,
        every_form_of_a_foreign_run_id_is_refused,
        the_last_of_a_repeated_name_counts_as_it_does_at_the_origin,
        runs_are_known_to_every_isolate,
        refusals_of_the_origin_pass_as_they_are,
        the_administrator_key_attests_nothing,
    ]);
    runner::run(Suite::with(|serve| serve.isolates(2)), cases)
}

fn client(suite: &Suite, token: &Minted, wire: Wire) -> Client {
    client::connect_as(&suite.gateway.url(0), &token.token, wire).expect("a client")
}

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

async fn assert_run_open(suite: &Suite, run: &str) {
    assert_eq!(
        suite.origin.run(run).await["status"],
        "INITIALIZED",
        "run {run}"
    );
}

/// A message that comes from this address, as the platform tells.
fn from<T>(message: T, address: &str) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("cf-connecting-ip", address.parse().expect("an address"));
    request
}

fn authorization_sha256(token: &Minted) -> String {
    sha256_hex(format!("Bearer {}", token.token).as_bytes())
}

async fn attests_our_own_build(suite: &Suite, format: &'static str, wire: Wire) {
    let organization = suite.organization().await;
    let token = organization.mint_for_release(&suite.gateway, format).await;
    let wasm =
        std::fs::read(root().join("build/index_bg.wasm")).expect("serve has built the module");
    assert!(wasm.starts_with(b"\0asm"), "the module is wasm");
    let bundle = attestation::attest("index_bg.wasm", &wasm)
        .expect("entropy")
        .bundle;
    let address = random_address();
    let mut client = client(suite, &token, wire);

    suite.origin.reset().await;
    let workflow = client
        .find_or_create_workflow(from(rpc::find_or_create(SHOP, RELEASE), &address))
        .await;
    let workflow = workflow
        .expect("the workflow")
        .into_inner()
        .result
        .expect("a workflow");
    assert_eq!(
        (workflow.project.as_str(), workflow.name.as_str()),
        (SHOP, RELEASE)
    );
    let begun = client
        .init(from(rpc::init(SHOP, RELEASE), &address))
        .await
        .expect("the run")
        .into_inner();
    let run = begun
        .result
        .expect("a result")
        .workflow_run
        .expect("a run")
        .id;
    let stored = client
        .store(from(rpc::store(&run, &bundle), &address))
        .await
        .expect("stored")
        .into_inner();

    assert_eq!(
        stored.result.expect("a result").digest,
        format!("sha256:{}", sha256_hex(&bundle))
    );
    assert_eq!(suite.origin.bundle(&run).await, bundle, "byte for byte");
    let known = suite.origin.run(&run).await;
    assert_eq!(
        (&known["status"], &known["workflow"], &known["project"]),
        (&json!("SUCCEEDED"), &json!(RELEASE), &json!(SHOP))
    );
    assert_eq!(known["authorization_sha256"], authorization_sha256(&token));

    let calls = suite.origin.calls().await;
    let paths: Vec<_> = calls
        .iter()
        .map(|call| call["path"].as_str().expect("a path"))
        .collect();
    assert_eq!(paths, [FIND_OR_CREATE, INIT, STORE]);
    for call in &calls {
        let protocol = if wire == Wire::Text {
            "grpc-web-text"
        } else {
            "grpc-web"
        };
        assert_eq!(call["protocol"], protocol, "{call}");
        assert_eq!(
            call["headers"]["authorization_sha256"],
            json!([authorization_sha256(&token)]),
            "{call}"
        );
        assert_eq!(
            call["headers"]["x-forwarded-for"],
            json!([address]),
            "{call}"
        );
    }

    // What names the run is over: the same token on the other workflow, by name.
    let refused = client
        .init(from(rpc::init(SHOP, OTHER), &address))
        .await
        .expect_err("another workflow");
    assert_eq!(
        client::describe(&refused),
        format!("PERMISSION_DENIED (7): {OTHER_NAME}")
    );
}

async fn the_origin_gets_the_credential_as_it_was_written(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    for written in [
        format!("Bearer {}", token.token),
        format!("bearer {}", token.token),
        format!("BEARER  {}", token.token),
    ] {
        suite.origin.reset().await;
        let body = rpc::frame(0, &rpc::names(SHOP, RELEASE));
        let call = rpc::anonymous(&suite.gateway, 0, FIND_OR_CREATE, body)
            .header("authorization", &written);
        call.send().await.accepted();
        let calls = suite.origin.calls().await;
        assert_eq!(
            calls[0]["headers"]["authorization_sha256"],
            json!([sha256_hex(written.as_bytes())])
        );
    }
}

/// Every header by which a caller could pose as somebody else, each with a value that must not arrive anywhere.
const SPOOFS: [&str; 28] = [
    "cf-connecting-ipv6",
    "cf-ew-via",
    "cf-ipcountry",
    "cf-pseudo-ipv4",
    "cf-ray",
    "cf-visitor",
    "cf-worker",
    "cookie",
    "fastly-client-ip",
    "forwarded",
    "keep-alive",
    "postern-assertion",
    "postern-organization",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
];

async fn the_origin_sees_the_platforms_address_and_nothing_forged(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let address = random_address();
    let message = rpc::names(SHOP, RELEASE);
    let plain = rpc::call(&suite.gateway, FIND_OR_CREATE, &token.token, &message)
        .without("cf-connecting-ip");
    let mut call = plain
        .from(&address)
        .header("x-harmless", "passes")
        .header("te", "forged");
    for name in SPOOFS {
        call = call.header(name, "forged, 6.6.6.6");
    }
    call = call
        .header("connection", "x-nominated, authorization")
        .header("x-nominated", "forged");
    suite.origin.reset().await;
    let answer = call.send().await;
    answer.accepted();

    let calls = suite.origin.calls().await;
    assert_eq!(calls.len(), 1);
    let headers = calls[0]["headers"].as_object().expect("headers");
    assert_eq!(headers["x-forwarded-for"], json!([address]));
    assert_eq!(headers["x-harmless"], json!(["passes"]));
    assert_eq!(
        headers["authorization_sha256"],
        json!([authorization_sha256(&token)]),
        "`Connection` cannot remove it"
    );
    assert_eq!(
        headers["x-request-id"],
        json!([answer.header("x-request-id").expect("a request id")])
    );
    let text = Value::Object(headers.clone()).to_string();
    assert!(
        !text.contains("forged") && !text.contains("6.6.6.6"),
        "this arrived: {headers:#?}"
    );
    for name in [
        "cf-connecting-ip",
        "cookie",
        "forwarded",
        "x-real-ip",
        "te",
        "expect",
        "upgrade",
        "x-nominated",
    ] {
        assert!(
            !headers.contains_key(name),
            "`{name}` arrived: {headers:#?}"
        );
    }
}

async fn without_the_platforms_address_the_origin_gets_none(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "jwt")
        .await;
    let message = rpc::names(SHOP, RELEASE);
    for address in [None, Some("6.6.6.6, 7.7.7.7"), Some("nonsense")] {
        let call = rpc::call(&suite.gateway, FIND_OR_CREATE, &token.token, &message);
        let mut call = call
            .without("cf-connecting-ip")
            .header("x-forwarded-for", "6.6.6.6");
        if let Some(address) = address {
            call = call.from(address);
        }
        suite.origin.reset().await;
        call.send().await.accepted();
        let calls = suite.origin.calls().await;
        assert_eq!(
            calls[0]["headers"].get("x-forwarded-for"),
            None,
            "{address:?}"
        );
    }
}

async fn a_trace_is_continued_and_a_broken_one_begins_anew(suite: &Suite) {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "jwt")
        .await;
    let message = rpc::names(SHOP, RELEASE);
    let arrived = async |traceparent: Option<&str>| -> (Vec<String>, Value) {
        let mut call = rpc::call(&suite.gateway, FIND_OR_CREATE, &token.token, &message);
        if let Some(traceparent) = traceparent {
            call = call
                .header("traceparent", traceparent)
                .header("tracestate", "a=b");
        }
        suite.origin.reset().await;
        call.send().await.accepted();
        let calls = suite.origin.calls().await;
        let header = calls[0]["headers"]["traceparent"][0]
            .as_str()
            .expect("a traceparent")
            .to_owned();
        (
            header.split('-').map(str::to_owned).collect(),
            calls[0]["headers"]["tracestate"].clone(),
        )
    };

    let (parts, state) = arrived(Some(&format!("00-{TRACE}-00f067aa0ba902b7-01"))).await;
    assert_eq!(
        (parts[0].as_str(), parts[1].as_str(), parts[3].as_str()),
        ("00", TRACE, "01")
    );
    assert_ne!(
        parts[2], "00f067aa0ba902b7",
        "under a parent id of the gate's own"
    );
    assert_eq!(state, json!(["a=b"]));

    for broken in [
        None,
        Some("00-xyz"),
        Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
    ] {
        let (parts, state) = arrived(broken).await;
        assert_eq!(
            parts.iter().map(String::len).collect::<Vec<_>>(),
            [2, 32, 16, 2],
            "{parts:?}"
        );
        assert!(
            parts[1] != TRACE && parts[1].bytes().any(|digit| digit != b'0'),
            "{parts:?}"
        );
        assert_eq!(
            state,
            Value::Null,
            "the state of a trace that was not taken over"
        );
    }
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

async fn refusals_of_the_origin_pass_as_they_are(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
    let message = rpc::store(&run, b"not a bundle").encode_to_vec();
    let (ending, _) = rpc::call(&suite.gateway, STORE, &token.token, &message)
        .send()
        .await
        .ending();
    assert_eq!(ending.code, 3);
    assert!(
        ending
            .message
            .starts_with("attestation_bundle: not a JSON object"),
        "{ending:?}"
    );
    assert_run_open(suite, &run).await;

    let cancel = rpc::cancel(&run).encode_to_vec();
    rpc::call(&suite.gateway, CANCEL, &token.token, &cancel)
        .send()
        .await
        .accepted();
    let (ending, _) = rpc::call(&suite.gateway, CANCEL, &token.token, &cancel)
        .send()
        .await
        .ending();
    assert_eq!(ending.code, 9);
    assert!(
        ending.message.starts_with("workflow run has ended already"),
        "{ending:?}"
    );
}

async fn the_administrator_key_attests_nothing(suite: &Suite) {
    suite.origin.reset().await;
    let calls = [
        (FIND_OR_CREATE, rpc::names(SHOP, RELEASE)),
        (INIT, rpc::names(SHOP, RELEASE)),
        (STORE, rpc::store(&random_id(), b"{}").encode_to_vec()),
        (CANCEL, rpc::cancel(&random_id()).encode_to_vec()),
    ];
    for (path, message) in calls {
        let answer = rpc::call(&suite.gateway, path, &suite.keys.admin, &message)
            .send()
            .await;
        answer.refused(7, "operation not allowed");
    }
    suite.origin.assert_untouched("the administrator key").await;
}
