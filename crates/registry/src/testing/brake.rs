//! The brake, in the test world.

use std::cell::{Cell, RefCell};

use super::World;
use crate::error::{CredentialError, Error, Result};
use crate::ports::Brake;

/// What was counted, and whether it has been too much.
#[derive(Default)]
pub struct Counter {
    pub is_on: Cell<bool>,
    pub counted: RefCell<Vec<(String, CredentialError)>>,
}

impl Brake for World {
    async fn count(&self, bucket: String, cause: CredentialError) -> Result<()> {
        self.brake.counted.borrow_mut().push((bucket, cause));
        match self.brake.is_on.get() {
            true => Err(Error::TooManyFailures {
                retry_after_seconds: 60,
                cause,
            }),
            false => Ok(()),
        }
    }
}
