//! Answers as rows: names that pass or do not, and every header that the client sees.

use super::*;
use crate::headers::Headers as _;

const META: Option<AnswerMeta<'_>> = Some(AnswerMeta {
    request_id: "r1",
    timing: "gate;dur=1, origin;dur=2",
});

/// Every header that the client sees, sorted.
fn comes_back(came: &str, form: AnswerForm<'_>, told: Option<AnswerMeta<'_>>) -> Vec<String> {
    let lines = came
        .split('\n')
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let came: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let media = came.value("content-type").unwrap_or_default();
    let plan = plan(&came.names(), &media, form, told);
    let left = plan.applied(&came);
    let mut left: Vec<String> = left
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    left.sort();
    left
}

fn dropped(name: &str) -> bool {
    let names = Names::from_lines(name);
    !plan(&names, "", AnswerForm::AsItCame, META).drop.is_empty()
}

#[test]
fn r45_what_a_browser_acts_on_never_passes() {
    for name in [
        "Access-Control-Allow-Credentials",
        "Access-Control-Allow-Origin",
        "Alt-Svc",
        "Clear-Site-Data",
        "Connection",
        "Content-Security-Policy",
        "Content-Security-Policy-Report-Only",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
        "Keep-Alive",
        "Link",
        "NEL",
        "Origin-Agent-Cluster",
        "Origin-Trial",
        "Permissions-Policy",
        "Postern-Revocation-Bound",
        "Proxy-Authenticate",
        "Refresh",
        "Report-To",
        "Reporting-Endpoints",
        "Service-Worker-Allowed",
        "Set-Cookie",
        "Set-Cookie2",
        "SourceMap",
        "Speculation-Rules",
        "Strict-Transport-Security",
        "Timing-Allow-Origin",
        "Transfer-Encoding",
        "Use-As-Dictionary",
        "WWW-Authenticate",
        "X-Request-Id",
        "X-SourceMap",
    ] {
        let (lower, upper) = (name.to_ascii_lowercase(), name.to_ascii_uppercase());
        for spelling in [name, &lower, &upper] {
            assert!(dropped(spelling), "{spelling}");
        }
    }
}

#[test]
fn what_a_client_needs_passes() {
    for name in [
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "digest",
        "etag",
        "grpc-encoding",
        "grpc-message",
        "grpc-status",
        "grpc-status-details-bin",
        "last-modified",
        "location",
        "ratelimit",
        "retry-after",
        "server-timing",
        "vary",
        "x-custom",
        "x-custom-bin",
    ] {
        assert!(!dropped(name), "{name}");
    }
}

#[test]
fn an_answer_of_an_rpc_protocol_passes_as_it_came() {
    let came = "content-type: application/grpc-web+proto
        content-length: 7
        grpc-status: 0
        server-timing: db;dur=3
        set-cookie: a=b
        x-request-id: the origin's
        postern-revocation-bound: 99
        x-custom: kept";
    let kept = [
        "content-length: 7",
        "content-type: application/grpc-web+proto",
        "grpc-status: 0",
        "server-timing: db;dur=3",
        "server-timing: gate;dur=1, origin;dur=2",
        "x-custom: kept",
        "x-request-id: r1",
    ];
    assert_eq!(comes_back(came, AnswerForm::AsItCame, META), kept);
}

#[test]
fn where_nothing_is_said_of_an_answer_it_is_not_touched() {
    let names = Names::from_lines("content-type\ngrpc-status\nx-custom");
    let untouched = plan(
        &names,
        "application/grpc-web+proto",
        AnswerForm::AsItCame,
        None,
    );
    assert_eq!(untouched, Plan::default());
}

#[test]
fn in_connect_nothing_of_grpc_web_is_left() {
    let came = "content-type: application/grpc-web+proto
        content-length: 7
        content-encoding: identity
        grpc-encoding: identity
        grpc-status: 5
        grpc-message: no
        grpc-status-details-bin: x
        set-cookie: a=b
        x-custom: kept";
    let mut ending = Ending {
        metadata: vec![("x-trailer".to_owned(), "t".to_owned())],
        ..Ending::default()
    };
    let timing = "server-timing: gate;dur=1, origin;dur=2";
    let told = [
        "content-type: application/proto",
        timing,
        "trailer-x-trailer: t",
        "x-custom: kept",
        "x-request-id: r1",
    ];
    assert_eq!(comes_back(came, AnswerForm::Connect(&ending), META), told);
    // An error is JSON, which a browser would show.
    ending.status = 5;
    let told = comes_back(came, AnswerForm::Connect(&ending), META);
    assert!(
        told.contains(&"content-type: application/json".to_owned()),
        "{told:?}"
    );
    for (name, value) in SANDBOX {
        assert!(told.contains(&format!("{name}: {value}")), "{told:?}");
    }
}

#[test]
fn r45_what_could_be_shown_is_sandboxed() {
    let whole = SANDBOX.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let set = |content_type, form| {
        let plan = plan(&Names::from_lines(""), content_type, form, META);
        let sandbox = plan
            .set
            .into_iter()
            .filter(|(name, _)| name != "x-request-id");
        let sandbox = sandbox.map(|(name, value)| (name.to_string(), value.to_string()));
        sandbox.collect::<Vec<_>>()
    };
    for unshown in [
        "application/grpc-web",
        "application/grpc-web+proto",
        "application/grpc-web-text",
        "Application/gRPC-Web+proto; charset=x",
        "application/proto",
    ] {
        assert!(set(unshown, AnswerForm::AsItCame).is_empty(), "{unshown}");
        assert_eq!(set(unshown, AnswerForm::Route), whole, "{unshown}");
    }
    for shown in [
        "",
        "text/html",
        "application/json",
        "image/svg+xml",
        "application/octet-stream",
        "text/html, application/grpc-web",
        "application/grpc-web, text/html",
        "application/grpc-web; x=1, text/html",
        "application/grpc",
    ] {
        assert_eq!(set(shown, AnswerForm::AsItCame), whole, "{shown}");
    }
}

#[test]
fn json_by_its_media_type() {
    for json in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/problem+json",
    ] {
        assert!(is_json(json), "{json}");
    }
    for other in [
        "",
        "text/html",
        "text/json",
        "text/html;application/json",
        "application/json, text/html",
        "application/json; charset=utf-8, text/html",
        "text/html, application/json",
        "application/xhtml+xml, application/x+json",
        "image/x+json",
        "application/jsonx",
        "application/javascript",
    ] {
        assert!(!is_json(other), "{other}");
    }
}

#[test]
fn the_rules_are_lower_case_and_sorted() {
    for list in [&BEGINNINGS[..], &NAMES, &OF_GRPC_WEB] {
        assert!(list.is_sorted());
        for name in list {
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }
}
