//! The plain GET routes of the control plane's HTTP port: those that are always on, and those that
//! people need besides, which are on where people pass (R44).

use super::super::rpc::{Access, Effect, Narrow};
use super::{Answers, Place, Route, Segment, Source};

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
        people: true,
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

/// The routes where people pass.
pub static OF_PEOPLE: [Route; 5] = [
    // What the identity provider adds to a query is its own.
    Route {
        name: "GET /auth/login",
        segments: &[Segment::Literal("auth"), Segment::Literal("login")],
        answers: Answers::SignIn,
        ..STATUS
    },
    Route {
        name: "GET /auth/callback",
        segments: &[Segment::Literal("auth"), Segment::Literal("callback")],
        answers: Answers::SignedIn,
        ..STATUS
    },
    Route {
        name: "GET /openapi.yaml",
        segments: &[Segment::Literal("openapi.yaml")],
        query: Some(&[]),
        answers: Answers::Content,
        ..STATUS
    },
    // As `CASRedirectService/GetDownloadURL`: a digest names no project. Its answer sends the client
    // to the artifact store.
    Route {
        name: "GET /download/{digest}",
        segments: &[Segment::Literal("download"), Segment::Digest("digest")],
        access: Access::Token,
        policies: &["cas_artifact:read"],
        narrow: Narrow::Denied,
        query: Some(&[]),
        answers: Answers::Elsewhere,
        people: true,
        ..STATUS
    },
    // Of all of an organization, under no policy: the control plane asks for none.
    Route {
        name: "GET /prom/{org}/metrics",
        segments: &[
            Segment::Literal("prom"),
            Segment::Parameter("org"),
            Segment::Literal("metrics"),
        ],
        access: Access::Token,
        organization: Some(Source {
            place: Place::Path("org"),
            optional: false,
        }),
        narrow: Narrow::Denied,
        query: Some(&[]),
        answers: Answers::Content,
        people: true,
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
    answers: Answers::Content,
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
    organization: None,
    project: None,
    workflow: None,
    run: None,
    narrow: Narrow::Any,
    query: None,
    answers: Answers::Json,
    people: false,
    stream: false,
};
