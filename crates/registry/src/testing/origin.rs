//! What the test world has around it: an origin that says what a test told it to, and buckets.

use super::World;
use crate::error::Result;
use crate::ports::{MintBuckets, Origin};
use postern_domain::bucket::{Empty, Rate};
use postern_domain::decide::Permit;
use postern_domain::id::RunId;
use postern_domain::operation::Operation;
use postern_domain::rpc::{RUN_LOOKUP, WORKFLOW_LOOKUP};

impl Origin for World {
    async fn view_run(&self, permit: &Permit, run: RunId) -> Result<Option<Vec<u8>>> {
        self.note(format!("view {run}"));
        assert_eq!(permit.operation(), Operation::Rpc(&RUN_LOOKUP));
        self.view.borrow().clone()
    }

    async fn view_workflow(
        &self,
        permit: &Permit,
        project: &str,
        workflow: &str,
    ) -> Result<Option<Vec<u8>>> {
        self.note(format!("view {project}/{workflow}"));
        assert_eq!(permit.operation(), Operation::Rpc(&WORKFLOW_LOOKUP));
        self.workflow_view.borrow().clone()
    }
}

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
