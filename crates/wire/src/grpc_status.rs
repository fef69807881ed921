//! `grpc-status-details-bin`: a `google.rpc.Status` with details, of which the gateway makes one
//! (`ErrorInfo`, whose reason clients match) and reads any. Details that cannot be read are left
//! out, since the status itself stands beside them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::protobuf::{Value, Wanted, fields, find};

/// gRPC takes `-bin` values with padding and without.
const EITHER: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Prefix of the type names in an `Any`.
const TYPE_PREFIX: &str = "type.googleapis.com/";

/// The type of the detail that the gateway itself gives.
pub const ERROR_INFO: &str = "google.rpc.ErrorInfo";

/// One detail of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Full name of the message type, without any prefix.
    pub type_name: String,
    /// The serialized message.
    pub value: Vec<u8>,
}

/// An `ErrorInfo`: why, in the control plane's words (`reason`) and in the gateway's (`code`).
pub fn error_info(reason: &str, code: &str) -> Detail {
    let mut entry = Vec::new();
    put(&mut entry, 1, b"code");
    put(&mut entry, 2, code.as_bytes());
    let mut value = Vec::new();
    put(&mut value, 1, reason.as_bytes());
    put(&mut value, 2, b"postern");
    put(&mut value, 3, &entry);
    Detail {
        type_name: ERROR_INFO.to_owned(),
        value,
    }
}

/// The header's value for a status with one detail.
pub fn encode(code: u8, message: &str, detail: &Detail) -> String {
    let mut any = Vec::new();
    put(
        &mut any,
        1,
        format!("{TYPE_PREFIX}{}", detail.type_name).as_bytes(),
    );
    put(&mut any, 2, &detail.value);
    // Field 1, a varint; the gateway's codes are below 128.
    let mut status = vec![0x08, code & 0x7f];
    put(&mut status, 2, message.as_bytes());
    put(&mut status, 3, &any);
    STANDARD_NO_PAD.encode(status)
}

/// The details in a header's value; none where it cannot be read.
pub fn details(header: &str) -> Vec<Detail> {
    let Ok(status) = EITHER.decode(header.trim()) else {
        return Vec::new();
    };
    fields(&status)
        .map_while(Result::ok)
        .filter_map(|field| match field {
            (3, Value::Bytes(any)) => detail(any),
            _ => None,
        })
        .collect()
}

fn detail(any: &[u8]) -> Option<Detail> {
    let mut wanted = [Wanted::new(&[1]), Wanted::new(&[2])];
    find(any, &mut wanted).ok()?;
    let [url, value] = &wanted;
    let url = url.text().ok()?;
    let type_name = url.rsplit_once('/').map_or(url, |(_, name)| name);
    Some(Detail {
        type_name: type_name.to_owned(),
        value: value.last().to_vec(),
    })
}

/// Appends a length-delimited field. `number` is below 16.
fn put(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    message.push(number << 3 | 2);
    let mut len = bytes.len();
    while len >= 0x80 {
        message.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    message.push((len & 0x7f) as u8);
    message.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_can_be_read() {
        let info = error_info("UNAUTHORIZED", "token_stale");
        let header = encode(16, "Fail to parse JWT token ", &info);
        let expected = vec![info];
        assert_eq!(details(&header), expected);
        assert_eq!(details(&format!("{header}==")), expected);
        // Longer than one byte of length.
        let long = error_info(&"r".repeat(300), "c");
        assert_eq!(details(&encode(7, &"m".repeat(20_000), &long)), [long]);
    }

    #[test]
    fn the_bytes_are_those_of_the_schema() {
        let info = error_info("r", "c");
        assert_eq!(
            info.value,
            b"\x0a\x01r\x12\x07postern\x1a\x09\x0a\x04code\x12\x01c"
        );
    }

    #[test]
    fn what_cannot_be_read_is_no_detail() {
        for header in ["", "%", "AAAA", "GgH/", "CAc"] {
            assert_eq!(details(header), [], "{header}");
        }
    }
}
