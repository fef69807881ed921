//! gRPC-Web frames in both forms, requests and answers; Connect's headers and errors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use postern_wire::grpc_answer::{self, Ending, decode_message};
use postern_wire::grpc_status::{details, encode, error_info};
use postern_wire::grpc_web::{
    Encoding, FrameError, encode_message, frame, message_length, single_message, split_frame,
};
use postern_wire::{connect, timeout};

use crate::bytes::{Bytes, piece};

/// Base64 group by group, which is how clients write it that stream.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let groups = text.chunks(4).map(|group| STANDARD.decode(group).ok());
    groups
        .collect::<Option<Vec<_>>>()
        .map(|groups| groups.concat())
}

/// Both forms give the same frames as a second reader; one message is the whole body or there is none.
pub fn grpc_web(data: &[u8]) {
    let text = Encoding::Text.decode(data).ok();
    let expected = decoded(data).filter(|_| data.len().is_multiple_of(4));
    assert_eq!(text.as_deref(), expected.as_deref());
    for body in [Some(data), text.as_deref()].into_iter().flatten() {
        request(body);
        answer(body);
    }
    let said = String::from_utf8_lossy(data);
    assert_eq!(decode_message(&encode_message(&said)), said);
    let written = encode_message(&said);
    assert!(written.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    let detail = error_info(&said, "code");
    let header = encode(16, &said, &detail);
    assert_eq!(details(&header), [detail]);
    let _ = details(&said);
}

fn request(body: &[u8]) {
    let told = single_message(body);
    let first = split_frame(body);
    match told {
        Ok(message) => {
            assert_eq!(first, Ok((0, message, &[][..])));
            assert_eq!(frame(message).as_deref(), Ok(body));
        }
        Err(FrameError::Compressed) => assert_eq!(first.map(|(flag, ..)| flag), Ok(1)),
        Err(FrameError::Several) => {
            assert!(first.is_ok_and(|(flag, _, rest)| flag == 0 && !rest.is_empty()))
        }
        Err(FrameError::UnknownFlag) => assert!(first.is_ok_and(|(flag, ..)| flag > 1)),
        Err(FrameError::Truncated) => assert_eq!(first, Err(FrameError::Truncated)),
        Err(FrameError::Base64) => panic!("no text is read here"),
    }
    if let Some(head) = body.first_chunk() {
        let length = message_length(*head, body.len());
        assert_eq!(length, told.map(<[u8]>::len));
    }
}

/// What an answer says is what its frames say, one after the other, and written again it says the same.
fn answer(body: &[u8]) {
    let Ok((message, ending)) = grpc_answer::read(body) else {
        return;
    };
    let mut rest = body;
    let mut flags = Vec::new();
    while !rest.is_empty() {
        let (flag, content, next) = split_frame(rest).expect("frames to the end");
        if flag == 0 {
            assert_eq!(message, Some(content));
        }
        flags.push(flag);
        rest = next;
    }
    assert!(flags == [0, 0x80] || flags == [0x80], "{flags:?}");
    assert_eq!(flags.len() == 2, message.is_some());
    let plain = |text: &str| {
        !text.contains(['\r', '\n', ':', '\u{fffd}']) && text.trim() == text && !text.is_empty()
    };
    if !ending
        .metadata
        .iter()
        .all(|(name, value)| plain(name) && plain(value))
    {
        return;
    }
    let written = grpc_answer::write(message.unwrap_or_default(), &ending).expect("short");
    let again = grpc_answer::read(&written).expect("our own");
    let expected = Ending {
        metadata: ending.metadata,
        ..Ending::default()
    };
    assert_eq!(again, (Some(message.unwrap_or_default()), expected));
}

pub(crate) fn grpc_web_seeds() -> Vec<Vec<u8>> {
    let two = [frame(b"a").expect("short"), frame(b"b").expect("short")].concat();
    let mut trailers =
        frame(b"grpc-status:5\r\ngrpc-message:not%20found\r\nx-a: 1\r\n").expect("short");
    trailers[0] = 0x80;
    let whole = [frame(b"m").expect("short"), trailers.clone()].concat();
    let text = |bytes: &[u8]| STANDARD.encode(bytes).into_bytes();
    let mut compressed = frame(b"m").expect("short");
    compressed[0] = 1;
    vec![
        frame(b"").expect("short"),
        frame(b"\x0a\x01a").expect("short"),
        compressed,
        [text(&whole[..6]), text(&whole[6..])].concat(),
        text(&two),
        two,
        trailers,
        whole,
        vec![0, 0xff, 0xff, 0xff, 0xff],
        b"AAAAAAA=AA==".to_vec(),
        b"100%25 \xc3\xa9".to_vec(),
    ]
}

/// A timeout is what its digits say; an error is JSON that another reader reads.
pub fn connect(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let version = bytes.one_in(2).then(|| bytes.text());
    let limit = bytes.one_in(2).then(|| bytes.text());
    match connect::request(version.as_deref(), limit.as_deref()) {
        Ok(told) => {
            assert!(version.is_none_or(|version| version == "1"));
            assert_eq!(
                told.map(|ms| ms.to_string()).as_deref(),
                limit.as_deref().map(without_zeros)
            );
        }
        Err(_) => {
            let is_number = |text: &String| {
                text.len() <= 10 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
            };
            let version_is_good = version.as_deref().is_none_or(|version| version == "1");
            assert!(!version_is_good || !limit.as_ref().is_none_or(is_number));
        }
    }
    let status = bytes.number();
    let detail = bytes.one_in(2).then(|| error_info(&bytes.text(), "code"));
    let details: Vec<_> = detail.into_iter().collect();
    let message = bytes.rest_text();
    if let Some(ms) = timeout::millis(&message) {
        assert!(ms <= 99_999_999 * 3_600_000);
        let written = timeout::write(ms);
        assert!(timeout::millis(&written).is_none_or(|again| again <= ms));
    }
    let (http, body) = connect::error(status, &message, &details);
    assert!((400..600).contains(&http));
    let read: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(read["message"].as_str().unwrap_or_default(), message);
    assert_eq!(
        read["details"].as_array().map_or(0, Vec::len),
        details.len()
    );
    assert!(
        read["code"]
            .as_str()
            .is_some_and(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    );
}

fn without_zeros(digits: &str) -> &str {
    let stem = digits.trim_start_matches('0');
    if stem.is_empty() { "0" } else { stem }
}

pub(crate) fn connect_seeds() -> Vec<Vec<u8>> {
    let row = |version: Option<&str>, limit: Option<&str>, rest: &[u8]| {
        let part =
            |text: Option<&str>| text.map_or(vec![0], |text| [vec![1], piece(text)].concat());
        [part(version), part(limit), rest.to_vec()].concat()
    };
    vec![
        row(None, None, b"\x01\x07\0no \"way\""),
        row(Some("1"), Some("5000"), b"\x01\x10\x01\x03why100m"),
        row(Some("2"), None, b"\0"),
        row(Some("1"), Some("12345678901"), b"\x04\xff\xff\xff\xff\0x"),
        row(None, Some("+5"), b"\x00\x0099999999H"),
        row(None, Some(""), b"\x00\x00001u"),
    ]
}
