//! Gateways that sign, readers with public keys alone, and a witness.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::organization::Organization;
use postern_system_tests::random;
use postern_system_tests::suite::Setup;
use postern_transparency::checkpoint::Checkpoint;
use postern_transparency::key::{Kind, SigningKey, VerifierKey};
use postern_transparency::note::Note;
use postern_transparency::parse_hash;
use postern_transparency::proof::{Unproven, verify_consistency};
use postern_transparency::witness::{Latest, Verdict, WatchedLog, judge};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the logs of these gateways are called.
pub const NAME: &str = "gateway.example";

/// A gateway that signs.
pub fn signing(setup: &Setup) -> Serve {
    let seed = format!("a1:{}", B64.encode(random::<32>()));
    setup
        .serve()
        .set("AUDIT_KEYS", &seed)
        .set("AUDIT_LOG_NAME", NAME)
}

/// The keys of an organization's log, as everybody gets them.
pub async fn keys(gateway: &Gateway, organization: &Organization) -> Vec<VerifierKey> {
    let path = format!(
        "/.well-known/postern-audit-keys?organization={}",
        organization.id
    );
    let answer = gateway.call("GET", &path).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    text.lines()
        .map(|line| VerifierKey::parse(line).expect("a verifier key"))
        .collect()
}

/// A text of the public log.
pub async fn text(gateway: &Gateway, organization: &Organization, path: &str) -> String {
    let answer = organization.call(gateway, "GET", path).send().await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    answer.text()
}

/// A checkpoint, verified.
pub async fn checkpoint(
    gateway: &Gateway,
    organization: &Organization,
    is_fresh: bool,
) -> (Checkpoint, Note) {
    let query = if is_fresh { "?fresh=true" } else { "" };
    let path = format!("/org/audit/checkpoint{query}");
    let note = Note::parse(&text(gateway, organization, &path).await).expect("a note");
    let keys = keys(gateway, organization).await;
    let checkpoint = Checkpoint::open(&note, &keys).expect("a checkpoint");
    let origin = format!("{NAME}/audit/{}", organization.id);
    assert_eq!(checkpoint.origin, origin);
    (checkpoint, note)
}

/// Whether the gateway proves that one checkpoint continues another.
pub async fn continues(
    gateway: &Gateway,
    organization: &Organization,
    old: &Checkpoint,
    new: &Checkpoint,
) -> Result<(), Unproven> {
    let path = format!("/org/audit/consistency?from={}&to={}", old.size, new.size);
    let answer = organization.call(gateway, "GET", &path).send().await;
    let answer = answer.json(200);
    let hashes = answer["hashes"].as_array().expect("hashes").iter();
    let hash = |hash: &Value| hash.as_str().and_then(parse_hash).expect("a hash");
    let proof: Vec<_> = hashes.map(hash).collect();
    verify_consistency((old.size, &old.root), (new.size, &new.root), &proof)
}

/// A witness over HTTP that keeps the rules.
pub struct Witness {
    key: Arc<SigningKey>,
    pub url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    log: Option<WatchedLog>,
    is_down: bool,
    asked: usize,
}

impl Witness {
    /// Starts one that knows no log yet.
    pub async fn start(name: &str) -> Self {
        let key = SigningKey::new(name, Kind::Cosignature, &random()).expect("a name");
        let key = Arc::new(key);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, signer) = (Arc::clone(&state), Arc::clone(&key));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer(socket, Arc::clone(&shared), Arc::clone(&signer)));
            }
        });
        Self {
            key,
            url,
            state,
            task,
        }
    }

    pub fn verifier(&self) -> VerifierKey {
        self.key.verifier()
    }

    /// The entry of `WITNESSES`.
    pub fn entry(&self) -> String {
        format!("{} {}", self.verifier(), self.url)
    }

    /// Lets it know the keys of a log.
    pub fn watch(&self, keys: Vec<VerifierKey>) {
        self.with(|state| state.log = Some(WatchedLog { keys, latest: None }));
    }

    /// Has it answer nothing, or answer again.
    pub fn set_down(&self, is_down: bool) {
        self.with(|state| state.is_down = is_down);
    }

    /// The newest checkpoint that it has cosigned, and how often it was asked.
    pub fn seen(&self) -> (Option<Latest>, usize) {
        self.with(|state| (state.log.as_ref().and_then(|log| log.latest), state.asked))
    }

    fn with<T>(&self, run: impl FnOnce(&mut State) -> T) -> T {
        run(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut socket: TcpStream, state: Arc<Mutex<State>>, key: Arc<SigningKey>) {
    let Some((line, body)) = read(&mut socket).await else {
        return;
    };
    assert_eq!(line, "POST /add-checkpoint HTTP/1.1");
    let answer = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked += 1;
        if state.is_down {
            None
        } else {
            let watched = state.log.clone();
            let verdict = judge(&body, |origin| {
                watched.filter(|log| log.keys.iter().all(|key| key.name() == origin))
            });
            let status = verdict.status();
            Some(match verdict {
                Verdict::Cosign(cosigning) => {
                    if let Some(log) = &mut state.log {
                        log.latest = Some(cosigning.latest);
                    }
                    (status, "text/plain", cosigning.sign(&key, now()))
                }
                Verdict::Conflict { size, .. } => (
                    status,
                    postern_transparency::witness::SIZE_TYPE,
                    format!("{size}\n"),
                ),
                _ => (status, "text/plain", String::new()),
            })
        }
    };
    let Some((status, media, body)) = answer else {
        // Nobody is there: the connection stays open and says nothing.
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        return;
    };
    let head = format!(
        "HTTP/1.1 {status} Told\r\ncontent-type: {media}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // The gateway may have gone away meanwhile.
    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = socket.shutdown().await;
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs()
}

/// The request line and the body.
async fn read(socket: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length:")?
                        .trim()
                        .parse()
                        .ok()
                })
                .unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
                return Some((head.lines().next()?.to_owned(), body));
            }
        }
        match socket.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}
