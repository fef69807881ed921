//! Logs with public checkpoints for the tests of `postern audit`, and a witness process. Asserts nothing
//! but that these work.

use std::convert::Infallible;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use postern_domain::audit::checkpoint::Checkpoint as Keyed;
use postern_domain::audit::{GENESIS, hex, link};
use postern_domain::id::OrganizationId;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::time::Timestamp;
use postern_transparency::checkpoint::Checkpoint;
use postern_transparency::inclusion::InclusionProof;
use postern_transparency::key::{Kind, SigningKey};
use postern_transparency::note::Note;
use postern_transparency::proof;
use postern_transparency::tiles::{Place, Tiles, WIDTH};
use postern_transparency::tree::{Frontier, Hash, leaf};
use postern_transparency::witness::AddCheckpoint;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gateway::program;

/// The root key of the gateway: who has it can write every link anew.
pub const ROOT: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub const ORGANIZATION: &str = "48507561-55cb-400d-b62c-05475945ca0d";
pub const ORIGIN: &str = "gate.example/audit/48507561-55cb-400d-b62c-05475945ca0d";

/// The public checkpoints' key.
pub fn log_key() -> SigningKey {
    SigningKey::new(ORIGIN, Kind::Ed25519, &[1; 32]).unwrap()
}

pub fn witness_key(number: u8) -> SigningKey {
    let name = format!("witness.example/w{number}");
    SigningKey::new(&name, Kind::Cosignature, &[number; 32]).unwrap()
}

/// A log of fewer events than a tile has.
#[derive(Clone)]
pub struct Log {
    contents: Vec<String>,
}

impl Tiles for Log {
    type Error = Infallible;

    fn tile(&self, place: Place) -> Result<Vec<Hash>, Infallible> {
        assert!(self.contents.len() < usize::try_from(WIDTH).unwrap());
        let leaves = self.contents.iter().map(|content| leaf(content.as_bytes()));
        let is_first = (place.level, place.index) == (0, 0);
        Ok(leaves.filter(|_| is_first).collect())
    }
}

impl Log {
    pub fn of(events: u64) -> Self {
        let event = |sequence: u64| {
            let event = json!({ "organization_id": ORGANIZATION, "sequence": sequence, "action": "token.mint" });
            event.to_string()
        };
        Self {
            contents: (1..=events).map(event).collect(),
        }
    }

    /// The log as somebody writes it anew, who has every key of the gateway.
    pub fn rewritten(&self, sequence: usize) -> Self {
        let mut other = self.clone();
        let event = &mut other.contents[sequence - 1];
        *event = event.replace("token.mint", "token.revoke");
        assert_ne!(*event, self.contents[sequence - 1]);
        other
    }

    pub fn size(&self) -> u64 {
        self.contents.len() as u64
    }

    pub fn content(&self, sequence: usize) -> &str {
        &self.contents[sequence - 1]
    }

    /// The rows with their links, one on each line, and the keyed checkpoint behind them.
    pub fn export(&self) -> String {
        let audit = RootKeys::from_root(&KeyRing::parse(ROOT).unwrap()).audit;
        let mut previous = GENESIS;
        let mut lines = String::new();
        for content in &self.contents {
            let own = link(audit.signing(), &previous, content);
            let row = json!({ "content": content, "previous": hex(&previous), "link": hex(&own), "kid": "k1" });
            lines.push_str(&format!("{row}\n"));
            previous = own;
        }
        let checkpoint = Keyed {
            organization_id: OrganizationId::parse(ORGANIZATION).unwrap(),
            sequence: self.size(),
            link: hex(&previous),
            at: Timestamp::from_millis(2_000),
        };
        let signed = serde_json::to_string(&checkpoint.sign(&audit).unwrap()).unwrap();
        format!("{lines}{signed}\n")
    }

    pub fn checkpoint(&self, size: u64) -> Note {
        self.checkpoint_by(size, &log_key())
    }

    pub fn checkpoint_by(&self, size: u64, key: &SigningKey) -> Note {
        let mut frontier = Frontier::new();
        for content in self.contents.iter().take(usize::try_from(size).unwrap()) {
            frontier.append(leaf(content.as_bytes()));
        }
        let checkpoint = Checkpoint {
            origin: key.verifier().name().to_owned(),
            size,
            root: frontier.root(),
        };
        checkpoint.sign(key).unwrap()
    }

    pub fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        proof::consistency(self, old, new).unwrap()
    }

    pub fn proof(&self, sequence: usize, size: u64) -> InclusionProof {
        let index = sequence as u64 - 1;
        InclusionProof {
            index,
            hashes: proof::inclusion(self, index, size).unwrap(),
            checkpoint: self.checkpoint(size),
            extra: Some(self.content(sequence).into()),
        }
    }

    /// A request to a witness.
    pub fn add(&self, old: u64, new: u64) -> AddCheckpoint {
        AddCheckpoint {
            old,
            proof: self.consistency(old, new),
            checkpoint: self.checkpoint(new),
        }
    }
}

/// A checkpoint that a witness has cosigned.
pub fn cosigned(mut note: Note, witness: &SigningKey) -> Note {
    note.add(witness.sign_at(note.text(), 1_796_000_000));
    note
}

/// Files of one test.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A witness of its own process.
pub struct Witness {
    child: Child,
    pub key: String,
    pub address: SocketAddr,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Witness {
    pub fn start(state: &Path, more: &[&str]) -> Self {
        let log = log_key().verifier().to_string();
        let state = state.to_str().unwrap();
        let words = [
            "audit",
            "witness",
            "--listen",
            "127.0.0.1:0",
            "--state",
            state,
            "--log",
            &log,
        ];
        let mut child = program(&[&words[..], more].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut line = |begin: &str| {
            let line = lines.next().expect("a line").unwrap();
            line.strip_prefix(begin).expect(&line).to_owned()
        };
        let key = line("key ");
        let address = line("ready ").parse().unwrap();
        Self {
            child,
            key,
            address,
        }
    }

    pub async fn add(&self, request: &AddCheckpoint) -> Answer {
        self.ask("POST", "/add-checkpoint", request.to_string().as_bytes())
            .await
    }

    pub async fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        // One that is refused early is read no further.
        let _ = socket.write_all(body).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let media = head
            .lines()
            .find_map(|line| line.strip_prefix("content-type: "));
        Answer {
            status,
            media: media.unwrap_or_default().to_owned(),
            body: body.to_owned(),
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub media: String,
    pub body: String,
}
