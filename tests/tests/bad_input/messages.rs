//! Attestation calls whose message cannot be read, and calls that are not in the table.

use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, CANCEL, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use prost::Message as _;
use serde_json::json;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        messages_that_cannot_be_read,
        r33_calls_that_are_not_in_the_table,
    ]
}

async fn messages_that_cannot_be_read(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "jwt")
        .await
        .token;
    let good = rpc::names(SHOP, RELEASE);
    let after = |tail: &[u8]| [good.as_slice(), tail].concat();
    let run = random_id();
    let rows: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        (
            "cut",
            INIT,
            good[..good.len() - 1].to_vec(),
            "the message ends in the middle of a field",
        ),
        (
            "a tag alone",
            INIT,
            after(b"\x22"),
            "the message ends in the middle of a field",
        ),
        (
            "a length beyond the end",
            INIT,
            after(b"\x22\x7fab"),
            "the message ends in the middle of a field",
        ),
        (
            "an endless number",
            INIT,
            after(&[0xff; 11]),
            "the message has an integer of more than 64 bits",
        ),
        (
            "field 0",
            INIT,
            after(b"\x02\x00"),
            "the message has an impossible field number",
        ),
        (
            "a group",
            INIT,
            after(b"\x23\x24"),
            "the message has a group or an unknown wire type",
        ),
        (
            "wire type 7",
            INIT,
            after(b"\x27"),
            "the message has a group or an unknown wire type",
        ),
        (
            "a name that is a number",
            INIT,
            after(b"\x20\x01"),
            "a field that is needed to decide has another type",
        ),
        (
            "a project that is a number",
            FIND_OR_CREATE,
            after(b"\x28\x01"),
            "a field that is needed to decide has another type",
        ),
        (
            "a name that is not UTF-8",
            FIND_OR_CREATE,
            after(b"\x22\x01\xff"),
            "a field that names something is not UTF-8",
        ),
        (
            "a fault behind the names",
            FIND_OR_CREATE,
            after(b"\x3a\x05ab"),
            "the message ends in the middle of a field",
        ),
        (
            "JSON",
            STORE,
            b"{\"workflow_run_id\":\"x\"}".to_vec(),
            "the message has a group or an unknown wire type",
        ),
        (
            "a run that is a number",
            STORE,
            b"\x10\x01".to_vec(),
            "a field that is needed to decide has another type",
        ),
        (
            "a run that is cut",
            CANCEL,
            rpc::cancel(&run).encode_to_vec()[..20].to_vec(),
            "the message ends in the middle of a field",
        ),
        (
            "no run",
            STORE,
            Vec::new(),
            "the message names no workflow run",
        ),
        (
            "no run",
            CANCEL,
            b"\x10\x02".to_vec(),
            "the message names no workflow run",
        ),
        (
            "a run in the other call's field",
            STORE,
            rpc::cancel(&run).encode_to_vec(),
            "a field that is needed to decide has another type",
        ),
    ];
    suite.origin.reset().await;
    for (what, path, message, told) in rows {
        let answer = rpc::call(&suite.gateway, path, &token, &message)
            .send()
            .await;
        assert_eq!(
            (what, answer.header("grpc-message")),
            (what, Some(told)),
            "{path}"
        );
        answer.refused(3, told);
    }
    suite
        .origin
        .assert_untouched("messages that cannot be read")
        .await;
    rpc::call(&suite.gateway, FIND_OR_CREATE, &token, &good)
        .send()
        .await
        .accepted();
}

async fn r33_calls_that_are_not_in_the_table(suite: &Suite) {
    let organization = suite.organization().await;
    let wide = organization.mint(&suite.gateway, &json!({})).await.token;
    let denied = [
        // In the table, but for people whom the origin has signed in.
        "/controlplane.v1.OrganizationService/Update",
        "/controlplane.v1.UserService/ListMemberships",
        "/controlplane.v1.CASBackendService/Delete",
        // In nobody's.
        "/controlplane.v1.AttestationService/Delete",
        "/controlplane.v1.APITokenService/Rotate",
        "/controlplane.v1.",
        "/controlplane.v1.AttestationService",
        "/controlplane.v1.AttestationService/",
        "/controlplane.v1.AttestationService/Init/",
        "/controlplane.v1.AttestationService/init",
        "/controlplane.v1.AttestationService/INIT",
        "/controlplane.v1.attestationservice/Init",
        "/controlplane.v1.AttestationService//Init",
        "/controlplane.v1.AttestationService/Init/Init",
        "/controlplane.v1.AttestationService%2FInit",
        "/controlplane.v1.AttestationService/%49nit",
        "/controlplane.v1.AttestationService/Init%00",
        "/controlplane.v1.AttestationService/Init%20",
        "/controlplane.v1.AttestationService/Init;x",
        "/controlplane.v1.AttestationService/Init?x=1",
        "/controlplane.v1.AttestationService/x/../Init",
        "/controlplane.v1.AttestationService/./Init",
        "/controlplane.v1.AttestationService/x/%2e%2e/Init",
    ];
    // Not even below the prefix: no call of any protocol that this gate knows.
    let nowhere = [
        "//controlplane.v1.AttestationService/Init",
        "/%63ontrolplane.v1.AttestationService/Init",
        "/Controlplane.v1.AttestationService/Init",
        "/x/controlplane.v1.AttestationService/Init",
        "/controlplane.v1%2EAttestationService/Init",
        "/controlplane.v2.AttestationService/Init",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ];
    suite.origin.reset().await;
    for token in [&wide, &suite.keys.admin] {
        for path in denied {
            let answer = rpc::call(&suite.gateway, path, token, &rpc::names(SHOP, RELEASE))
                .send()
                .await;
            assert_eq!(
                (path, answer.header("grpc-status")),
                (path, Some("7")),
                "{}",
                answer.text()
            );
            answer.refused(7, "operation not allowed");
        }
        for path in nowhere {
            let answer = rpc::call(&suite.gateway, path, token, &rpc::names(SHOP, RELEASE))
                .send()
                .await;
            assert_eq!((path, answer.status), (path, 404), "{}", answer.text());
            answer.problem(404, "not_found");
        }
    }
    for path in denied {
        let body = rpc::frame(0, &rpc::names(SHOP, RELEASE));
        rpc::anonymous(&suite.gateway, 0, path, body)
            .send()
            .await
            .refused(16, "JWT token is missing");
    }
    suite
        .origin
        .assert_untouched("calls that are not in the table")
        .await;
}
