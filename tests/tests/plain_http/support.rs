//! An origin that answers as it is told, and a token to read from it with.

use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Call;
use postern_system_tests::organization::{Minted, RELEASE};
use postern_system_tests::scripted::Scripted;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub const READ: &str = "/v1/attestations/sha256:0?project=shop";

pub const STORE: &str = "/v1/projects/shop/workflows/release/attestations";

pub struct Rest {
    pub origin: Scripted,
    /// REST_ROUTES=open, TRUSTED_IP_HEADER=X-Edge-Address, assertions on.
    pub gateway: Gateway,
    pub token: Minted,
}

impl Rest {
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.gateway
            .call(method, path)
            .bearer(&self.token.token)
            .header("attestation-workflow", RELEASE)
    }

    pub fn json(&self) {
        let media = [("content-type", "application/json"), ("x-kept", "1")];
        self.origin
            .answer("200 OK", &media, b"{\"a\":\"0123456789\"}");
    }
}

/// Sends a head as it is written, and a body; gives the status and what follows the head of the answer.
pub async fn raw(gateway: &Gateway, head: &str, body: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(gateway.socket())
        .await
        .expect("it listens");
    let head = head.replace('\n', "\r\n");
    let request = format!(
        "{head}host: {}\r\nconnection: close\r\n\r\n{body}",
        gateway.socket()
    );
    socket
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    let (_, rest) = text.split_once("\r\n\r\n").unwrap_or_default();
    (
        status.unwrap_or_else(|| panic!("no answer: {text}")),
        rest.to_owned(),
    )
}
