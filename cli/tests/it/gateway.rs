//! A gateway of fixed answers, and the built program called on it. Asserts only that the program
//! never says a secret on stderr.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const SECRET: &str =
    "pst_1613acTHn9cqlApHy2LdI8_C1wsxGj0xmP6uBatsIBsH7fHBB34TdzVYqyOJBKQc70VC5aN";
/// What the program is to authenticate with.
pub const TOKEN: &str = "the-administrators-own-key-of-this-test";

/// An answer, once.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// A request that came in.
pub struct Came {
    /// Method and path with query.
    pub what: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Came {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub struct Gateway {
    pub url: String,
    pub came: Arc<Mutex<Vec<Came>>>,
}

pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn json(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
    }
}

pub fn problem(status: u16, code: &str) -> Reply {
    let body = serde_json::json!({
        "type": format!("urn:postern:problem:{code}"), "title": "T", "status": status,
        "detail": "it is so", "code": code, "request_id": "r1",
    });
    Reply {
        headers: vec![("content-type", "application/problem+json".to_owned())],
        ..json(status, &body)
    }
}

/// What `/readyz` answers where all is well.
pub fn ready() -> Reply {
    let body = serde_json::json!({ "status": "ready", "dependencies": {} });
    json(200, &body)
}

impl Gateway {
    /// Gives these answers, one after the other.
    pub async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let replies = Arc::new(Mutex::new(replies.into_iter()));
        let shared = Arc::clone(&came);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (came, replies) = (Arc::clone(&shared), Arc::clone(&replies));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (came, replies) = (Arc::clone(&came), Arc::clone(&replies));
                    async move {
                        note(request, &came).await;
                        let reply = replies.lock().unwrap().next();
                        Ok::<_, Infallible>(respond(reply.expect("another answer")))
                    }
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                tokio::spawn(async move {
                    let _ = builder
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self { url, came }
    }

    /// Runs the program on this gateway.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "").await
    }

    /// The same, with standard input.
    pub async fn run_with(&self, arguments: &[&str], stdin: &str) -> Output {
        let variables = [
            ("POSTERN_URL", self.url.as_str()),
            ("POSTERN_TOKEN", TOKEN),
            ("POSTERN_ORGANIZATION", "acme"),
        ];
        run(arguments, &variables, stdin).await
    }

    /// What came in, by method and path.
    pub fn asked(&self) -> Vec<String> {
        let came = self.came.lock().unwrap();
        came.iter().map(|came| came.what.clone()).collect()
    }
}

async fn note(request: Request<Incoming>, came: &Mutex<Vec<Came>>) {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    came.lock().unwrap().push(Came {
        what: format!("{} {}", head.method, head.uri),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
}

fn respond(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    response.body(Full::from(reply.body)).unwrap()
}

/// Runs the program without any gateway in its environment.
pub async fn run_plain(arguments: &[&str]) -> Output {
    run(arguments, &[], "").await
}

/// Runs the program with these variables and this standard input, and a home of its own.
pub async fn run(arguments: &[&str], variables: &[(&str, &str)], stdin: &str) -> Output {
    let home = TempDir::new().unwrap();
    let mut command = program(arguments);
    command
        .env("HOME", home.path())
        .envs(variables.iter().copied());
    let stdin = stdin.to_owned();
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that does not read it may have ended already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    for secret in [SECRET, TOKEN] {
        assert!(!stderr.contains(secret), "{stderr}");
    }
    Output {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr,
    }
}

/// The program with an empty environment.
pub fn program(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.args(arguments).env_clear();
    command
}
