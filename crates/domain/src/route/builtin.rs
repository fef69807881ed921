//! The plain GET routes of the control plane's HTTP port, which are always on. Its other routes
//! (pages, downloads, logins) are for browsers, which have no token.

use super::super::rpc::{Access, Effect, Narrow};
use super::{Place, Route, Segment, Source};

/// The routes.
pub static BUILT_IN: [Route; 3] = [
    Route {
        name: "GET /infoz",
        segments: &[Segment::Literal("infoz")],
        query: Some(&["readiness"]),
        ..STATUS
    },
    // Probes ask `?readiness=1`.
    Route {
        name: "GET /statusz",
        segments: &[Segment::Literal("statusz")],
        query: Some(&["readiness"]),
        ..STATUS
    },
    // Answers from all of a project, so that no token of a workflow may ask (R30).
    Route {
        name: "GET /discover/{digest}",
        segments: &[Segment::Literal("discover"), Segment::Parameter("digest")],
        access: Access::Token,
        policies: &["referrer:read"],
        narrow: Narrow::Named,
        project: Some(Source {
            place: Place::Query("project_name"),
            optional: true,
        }),
        query: Some(&[
            "kind",
            "pagination.cursor",
            "pagination.limit",
            "project_name",
            "project_version",
        ]),
        ..STATUS
    },
];

/// Downloads of artifacts through the gateway, which are on where the store is configured (R46). The
/// origin is asked for the way to the artifact by [`ARTIFACT_CREDENTIAL`]. A digest names no project,
/// and the credential that it is asked with may see all of them: no narrow token, as for links.
///
/// [`ARTIFACT_CREDENTIAL`]: super::super::rpc::ARTIFACT_CREDENTIAL
pub static ARTIFACT_DOWNLOAD: Route = Route {
    name: "GET /cas/download/{digest}",
    segments: &[
        Segment::Literal("cas"),
        Segment::Literal("download"),
        Segment::Parameter("digest"),
    ],
    access: Access::Token,
    policies: &["cas_artifact:read"],
    narrow: Narrow::Denied,
    query: Some(&["t"]),
    answers_json: false,
    ..STATUS
};

const STATUS: Route = Route {
    name: "",
    method: "GET",
    segments: &[],
    allow: "GET",
    access: Access::Open,
    policies: &[],
    effect: Effect::Read,
    project: None,
    workflow: None,
    run: None,
    narrow: Narrow::Any,
    query: None,
    answers_json: true,
    stream: false,
};
