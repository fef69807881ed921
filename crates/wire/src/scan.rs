//! Reads what an RPC is about out of a body that stays where it is: the reader is given windows of
//! it, and says from where on it needs more. What does not name anything is passed over by its
//! length and never asked for, so that of a body with a bundle only the first kilobytes and what
//! follows the bundle are seen. Verdicts are those of [`single_message`] and [`identity::read`] on
//! the whole body, whatever the windows.
//!
//! [`identity::read`]: crate::identity::read
//! [`single_message`]: crate::grpc_web::single_message

use core::fmt;

use postern_domain::rpc::Rpc;

use crate::grpc_web::{FRAME_HEAD, FrameError, message_length};
use crate::identity::{Found, IdentityError, Reading};
use crate::protobuf::{Span, Window};

/// What is around the message in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One frame of gRPC-Web, in bytes.
    Frame,
    /// Nothing, as in a unary call of Connect.
    Bare,
}

/// How far a scan came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It needs more.
    More {
        /// The next window must have the byte at this place of the body (in bytes, from 0), and can
        /// begin there. It is behind all bytes that were given.
        from: usize,
    },
    /// The body was read to its end, and this is what it names.
    Done(Found),
}

/// Why a body was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanError {
    /// It is not one frame with a message.
    Frame(FrameError),
    /// Its message cannot be read, or not in one way only.
    Message(IdentityError),
    /// A window that was not asked for: without the byte that is needed, past the end of the body,
    /// or given to a scan that is over. The reader of the body is at fault, not its sender.
    Window,
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::Message(error) => error.fmt(f),
            Self::Window => f.write_str("the body was read in the wrong place"),
        }
    }
}

/// A body that is being read. It holds the texts that name something and no other bytes.
#[derive(Debug)]
pub struct Scan {
    row: &'static Rpc,
    total: usize,
    /// The place of the byte that is needed.
    next: usize,
    head: [u8; FRAME_HEAD],
    at: At,
    reading: Option<Reading<Vec<u8>>>,
}

/// Where in the body a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Head,
    Message,
    Over,
}

impl Scan {
    /// A body of `total` bytes for this call, of which nothing was read.
    pub fn new(row: &'static Rpc, framing: Framing, total: usize) -> Self {
        let mut scan = Self {
            row,
            total,
            next: 0,
            head: [0; FRAME_HEAD],
            at: At::Head,
            reading: None,
        };
        if framing == Framing::Bare {
            scan.begin();
        }
        scan
    }

    /// Reads a window of the body, which begins at `offset`. The first one begins at 0; each of the
    /// others has the byte that the last answer asked for. They can be of any size but empty (only
    /// an empty body has an empty window). No byte is looked at twice, so that windows of `n` bytes
    /// are at most `total / n`, rounded up.
    ///
    /// # Errors
    /// The body is refused, or the window is not the one that is needed. The scan is over then.
    pub fn feed(&mut self, offset: usize, window: &[u8]) -> Result<Progress, ScanError> {
        let progress = self.read(offset, window);
        match progress {
            Ok(Progress::More { from }) => self.next = from,
            Ok(Progress::Done(_)) | Err(_) => self.at = At::Over,
        }
        progress
    }

    fn read(&mut self, offset: usize, window: &[u8]) -> Result<Progress, ScanError> {
        let end = offset.checked_add(window.len());
        let end = end.filter(|end| *end <= self.total && offset <= self.next);
        let end = end.ok_or(ScanError::Window)?;
        if self.at == At::Over || (end <= self.next && self.total > 0) {
            return Err(ScanError::Window);
        }
        let window = Window::new(offset, window);
        if self.at == At::Head {
            if self.total < FRAME_HEAD {
                return Err(ScanError::Frame(FrameError::Truncated));
            }
            self.read_head(window);
            if self.next < FRAME_HEAD {
                return Ok(Progress::More { from: self.next });
            }
            message_length(self.head, self.total).map_err(ScanError::Frame)?;
            self.begin();
        }
        let reading = self.reading.as_mut().ok_or(ScanError::Window)?;
        let more = reading.run(window);
        if let Some(from) = more.map_err(|error| ScanError::Message(error.into()))? {
            return Ok(Progress::More { from });
        }
        let reading = self.reading.take().ok_or(ScanError::Window)?;
        let found = reading.finish().map_err(ScanError::Message)?;
        Ok(Progress::Done(found))
    }

    /// Keeps what is here of the head of the frame.
    fn read_head(&mut self, window: Window<'_>) {
        let rest = Span {
            from: self.next,
            to: FRAME_HEAD,
        };
        let places = self.head.iter_mut().skip(self.next);
        for (place, byte) in places.zip(window.of(rest)) {
            *place = *byte;
            self.next += 1;
        }
    }

    /// Begins with the message: it is all the rest of the body.
    fn begin(&mut self) {
        let message = Span {
            from: self.next,
            to: self.total,
        };
        self.reading = Some(Reading::new(message, self.row));
        self.at = At::Message;
    }
}

#[cfg(test)]
mod tests;
