//! Requests that arrive piece by piece: the head now, the body when a test wants it.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::{Answer, Call};

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A request whose head has been sent.
pub struct Begun {
    socket: TcpStream,
    what: String,
    rest: Vec<u8>,
}

impl Call {
    /// Sends the head, which tells the length of the body, and the body's first bytes.
    pub async fn begin(self, first: usize) -> Begun {
        let (what, authority, head, body) = self.parts();
        let mut socket = TcpStream::connect(&authority)
            .await
            .expect("the server listens");
        let (sent, rest) = body.split_at(first);
        let bytes = [head.as_bytes(), sent].concat();
        socket.write_all(&bytes).await.expect("the head is taken");
        // The server has seen it when the test goes on.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Begun {
            socket,
            what,
            rest: rest.to_vec(),
        }
    }
}

impl Begun {
    /// Sends the rest to its last byte, as clients do that write before they read, and then reads the answer.
    pub async fn finish(mut self) -> Answer {
        let rest = std::mem::take(&mut self.rest);
        let sent = self.socket.write_all(&rest).await;
        sent.unwrap_or_else(|error| panic!("{}: while sending the body: {error}", self.what));
        self.answer().await
    }

    /// Ends our side of the connection in the middle of the body, and reads the answer.
    pub async fn cut(mut self) -> Answer {
        let ended = self.socket.shutdown().await;
        ended.unwrap_or_else(|error| panic!("{}: while ending the body: {error}", self.what));
        self.answer().await
    }

    /// Sends no more, and reads the answer.
    pub async fn answer(mut self) -> Answer {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(LIMIT, self.socket.read_to_end(&mut bytes)).await;
        read.expect("an answer in time")
            .unwrap_or_else(|error| panic!("{}: while reading the answer: {error}", self.what));
        Answer::parse(&self.what, &bytes)
            .unwrap_or_else(|| panic!("{}: no whole answer: {bytes:?}", self.what))
    }
}
