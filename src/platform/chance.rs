//! Chance for requests: drawn from the platform in bulk, given out piece by piece, each byte once.

use std::cell::RefCell;

use super::fill;
use postern_gate::Entropy;
use postern_registry::error::Result;

/// How many bytes are drawn at once: enough for 51 requests.
const DRAWN: usize = 4_096;

struct Pool {
    bytes: [u8; DRAWN],
    /// Where the bytes begin that nobody has had yet.
    next: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { bytes: [0; DRAWN], next: DRAWN })
    };
}

/// The id of a request, chance for what comes of it, and eight bytes more.
///
/// # Errors
/// When the platform has none to give.
pub fn chance() -> Result<([u8; 16], Entropy, [u8; 8])> {
    POOL.with_borrow_mut(|pool| {
        let (id, trace) = (pool.take()?, pool.take()?);
        let assertions = [pool.take()?, pool.take()?];
        Ok((id, Entropy { trace, assertions }, pool.take()?))
    })
}

impl Pool {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        if self.next + N > DRAWN {
            fill(&mut self.bytes)?;
            self.next = 0;
        }
        let mut taken = [0; N];
        let left = self.bytes.iter_mut().skip(self.next);
        for (to, from) in taken.iter_mut().zip(left) {
            *to = core::mem::take(from);
        }
        self.next += N;
        Ok(taken)
    }
}
