//! A connection that is listened to until its other end has said everything, although it takes
//! nothing more. A server that refuses a request before it has read it closes; what is still being
//! sent then fails, and hyper would give up without reading the refusal that has arrived.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// The connection.
pub struct Listening<S> {
    stream: S,
    /// The other end takes nothing more: what is written is forgotten.
    cut: bool,
}

impl<S> Listening<S> {
    /// Listens to this one.
    pub fn new(stream: S) -> Self {
        Self { stream, cut: false }
    }

    /// Forgets what could not be sent to an end that has closed: how it ended is read, not written.
    fn or_forget<T>(&mut self, sent: Poll<io::Result<T>>, forgotten: T) -> Poll<io::Result<T>> {
        match sent {
            Poll::Ready(Err(error)) if is_cut(&error) => {
                self.cut = true;
                Poll::Ready(Ok(forgotten))
            }
            sent => sent,
        }
    }
}

fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}

impl<S: Read + Unpin> Read for Listening<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: Write + Unpin> Write for Listening<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut {
            return Poll::Ready(Ok(bytes.len()));
        }
        let sent = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.or_forget(sent, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = pieces.iter().map(|piece| piece.len()).sum();
        if self.cut {
            return Poll::Ready(Ok(all));
        }
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.or_forget(sent, all)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.cut {
            return Poll::Ready(Ok(()));
        }
        let sent = Pin::new(&mut self.stream).poll_flush(context);
        self.or_forget(sent, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.cut {
            return Poll::Ready(Ok(()));
        }
        let sent = Pin::new(&mut self.stream).poll_shutdown(context);
        self.or_forget(sent, ())
    }
}

impl<S: Connection> Connection for Listening<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}
