//! How a unary call ended, from either shape of a gRPC-Web answer: the status in a trailer frame
//! after the message, or in the headers of an answer without a body. An answer with a status in
//! neither place is an error.

use super::grpc_status::{Detail, details};
use super::grpc_web::{FrameError, frame, split_frame};

/// The flag of the frame of trailers.
const TRAILERS: u8 = 0x80;

/// How a call ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// The gRPC status; 0 = it went well.
    pub status: u32,
    /// In words, decoded.
    pub message: String,
    /// The details of its status.
    pub details: Vec<Detail>,
    /// Other metadata of the trailers, names in lower case.
    pub metadata: Vec<(String, String)>,
}

/// The message, if any, and how the call ended, out of the frames of an answer whose headers have
/// no status.
///
/// # Errors
/// Frames that cannot be read, or no status.
pub fn read(frames: &[u8]) -> Result<(Option<&[u8]>, Ending), FrameError> {
    let mut message = None;
    let mut rest = frames;
    while !rest.is_empty() {
        let (flag, content, next) = split_frame(rest)?;
        match flag {
            0 if message.is_none() => message = Some(content),
            0 => return Err(FrameError::Several),
            // Nothing comes behind them, where nobody would look.
            TRAILERS if !next.is_empty() => return Err(FrameError::Several),
            TRAILERS => return Ok((message, trailers(content).ok_or(FrameError::Truncated)?)),
            1 => return Err(FrameError::Compressed),
            _ => return Err(FrameError::UnknownFlag),
        }
        rest = next;
    }
    Err(FrameError::Truncated)
}

/// The frames of an answer: a message that went well, and the trailers.
///
/// # Errors
/// [`FrameError::Truncated`] for more bytes than a frame can have.
pub fn write(message: &[u8], ending: &Ending) -> Result<Vec<u8>, FrameError> {
    let mut trailers = String::from("grpc-status:0\r\n");
    for (name, value) in &ending.metadata {
        trailers.extend([name.as_str(), ":", value, "\r\n"]);
    }
    let mut frames = frame(message)?;
    let at = frames.len();
    frames.extend(frame(trailers.as_bytes())?);
    // The flag of trailers.
    if let Some(flag) = frames.get_mut(at) {
        *flag = TRAILERS;
    }
    Ok(frames)
}

/// The ending in three header values.
pub fn from_headers(status: &str, message: Option<&str>, details_bin: Option<&str>) -> Ending {
    Ending {
        // Not a number: an unknown error (2), and certainly no success.
        status: status.trim().parse().unwrap_or(2),
        message: decode_message(message.unwrap_or_default()),
        details: details_bin.map(details).unwrap_or_default(),
        metadata: Vec::new(),
    }
}

/// `None` without a status.
fn trailers(content: &[u8]) -> Option<Ending> {
    let text = String::from_utf8_lossy(content);
    let (mut status, mut message, mut details_bin) = (None, None, None);
    let mut metadata = Vec::new();
    for line in text.split("\r\n").flat_map(|line| line.split('\n')) {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        // A trailing space is part of some messages.
        let value = value.strip_prefix(' ').unwrap_or(value);
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            "grpc-status" => status = Some(value),
            "grpc-message" => message = Some(value),
            "grpc-status-details-bin" => details_bin = Some(value),
            _ => metadata.push((name, value.to_owned())),
        }
    }
    Some(Ending {
        metadata,
        ..from_headers(status?, message, details_bin)
    })
}

/// Undoes the percent-encoding of `grpc-message`; what is not encoded right stays as it is.
pub fn decode_message(text: &str) -> String {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if let (b'%', [high, low, after @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (digit(high), digit(low))
            && let Ok(byte) = u8::try_from(high * 16 + low)
        {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(flag: u8, content: &[u8]) -> Vec<u8> {
        let len = u32::try_from(content.len()).expect("short").to_be_bytes();
        [&[flag][..], &len, content].concat()
    }

    fn ending(status: u32, message: &str) -> Ending {
        Ending {
            status,
            message: message.to_owned(),
            ..Ending::default()
        }
    }

    #[test]
    fn messages_and_endings() {
        let ok = |trailers: &[u8]| [frame(0, b"m"), frame(0x80, trailers)].concat();
        type Row = (Vec<u8>, Option<&'static [u8]>, Ending);
        let rows: [Row; 5] = [
            (ok(b"grpc-status: 0\r\n"), Some(b"m"), ending(0, "")),
            (ok(b"Grpc-Status:0\n"), Some(b"m"), ending(0, "")),
            (
                frame(0x80, b"grpc-status: 5\r\ngrpc-message: not%20found\r\n"),
                None,
                ending(5, "not found"),
            ),
            (
                frame(
                    0x80,
                    b"grpc-message:Fail to parse JWT token \r\ngrpc-status:16\r\n",
                ),
                None,
                ending(16, "Fail to parse JWT token "),
            ),
            (frame(0x80, b"grpc-status: x\r\n"), None, ending(2, "")),
        ];
        for (frames, message, expected) in rows {
            assert_eq!(read(&frames), Ok((message, expected)), "{frames:x?}");
        }
        let (_, told) = read(&ok(b"x-a: 1\r\ngrpc-status: 0\r\nX-B:2\r\n")).expect("ends");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(told.metadata, [pair("x-a", "1"), pair("x-b", "2")]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let ending = Ending {
            metadata: vec![("x-a".to_owned(), "1".to_owned())],
            ..Ending::default()
        };
        let frames = write(b"m", &ending).expect("short");
        assert_eq!(read(&frames), Ok((Some(&b"m"[..]), ending)));
    }

    #[test]
    fn answers_without_an_ending_are_none() {
        let several = [
            frame(0, b"a"),
            frame(0, b"b"),
            frame(0x80, b"grpc-status:0"),
        ]
        .concat();
        let rows = [
            (frame(0, b"m"), FrameError::Truncated),
            (Vec::new(), FrameError::Truncated),
            (frame(0x80, b"x-a: 1"), FrameError::Truncated),
            (several, FrameError::Several),
            (frame(1, b"m"), FrameError::Compressed),
            (frame(2, b"m"), FrameError::UnknownFlag),
        ];
        for (frames, expected) in rows {
            assert_eq!(read(&frames), Err(expected), "{frames:x?}");
        }
    }

    #[test]
    fn percent_decoding() {
        let rows = [
            ("a%20b", "a b"),
            ("50%25", "50%"),
            ("%C3%A9", "\u{e9}"),
            ("%", "%"),
            ("%2", "%2"),
            ("%zz", "%zz"),
            ("%FF", "\u{fffd}"),
        ];
        for (text, expected) in rows {
            assert_eq!(decode_message(text), expected, "{text}");
        }
    }
}
