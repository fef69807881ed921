//! The frames of gRPC and gRPC-Web, found in bytes that arrive in any pieces: one flag byte, four
//! of length, the message. Passes messages on uncopied and keeps none; holds back only a head that
//! has not arrived whole, and the trailer of an answer. A message above the limit is refused before
//! any byte of it has passed.

use bytes::{Bytes, BytesMut};

/// Longest trailer of an answer, in bytes.
pub const MAX_TRAILER: usize = 16 * 1024;

const HEAD: usize = 5;
const COMPRESSED: u8 = 0x01;
const TRAILER: u8 = 0x80;

/// What cannot be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A message of so many bytes.
    TooLarge(u32),
    /// A trailer of so many bytes.
    TrailerTooLarge(u32),
    /// A frame that is neither a message nor, in an answer, the trailer.
    Flag(u8),
}

/// What one piece of a body has brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Bytes of messages, with their heads, in order.
    pub data: Vec<Bytes>,
    /// The trailer, once it is whole.
    pub trailer: Option<Bytes>,
}

enum State {
    Head(BytesMut),
    Message { left: usize },
    Trailer { length: usize, held: BytesMut },
    Ended,
}

/// The reader of one body.
pub struct Frames {
    limit: usize,
    trailers: bool,
    state: State,
}

impl Frames {
    /// For a request: messages only, of at most `limit` bytes each.
    pub fn of_request(limit: usize) -> Self {
        let state = State::Head(BytesMut::new());
        Self {
            limit,
            trailers: false,
            state,
        }
    }

    /// For an answer: messages, then one trailer.
    pub fn of_answer(limit: usize) -> Self {
        Self {
            trailers: true,
            ..Self::of_request(limit)
        }
    }

    /// Whether the body could end here without cutting a frame off.
    pub fn is_between(&self) -> bool {
        match &self.state {
            State::Head(held) => held.is_empty(),
            State::Ended => true,
            State::Message { .. } | State::Trailer { .. } => false,
        }
    }

    /// Takes the next piece. Bytes behind the trailer are dropped.
    pub fn read(&mut self, mut piece: Bytes) -> Result<Found, Fault> {
        let mut found = Found::default();
        // So many bytes at the front of the piece have been looked at and may pass.
        let mut passing = 0;
        loop {
            let ahead = piece.get(passing..).unwrap_or_default();
            if ahead.is_empty() && !self.is_whole() {
                pass(&mut found, &mut piece, passing);
                return Ok(found);
            }
            match &mut self.state {
                State::Message { left } => {
                    let taken = ahead.len().min(*left);
                    *left -= taken;
                    passing += taken;
                    if *left == 0 {
                        self.state = State::Head(BytesMut::new());
                    }
                }
                State::Head(held) if held.is_empty() && ahead.len() >= HEAD => {
                    let next = next_state(ahead, self.limit, self.trailers)?;
                    match next {
                        State::Trailer { .. } => {
                            pass(&mut found, &mut piece, passing);
                            drop(piece.split_to(HEAD));
                            passing = 0;
                        }
                        _ => passing += HEAD,
                    }
                    self.state = next;
                }
                State::Head(held) => {
                    let taken = ahead.len().min(HEAD - held.len());
                    pass(&mut found, &mut piece, passing);
                    passing = 0;
                    held.extend_from_slice(&piece.split_to(taken));
                    if held.len() == HEAD {
                        let head = std::mem::take(held).freeze();
                        let next = next_state(&head, self.limit, self.trailers)?;
                        if !matches!(next, State::Trailer { .. }) {
                            found.data.push(head);
                        }
                        self.state = next;
                    }
                }
                State::Trailer { length, held } => {
                    let taken = piece.len().min(*length - held.len());
                    held.extend_from_slice(&piece.split_to(taken));
                    if held.len() == *length {
                        found.trailer = Some(std::mem::take(held).freeze());
                        self.state = State::Ended;
                    }
                }
                State::Ended => return Ok(found),
            }
        }
    }

    /// Whether what is being read needs no further byte: an empty message, an empty trailer.
    fn is_whole(&self) -> bool {
        match &self.state {
            State::Message { left } => *left == 0,
            State::Trailer { length, held } => held.len() == *length,
            State::Ended => true,
            State::Head(_) => false,
        }
    }
}

/// Moves the bytes that may pass out of the piece.
fn pass(found: &mut Found, piece: &mut Bytes, passing: usize) {
    if passing > 0 {
        found.data.push(piece.split_to(passing.min(piece.len())));
    }
}

fn next_state(head: &[u8], limit: usize, trailers: bool) -> Result<State, Fault> {
    let Some(&[flag, a, b, c, d]) = head.first_chunk::<HEAD>() else {
        return Ok(State::Head(BytesMut::from(head)));
    };
    let length = u32::from_be_bytes([a, b, c, d]);
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    match flag {
        0 | COMPRESSED if bytes > limit => Err(Fault::TooLarge(length)),
        0 | COMPRESSED => Ok(State::Message { left: bytes }),
        TRAILER if trailers && bytes > MAX_TRAILER => Err(Fault::TrailerTooLarge(length)),
        TRAILER if trailers => Ok(State::Trailer {
            length: bytes,
            held: BytesMut::with_capacity(bytes),
        }),
        _ => Err(Fault::Flag(flag)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(flag: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![flag];
        frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        frame.extend(payload);
        frame
    }

    fn read_all(frames: &mut Frames, pieces: &[&[u8]]) -> Result<(Vec<u8>, Option<Bytes>), Fault> {
        let (mut data, mut trailer) = (Vec::new(), None);
        for piece in pieces {
            let found = frames.read(Bytes::copy_from_slice(piece))?;
            assert!(found.data.iter().all(|data| !data.is_empty()));
            data.extend(found.data.concat());
            trailer = trailer.or(found.trailer);
        }
        Ok((data, trailer))
    }

    #[test]
    fn split_at_every_byte_and_into_single_bytes() {
        let messages = [frame(0, b"hello"), frame(1, b""), frame(0, b"world!")].concat();
        for trailer in [&b"grpc-status: 0\r\n"[..], b""] {
            let whole = [messages.clone(), frame(0x80, trailer)].concat();
            let check = |pieces: &[&[u8]]| {
                let mut frames = Frames::of_answer(100);
                let (data, found) = read_all(&mut frames, pieces).unwrap();
                assert_eq!(data, messages, "{pieces:?}");
                assert_eq!(found.as_deref(), Some(trailer), "{pieces:?}");
                assert!(frames.is_between());
            };
            for at in 0..=whole.len() {
                let (front, back) = whole.split_at(at);
                check(&[front, back]);
                check(&[front, b"", back]);
            }
            check(&whole.chunks(1).collect::<Vec<_>>());
            check(&whole.chunks(3).collect::<Vec<_>>());
        }
    }

    #[test]
    fn whole_frames_are_not_cut_up() {
        let bytes = Bytes::from([frame(0, b"hello"), frame(0, b"world")].concat());
        let found = Frames::of_answer(100).read(bytes.clone()).unwrap();
        assert_eq!(found.data, [bytes]);
    }

    #[test]
    fn a_cut_frame_is_noticed() {
        let whole = frame(0, b"hello");
        for at in 0..=whole.len() {
            let mut frames = Frames::of_answer(100);
            read_all(&mut frames, &[&whole[..at]]).unwrap();
            assert_eq!(frames.is_between(), at == 0 || at == whole.len(), "{at}");
        }
        let trailer = frame(0x80, b"grpc-status: 0\r\n");
        let mut frames = Frames::of_answer(100);
        read_all(&mut frames, &[&trailer[..9]]).unwrap();
        assert!(!frames.is_between());
    }

    #[test]
    fn limits() {
        let fits = frame(0, &[7; 100]);
        assert!(read_all(&mut Frames::of_request(100), &[&fits]).is_ok());
        let over = frame(0, &[7; 101]);
        for pieces in [&[&over[..]][..], &[&over[..3], &over[3..]]] {
            let fault = read_all(&mut Frames::of_request(100), pieces).unwrap_err();
            assert_eq!(fault, Fault::TooLarge(101));
        }
        let huge = [0, 0xff, 0xff, 0xff, 0xff];
        let fault = read_all(&mut Frames::of_answer(100), &[&huge]).unwrap_err();
        assert_eq!(fault, Fault::TooLarge(u32::MAX));
        let trailer = [0x80, 0, 0, 0x40, 1];
        let fault = read_all(&mut Frames::of_answer(100), &[&trailer]).unwrap_err();
        assert_eq!(fault, Fault::TrailerTooLarge(16_385));
    }

    #[test]
    fn flags_that_mean_nothing() {
        for flag in [2, 0x7f, 0x81, 0xff] {
            let fault = read_all(&mut Frames::of_answer(9), &[&frame(flag, b"")]).unwrap_err();
            assert_eq!(fault, Fault::Flag(flag));
        }
        // A trailer in a request would be one that the caller makes up.
        let fault = read_all(&mut Frames::of_request(9), &[&frame(0x80, b"")]).unwrap_err();
        assert_eq!(fault, Fault::Flag(0x80));
    }

    #[test]
    fn nothing_passes_behind_the_trailer() {
        let bytes = [frame(0x80, b"a"), frame(0, b"late")].concat();
        let mut frames = Frames::of_answer(9);
        let (data, trailer) = read_all(&mut frames, &[&bytes, &frame(0, b"later")]).unwrap();
        assert_eq!((data, trailer), (Vec::new(), Some(Bytes::from("a"))));
    }
}
