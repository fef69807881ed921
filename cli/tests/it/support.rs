//! What the tests share: a bridge in this process, a server that answers with fixed bytes, and
//! clients. Asserts nothing but that these work.

use std::io;
use std::net::SocketAddr;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser as _;
use postern_cli::bridge::{self, Log};
use postern_cli::command::{Command, What};
use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_origin::proto::{
    FindOrCreateWorkflowRequest, FindOrCreateWorkflowResponse, WorkflowItem,
};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

pub const TOKEN: &str = "pst_not-verified-here";
pub const BINARY: &str = "content-type: application/grpc-web+proto\r\n";

pub type Client = AttestationServiceClient<Channel>;

/// Lines of a bridge's log.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct Bridge {
    pub address: SocketAddr,
    pub lines: Lines,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bridge {
    /// A bridge to `gateway`, with further flags.
    pub async fn start(gateway: &str, flags: &[&str]) -> Self {
        let options = options(gateway, flags);
        let lines = Lines::default();
        let bridge = options
            .bridge(Log::new(lines.clone(), options.json))
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop).notified_owned();
        let serving = bridge::serve(listener, bridge, options.max_streams, stopped);
        Self {
            address,
            lines,
            stop,
            task: tokio::spawn(serving),
        }
    }

    /// Tells it to end, as a signal would.
    pub fn stop(&self) {
        self.stop.notify_one();
    }

    pub async fn client(&self) -> Client {
        connect(&format!("http://{}", self.address)).await
    }

    /// The log, once it has that many lines.
    pub async fn log(&self, count: usize) -> Vec<String> {
        until(&format!("{count} lines in the log"), || {
            let bytes = self.lines.0.lock().unwrap().clone();
            let lines: Vec<_> = String::from_utf8(bytes)
                .unwrap()
                .lines()
                .map(str::to_owned)
                .collect();
            assert!(lines.len() <= count, "{lines:#?}");
            (lines.len() == count).then_some(lines)
        })
        .await
    }
}

/// The flags of a bridge, read as the program reads them.
pub fn options(gateway: &str, flags: &[&str]) -> bridge::Options {
    let words = ["postern", "bridge", "--gateway", gateway];
    let command = Command::try_parse_from(words.iter().chain(flags)).unwrap();
    let What::Bridge(options) = command.what else {
        panic!("another command");
    };
    options
}

/// A gRPC client over HTTP/2.
pub async fn connect(url: &str) -> Client {
    let channel = Channel::from_shared(url.to_owned()).unwrap();
    AttestationServiceClient::new(channel.connect().await.unwrap())
}

/// Waits for the end of a program, which must come within 20 s.
pub fn ended(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "no end in 20 s");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for something to happen that needs no more than patience.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not in 20 s");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The sample origin, in this process.
pub async fn origin() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(postern_origin::serve(listener, std::future::pending()));
    url
}

/// What the hand-made server does with a request.
#[derive(Clone)]
pub enum Plan {
    /// Reads it whole, then writes these pieces, one by one, and hangs up.
    Answer(Vec<Vec<u8>>),
    /// As above, but leaves the rest of the body unread.
    AnswerEarly(Vec<u8>),
    /// Writes this as soon as the head is there, and nothing more.
    Hang(Vec<u8>),
    /// Writes this as soon as the head is there, and closes the connection on whatever is coming.
    Close(Vec<u8>),
    /// Waits for [`Handmade::go`], then gives the good answer.
    Wait,
}

/// What the hand-made server has seen.
#[derive(Default)]
pub struct Seen {
    /// Heads of requests, in lower case.
    pub heads: Vec<String>,
    /// What followed them, in HTTP's chunks as it came.
    pub bodies: Vec<Vec<u8>>,
    /// Connections that the other end has given up.
    pub gone: usize,
    /// Most requests at once.
    pub most: usize,
    now: usize,
}

pub struct Handmade {
    pub url: String,
    pub seen: Arc<Mutex<Seen>>,
    pub go: Arc<Semaphore>,
}

impl Handmade {
    pub async fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let shared = Arc::clone(&seen);
        let go = Arc::new(Semaphore::new(0));
        let going = Arc::clone(&go);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(
                    socket,
                    plan.clone(),
                    Arc::clone(&shared),
                    Arc::clone(&going),
                ));
            }
        });
        Self { url, seen, go }
    }

    /// One that answers with these bytes.
    pub async fn answering(answer: Vec<u8>) -> Self {
        Self::start(Plan::Answer(vec![answer])).await
    }

    pub async fn until(&self, what: &str, mut true_of: impl FnMut(&Seen) -> bool) {
        until(what, || true_of(&self.seen.lock().unwrap()).then_some(())).await;
    }
}

async fn serve(mut socket: TcpStream, plan: Plan, seen: Arc<Mutex<Seen>>, go: Arc<Semaphore>) {
    socket.set_nodelay(true).unwrap();
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = position(&bytes, b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec())
        .unwrap()
        .to_lowercase();
    let mut body = bytes.split_off(end);
    {
        let mut seen = seen.lock().unwrap();
        seen.heads.push(head);
        seen.now += 1;
        seen.most = seen.most.max(seen.now);
    }
    match plan {
        Plan::Answer(pieces) => {
            // gRPC clients do not say how long a body is.
            while !body.ends_with(b"0\r\n\r\n") {
                if socket.read_buf(&mut body).await.unwrap_or(0) == 0 {
                    seen.lock().unwrap().gone += 1;
                    return;
                }
            }
            // Leaves time for a second call that should not be here yet.
            tokio::time::sleep(Duration::from_millis(1)).await;
            seen.lock().unwrap().bodies.push(body);
            seen.lock().unwrap().now -= 1;
            for piece in pieces {
                if socket.write_all(&piece).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let _ = socket.shutdown().await;
        }
        Plan::AnswerEarly(answer) => {
            let _ = socket.write_all(&answer).await;
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest).await;
        }
        Plan::Close(answer) => {
            // With bytes unread this is a reset, and no orderly end.
            let _ = socket.write_all(&answer).await;
        }
        Plan::Wait => {
            go.acquire().await.unwrap().forget();
            let _ = socket.write_all(&good()).await;
            let _ = socket.shutdown().await;
        }
        Plan::Hang(answer) => {
            let _ = socket.write_all(&answer).await;
            while socket.read_buf(&mut body).await.unwrap_or(0) > 0 {}
            seen.lock().unwrap().gone += 1;
        }
    }
}

fn position(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// An answer of HTTP/1.1.
pub fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A frame: flag, length, payload.
pub fn frame(flag: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![flag];
    frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame
}

/// A frame with an answer to `FindOrCreateWorkflow`.
pub fn message(name: &str) -> Vec<u8> {
    let item = WorkflowItem {
        name: name.into(),
        ..Default::default()
    };
    let answer = FindOrCreateWorkflowResponse { result: Some(item) };
    frame(0, &answer.encode_to_vec())
}

pub fn trailer(lines: &str) -> Vec<u8> {
    frame(0x80, lines.as_bytes())
}

/// A whole good answer.
pub fn good() -> Vec<u8> {
    let body = [message("release"), trailer("grpc-status: 0\r\n")].concat();
    http("200 OK", BINARY, &body)
}

/// A request for a workflow, with the token that clients send as metadata.
pub fn workflow() -> tonic::Request<FindOrCreateWorkflowRequest> {
    signed(FindOrCreateWorkflowRequest {
        project_name: "demo".into(),
        workflow_name: "release".into(),
        ..Default::default()
    })
}

pub fn signed<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    request
}

/// One call of `FindOrCreateWorkflow`: the workflow's name, or the status.
pub async fn find(client: &mut Client) -> Result<String, tonic::Status> {
    let answer = client.find_or_create_workflow(workflow()).await?;
    Ok(answer.into_inner().result.unwrap_or_default().name)
}

/// The body of a plain GET.
pub async fn get(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    body.to_owned()
}
