//! Which protocol a call for the origin speaks, by its `Content-Type`. Each protocol that an edge
//! worker cannot carry is refused with its own reason.

use super::grpc_web::Encoding;

/// The protocols that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC-Web.
    GrpcWeb(Encoding),
    /// Connect, unary, with a protobuf body.
    Connect,
}

/// What is not spoken, as far as the way to refuse it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unspoken {
    /// gRPC itself, and gRPC-Web with another codec than protobuf.
    Grpc,
    /// Connect, unary, with a JSON body: its messages cannot be read without their schema.
    ConnectJson,
    /// Connect's streaming envelope; every call of the table is unary.
    ConnectStream,
    /// None of these.
    Other,
}

impl Protocol {
    /// The protocol that a `Content-Type` names. Parameters and case do not matter.
    ///
    /// # Errors
    /// What it is instead.
    pub fn of(content_type: &str) -> Result<Self, Unspoken> {
        if let Some(encoding) = Encoding::of(content_type) {
            return Ok(Self::GrpcWeb(encoding));
        }
        let media = media_type(content_type);
        match media.as_str() {
            "application/proto" => Ok(Self::Connect),
            "application/json" => Err(Unspoken::ConnectJson),
            _ if media.starts_with("application/connect+") => Err(Unspoken::ConnectStream),
            _ if media.starts_with("application/grpc") => Err(Unspoken::Grpc),
            _ => Err(Unspoken::Other),
        }
    }
}

/// The media type of a `Content-Type`, in lower case and without parameters. The origin gets it in
/// this form only: gRPC servers in Go take `; json` for a codec, and then read JSON where the
/// gateway has read protobuf; they compare case by case, and know no text in `-Text`; and of two
/// values one takes the first, another the last.
pub fn media_type(content_type: &str) -> String {
    let media = content_type.split(';').next().unwrap_or_default();
    media.trim_ascii().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r33_the_origin_reads_the_body_as_the_gate_does() {
        let rows = [
            ("application/grpc-web;json", "application/grpc-web"),
            ("application/grpc-web ; +json", "application/grpc-web"),
            (
                "Application/gRPC-Web-Text+Proto;x=application/grpc-web",
                "application/grpc-web-text+proto",
            ),
            // Two headers, joined by the platform.
            (
                "application/grpc-web+proto; a=, application/grpc-web-text",
                "application/grpc-web+proto",
            ),
        ];
        for (text, expected) in rows {
            assert!(Protocol::of(text).is_ok(), "{text}");
            assert_eq!(media_type(text), expected, "{text}");
        }
        for text in [
            "application/grpc-web+proto, application/grpc-web-text",
            "application/grpc-web, application/grpc-web",
            "application/proto, application/grpc-web",
            "application/grpc-web+proto+json",
            "application/grpc-web-textual",
            "application/grpc-web\u{a0};json",
        ] {
            assert!(Protocol::of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn content_types() {
        let rows = [
            (
                "application/grpc-web+proto",
                Ok(Protocol::GrpcWeb(Encoding::Binary)),
            ),
            (
                "application/grpc-web-text",
                Ok(Protocol::GrpcWeb(Encoding::Text)),
            ),
            ("application/proto", Ok(Protocol::Connect)),
            ("Application/Proto; charset=utf-8", Ok(Protocol::Connect)),
            ("application/json", Err(Unspoken::ConnectJson)),
            ("application/connect+proto", Err(Unspoken::ConnectStream)),
            ("application/connect+json", Err(Unspoken::ConnectStream)),
            ("application/grpc", Err(Unspoken::Grpc)),
            ("application/grpc+proto", Err(Unspoken::Grpc)),
            ("application/grpc-web+json", Err(Unspoken::Grpc)),
            ("text/plain", Err(Unspoken::Other)),
            ("application/x-protobuf", Err(Unspoken::Other)),
            ("", Err(Unspoken::Other)),
        ];
        for (text, expected) in rows {
            assert_eq!(Protocol::of(text), expected, "{text}");
        }
    }
}
