//! The buckets of the test world.

use super::World;
use crate::error::Result;
use crate::ports::MintBuckets;
use postern_domain::bucket::{Empty, Rate};

impl MintBuckets for World {
    async fn take(&self, bucket: &str, _: Rate) -> Result<core::result::Result<(), Empty>> {
        self.note(format!("take {bucket}"));
        if self.bucket.get() == 0 {
            return Ok(Err(Empty {
                retry_after_seconds: 360,
            }));
        }
        self.bucket.set(self.bucket.get() - 1);
        Ok(Ok(()))
    }

    async fn give_back(&self, bucket: &str, _: Rate) -> Result<()> {
        self.note(format!("give back {bucket}"));
        self.bucket.set(self.bucket.get() + 1);
        Ok(())
    }
}
