//! One HTTP/1.1 request to our own gateway on loopback. No TLS, no redirects, no keeping of connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::fail::{Outcome, doing};

pub struct Answer {
    pub status: u16,
    /// For messages; not decoded.
    pub body: String,
}

pub fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> Outcome<Answer> {
    let text = head("GET", port, path, headers) + "\r\n";
    let answer = doing(format_args!("GET {path}"), exchange(port, &text))?;
    Ok(read(&answer))
}

/// A request with JSON.
pub fn send(
    method: &str,
    port: u16,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Outcome<Answer> {
    let mut text = head(method, port, path, headers);
    text.push_str(&format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let answer = doing(format_args!("{method} {path}"), exchange(port, &text))?;
    Ok(read(&answer))
}

fn head(method: &str, port: u16, path: &str, headers: &[(&str, &str)]) -> String {
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text
}

fn exchange(port: u16, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// An unreadable answer has status 0, which nobody takes for success.
fn read(answer: &str) -> Answer {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    Answer {
        status,
        body: body.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body() {
        let answer = read("HTTP/1.1 409 Conflict\r\nX: y\r\n\r\n{\"code\":\"exists\"}\n");
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (409, "{\"code\":\"exists\"}")
        );
        assert_eq!(read("garbage").status, 0);
        assert_eq!(read("").status, 0);
    }
}
