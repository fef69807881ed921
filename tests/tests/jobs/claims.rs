//! Tokens that their issuer has signed, with claims that do not count here, or not now.

use serde_json::{Value, json};

use crate::hostile::Hostile;
use crate::support::GATE;

const AUDIENCE: &str = "`aud` is somebody else";
const SEVERAL: &str = "`aud` names several: it must name one";
const UNKNOWN: &str = "`iss` is no issuer that this gateway trusts";
const NO_ISSUER: &str = "`iss` is missing or no text";
const EXPIRED: &str = "the token has expired";
const TOO_OLD: &str = "`iat` is more than 86400 seconds ago";
const OWNER: &str = "`repository` and `repository_owner` contradict each other";

/// Those of `github`, for an organization of this name.
pub fn rows(organization: &str) -> Vec<Hostile> {
    [audiences(organization), issuers(), times(), jobs()]
        .into_iter()
        .flatten()
        .map(|(what, asked, cause)| Hostile::new(what, asked, cause))
        .collect()
}

type Row = (&'static str, Value, &'static str);

fn claim(name: &str, value: Value) -> Value {
    json!({ "claims": { name: value } })
}

fn audiences(organization: &str) -> Vec<Row> {
    let own = format!("{GATE}/{organization}");
    let aud = |value: Value| claim("aud", value);
    vec![
        ("no audience", aud(json!(null)), "`aud` is missing or empty"),
        (
            "no audience in a list",
            aud(json!([])),
            "`aud` is missing or empty",
        ),
        (
            "an audience that is a number",
            aud(json!(7)),
            "`aud` is of another type",
        ),
        (
            "an audience that is an object",
            aud(json!({ "a": own })),
            "`aud` is of another type",
        ),
        (
            "a list of no text",
            aud(json!([7])),
            "`aud` is of another type",
        ),
        (
            "another gateway",
            aud(json!("https://other.example/demo")),
            AUDIENCE,
        ),
        (
            "the audience that GitHub writes unasked",
            aud(json!("https://github.com/demo")),
            AUDIENCE,
        ),
        (
            "the control plane's audience",
            aud(json!("chainloop")),
            AUDIENCE,
        ),
        (
            "a slash behind the gateway",
            aud(json!(format!("{GATE}/"))),
            AUDIENCE,
        ),
        (
            "a slash behind the organization",
            aud(json!(format!("{own}/"))),
            AUDIENCE,
        ),
        (
            "two slashes",
            aud(json!(format!("{GATE}//{organization}"))),
            AUDIENCE,
        ),
        ("further down", aud(json!(format!("{own}/x"))), AUDIENCE),
        ("in upper case", aud(json!(own.to_uppercase())), AUDIENCE),
        (
            "over http",
            aud(json!(own.replacen("https", "http", 1))),
            AUDIENCE,
        ),
        ("a blank in front", aud(json!(format!(" {own}"))), AUDIENCE),
        ("a query", aud(json!(format!("{own}?x"))), AUDIENCE),
        (
            "a port",
            aud(json!(format!("{GATE}:443/{organization}"))),
            AUDIENCE,
        ),
        (
            "a longer host",
            aud(json!(format!("{GATE}.evil.example/{organization}"))),
            AUDIENCE,
        ),
        (
            "ours and another",
            aud(json!([own, "https://evil.example"])),
            SEVERAL,
        ),
        (
            "another and ours",
            aud(json!(["sts.amazonaws.com", own])),
            SEVERAL,
        ),
        ("ours twice", aud(json!([own, own])), SEVERAL),
    ]
}

fn issuers() -> Vec<Row> {
    let iss = |value: &str| claim("iss", json!(value));
    vec![
        ("no issuer", claim("iss", json!(null)), NO_ISSUER),
        ("an empty issuer", iss(""), NO_ISSUER),
        (
            "a list of issuers",
            claim(
                "iss",
                json!(["https://token.actions.githubusercontent.com"]),
            ),
            NO_ISSUER,
        ),
        (
            "GitHub's own, which is not trusted here",
            iss("https://token.actions.githubusercontent.com"),
            UNKNOWN,
        ),
        ("the gateway itself", iss(GATE), UNKNOWN),
        (
            "this gateway's own tokens' issuer",
            iss("cp.chainloop"),
            UNKNOWN,
        ),
        ("the name of a forge", iss("github"), UNKNOWN),
    ]
}

fn times() -> Vec<Row> {
    let at = |times: Value| json!({ "from_now": times });
    vec![
        ("expired", at(json!({ "exp": -1, "iat": -300 })), EXPIRED),
        (
            "expired just now",
            at(json!({ "exp": 0, "iat": -300 })),
            EXPIRED,
        ),
        (
            "expired long ago",
            at(json!({ "exp": -90_000, "iat": -90_300 })),
            EXPIRED,
        ),
        (
            "no end",
            claim("exp", json!(null)),
            "`exp` is missing or empty",
        ),
        (
            "an end as text",
            claim("exp", json!("9999999999")),
            "`exp` is of another type",
        ),
        (
            "an end beyond all",
            claim("exp", json!(1e300)),
            "`exp` is of another type",
        ),
        (
            "not yet",
            at(json!({ "nbf": 120 })),
            "`nbf` is in the future",
        ),
        (
            "made in the future",
            at(json!({ "iat": 120 })),
            "`iat` is in the future",
        ),
        ("made long ago", at(json!({ "iat": -86_401 })), TOO_OLD),
        (
            "made very long ago, for years",
            at(json!({ "iat": -8_640_000, "exp": 86_400_000 })),
            TOO_OLD,
        ),
        (
            "not made",
            claim("iat", json!(null)),
            "`iat` is missing or empty",
        ),
        (
            "made before 1970",
            claim("iat", json!(-1)),
            "`iat` is of another type",
        ),
        (
            "made after its end",
            at(json!({ "iat": 25, "exp": 20 })),
            "`iat` and `exp` contradict each other",
        ),
    ]
}

fn jobs() -> Vec<Row> {
    vec![
        (
            "no jti",
            claim("jti", json!(null)),
            "`jti` is missing or empty",
        ),
        ("an empty jti", claim("jti", json!("")), "`jti` is empty"),
        (
            "a jti with a line end",
            claim("jti", json!("a\nb")),
            "`jti` has a character that must not be there",
        ),
        (
            "a long jti",
            claim("jti", json!("j".repeat(256))),
            "`jti` is too long",
        ),
        (
            "a jti that is a number",
            claim("jti", json!(7)),
            "`jti` is of another type",
        ),
        (
            "no repository",
            claim("repository", json!(null)),
            "`repository` is missing or empty",
        ),
        (
            "no id",
            claim("repository_id", json!(null)),
            "`repository_id` is missing or empty",
        ),
        (
            "an id with a zero in front",
            claim("repository_id", json!("074")),
            "`repository_id` is of another form",
        ),
        (
            "an id with a blank",
            claim("repository_id", json!("74 ")),
            "`repository_id` has a character",
        ),
        (
            "an id in other digits",
            claim("repository_id", json!("\u{ff17}\u{ff14}")),
            "`repository_id` has a character",
        ),
        (
            "an id that is nearly it",
            claim("repository_id", json!(74.000_001)),
            "`repository_id` is of another type",
        ),
        (
            "several ids",
            claim("repository_id", json!(["74"])),
            "`repository_id` is of another type",
        ),
        (
            "no id of the owner",
            claim("repository_owner_id", json!(null)),
            "`repository_owner_id` is missing or empty",
        ),
        (
            "an owner who is another one",
            claim("repository_owner", json!("evil")),
            OWNER,
        ),
        (
            "a repository that is another one's",
            claim("repository", json!("evil/shop")),
            OWNER,
        ),
        (
            "no event",
            claim("event_name", json!(null)),
            "`event_name` is missing or empty",
        ),
        (
            "no run",
            claim("run_id", json!(null)),
            "`run_id` is missing or empty",
        ),
        (
            "an actor with an escape",
            claim("actor", json!("a\u{1b}[31m")),
            "`actor` has a character that must not be there",
        ),
        (
            "an actor that turns the text",
            claim("actor", json!("a\u{202e}b")),
            "`actor` has a character that must not be there",
        ),
        (
            "a reference with dots",
            claim("ref", json!("refs/heads/../main")),
            "`ref` is of another form",
        ),
        (
            "a commit that is a name",
            claim("sha", json!("HEAD")),
            "`sha` is of another form",
        ),
        (
            "a long environment",
            claim("environment", json!("e".repeat(513))),
            "`environment` is too long",
        ),
    ]
}

/// Those of `gitlab` and `other`.
pub fn rows_of_others() -> Vec<Hostile> {
    let gitlab = |what, asked, cause| Hostile::new(what, asked, cause).of("gitlab");
    let other = |what, asked, cause| Hostile::new(what, asked, cause).of("other");
    let contradict = "`project_id` and `job_project_id` contradict each other";
    vec![
        gitlab(
            "GitLab: claims of GitHub",
            json!({ "shape": "github" }),
            "`project_id` is missing or empty",
        ),
        gitlab(
            "GitLab: no namespace",
            claim("namespace_id", json!(null)),
            "`namespace_id` is missing or empty",
        ),
        gitlab(
            "GitLab: a job that runs in another project",
            claim("job_project_id", json!("21")),
            contradict,
        ),
        gitlab(
            "GitLab: a job that runs in another namespace",
            claim("job_namespace_id", json!("73")),
            "`namespace_id` and `job_namespace_id` contradict each other",
        ),
        gitlab(
            "GitLab: a project of another namespace",
            claim("project_path", json!("evil/shop")),
            "`project_path` and `namespace_path` contradict each other",
        ),
        gitlab(
            "GitLab: no jti",
            claim("jti", json!(null)),
            "`jti` is missing or empty",
        ),
        gitlab(
            "GitLab: no event",
            claim("pipeline_source", json!(null)),
            "`pipeline_source` is missing or empty",
        ),
        other(
            "another issuer: no subject",
            claim("sub", json!(null)),
            "`sub` is missing or empty",
        ),
        other(
            "another issuer: a subject that is a number",
            claim("sub", json!(7)),
            "`sub` is of another type",
        ),
        other(
            "another issuer: a subject of two lines",
            claim("sub", json!("job/demo/shop\nx")),
            "`sub` has a character",
        ),
    ]
}
