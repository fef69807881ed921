//! Refusals of upstream credentials.

use postern_system_tests::organization::{RELEASE, SHOP};
use serde_json::json;

use crate::single::Drive;

impl Drive<'_> {
    pub async fn upstreams(&mut self) {
        let paths = [
            ("setUpstream", "/org/upstream".to_owned()),
            (
                "setUpstreamOfProject",
                format!("/org/projects/{SHOP}/upstream"),
            ),
            (
                "setUpstreamOfWorkflow",
                format!("/org/projects/{SHOP}/workflows/{RELEASE}/upstream"),
            ),
        ];
        for (operation, path) in paths {
            for (body, code) in [
                (json!({ "credential": "a b" }), "credential_invalid"),
                (
                    json!({ "credential": "a", "keep_replaced_seconds": 86_401 }),
                    "keep_replaced_seconds_invalid",
                ),
                (json!({ "create": true }), "create_invalid"),
                (json!({ "create": true, "with": "a b" }), "with_invalid"),
                (
                    json!({ "create": true, "with": "a", "expires_in": "soon" }),
                    "expires_in_invalid",
                ),
                // This origin manages no tokens.
                (json!({ "create": true, "with": "a" }), "origin_refused"),
            ] {
                self.expect(operation, self.admin("PUT", &path, &body), code)
                    .await;
            }
        }
        // The project is there since the mints, and has no such workflow.
        let path = format!("/org/projects/elsewhere/workflows/{RELEASE}/upstream");
        let body = json!({ "credential": "a" });
        let put = self.admin("PUT", &path, &body);
        self.expect("setUpstreamOfWorkflow", put, "workflow_of_other_project")
            .await;
        for (operation, method) in [
            ("readUpstreamOfWorkflow", "GET"),
            ("clearUpstreamOfWorkflow", "DELETE"),
        ] {
            let organization = &self.cast.organization;
            let call = organization.call(&self.cast.gateway, method, &path);
            self.expect(operation, call, "workflow_of_other_project")
                .await;
        }
    }
}
