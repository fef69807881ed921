//! Attests this project's own build, in every format and both forms of gRPC-Web.

use postern_origin::client::{self, Wire};
use postern_origin::{attestation, sha256_hex};
use postern_system_tests::organization::{OTHER, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{random_address, root};
use serde_json::json;

use crate::support::{OTHER_NAME, authorization_sha256, client, from};

pub fn cases() -> Vec<Case<Suite>> {
    let case = |name: &str, format: &'static str, wire: Wire| {
        Case::new(name, async move |suite: &Suite| {
            attests_our_own_build(suite, format, wire).await
        })
    };
    vec![
        case(
            "build::an_opaque_key_attests_our_own_build_in_binary",
            "opaque",
            Wire::Binary,
        ),
        case(
            "build::an_opaque_key_attests_our_own_build_in_text",
            "opaque",
            Wire::Text,
        ),
        case(
            "build::a_jwt_attests_our_own_build_in_binary",
            "jwt",
            Wire::Binary,
        ),
        case(
            "build::a_jwt_attests_our_own_build_in_text",
            "jwt",
            Wire::Text,
        ),
    ]
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
