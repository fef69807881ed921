//! The bridge, the doctor, and what would be decided.

use std::time::{Duration, Instant};

use postern_origin::attestation::attest;
use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_system_tests::life::REFUSED;
use postern_system_tests::organization::{OTHER, RELEASE, SHOP};
use postern_system_tests::program::Postern;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, rpc};
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{FOR_RELEASE, administrator};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        the_doctor_finds_nothing_wrong,
        attestation_by_native_grpc,
        what_would_be_decided_is_explained,
    ]
}

async fn the_doctor_finds_nothing_wrong(suite: &Suite) {
    let organization = suite.organization().await;
    let postern = administrator(suite, &organization.name);
    let report = postern.run(&["doctor", "-o", "json"]).await.json();
    for finding in report.as_array().unwrap() {
        assert_eq!(finding["state"], "good", "{finding}");
    }
    // An administrator key alone is as good; what is missing is told apart from it.
    let key = [
        ("POSTERN_URL", suite.gateway.url(0)),
        ("POSTERN_TOKEN", suite.keys.admin.clone()),
    ];
    let key = key.each_ref().map(|(name, value)| (*name, value.as_str()));
    let output = Postern::new(&key).run(&["doctor"]).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
    assert!(
        output
            .stdout
            .contains("good    credential    accepted; can manage organizations\n"),
        "{output:?}"
    );
    assert!(
        output
            .stdout
            .contains("odd     organization  none is named"),
        "{output:?}"
    );
    let output = administrator(suite, "not-there-yet").run(&["doctor"]).await;
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (6, "postern: broken: organization\n"),
        "{output:?}"
    );
    assert!(
        output.stdout.contains("good    credential    accepted"),
        "{output:?}"
    );
}

async fn connect(url: &str) -> AttestationServiceClient<Channel> {
    let channel = Channel::from_shared(url.to_owned()).unwrap();
    AttestationServiceClient::new(channel.connect().await.unwrap())
}

fn signed<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

async fn attestation_by_native_grpc(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let token = minted.token.as_str();
    let postern = administrator(suite, &organization.name);
    let bridge = postern.bridge().await;
    let mut client = connect(&bridge.url).await;

    let health = Channel::from_shared(bridge.url.clone()).unwrap();
    let mut health = HealthClient::new(health.connect().await.unwrap());
    for service in ["", "controlplane.v1.AttestationService"] {
        let service = service.to_owned();
        let checked = health.check(HealthCheckRequest { service }).await.unwrap();
        assert_eq!(checked.into_inner().status(), ServingStatus::Serving);
    }

    let workflow = signed(token, rpc::find_or_create(SHOP, RELEASE));
    client.find_or_create_workflow(workflow).await.unwrap();
    let begun = client.init(signed(token, rpc::init(SHOP, RELEASE))).await;
    let begun = begun.unwrap().into_inner().result.unwrap();
    let run = begun.workflow_run.unwrap().id;
    let mut bundle = attest("module.wasm", b"content").unwrap().bundle;
    bundle.resize(1 << 20, b' ');
    let stored = client.store(signed(token, rpc::store(&run, &bundle))).await;
    stored.unwrap();
    assert!(suite.origin.bundle(&run).await == bundle, "byte for byte");

    // Scope, in the words of the control plane.
    let other = signed(token, rpc::find_or_create(SHOP, OTHER));
    let status = client.find_or_create_workflow(other).await.unwrap_err();
    let message = "API token is workflow-scoped and cannot create or look up other workflows";
    assert_eq!(
        (status.code(), status.message()),
        (Code::PermissionDenied, message)
    );
    let nobody = Request::new(rpc::find_or_create(SHOP, RELEASE));
    let status = client.find_or_create_workflow(nobody).await.unwrap_err();
    let message = "JWT token is missing";
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unauthenticated, message)
    );

    // As large as the gateway reads, and larger: no UNAVAILABLE, which the stock client would
    // repeat for three minutes.
    for size in [(10 << 20) - 100, 11 << 20, 20 << 20] {
        let began = Instant::now();
        let large = signed(token, rpc::store(&run, &vec![b' '; size]));
        let status = client.store(large).await.unwrap_err();
        let expected = match size > 10 << 20 {
            true => Code::ResourceExhausted,
            // The gateway lets it through; at the origin the run has ended.
            false => Code::FailedPrecondition,
        };
        assert_eq!(status.code(), expected, "{size}: {status:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "at once");
    }

    let revoke = ["api-token", "revoke", "--id", &minted.id];
    postern.run(&revoke).await.done();
    for size in [0, 8 << 20] {
        let call = signed(token, rpc::store(&run, &vec![b' '; size]));
        let status = client.store(call).await.unwrap_err();
        let refusal = (status.code(), status.message());
        assert_eq!(refusal, (Code::Unauthenticated, REFUSED), "{size}");
    }
}

async fn what_would_be_decided_is_explained(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let postern = Postern::new(&[
        ("POSTERN_URL", &suite.gateway.url(0)),
        ("POSTERN_TOKEN", &minted.token),
    ]);
    suite.origin.reset().await;
    let ask = ["explain", "--operation", "AttestationService/Init"];
    let own = [&ask[..], &FOR_RELEASE, &["-o", "json"]].concat();
    let told = postern.run(&own).await.json();
    assert_eq!(told["allowed"], true, "{told}");
    assert_eq!(told["caller"]["token"], minted.id.as_str());

    let other = [&ask[..], &["--project", SHOP, "--workflow", OTHER]].concat();
    let refused = postern.run(&other).await;
    assert_eq!(refused.code, 5, "{refused:?}");
    let message = "API token is workflow-scoped and cannot create or look up other workflows";
    assert!(refused.stderr.contains(message), "{refused:?}");
    assert!(refused.stdout.starts_with("refused: "), "{refused:?}");
    let unknown = ["explain", "--operation", "AttestationService/Nothing"];
    let unknown = postern.run(&unknown).await;
    assert_eq!(unknown.code, 5, "{unknown:?}");
    assert!(unknown.stdout.contains("needs: unknown operation"));
    let wrong = [&ask[..], &["--run", "no-uuid"]].concat();
    let wrong = postern.run(&wrong).await;
    wrong.failed(7, "run_id_invalid");

    // Whatever was explained, the origin was asked nothing; each of the three questions was a use.
    suite.origin.assert_untouched("an explanation").await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while organization.token(&suite.gateway, &minted.id).await["uses"] != 3 {
        assert!(Instant::now() < deadline, "the uses were not counted");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    organization.revoke(&suite.gateway, &minted.id).await;
    let revoked = postern.run(&own).await;
    revoked.failed(4, "the credential was refused");
}
