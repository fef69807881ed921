//! The machine of calls, driven to its end: requests of every kind, and answers of stores, Ledger and origin that are
//! late, wrong, contradict each other or are not there.

mod answers;
mod driver;
mod world;

use postern_domain::rpc::{ORIGIN_PREFIX, ProjectAt, Rpc};
use postern_wire::grpc_web::frame;
use postern_wire::message::{embedded, text};

use self::driver::Driver;
use self::world::{RUN, Request};
use crate::bytes::Bytes;
use crate::rows::ROWS;

/// Calls below the origin's prefix, several through one gateway.
pub fn gate_rpc(data: &[u8]) {
    driven(data, rpc_request);
}

/// REST requests: of the table, of people, downloads, and signing in.
pub fn gate_rest(data: &[u8]) {
    driven(data, rest_request);
}

/// Most calls of one input: later ones meet what earlier ones have left in memory.
const CALLS: usize = 4;

fn driven(data: &[u8], request: fn(&mut Bytes<'_>) -> Request) {
    // What a caller or the origin says by itself may be told.
    let text = String::from_utf8_lossy(data);
    if world::UPSTREAM_TEXTS
        .iter()
        .any(|stored| text.contains(stored))
    {
        return;
    }
    let mut bytes = Bytes::new(data);
    let mut driver = Driver::new(bytes.below(world::SETTINGS));
    for _ in 0..CALLS {
        if bytes.is_over() {
            return;
        }
        let request = request(&mut bytes);
        driver.call(&request, &mut bytes);
    }
}

fn rpc_request(bytes: &mut Bytes<'_>) -> Request {
    let row = *bytes.pick(&ROWS);
    let mut request = Request::new("POST", row.path());
    request
        .headers
        .push(("content-type".to_owned(), bytes.pick(&TYPES).to_string()));
    let message = named(row);
    request.body = match bytes.below(8) {
        0 => bytes.piece().to_vec(),
        1 => frame(bytes.piece()).unwrap_or_default(),
        2 => message,
        3 => frame(&[&message[..], bytes.piece()].concat()).unwrap_or_default(),
        _ => frame(&message).unwrap_or_default(),
    };
    if bytes.one_in(16) {
        request.path = format!("{ORIGIN_PREFIX}{}", bytes.text());
    }
    if bytes.one_in(16) {
        request.method = bytes.pick(&METHODS).to_string();
    }
    request.shows(bytes);
    request
}

/// A message that names what the tokens are for, as its row says.
fn named(row: &Rpc) -> Vec<u8> {
    let mut message = Vec::new();
    match row.identity.project {
        ProjectAt::Name([field]) | ProjectAt::Names([field]) => {
            message.extend(text(*field, "shop"))
        }
        ProjectAt::Reference([field]) => message.extend(embedded(*field, &text(2, "shop"))),
        _ => {}
    }
    let fields = [
        (row.identity.workflow, "release"),
        (row.identity.run, RUN),
        (row.identity.digest, world::DIGEST),
    ];
    for (path, value) in fields {
        // A run or a digest, not both.
        let is_second = value == world::DIGEST && row.identity.run.is_some();
        if let (Some([field]), false) = (path, is_second) {
            message.extend(text(*field, value));
        }
    }
    message
}

const METHODS: [&str; 6] = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "get"];

const TYPES: [&str; 8] = [
    "application/grpc-web+proto",
    "application/grpc-web+proto",
    "application/grpc-web",
    "application/grpc-web-text",
    "application/proto",
    "application/json",
    "application/grpc",
    "text/plain",
];

/// Paths, each with a method that has a row.
const PATHS: [(&str, &str); 13] = [
    ("POST", "/v1/runs"),
    ("POST", "/v1/projects/shop/workflows/release/attestations"),
    ("POST", "/v1/projects/sh%6Fp/workflows/release/attestations"),
    ("PUT", "/v1/projects/shop/workflows/release/uploads"),
    ("GET", "/v1/attestations/abc"),
    ("GET", "/infoz"),
    (
        "GET",
        "/discover/sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    ),
    ("GET", "/auth/login"),
    ("GET", "/auth/callback"),
    ("GET", "/openapi.yaml"),
    (
        "GET",
        "/download/sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    ),
    ("GET", "/prom/acme/metrics"),
    (
        "GET",
        "/cas/download/sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    ),
];

const QUERIES: [&str; 6] = [
    "project=shop",
    "readiness=1",
    "project_name=shop&kind=a",
    "code=a&state=b",
    "project=shop&project=other",
    "t=",
];

const BODIES: [&str; 3] = [
    r#"{"workflow":{"project":"shop","name":"release"}}"#,
    r#"{"workflow":{"project":"other"}}"#,
    "{}",
];

fn rest_request(bytes: &mut Bytes<'_>) -> Request {
    let (method, path) = *bytes.pick(&PATHS);
    let mut request = Request::new(method, path.to_owned());
    request.query = match bytes.below(4) {
        0 => String::new(),
        1 => world::plain(&bytes.text()),
        _ => bytes.pick(&QUERIES).to_string(),
    };
    if request.query == "t=" {
        let token = world::credential(bytes.below(world::CREDENTIALS));
        request.query.push_str(token.trim_start_matches("Bearer "));
    }
    request.body = match bytes.below(4) {
        0 => bytes.piece().to_vec(),
        _ => bytes.pick(&BODIES).as_bytes().to_vec(),
    };
    let json = ("content-type".to_owned(), "application/json".to_owned());
    request.headers.push(json);
    if bytes.one_in(4) {
        let workflow = ("attestation-workflow".to_owned(), "release".to_owned());
        request.headers.push(workflow);
    }
    if bytes.one_in(16) {
        request.path = format!("/{}", world::plain(&bytes.text()));
    }
    if bytes.one_in(16) {
        request.method = bytes.pick(&METHODS).to_string();
    }
    request.shows(bytes);
    request
}

/// One call for every row, under every setting, that goes well as far as its answers let it.
pub(crate) fn rpc_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for index in 0..ROWS.len() {
        for setting in 0..world::SETTINGS {
            let credential = (index + setting) % world::CREDENTIALS;
            let front = [setting as u8, index as u8, 0, 7, 0, 0, credential as u8, 0];
            seeds.push([&front[..], &[0; 60]].concat());
        }
    }
    seeds
}

pub(crate) fn rest_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (index, _) in PATHS.iter().enumerate() {
        for setting in 0..world::SETTINGS {
            let credential = (index + setting) % world::CREDENTIALS;
            let front = [
                setting as u8,
                index as u8,
                3,
                setting as u8,
                1,
                0,
                3,
                0,
                0,
                credential as u8,
                0,
            ];
            seeds.push([&front[..], &[0; 60]].concat());
        }
    }
    seeds
}
