//! Refusals of searches for tokens and events.

use serde_json::json;

use crate::single::Drive;

impl Drive<'_> {
    pub(crate) async fn searches(&mut self) {
        for (member, value, code) in [
            ("text", json!("-"), "search_invalid"),
            ("status", json!("x"), "status_invalid"),
            ("scope", json!("x"), "scope_invalid"),
            ("minted_by", json!("x"), "minted_by_invalid"),
            ("uses_days", json!(31), "uses_days_invalid"),
            ("unused_since", json!("x"), "moment_invalid"),
            ("limit", json!(0), "limit_invalid"),
            ("cursor", json!("x"), "cursor_invalid"),
        ] {
            let mut body = json!({ "text": "x" });
            body[member] = value;
            let call = self.admin("POST", "/org/tokens/search", &body);
            self.expect("searchTokens", call, code).await;
        }
        let body =
            json!({ "text": "x", "status": "all", "expires_before": "2030-01-01T00:00:00Z" });
        let call = self.admin("POST", "/org/tokens/search", &body);
        self.expect("searchTokens", call, "filter_invalid").await;
        let call = self.admin("GET", "/org/activity?days=31", &json!({}));
        self.expect("readActivity", call, "days_invalid").await;
        // Names are free once a token is revoked, so many can have been called so.
        let body = json!({ "name": "again and again" });
        for _ in 0..101 {
            let token = self.minted(&body).await;
            self.cast
                .organization
                .revoke(&self.cast.gateway, &token.id)
                .await;
        }
        let call = self.admin("GET", "/org/audit?token=again%20and%20again", &json!({}));
        self.expect("readAudit", call, "token_ambiguous").await;
    }
}
