//! A signal to everybody who waits in this object. Whoever waits looks again when it is given.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// How often it was given, and who waits for the next time.
#[derive(Default)]
pub struct Signal {
    count: Cell<u64>,
    waiting: RefCell<Vec<Waker>>,
}

impl Signal {
    /// How often it was given so far.
    pub fn count(&self) -> u64 {
        self.count.get()
    }

    /// Gives it.
    pub fn notify(&self) {
        self.count.set(self.count.get() + 1);
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// Returns when it was given more often than so.
    pub async fn after(&self, count: u64) {
        poll_fn(|context| match self.count.get() > count {
            true => Poll::Ready(()),
            false => {
                self.waiting.borrow_mut().push(context.waker().clone());
                Poll::Pending
            }
        })
        .await;
    }
}
