//! Requests as rows: what came, how it goes on, and every header that the origin sees.

use super::*;
use crate::headers::Headers as _;

const WAY: Way<'_> = Way {
    trusted_ip_header: "x-edge-ip",
    open: false,
};
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const CONTINUED: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-abababababababab-01";
const BEGUN: &str = "traceparent: 00-abababababababababababababababab-abababababababab-00";

fn list(text: &str) -> Vec<(String, String)> {
    let lines = text
        .split('\n')
        .map(str::trim)
        .filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

fn goes_on(came: &str, way: Way<'_>, own: Own<'_>, sent: Sent<'_>, target: Target) -> Vec<String> {
    let came = list(came);
    let names = came.names();
    let (connection, traceparent) = (came.value("connection"), came.value("traceparent"));
    let content_type = came.value("content-type").unwrap_or_default();
    let plan = plan(
        Came {
            names: &names,
            connection: connection.as_deref(),
            traceparent: traceparent.as_deref(),
            content_type: &content_type,
        },
        way,
        own,
        sent,
        target,
    );
    let mut left: Vec<String> = plan
        .applied(&came)
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    left.sort();
    left
}

fn own() -> Own<'static> {
    Own {
        address: None,
        request_id: "r1",
        trace: [0xab; 24],
        assertion: None,
    }
}

#[track_caller]
fn check(came: &str, sent: Sent<'_>, target: Target, expected: &[&str]) {
    let mut expected: Vec<&str> = expected.to_vec();
    expected.push("x-request-id: r1");
    if !expected.iter().any(|line| line.starts_with("traceparent")) {
        expected.push(BEGUN);
    }
    expected.sort_unstable();
    assert_eq!(goes_on(came, WAY, own(), sent, target), expected, "{came}");
}

const BINARY: Sent<'_> = Sent::GrpcWeb {
    media: "application/grpc-web+proto",
    is_read: true,
};
const AS_IT_CAME: Target = Target {
    speaks_grpc: false,
    is_read: false,
};
const READ: Target = Target {
    is_read: true,
    ..AS_IT_CAME
};
const GRPC: Target = Target {
    speaks_grpc: true,
    ..AS_IT_CAME
};

#[test]
fn r29_r55_a_call_goes_on_as_it_came_less_what_is_not_its_callers_to_say() {
    let came = "authorization: Bearer x
        content-type: application/grpc-web+proto
        content-length: 12
        x-grpc-web: 1
        user-agent: ua
        cookie: a=b
        x-user-id: root
        x_user_id: root
        x-edge-ip: 192.0.2.1
        x-forwarded-for: 192.0.2.9
        x-request-id: mine
        postern-assertion: forged
        te: trailers
        x-custom: kept";
    let kept = [
        "authorization: Bearer x",
        "content-type: application/grpc-web+proto",
        "x-grpc-web: 1",
        "user-agent: ua",
        "x-custom: kept",
    ];
    check(came, BINARY, AS_IT_CAME, &kept);
    let way = Way { open: true, ..WAY };
    let open = goes_on(came, way, own(), BINARY, AS_IT_CAME);
    assert!(!open.iter().any(|line| line.starts_with("authorization")));
    let told = Own {
        address: Some("192.0.2.1".parse().expect("an address")),
        assertion: Some("signed"),
        ..own()
    };
    let told = goes_on(came, WAY, told, BINARY, AS_IT_CAME);
    for line in ["x-forwarded-for: 192.0.2.1", "postern-assertion: signed"] {
        assert!(told.iter().any(|own| own == line), "{line}: {told:?}");
    }
}

#[test]
fn what_connection_nominates_stays_behind_and_the_gateways_own_does_not() {
    let came = format!(
        "connection: close, x-mine, authorization, traceparent, x-request-id, content-type
        authorization: Bearer x
        content-type: application/grpc-web+proto
        x-mine: 1
        traceparent: {TRACE}
        tracestate: a=1"
    );
    let kept = [
        "authorization: Bearer x",
        "content-type: application/grpc-web+proto",
        CONTINUED,
        "tracestate: a=1",
    ];
    check(&came, BINARY, AS_IT_CAME, &kept);
}

#[test]
fn a_trace_state_goes_on_with_its_trace_alone() {
    let broken = "content-type: application/grpc-web+proto
        traceparent: 00-zz-00f067aa0ba902b7-01
        tracestate: a=1";
    let kept = ["content-type: application/grpc-web+proto", BEGUN];
    check(broken, BINARY, AS_IT_CAME, &kept);
}

#[test]
fn r33_the_media_type_is_bare_and_a_body_that_was_read_has_no_coding() {
    let came = "content-type: Application/gRPC-Web+Proto; json
        content-encoding: identity
        accept-encoding: gzip
        grpc-accept-encoding: gzip
        grpc-timeout: 5S";
    let coded = [
        "accept-encoding: gzip",
        "grpc-accept-encoding: gzip",
        "grpc-timeout: 5S",
    ];
    let typed = "content-type: application/grpc-web+proto";
    check(came, BINARY, AS_IT_CAME, &[&coded[..], &[typed]].concat());
    // The answer to an Init is read here.
    check(came, BINARY, READ, &[typed, "grpc-timeout: 5S"]);
    let grpc = "content-type: application/grpc-web";
    check(came, BINARY, GRPC, &[&coded[..], &[grpc]].concat());
    let unread = Sent::GrpcWeb {
        media: "application/grpc-web+proto",
        is_read: false,
    };
    let coding = "content-encoding: identity";
    check(
        came,
        unread,
        AS_IT_CAME,
        &[&coded[..], &[typed, coding]].concat(),
    );
}

#[test]
fn what_was_connect_arrives_as_grpc_web() {
    let came = "content-type: application/proto; charset=utf-8
        connect-protocol-version: 1
        connect-timeout-ms: 5000
        content-encoding: identity
        grpc-encoding: gzip
        accept: application/proto
        accept-encoding: gzip
        grpc-timeout: 9S
        x-custom: kept";
    let kept = [
        "content-type: application/grpc-web+proto",
        "x-grpc-web: 1",
        "x-custom: kept",
    ];
    let connect = |within| Sent::Connect { within };
    check(came, connect(None), AS_IT_CAME, &kept);
    let timed = [&kept[..], &["grpc-timeout: 5000m"]].concat();
    check(came, connect(Some(5000)), AS_IT_CAME, &timed);
    // A call of the gateway's own leaves the caller's deadline where it was.
    let asked = [&kept[..], &["grpc-timeout: 9S"]].concat();
    check(came, Sent::Asked, AS_IT_CAME, &asked);
    let grpc = [
        "content-type: application/grpc-web",
        "x-grpc-web: 1",
        "x-custom: kept",
    ];
    check(came, connect(None), GRPC, &grpc);
}

#[test]
fn rest_goes_on_as_it_came_and_json_that_was_read_as_plain_json() {
    let came = "content-type: application/json; charset=utf-16
        content-encoding: identity
        accept: text/html
        accept-encoding: gzip
        grpc-timeout: 1S";
    let kept = [
        "accept: text/html",
        "accept-encoding: gzip",
        "grpc-timeout: 1S",
    ];
    let typed = [
        "content-type: application/json; charset=utf-16",
        "content-encoding: identity",
    ];
    for target in [AS_IT_CAME, GRPC] {
        check(came, Sent::Rest, target, &[&kept[..], &typed].concat());
        let json = [&kept[..], &["content-type: application/json"]].concat();
        check(came, Sent::Json, target, &json);
    }
}
