//! The content of an RPC: its one message, out of the frame of its protocol, and how long its
//! caller waits.

use postern_wire::connect;
use postern_wire::grpc_web::{self, Encoding, FrameError};
use postern_wire::protocol::Protocol;
use postern_wire::timeout;

use crate::error::{Error, Result};
use crate::head::{Head, KeptHead};

/// Bytes of a frame before its message.
const FRAME_HEAD: usize = 5;

/// A request's content.
pub(crate) struct Content {
    /// As it came.
    pub raw: Vec<u8>,
    message: Message,
}

/// Where the message is, where it is looked into.
enum Message {
    Unread,
    /// In the content, from here on.
    From(usize),
    /// In these frames, which were text.
    Decoded(Vec<u8>),
}

/// Why content cannot be read.
pub(crate) enum Unreadable {
    Coded(Error),
    Frame(FrameError),
}

impl Content {
    /// Reads what came; `is_read` = the message is looked into.
    pub fn read(
        raw: Vec<u8>,
        protocol: Protocol,
        is_read: bool,
        kept: &KeptHead,
    ) -> core::result::Result<Self, Unreadable> {
        let message = match protocol {
            Protocol::GrpcWeb(_) if !is_read => Message::Unread,
            Protocol::GrpcWeb(encoding) => {
                kept.plain(&raw).map_err(Unreadable::Coded)?;
                match encoding {
                    Encoding::Binary => {
                        grpc_web::single_message(&raw).map_err(Unreadable::Frame)?;
                        Message::From(FRAME_HEAD)
                    }
                    Encoding::Text => {
                        let frames = encoding.decode(&raw).map_err(Unreadable::Frame)?;
                        grpc_web::single_message(&frames).map_err(Unreadable::Frame)?;
                        Message::Decoded(frames.into_owned())
                    }
                }
            }
            Protocol::Connect => {
                kept.plain(&raw).map_err(Unreadable::Coded)?;
                match is_read {
                    true => Message::From(0),
                    false => Message::Unread,
                }
            }
        };
        Ok(Self { raw, message })
    }

    /// What nobody has looked into.
    pub fn unread() -> Self {
        Self {
            raw: Vec::new(),
            message: Message::Unread,
        }
    }

    /// The message, where it is looked into.
    pub fn message(&self) -> Option<&[u8]> {
        match &self.message {
            Message::Unread => None,
            Message::From(start) => self.raw.get(*start..),
            Message::Decoded(frames) => frames.get(FRAME_HEAD..),
        }
    }
}

/// How long the caller waits, in milliseconds, where it says.
pub(crate) fn within(protocol: Protocol, head: &Head<'_>) -> Result<Option<u64>> {
    let names = head.headers.names();
    let value = |name: &str| names.has(name).then(|| head.headers.value(name)).flatten();
    if protocol == Protocol::Connect {
        let (version, within) = (
            value("connect-protocol-version"),
            value("connect-timeout-ms"),
        );
        return connect::request(version.as_deref(), within.as_deref())
            .map_err(|error| Error::invalid("connect_header", error.to_string()));
    }
    let Some(text) = value("grpc-timeout") else {
        return Ok(None);
    };
    let ms = timeout::millis(&text).ok_or_else(|| {
        Error::invalid(
            "grpc_timeout_invalid",
            "`grpc-timeout` must be one to eight digits and a unit: H, M, S, m, u or n",
        )
    });
    ms.map(Some)
}
