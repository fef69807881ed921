//! Rows for what a request is for: by path, method, host and header, with a configuration and
//! without one.

use super::super::testing::Sent;
use super::*;
use crate::testing::config;

const OWN: &str = "https://own.example";
const ELSE: &str = "https://gate.example";
const CALL: &str = "/controlplane.v1.StatusService/Statusz";

/// A configuration in which the dashboard has a host of its own, or has none.
fn configured(dashboard_host: Option<&str>) -> Rc<Config> {
    let mut config = config();
    config.dashboard_host = dashboard_host.map(str::to_owned);
    Rc::new(config)
}

/// A destination in a word, a refusal by its code.
fn told(sent: &Sent, config: core::result::Result<Rc<Config>, Vec<String>>) -> String {
    match route(&sent.request(), config) {
        Destination::Health => "health".to_owned(),
        Destination::Readiness(_) => "readiness".to_owned(),
        Destination::Unconfigured(problems) => problems.join("; "),
        Destination::AuditKeys(_) => "audit keys".to_owned(),
        Destination::KeySet(_) => "keys".to_owned(),
        Destination::Dashboard => "dashboard".to_owned(),
        Destination::File(file) => format!("file {file}"),
        Destination::Call(_) => "call".to_owned(),
        Destination::Api { routes, .. } if routes => "routes, api".to_owned(),
        Destination::Api { .. } => "api".to_owned(),
        Destination::Refused(_, error) => error.code().to_owned(),
    }
}

#[test]
fn each_path_has_its_place_by_host_and_configuration() {
    let rows = [
        // path, everywhere, host of the dashboard alone, every other host then, misconfigured
        ("/healthz", "health", "health", "health", "health"),
        ("/readyz", "readiness", "readiness", "readiness", "wrong"),
        (
            "/openapi.json",
            "file /openapi.json",
            "file /openapi.json",
            "file /openapi.json",
            "file /openapi.json",
        ),
        (
            "/.well-known/jwks.json",
            "keys",
            "keys",
            "keys",
            "misconfigured",
        ),
        (
            "/dashboard",
            "dashboard",
            "dashboard",
            "not_found",
            "dashboard",
        ),
        ("/dashboard/", "file /", "file /", "not_found", "file /"),
        (
            "/dashboard/app.js",
            "file /app.js",
            "file /app.js",
            "not_found",
            "file /app.js",
        ),
        (
            "/dashboardx",
            "not_found",
            "not_found",
            "not_found",
            "not_found",
        ),
        (CALL, "call", "not_found", "call", "misconfigured"),
        (
            "/org/tokens",
            "routes, api",
            "api",
            "routes, api",
            "misconfigured",
        ),
        (
            "/readyz/",
            "routes, api",
            "api",
            "routes, api",
            "misconfigured",
        ),
        ("/", "routes, api", "api", "routes, api", "misconfigured"),
    ];
    for (path, everywhere, own, other, wrong) in rows {
        let sent = |origin| Sent::new("GET", path).to(origin);
        assert_eq!(
            told(&sent(ELSE), Ok(configured(None))),
            everywhere,
            "{path}"
        );
        let config = || Ok(configured(Some("own.example")));
        assert_eq!(told(&sent(OWN), config()), own, "{path}");
        assert_eq!(told(&sent(ELSE), config()), other, "{path}");
        assert_eq!(
            told(&sent(ELSE), Err(vec!["wrong".to_owned()])),
            wrong,
            "{path}"
        );
    }
}

#[test]
fn what_is_only_read_answers_get_and_head_alone() {
    let open = [
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/.well-known/jwks.json",
        "/.well-known/postern-audit-keys",
        "/dashboard",
        "/dashboard/app.js",
    ];
    for path in open {
        let of = |method| told(&Sent::new(method, path), Ok(configured(None)));
        assert_eq!(of("HEAD"), of("GET"), "{path}");
        for method in ["POST", "PUT", "OPTIONS", "get"] {
            assert_eq!(of(method), "method_not_allowed", "{method} {path}");
        }
    }
    // A wrong method where there is no file either.
    let sent = Sent::new("POST", "/dashboardx");
    assert_eq!(told(&sent, Ok(configured(None))), "method_not_allowed");
    // Neither is refused here that is for somebody else to read.
    for path in [CALL, "/org/tokens"] {
        let sent = Sent::new("PUT", path);
        let refused = told(&sent, Ok(configured(None)));
        assert!(
            refused.ends_with("call") || refused.ends_with("api"),
            "{path}"
        );
    }
}

#[test]
fn r45_no_service_worker_comes_from_outside_the_dashboard() {
    for (path, expected) in [
        ("/dashboard/worker.js", "file /worker.js"),
        ("/dashboard", "service_worker"),
        ("/healthz", "service_worker"),
        ("/org/tokens", "service_worker"),
        (CALL, "service_worker"),
        ("/worker.js", "service_worker"),
    ] {
        for value in ["script", ""] {
            let sent = Sent::new("GET", path).with("service-worker", value);
            assert_eq!(told(&sent, Ok(configured(None))), expected, "{path}");
        }
    }
}

#[test]
fn r34_a_refusal_speaks_the_protocol_of_calls_where_they_are_and_nowhere_else() {
    let rows = [
        (CALL, "application/proto", RefusalForm::Connect),
        (
            CALL,
            "application/grpc-web+proto",
            RefusalForm::Grpc("application/grpc-web+proto"),
        ),
        (CALL, "text/html", RefusalForm::Problem),
        ("/org/tokens", "application/proto", RefusalForm::Problem),
        (
            "/healthz",
            "application/grpc-web+proto",
            RefusalForm::Problem,
        ),
    ];
    for (path, content_type, expected) in rows {
        let sent = Sent::new("POST", path)
            .with("content-type", content_type)
            .with("service-worker", "script");
        let request = sent.request();
        let Destination::Refused(form, Error::ServiceWorker) = route(&request, Err(Vec::new()))
        else {
            panic!("{path} is refused");
        };
        assert_eq!(form, expected, "{path} {content_type}");
    }
}
