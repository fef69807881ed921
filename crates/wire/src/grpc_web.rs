//! gRPC-Web framing (the PROTOCOL-WEB page of gRPC): requests of one message, and answers that
//! consist of headers only. Compression, more than one frame, and bytes between frames are refused.

use core::fmt;
use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::protocol::media_type;
use postern_domain::rpc::{Access, Carries, Rpc};

/// Bytes of a frame before its message: a flag, and a length of four bytes, the highest first.
pub const FRAME_HEAD: usize = 5;

/// Largest request body of a call that carries a bundle, a state or a contract, in bytes as they
/// arrive (10 MiB).
pub const MAX_BODY: usize = 10 * 1024 * 1024;

/// Largest request body of a call that only names things, in bytes as they arrive (64 KiB).
pub const MAX_NAMES_BODY: usize = 64 * 1024;

/// Largest request body of a call that needs no credential, in bytes (4 KiB). The messages of these
/// calls have a number or nothing.
pub const MAX_OPEN_BODY: usize = 4 * 1024;

/// Largest request body of a call, in bytes as they arrive.
pub fn max_body(rpc: &Rpc) -> usize {
    match (rpc.access, rpc.carries) {
        // Strangers may call these.
        (Access::Open, _) => MAX_OPEN_BODY,
        (_, Carries::Names) => MAX_NAMES_BODY,
        (_, Carries::Content) => MAX_BODY,
    }
}

/// Status codes of gRPC that the gateway itself answers with (R34).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrpcStatus {
    /// The request is wrong.
    InvalidArgument = 3,
    /// The caller's time is over.
    DeadlineExceeded = 4,
    /// The caller is known and not allowed.
    PermissionDenied = 7,
    /// A limit was reached.
    ResourceExhausted = 8,
    /// Something has to be set up before; repeating the call changes nothing.
    FailedPrecondition = 9,
    /// There is no such call, or not in this form.
    Unimplemented = 12,
    /// Something does not answer; the call can be tried again.
    Unavailable = 14,
    /// The credential is missing or refused.
    Unauthenticated = 16,
}

/// How the frames are written: as bytes, or as base64 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Frames as they are.
    Binary,
    /// Frames in base64.
    Text,
}

impl Encoding {
    /// The encoding that a `Content-Type` names; `None` for what is not gRPC-Web with protobuf.
    pub fn of(content_type: &str) -> Option<Self> {
        match media_type(content_type).as_str() {
            "application/grpc-web" | "application/grpc-web+proto" => Some(Self::Binary),
            "application/grpc-web-text" | "application/grpc-web-text+proto" => Some(Self::Text),
            _ => None,
        }
    }

    /// The `Content-Type` of the gateway's own answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Binary => "application/grpc-web+proto",
            Self::Text => "application/grpc-web-text+proto",
        }
    }

    /// The body of these frames.
    pub fn encode(self, frames: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Binary => frames,
            Self::Text => STANDARD.encode(frames).into_bytes(),
        }
    }

    /// The frames in a body.
    ///
    /// # Errors
    /// [`FrameError::Base64`] where a text body is not Base64.
    pub fn decode(self, body: &[u8]) -> Result<Cow<'_, [u8]>, FrameError> {
        match self {
            Self::Binary => Ok(Cow::Borrowed(body)),
            Self::Text => decode_text(body).map(Cow::Owned),
        }
    }
}

/// Why a body was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// It is not base64.
    Base64,
    /// No complete frame.
    Truncated,
    /// The message is compressed, so it cannot be inspected.
    Compressed,
    /// A frame that is not a message.
    UnknownFlag,
    /// Something follows the one message.
    Several,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base64 => "the body is not base64",
            Self::Truncated => "the body ends before its message does",
            Self::Compressed => "the message is compressed: send it uncompressed",
            Self::UnknownFlag => "the body has a frame that is not a message",
            Self::Several => "the body has more than one message",
        })
    }
}

/// The one message of a unary request.
///
/// # Errors
/// Anything but exactly one uncompressed message (R33).
pub fn single_message(frames: &[u8]) -> Result<&[u8], FrameError> {
    let (head, message) = frames.split_first_chunk().ok_or(FrameError::Truncated)?;
    message_length(*head, frames.len())?;
    Ok(message)
}

/// The length of the one message of a unary request, in bytes, out of the first bytes of its body
/// and how many the body has. The message follows them and ends with the body.
///
/// # Errors
/// As [`single_message`].
pub fn message_length(head: [u8; FRAME_HEAD], total: usize) -> Result<usize, FrameError> {
    let [flag, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length)).ok();
    let rest = total.checked_sub(FRAME_HEAD);
    let behind = length.and_then(|length| Some((length, rest?.checked_sub(length)?)));
    match (flag, behind.ok_or(FrameError::Truncated)?) {
        (0, (length, 0)) => Ok(length),
        (0, _) => Err(FrameError::Several),
        (1, _) => Err(FrameError::Compressed),
        _ => Err(FrameError::UnknownFlag),
    }
}

/// The frame of one message.
///
/// # Errors
/// [`FrameError::Truncated`] for more bytes than a frame can have.
pub fn frame(message: &[u8]) -> Result<Vec<u8>, FrameError> {
    let len = u32::try_from(message.len()).map_err(|_| FrameError::Truncated)?;
    let mut frame = Vec::with_capacity(FRAME_HEAD + message.len());
    frame.push(0);
    frame.extend_from_slice(&len.to_be_bytes());
    frame.extend_from_slice(message);
    Ok(frame)
}

/// The first frame: its flag, its content, and what follows.
///
/// # Errors
/// [`FrameError::Truncated`].
pub fn split_frame(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), FrameError> {
    let (head, rest) = bytes
        .split_at_checked(FRAME_HEAD)
        .ok_or(FrameError::Truncated)?;
    let [flag, a, b, c, d] = *head else {
        return Err(FrameError::Truncated);
    };
    let len =
        usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(|_| FrameError::Truncated)?;
    let (content, rest) = rest.split_at_checked(len).ok_or(FrameError::Truncated)?;
    Ok((flag, content, rest))
}

/// Base64 in one or more padded pieces, as clients that stream text send it.
fn decode_text(text: &[u8]) -> Result<Vec<u8>, FrameError> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut rest = text;
    while !rest.is_empty() {
        let end = match rest.iter().position(|byte| *byte == b'=') {
            Some(padding) => (padding / 4 + 1) * 4,
            None => rest.len(),
        };
        let (piece, next) = rest.split_at_checked(end).ok_or(FrameError::Base64)?;
        STANDARD
            .decode_vec(piece, &mut bytes)
            .map_err(|_| FrameError::Base64)?;
        rest = next;
    }
    Ok(bytes)
}

/// A `grpc-message` value: percent-encoded where gRPC demands it.
pub fn encode_message(message: &str) -> String {
    use core::fmt::Write as _;
    message.bytes().fold(String::new(), |mut text, byte| {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(flag: u8, content: &[u8]) -> Vec<u8> {
        let len = u32::try_from(content.len()).expect("short").to_be_bytes();
        [&[flag][..], &len, content].concat()
    }

    #[test]
    fn content_types() {
        let rows = [
            ("application/grpc-web", Some(Encoding::Binary)),
            ("application/grpc-web+proto", Some(Encoding::Binary)),
            (
                "Application/gRPC-Web+Proto; charset=utf-8",
                Some(Encoding::Binary),
            ),
            ("application/grpc-web-text", Some(Encoding::Text)),
            ("application/grpc-web-text+proto", Some(Encoding::Text)),
            ("application/grpc-web+json", None),
            ("application/grpc", None),
            ("application/grpc-webx", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Encoding::of(text), expected, "{text}");
        }
    }

    #[test]
    fn r33_exactly_one_uncompressed_message() {
        let two = [frame(0, b"a"), frame(0, b"b")].concat();
        let trailing = [frame(0, b"a"), vec![0]].concat();
        type Row<'a> = (&'a [u8], Result<&'a [u8], FrameError>);
        let rows: [Row<'_>; 10] = [
            (&frame(0, b"abc"), Ok(b"abc")),
            (&frame(0, b""), Ok(b"")),
            (b"", Err(FrameError::Truncated)),
            (b"\0\0\0\0", Err(FrameError::Truncated)),
            (b"\0\0\0\0\x02a", Err(FrameError::Truncated)),
            (b"\0\xff\xff\xff\xffa", Err(FrameError::Truncated)),
            (&frame(1, b"abc"), Err(FrameError::Compressed)),
            (&frame(0x80, b"x"), Err(FrameError::UnknownFlag)),
            (&two, Err(FrameError::Several)),
            (&trailing, Err(FrameError::Several)),
        ];
        for (bytes, expected) in rows {
            assert_eq!(single_message(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn text_bodies_may_come_in_pieces() {
        let bytes = frame(0, b"hello");
        let whole = STANDARD.encode(&bytes);
        let pieces = format!(
            "{}{}",
            STANDARD.encode(&bytes[..5]),
            STANDARD.encode(&bytes[5..])
        );
        assert_eq!(Encoding::Text.encode(bytes.clone()), whole.as_bytes());
        assert_eq!(Encoding::Binary.encode(bytes.clone()), bytes);
        for text in [&whole, &pieces] {
            let frames = Encoding::Text.decode(text.as_bytes()).expect(text);
            assert_eq!(frames.as_ref(), bytes, "{text}");
        }
        for text in [
            "A", "AA", "AAA", "====", "A===", "AA=A", "AAAA\n", "AAA-", "AA===",
        ] {
            assert_eq!(
                Encoding::Text.decode(text.as_bytes()),
                Err(FrameError::Base64),
                "{text}"
            );
        }
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(encode_message("a 50% \"b\" é\n"), "a 50%25 \"b\" %C3%A9%0A");
    }
}
