//! Refused credentials are slowed down, and good ones never.

use postern_system_tests::cases;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Call;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Setup;

pub fn cases() -> Vec<Case<Setup>> {
    cases![
        refused_credentials_are_slowed_and_good_ones_never,
        without_the_binding_there_is_no_brake,
    ]
}

/// A credential of each kind that is refused, and the call it comes with.
fn bad(gateway: &Gateway, isolate: u16, address: &str) -> Vec<Call> {
    let manage = |credential: &str| {
        let call = gateway.call_on(isolate, "GET", "/org/tokens");
        call.bearer(credential).from(address)
    };
    let introspect = gateway
        .call_on(isolate, "POST", "/oauth/introspect")
        .from(address);
    vec![
        manage("nonsense-that-nobody-ever-minted"),
        manage("pst_0000000000000000000000_000000000000000000000000000000000000000000000000"),
        introspect.bearer("nonsense").form(&[("token", "x")]),
    ]
}

async fn refused_credentials_are_slowed_and_good_ones_never(setup: &Setup) {
    const ALLOWED: usize = 6;
    let gateway = setup
        .serve()
        .brake(u32::try_from(ALLOWED).expect("a small number"))
        .isolates(2)
        .start()
        .await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "opaque").await;
    let address = "203.0.113.7";
    // Calls without a credential are not counted.
    for _ in 0..3 * ALLOWED {
        let call = gateway.call("GET", "/org/tokens").from(address);
        call.send().await.problem(401, "credential_missing");
    }
    // More than two minutes' worth, so that however the minutes fall, one of them is over its limit.
    let (mut answered, mut slowed) = (0, 0);
    while answered < 3 * ALLOWED {
        for call in bad(
            &gateway,
            u16::try_from(answered % 2).expect("0 or 1"),
            address,
        ) {
            let answer = call.send().await;
            answered += 1;
            if answer.status == 429 {
                slowed += 1;
                answer.problem(429, "too_many_failures");
                assert_eq!(answer.header("retry-after"), Some("60"));
                assert_eq!(answer.header("www-authenticate"), None);
                // The good ones from the same address, over the same connection.
                let good = organization.call(&gateway, "GET", "/org/tokens");
                good.without("cf-connecting-ip")
                    .from(address)
                    .send()
                    .await
                    .json(200);
                let call = rpc::call(
                    &gateway,
                    FIND_OR_CREATE,
                    &token.token,
                    &rpc::names(SHOP, RELEASE),
                );
                call.without("cf-connecting-ip")
                    .from(address)
                    .send()
                    .await
                    .accepted();
            } else {
                assert!(answer.status == 401, "{}", answer.text());
            }
        }
    }
    assert!(slowed > 0 && slowed < answered, "{slowed} of {answered}");
    // In gRPC-Web it is a refused credential, which stock clients do not repeat.
    for _ in 0..3 * ALLOWED {
        let call = rpc::call(
            &gateway,
            FIND_OR_CREATE,
            "nonsense",
            &rpc::names(SHOP, RELEASE),
        );
        let answer = call.without("cf-connecting-ip").from(address).send().await;
        assert_eq!(answer.header("grpc-status"), Some("16"));
        slowed += usize::from(
            answer
                .header("grpc-message")
                .is_some_and(|told| told.starts_with("too many refused")),
        );
    }
    assert!(slowed > ALLOWED, "{slowed}");
    // The log keeps the reason that the answer does not tell.
    let log = gateway.serve().log();
    let line = log.lines().find(|line| line.contains("too_many_failures"));
    assert!(
        line.is_some_and(|line| line.contains("no known form of credential")),
        "{line:?}"
    );
    // Another address, and another IPv6 network, are others.
    for other in ["203.0.113.8", "2001:db8:7::1"] {
        for call in bad(&gateway, 0, other) {
            let answer = call.send().await;
            assert_eq!(answer.status, 401, "{other}: {}", answer.text());
        }
    }
    gateway.stop();
}

async fn without_the_binding_there_is_no_brake(setup: &Setup) {
    let gateway = setup.serve().start().await;
    for _ in 0..20 {
        for call in bad(&gateway, 0, "203.0.113.7") {
            let answer = call.send().await;
            assert_eq!(answer.status, 401, "{}", answer.text());
        }
    }
    gateway.stop();
}
