//! A signal to all that waits in this object, upon which each wait looks again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// How often it was given, and who waits for the next time.
#[derive(Default)]
pub struct Signal {
    count: Cell<u64>,
    waiting: RefCell<BTreeMap<u64, Waker>>,
    /// How many have waited so far.
    waits: Cell<u64>,
}

/// A place among those who wait. It is given up with the wait, whether the signal came or not.
struct Place<'a> {
    signal: &'a Signal,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.signal.waiting.borrow_mut().remove(&self.number);
    }
}

impl Signal {
    /// How often it was given so far.
    pub fn count(&self) -> u64 {
        self.count.get()
    }

    /// Gives it.
    pub fn notify(&self) {
        self.count.set(self.count.get() + 1);
        for waker in self.waiting.take().into_values() {
            waker.wake();
        }
    }

    /// Returns when it was given more often than so.
    pub async fn after(&self, count: u64) {
        self.waits.set(self.waits.get() + 1);
        let place = Place {
            signal: self,
            number: self.waits.get(),
        };
        poll_fn(|context| match self.count.get() > count {
            true => Poll::Ready(()),
            false => {
                let waker = context.waker().clone();
                self.waiting.borrow_mut().insert(place.number, waker);
                Poll::Pending
            }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Context;

    use super::*;

    #[test]
    fn a_wait_ends_with_the_signal_and_leaves_nothing_behind_when_it_is_given_up() {
        let signal = Signal::default();
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut wait = pin!(signal.after(signal.count()));
            assert!(wait.as_mut().poll(&mut context).is_pending());
            assert!(wait.as_mut().poll(&mut context).is_pending());
            assert_eq!(signal.waiting.borrow().len(), 1);
            signal.notify();
            assert!(wait.as_mut().poll(&mut context).is_ready());
        }
        {
            let mut wait = pin!(signal.after(signal.count()));
            assert!(wait.as_mut().poll(&mut context).is_pending());
        }
        assert!(signal.waiting.borrow().is_empty());
        let mut late = pin!(signal.after(0));
        assert!(late.as_mut().poll(&mut context).is_ready());
    }
}
