//! The content of an RPC: its one message, out of the frame of its protocol, and how long its
//! caller waits.

use postern_domain::rpc::Rpc;
use postern_domain::time::Timestamp;
use postern_wire::connect;
use postern_wire::grpc_web::{self, Encoding, FRAME_HEAD, FrameError};
use postern_wire::identity::{Found, IdentityError};
use postern_wire::protocol::Protocol;
use postern_wire::scan::{Framing, Progress, Scan, ScanError};
use postern_wire::timeout;

use crate::Gate;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::{Error, Result};
use crate::head::{Head, KeptHead};
use crate::limits::{FIRST_WINDOW, LARGEST_WINDOW};
use crate::question::{Arrived, Window};

/// A request's content.
pub(crate) struct Content {
    /// All of it, as it came; `None` where not all of it was looked at.
    pub raw: Option<Vec<u8>>,
    /// How many bytes the message has, where it is looked into.
    pub length: usize,
    message: Message,
}

/// Where the message is, where it is looked into.
enum Message {
    Unread,
    /// In the content, from here on.
    From(usize),
    /// In these frames, which were text.
    Decoded(Vec<u8>),
    /// In the request's body, which is read in windows; how far it has been.
    Windows(Box<Scanned>),
}

/// A scan, and how far it has been.
struct Scanned {
    scan: Scan,
    progress: core::result::Result<Progress, IdentityError>,
}

/// How the content of a call is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub row: &'static Rpc,
    pub protocol: Protocol,
    /// Whether something needs all of its bytes.
    pub needs_all: bool,
}

impl Reading {
    /// How many of its first bytes are wanted; `None` = all.
    pub fn window(self) -> Option<usize> {
        let is_bytes = self.protocol == Protocol::GrpcWeb(Encoding::Binary);
        (is_bytes && !self.needs_all).then_some(match self.row.is_inspected() {
            true => FIRST_WINDOW,
            false => 0,
        })
    }
}

/// Why content cannot be read.
pub(crate) enum Unreadable {
    Coded(Error),
    Frame(FrameError),
}

impl Content {
    /// Reads what came.
    pub fn read(
        arrived: Arrived,
        reading: Reading,
        kept: &KeptHead,
    ) -> core::result::Result<Self, Unreadable> {
        if reading.window().is_some() {
            return Self::begin(arrived, reading.row, kept);
        }
        let (raw, is_read) = (arrived.bytes, reading.row.is_inspected());
        let message = match reading.protocol {
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
        let mut content = Self {
            raw: Some(raw),
            length: 0,
            message,
        };
        content.length = content.message().map_or(0, <[u8]>::len);
        Ok(content)
    }

    /// Begins to read what is looked at in windows.
    fn begin(
        arrived: Arrived,
        row: &'static Rpc,
        kept: &KeptHead,
    ) -> core::result::Result<Self, Unreadable> {
        let Arrived { bytes, total } = arrived;
        if !row.is_inspected() {
            return Ok(Self::unread());
        }
        kept.plain(&bytes).map_err(Unreadable::Coded)?;
        let mut scan = Scan::new(row, Framing::Frame, total);
        let progress = match scan.feed(0, &bytes) {
            Ok(progress) => Ok(progress),
            Err(ScanError::Message(error)) => Err(error),
            Err(ScanError::Frame(error)) => return Err(Unreadable::Frame(error)),
            Err(ScanError::Window) => return Err(Unreadable::Coded(misread())),
        };
        Ok(Self {
            raw: None,
            length: total.saturating_sub(FRAME_HEAD),
            message: Message::Windows(Box::new(Scanned { scan, progress })),
        })
    }

    /// What nobody has looked into.
    pub fn unread() -> Self {
        Self::passing(None)
    }

    /// What passes without being looked into; all of it, where that is here.
    pub fn passing(raw: Option<Vec<u8>>) -> Self {
        Self {
            raw,
            length: 0,
            message: Message::Unread,
        }
    }

    /// The message, where all of it is here.
    pub fn message(&self) -> Option<&[u8]> {
        match &self.message {
            Message::Unread | Message::Windows(_) => None,
            Message::From(start) => self.raw.as_deref()?.get(*start..),
            Message::Decoded(frames) => frames.get(FRAME_HEAD..),
        }
    }

    /// Reads what the message names, and goes on with it and with the content; `None` where it is
    /// not looked into.
    pub fn identify(
        mut self,
        row: &'static Rpc,
        (call, gate, now): (&mut Call, &mut Gate, Timestamp),
        then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Option<Found>, Self) -> Result<Next>
        + 'static,
    ) -> Result<Next> {
        let message = core::mem::replace(&mut self.message, Message::Unread);
        if let Message::Windows(scanned) = message {
            let Scanned { scan, progress } = *scanned;
            let then = move |call: &mut Call, gate: &mut Gate, now, found| {
                then(call, gate, now, Some(found), self)
            };
            let progress = progress.map_err(unreadable)?;
            return further((call, gate, now), scan, progress, FIRST_WINDOW, then);
        }
        self.message = message;
        let found = match self.message() {
            Some(message) => {
                let mut scan = Scan::new(row, Framing::Bare, message.len());
                match scan.feed(0, message).map_err(refused)? {
                    Progress::Done(found) => Some(found),
                    Progress::More { .. } => return Err(misread()),
                }
            }
            None => None,
        };
        then(call, gate, now, found, self)
    }
}

/// Asks for windows until everything that is named is known.
fn further(
    (call, gate, now): (&mut Call, &mut Gate, Timestamp),
    mut scan: Scan,
    progress: Progress,
    before: usize,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Found) -> Result<Next> + 'static,
) -> Result<Next> {
    let from = match progress {
        Progress::Done(found) => return then(call, gate, now, found),
        Progress::More { from } => from,
    };
    let most = before.saturating_mul(2).min(LARGEST_WINDOW);
    let here = move |call: &mut Call, gate: &mut Gate, now, bytes: Vec<u8>| {
        let progress = scan.feed(from, &bytes).map_err(refused)?;
        further((call, gate, now), scan, progress, most, then)
    };
    Ok(Next::Window(Pending::new(Window { from, most }, here)))
}

fn refused(error: ScanError) -> Error {
    match error {
        ScanError::Message(error) => unreadable(error),
        ScanError::Frame(error) => Error::invalid("body_unreadable", error.to_string()),
        ScanError::Window => misread(),
    }
}

fn unreadable(error: IdentityError) -> Error {
    Error::invalid("message_unreadable", error.to_string())
}

/// The machine's driver gave another piece of the body than it was asked for.
fn misread() -> Error {
    Error::unavailable("the body was read in the wrong place")
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
