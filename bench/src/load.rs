//! Load: so many connections, each asking again as soon as it was answered. The first answer that is not a success ends
//! the run and is shown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Head of a message, as far as its end has to be found.
pub struct Head {
    /// Bytes of the head, its empty line included.
    pub length: usize,
    /// 0 in a request.
    pub status: u16,
    content_length: Option<usize>,
    chunked: bool,
}

impl Head {
    /// The head at the beginning of the bytes, once it is whole.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let length = bytes.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&bytes[..length]).to_ascii_lowercase();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().to_owned())
        };
        let status = text.strip_prefix("http/1.1 ");
        Some(Self {
            length,
            status: status
                .and_then(|rest| rest.get(..3)?.parse().ok())
                .unwrap_or(0),
            content_length: value("content-length:").and_then(|text| text.parse().ok()),
            chunked: value("transfer-encoding:").is_some_and(|value| value.contains("chunked")),
        })
    }
}

/// A body that is being read and thrown away, but for what comes first.
pub struct Body {
    left: usize,
    chunked: bool,
    /// The first bytes of it, to see how a call ended.
    pub begins: Vec<u8>,
}

const KEPT: usize = 512;

impl Body {
    /// The body behind a head, which is taken out of the buffer.
    pub fn after(head: &Head, buffer: &mut Vec<u8>) -> Self {
        buffer.drain(..head.length);
        Self {
            left: head.content_length.unwrap_or(0),
            chunked: head.chunked,
            begins: Vec::new(),
        }
    }

    /// Takes what there is of it out of the buffer, and tells whether that was all.
    pub fn is_whole(&mut self, buffer: &mut Vec<u8>) -> bool {
        loop {
            let taken = self.left.min(buffer.len());
            let kept = taken.min(KEPT.saturating_sub(self.begins.len()));
            self.begins.extend(&buffer[..kept]);
            buffer.drain(..taken);
            self.left -= taken;
            if !self.chunked {
                return self.left == 0;
            }
            if self.left > 0 {
                return false;
            }
            // Behind the data of a chunk stands an empty line; before the first one, nothing.
            let start = if buffer.starts_with(b"\r\n") { 2 } else { 0 };
            let Some(end) = buffer[start..].windows(2).position(|part| part == b"\r\n") else {
                return false;
            };
            let line = String::from_utf8_lossy(&buffer[start..start + end]).into_owned();
            let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
            if size == 0 {
                if buffer.len() < start + end + 4 {
                    return false;
                }
                buffer.drain(..start + end + 4);
                return true;
            }
            buffer.drain(..start + end + 2);
            self.left = size;
        }
    }
}

/// What a run of load has shown.
pub struct Shown {
    /// Microseconds of each call, sorted.
    pub latencies: Vec<u32>,
    /// Until the last answer.
    pub time: Duration,
}

/// Asks for `time` over `connections`.
///
/// # Errors
/// The first answer that is no success.
pub async fn run(
    port: u16,
    request: &Arc<Vec<u8>>,
    connections: usize,
    time: Duration,
) -> Result<Shown, String> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(ask(port, Arc::clone(request), begun + time)))
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.map_err(|error| error.to_string())??);
    }
    let time = begun.elapsed();
    latencies.sort_unstable();
    Ok(Shown { latencies, time })
}

async fn ask(port: u16, request: Arc<Vec<u8>>, until: Instant) -> Result<Vec<u32>, String> {
    let broken = |error: std::io::Error| format!("port {port}: {error}");
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .map_err(broken)?;
    stream.set_nodelay(true).map_err(broken)?;
    let (mut latencies, mut buffer) = (Vec::new(), Vec::with_capacity(1 << 14));
    while Instant::now() < until {
        let begun = Instant::now();
        stream.write_all(&request).await.map_err(broken)?;
        let head = loop {
            if let Some(head) = Head::parse(&buffer) {
                break head;
            }
            if stream.read_buf(&mut buffer).await.map_err(broken)? == 0 {
                return Err(format!("port {port}: the connection was closed"));
            }
        };
        let heading = String::from_utf8_lossy(&buffer[..head.length]).to_ascii_lowercase();
        let mut body = Body::after(&head, &mut buffer);
        while !body.is_whole(&mut buffer) {
            if stream.read_buf(&mut buffer).await.map_err(broken)? == 0 {
                return Err(format!("port {port}: the answer broke off"));
            }
        }
        let ended = String::from_utf8_lossy(&body.begins);
        if head.status != 200 || !(heading + &ended).contains("grpc-status: 0") {
            return Err(format!("port {port}: HTTP {}: {ended}", head.status));
        }
        latencies.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &[u8]) -> Option<(u16, Vec<u8>, Vec<u8>)> {
        let mut buffer = text.to_vec();
        let head = Head::parse(&buffer)?;
        let mut body = Body::after(&head, &mut buffer);
        body.is_whole(&mut buffer)
            .then_some((head.status, body.begins, buffer))
    }

    #[test]
    fn messages_end_where_they_end() {
        let rows: [(&[u8], &[u8], &[u8]); 3] = [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP", b"ab", b"HTTP"),
            (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nHTTP",
                b"abc",
                b"HTTP",
            ),
            (b"HTTP/1.1 200 OK\r\n\r\n", b"", b""),
        ];
        for (text, begins, rest) in rows {
            let (status, body, left) = whole(text).expect("whole");
            assert_eq!(
                (status, body.as_slice(), left.as_slice()),
                (200, begins, rest)
            );
            for cut in 0..text.len() - rest.len() {
                assert!(whole(&text[..cut]).is_none(), "{cut} bytes are not all");
            }
        }
    }
}
