//! An origin that is slow, down, not one at all, or breaks off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use postern_system_tests::cases;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE, INIT, STORE};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use prost::Message as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{PATIENCE, answer};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        an_origin_that_is_slow,
        an_origin_that_is_down_or_none,
        an_origin_that_points_elsewhere,
        an_origin_that_breaks_off_its_answer_to_init,
    ]
}

const UNAVAILABLE: &str = "the origin is not available: try again";

async fn an_origin_that_is_slow(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let run = rpc::begin(&suite.gateway, &token, SHOP, RELEASE).await;
    suite.origin.delay(Duration::from_secs(PATIENCE * 3)).await;
    let calls = [
        (FIND_OR_CREATE, rpc::names(SHOP, RELEASE)),
        (INIT, rpc::names(SHOP, RELEASE)),
        (STORE, rpc::store(&run, b"{}").encode_to_vec()),
    ];
    for (path, message) in calls {
        let began = Instant::now();
        let answer = rpc::call(&suite.gateway, path, &token, &message)
            .send()
            .await;
        let took = began.elapsed();
        answer.refused(14, UNAVAILABLE);
        assert!(
            took >= Duration::from_millis(PATIENCE * 1000 - 100),
            "gave up after {took:?}"
        );
        assert!(
            took < Duration::from_secs(PATIENCE * 3),
            "gave up after {took:?}"
        );
        let line = suite
            .gateway
            .log_line(answer.header("x-request-id").expect("a request id"))
            .await;
        assert_eq!(
            (&line["outcome"], &line["grpc_status"]),
            (&json!("origin_unavailable"), &json!(14)),
            "{line}"
        );
    }
    suite.origin.delay(Duration::ZERO).await;
    rpc::call(
        &suite.gateway,
        FIND_OR_CREATE,
        &token,
        &rpc::names(SHOP, RELEASE),
    )
    .send()
    .await
    .accepted();
    assert_eq!(suite.origin.run(&run).await["status"], "INITIALIZED");
}

/// One canned answer for every connection; counts them.
struct Canned {
    task: tokio::task::JoinHandle<()>,
    heard: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Canned {
    /// `hold`: say nothing more, and keep the connection open.
    fn serve(listener: TcpListener, answer: String, hold: bool) -> Self {
        let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, hearing) = (answer.clone(), Arc::clone(&hearing));
                tokio::spawn(async move {
                    let mut bytes = vec![0; 65_536];
                    let length = stream.read(&mut bytes).await.unwrap_or(0);
                    let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
                    hearing.lock().expect("nobody panics with it").push(request);
                    let _ = stream.write_all(answer.as_bytes()).await;
                    if hold {
                        tokio::time::sleep(Duration::from_secs(PATIENCE * 5)).await;
                    }
                });
            }
        });
        Self { task, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panics with it").clone()
    }

    async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// A gateway whose origin is ours to play, with a token; the place is free at first.
struct Stage {
    gateway: Gateway,
    organization: Organization,
    token: String,
    place: std::net::SocketAddr,
}

impl Stage {
    async fn set(suite: &Suite) -> Self {
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let place = closed.local_addr().expect("an address");
        drop(closed);
        let serve = Serve::new(&format!("http://{place}"), &suite.keys);
        let gateway = serve
            .set("ORIGIN_TIMEOUT_SECONDS", &PATIENCE.to_string())
            .start()
            .await;
        let organization = Organization::new(&gateway, &suite.keys.admin).await;
        let token = organization
            .mint_for_release(&gateway, "opaque")
            .await
            .token;
        Self {
            gateway,
            organization,
            token,
            place,
        }
    }

    async fn origin(&self, canned: &str, hold: bool) -> Canned {
        Canned::serve(
            TcpListener::bind(self.place)
                .await
                .expect("the port is ours"),
            canned.to_owned(),
            hold,
        )
    }

    async fn call(&self, path: &str) -> Answer {
        rpc::call(&self.gateway, path, &self.token, &rpc::names(SHOP, RELEASE))
            .send()
            .await
    }

    async fn assert_unavailable(&self, what: &str, path: &str) {
        let answer = self.call(path).await;
        assert_eq!(
            (what, answer.header("grpc-status")),
            (what, Some("14")),
            "{path}: {}",
            answer.text()
        );
        answer.refused(14, UNAVAILABLE);
    }
}

const FRAMES: &str = "Content-Type: application/grpc-web+proto";

async fn an_origin_that_is_down_or_none(suite: &Suite) {
    let stage = Stage::set(suite).await;
    for path in [FIND_OR_CREATE, INIT] {
        stage.assert_unavailable("nothing listens", path).await;
    }
    // The gate itself is well: it refuses and mints as before.
    let other = rpc::call(
        &stage.gateway,
        INIT,
        &stage.token,
        &rpc::names(SHOP, "other"),
    )
    .send()
    .await;
    other.refused(
        7,
        "API token is workflow-scoped and cannot create or look up other workflows",
    );
    stage.organization.mint(&stage.gateway, &json!({})).await;

    let rows = [
        (
            "a web page",
            answer("200 OK\r\nContent-Type: text/html", "<h1>hello</h1>"),
            false,
        ),
        (
            "JSON",
            answer("200 OK\r\nContent-Type: application/json", "{}"),
            false,
        ),
        ("no content type", answer("200 OK", "hello"), false),
        ("500", answer("500 Internal Server Error", "oops"), false),
        (
            "502 in gRPC-Web",
            answer(&format!("502 Bad Gateway\r\n{FRAMES}"), ""),
            false,
        ),
        ("404", answer("404 Not Found", ""), false),
        (
            "401 as a page",
            answer("401 Unauthorized\r\nWWW-Authenticate: Basic", "log in"),
            false,
        ),
        ("no HTTP", "hello\r\n\r\n".to_owned(), false),
        ("nothing, then the end", String::new(), false),
        ("nothing, for ever", String::new(), true),
    ];
    for (what, canned, hold) in rows {
        let origin = stage.origin(&canned, hold).await;
        for path in [FIND_OR_CREATE, INIT] {
            stage.assert_unavailable(what, path).await;
        }
        assert!(!origin.heard().is_empty(), "{what}: the gate asked");
        origin.stop().await;
    }
    stage.gateway.stop();
}

/// A redirect is no answer in gRPC-Web; following it would carry the caller's credential to wherever it points.
async fn an_origin_that_points_elsewhere(suite: &Suite) {
    let stage = Stage::set(suite).await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let away = format!(
        "http://{}/elsewhere",
        elsewhere.local_addr().expect("an address")
    );
    let elsewhere = Canned::serve(
        elsewhere,
        answer(&format!("200 OK\r\n{FRAMES}\r\ngrpc-status: 0"), ""),
        false,
    );
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let origin = stage
            .origin(&answer(&format!("{status}\r\nLocation: {away}"), ""), false)
            .await;
        for path in [FIND_OR_CREATE, INIT] {
            let answered = stage.call(path).await;
            assert_eq!(
                elsewhere.heard(),
                Vec::<String>::new(),
                "{status}: the gate went where the origin pointed"
            );
            answered.refused(14, UNAVAILABLE);
        }
        assert!(!origin.heard().is_empty(), "{status}: the gate asked");
        origin.stop().await;
    }
    stage.gateway.stop();
}

/// An Init whose answer teaches no run: the client must not get it (R32).
async fn an_origin_that_breaks_off_its_answer_to_init(suite: &Suite) {
    let stage = Stage::set(suite).await;
    let half = format!("HTTP/1.1 200 OK\r\n{FRAMES}\r\nContent-Length: 100\r\n\r\n\0\0\0");
    let rows = [
        ("nothing", answer(&format!("200 OK\r\n{FRAMES}"), ""), false),
        (
            "no frame",
            answer(&format!("200 OK\r\n{FRAMES}"), "hello"),
            false,
        ),
        (
            "a message without trailers",
            answer(&format!("200 OK\r\n{FRAMES}"), "\0\0\0\0\0"),
            false,
        ),
        ("half an answer", half.clone(), false),
        ("half an answer, and then silence", half, true),
    ];
    for (what, canned, hold) in rows {
        let origin = stage.origin(&canned, hold).await;
        stage.assert_unavailable(what, INIT).await;
        assert!(!origin.heard().is_empty(), "{what}: the gate asked");
        origin.stop().await;
    }
    stage.gateway.stop();
}
