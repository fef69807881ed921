//! Reads a request's body, within a limit and a deadline, before any store is asked about its
//! credential (R40). Only that makes a [`BodyRead`], and `admit` and `enter` take one.
//!
//! INVARIANT (body first): a credential is checked after its body has arrived, so one that is
//! revoked while a slow body is on its way is refused.

use super::error::{Error, Result};
use postern_gate::limits::{DISCARD_TIME_MS, MAX_DISCARDED, TIME_LIMIT_MS};

/// A request's body, on its way here.
#[expect(
    async_fn_in_trait,
    reason = "one single-threaded runtime drives these futures; none needs a Send bound"
)]
pub trait Upload {
    /// What a body is when it is here.
    type Content;

    /// Its length in bytes, where the request tells it.
    fn declared(&self) -> Option<u64>;

    /// Reads it to its end.
    ///
    /// # Errors
    /// `BodyTooLarge` for more than `limit` bytes, `BodyTimeout` when it is not whole after
    /// `within_ms`, `Invalid` when it breaks off.
    async fn read(&self, limit: usize, within_ms: u32) -> Result<Self::Content>;

    /// Reads it to its end and keeps nothing of it; gives up after so many bytes, or so much time.
    async fn discard(&self, limit: u64, within_ms: u32);
}

/// Proof that the body has arrived: nothing of the client's is awaited between the check of its
/// credential and what is done with it.
#[derive(Debug, Clone, Copy)]
pub struct BodyRead(());

/// Reads a body.
///
/// # Errors
/// As [`Upload::read`]; a declared length above the limit is refused before anything is read.
pub async fn receive<U: Upload>(upload: &U, limit: usize) -> Result<(U::Content, BodyRead)> {
    if upload
        .declared()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(Error::BodyTooLarge { limit });
    }
    let content = upload.read(limit, TIME_LIMIT_MS).await?;
    Ok((content, BodyRead(())))
}

/// Takes a body that nobody looks into: of a call without one, or of one that no token may make.
pub async fn discard<U: Upload>(upload: &U) -> BodyRead {
    upload.discard(MAX_DISCARDED, DISCARD_TIME_MS).await;
    BodyRead(())
}

/// For tests of what comes after the body.
#[cfg(test)]
pub const READ: BodyRead = BodyRead(());

#[cfg(test)]
mod tests {
    use core::cell::RefCell;

    use super::*;
    use crate::testing::now_or_never;

    struct Sent {
        declared: Option<u64>,
        asked: RefCell<Vec<(u64, u32)>>,
        answer: Result<&'static str>,
    }

    impl Upload for Sent {
        type Content = &'static str;

        fn declared(&self) -> Option<u64> {
            self.declared
        }

        async fn read(&self, limit: usize, within_ms: u32) -> Result<&'static str> {
            self.asked.borrow_mut().push((limit as u64, within_ms));
            self.answer.clone()
        }

        async fn discard(&self, limit: u64, within_ms: u32) {
            self.asked.borrow_mut().push((limit, within_ms));
        }
    }

    fn sent(declared: Option<u64>, answer: Result<&'static str>) -> Sent {
        Sent {
            declared,
            asked: RefCell::default(),
            answer,
        }
    }

    #[test]
    fn r40_only_a_body_that_is_here_says_so() {
        let late = Error::BodyTimeout { seconds: 10 };
        let broken = Error::invalid("body_incomplete", "it broke off");
        let rows = [
            (sent(None, Ok("b")), Ok("b"), 1),
            (sent(Some(5), Ok("b")), Ok("b"), 1),
            (
                sent(Some(6), Ok("b")),
                Err(Error::BodyTooLarge { limit: 5 }),
                0,
            ),
            (sent(None, Err(late.clone())), Err(late), 1),
            (sent(Some(1), Err(broken.clone())), Err(broken), 1),
        ];
        for (upload, expected, reads) in rows {
            let got = now_or_never(receive(&upload, 5)).map(|(content, _)| content);
            assert_eq!(got, expected);
            let asked = upload.asked.take();
            assert_eq!(asked, vec![(5, TIME_LIMIT_MS); reads], "{expected:?}");
        }
    }

    #[test]
    fn what_nobody_wants_is_taken_within_bounds() {
        let upload = sent(Some(u64::MAX), Ok("b"));
        now_or_never(discard(&upload));
        assert_eq!(upload.asked.take(), [(MAX_DISCARDED, DISCARD_TIME_MS)]);
        assert!(MAX_DISCARDED > postern_wire::grpc_web::MAX_BODY as u64);
    }
}
