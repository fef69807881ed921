//! An origin that answers what a case tells it to, byte for byte, and keeps the heads of the requests as they arrived:
//! for answers that no decent server gives, and for the spelling of headers.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running origin of that kind.
pub struct Scripted {
    /// `http://host:port`.
    pub url: String,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Script {
    answer: Vec<u8>,
    heads: Vec<String>,
}

impl Scripted {
    /// Starts one that answers 204.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        let origin = Self { url, script, task };
        origin.answer("204 No Content", &[], b"");
        origin
    }

    /// Answers so from now on. Where a body may follow, its length is told.
    pub fn answer(&self, status: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !status.starts_with("204") && !status.starts_with("304") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.answer = [head.as_bytes(), b"\r\n", body].concat();
    }

    /// The heads of the requests since the last call, line by line as they arrived.
    pub fn heads(&self) -> Vec<String> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut script.heads)
    }

    /// The head of the one request since the last call.
    pub fn only_head(&self) -> String {
        let mut heads = self.heads();
        assert_eq!(heads.len(), 1, "{heads:#?}");
        heads.remove(0)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, script: Arc<Mutex<Script>>) {
    let mut bytes = Vec::new();
    let Some(end) = head(&mut socket, &mut bytes).await else {
        return;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let lower = head.to_ascii_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
    let chunked = lower.contains("transfer-encoding: chunked");
    let whole = |bytes: &[u8]| match chunked {
        true => bytes.ends_with(b"0\r\n\r\n"),
        false => bytes.len() >= end + 4 + length,
    };
    while !whole(&bytes) {
        match socket.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let answer = {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        script.heads.push(head);
        script.answer.clone()
    };
    // The gate may have gone away meanwhile.
    let _ = socket.write_all(&answer).await;
    let _ = socket.shutdown().await;
}

async fn head(socket: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            return Some(end);
        }
        match socket.read_buf(bytes).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}
