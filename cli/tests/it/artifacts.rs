//! Artifacts through the bridge: the strict sample origin's store behind it, or servers that fail
//! midway.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use postern_cli::bridge::{Log, STORE_SERVICES};
use postern_origin::store_proto::bytestream::byte_stream_client::ByteStreamClient;
use postern_origin::store_proto::bytestream::byte_stream_server::{ByteStream, ByteStreamServer};
use postern_origin::store_proto::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest,
    WriteResponse,
};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tonic::codegen::BoxStream;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::support::{Bridge, Lines, TOKEN, options, until};

/// Bytes of a big artifact: many times what HTTP/2 lets travel unread.
const BIG: usize = 48 * 1024 * 1024;
const PIECE: usize = 1024 * 1024;

/// A store of one artifact, `content`, that looks at the credential and counts.
#[derive(Clone)]
struct Store {
    content: Arc<Vec<u8>>,
    /// How many pieces of a download may be sent.
    pieces: Arc<Semaphore>,
    /// Whether a stream has been given up by its caller.
    gone: Arc<AtomicBool>,
}

impl Store {
    fn new(content: Vec<u8>, pieces: usize) -> Self {
        Self {
            content: Arc::new(content),
            pieces: Arc::new(Semaphore::new(pieces)),
            gone: Arc::default(),
        }
    }

    async fn start(&self) -> (String, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = ByteStreamServer::new(self.clone()).max_decoding_message_size(4 * PIECE);
        let routes = tonic::service::Routes::new(service).into_axum_router();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (url, serving)
    }
}

/// Says when it is dropped before its end.
struct Watched(Arc<AtomicBool>, bool);

impl Watched {
    fn ended(&mut self) {
        self.1 = true;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.1 {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

fn look(metadata: &MetadataMap) -> Result<(), Status> {
    let is = |name: &str, value: &str| metadata.get(name).is_some_and(|found| found == value);
    match is("authorization", &format!("Bearer {TOKEN}")) && is("x-of-caller", "1") {
        true => Ok(()),
        false => Err(Status::unauthenticated("Token is invalid")),
    }
}

#[tonic::async_trait]
impl ByteStream for Store {
    async fn read(
        &self,
        request: Request<ReadRequest>,
    ) -> Result<Response<BoxStream<ReadResponse>>, Status> {
        look(request.metadata())?;
        if request.get_ref().resource_name != "artifact" {
            return Err(Status::not_found("artifact not found"));
        }
        let watched = Watched(Arc::clone(&self.gone), false);
        let begun = (self.clone(), 0, watched);
        let pieces = stream::unfold(begun, |(store, at, mut watched)| async move {
            let rest = store.content.get(at..).filter(|rest| !rest.is_empty());
            let Some(rest) = rest else {
                watched.ended();
                return None;
            };
            store.pieces.acquire().await.unwrap().forget();
            let data = rest[..rest.len().min(PIECE)].to_vec();
            let next = at + data.len();
            Some((Ok(ReadResponse { data }), (store, next, watched)))
        });
        Ok(Response::new(Box::pin(pieces)))
    }

    async fn write(
        &self,
        request: Request<Streaming<WriteRequest>>,
    ) -> Result<Response<WriteResponse>, Status> {
        look(request.metadata())?;
        let mut watched = Watched(Arc::clone(&self.gone), false);
        let mut pieces = request.into_inner();
        let mut taken = 0;
        while let Some(piece) = pieces.message().await? {
            if piece.resource_name == "refused" {
                return Err(Status::resource_exhausted("max size of upload exceeded"));
            }
            assert_eq!(piece.write_offset, taken);
            taken += i64::try_from(piece.data.len()).unwrap();
        }
        watched.ended();
        Ok(Response::new(WriteResponse {
            committed_size: taken,
        }))
    }

    async fn query_write_status(
        &self,
        _: Request<QueryWriteStatusRequest>,
    ) -> Result<Response<QueryWriteStatusResponse>, Status> {
        Err(Status::unimplemented(
            "method QueryWriteStatus not implemented",
        ))
    }
}

type Client = ByteStreamClient<Channel>;

/// A bridge to this store, whose gateway is nowhere, and a client of it.
async fn bridge(store: &str) -> (Bridge, Client) {
    let bridge = Bridge::start("http://127.0.0.1:1", &["--artifact-cas", store]).await;
    let url = format!("http://{}", bridge.address);
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    (bridge, ByteStreamClient::new(channel))
}

fn with_credential<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    metadata.insert("x-of-caller", "1".parse().unwrap());
    request
}

fn read(name: &str) -> Request<ReadRequest> {
    with_credential(ReadRequest {
        resource_name: name.to_owned(),
        ..ReadRequest::default()
    })
}

/// The pieces of an upload of so many bytes.
fn pieces(name: &'static str, bytes: usize) -> Vec<WriteRequest> {
    let count = bytes.div_ceil(PIECE);
    let piece = |number: usize| WriteRequest {
        resource_name: name.to_owned(),
        write_offset: i64::try_from(number * PIECE).unwrap(),
        data: vec![7; PIECE.min(bytes - number * PIECE)],
        finish_write: number + 1 == count,
    };
    (0..count).map(piece).collect()
}

#[tokio::test]
async fn big_artifacts_pass_in_both_directions() {
    let content: Vec<u8> = (0..BIG).map(|at| (at / 977 % 251) as u8).collect();
    let store = Store::new(content.clone(), usize::MAX >> 3);
    let (url, _serving) = store.start().await;
    let (bridge, mut client) = bridge(&url).await;
    let upload = pieces("artifact", BIG + 5);
    let written = client.write(with_credential(stream::iter(upload))).await;
    let committed = written.unwrap().into_inner().committed_size;
    assert_eq!(committed, i64::try_from(BIG + 5).unwrap());
    let mut answer = client.read(read("artifact")).await.unwrap().into_inner();
    let mut got = Vec::new();
    while let Some(piece) = answer.message().await.unwrap() {
        got.extend(piece.data);
    }
    assert!(got == content, "{} bytes", got.len());
    let log = bridge.log(2).await;
    for (line, method) in log.iter().zip(["Write", "Read"]) {
        assert!(
            line.contains(&format!("ByteStream/{method} OK (0)")),
            "{line}"
        );
        assert!(!line.contains(TOKEN), "{line}");
    }
}

#[tokio::test]
async fn what_the_store_refuses_is_told_in_its_own_words() {
    let store = Store::new(b"content".to_vec(), 100);
    let (url, _serving) = store.start().await;
    let (_bridge, mut client) = bridge(&url).await;
    let status = client.read(read("other")).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::NotFound, "artifact not found")
    );
    let without = Request::new(ReadRequest::default());
    let status = client.read(without).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unauthenticated, "Token is invalid")
    );
    // While the caller is still sending.
    let upload = pieces("refused", BIG);
    let refused = client.write(with_credential(stream::iter(upload))).await;
    let status = refused.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let asked = with_credential(QueryWriteStatusRequest::default());
    let status = client.query_write_status(asked).await.unwrap_err();
    let words = "method QueryWriteStatus not implemented";
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unimplemented, words)
    );
}

/// A store that hangs up in the middle of a download.
#[tokio::test]
async fn a_download_that_breaks_off_ends_as_unavailable() {
    let store = Store::new(vec![1; 4 * PIECE], 2);
    let (url, serving) = store.start().await;
    let gate = Breaking::start(&url).await;
    let (bridge, mut client) = bridge(&gate.url).await;
    let mut answer = client.read(read("artifact")).await.unwrap().into_inner();
    assert_eq!(answer.message().await.unwrap().unwrap().data.len(), PIECE);
    gate.breaks.add_permits(1);
    let status = loop {
        match answer.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended well"),
            Err(status) => break status,
        }
    };
    let words = "the artifact store's answer broke off";
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unavailable, words)
    );
    assert!(bridge.log(1).await[0].contains(words));
    drop(serving);
}

/// Passes bytes on until it is told to hang up.
struct Breaking {
    url: String,
    breaks: Arc<Semaphore>,
}

impl Breaking {
    async fn start(to: &str) -> Self {
        let to = to.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let breaks = Arc::new(Semaphore::new(0));
        let told = Arc::clone(&breaks);
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = tokio::net::TcpStream::connect(to).await.unwrap();
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                _ = told.acquire() => {}
            }
        });
        Self { url, breaks }
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_stream_at_the_store() {
    let store = Store::new(vec![1; 8 * PIECE], 1);
    let (url, _serving) = store.start().await;
    let (bridge, mut client) = bridge(&url).await;
    let mut answer = client.read(read("artifact")).await.unwrap().into_inner();
    answer.message().await.unwrap();
    drop(answer);
    let gone = || store.gone.load(Ordering::SeqCst).then_some(());
    until("the download was given up", gone).await;
    assert!(bridge.log(1).await[0].contains("CANCELLED"));
    store.gone.store(false, Ordering::SeqCst);
    let first = pieces("artifact", PIECE);
    let upload = stream::iter(first).chain(stream::pending());
    let mut second = client.clone();
    let sending = tokio::spawn(async move { second.write(with_credential(upload)).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    sending.abort();
    until("the upload was given up", gone).await;
}

/// A slow reader holds the store back.
#[tokio::test]
async fn a_download_waits_for_its_reader() {
    let store = Store::new(vec![1; BIG], usize::MAX >> 3);
    let before = store.pieces.available_permits();
    let (url, _serving) = store.start().await;
    let (_bridge, mut client) = bridge(&url).await;
    let mut answer = client.read(read("artifact")).await.unwrap().into_inner();
    answer.message().await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let sent = before - store.pieces.available_permits();
    assert!(sent < BIG / PIECE / 2, "{sent} pieces");
    let mut left = BIG - PIECE;
    while let Some(piece) = answer.message().await.unwrap() {
        left -= piece.data.len();
    }
    assert_eq!(left, 0);
}

#[tokio::test]
async fn without_a_store_or_with_one_that_is_nowhere() {
    let origin = crate::support::origin().await;
    let bridge = Bridge::start(&origin, &[]).await;
    let url = format!("http://{}", bridge.address);
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    let status = ByteStreamClient::new(channel).read(read("artifact")).await;
    assert_eq!(status.unwrap_err().code(), Code::Unimplemented);
    let (_bridge, mut client) = self::bridge("http://127.0.0.1:1").await;
    let status = client.read(read("artifact")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let words = "the artifact store http://127.0.0.1:1 cannot be reached";
    assert!(status.message().starts_with(words), "{status}");
}

#[test]
fn addresses_of_stores_that_are_refused() {
    for (url, why) in [
        ("http://cas.example", "would send tokens unencrypted"),
        ("cas.example:443", "must begin with https:// or http://"),
        ("grpc://cas.example", "must begin with https:// or http://"),
        ("https://me:pw@cas.example", "must not hold a user name"),
        (
            "https://cas.example/path",
            "must end after the host and port",
        ),
    ] {
        let options = options("http://127.0.0.1:1", &["--artifact-cas", url]);
        let failure = options.bridge(Log::new(Lines::default(), false));
        let Err(failure) = failure else {
            panic!("{url} was taken");
        };
        let message = failure.message;
        assert!(
            message.starts_with("the artifact store's address"),
            "{message}"
        );
        assert!(
            message.contains(why) && !message.contains("pw@"),
            "{message}"
        );
    }
    assert_eq!(STORE_SERVICES[0], "google.bytestream.ByteStream");
}
