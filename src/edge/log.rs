//! One structured line for each request. Refuses credentials: nothing here ever holds one.

use serde::Serialize;

/// What the line says. Absent things are left out.
#[derive(Debug, Default, Serialize)]
pub struct RequestLog {
    pub request_id: String,
    pub method: String,
    pub path: String,
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<u8>,
    /// `ok`, or the code of the error.
    pub outcome: &'static str,
    /// The private cause of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Which way in admitted the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_status: Option<u16>,
    pub ms: i64,
}

impl RequestLog {
    /// Notes who called.
    pub fn caller(&mut self, caller: &crate::domain::caller::Caller) {
        self.tier = Some(caller.tier());
        if let Some(facts) = caller.token() {
            self.token_id = Some(facts.id.to_string());
            self.token_prefix = Some(facts.display_prefix());
        }
    }

    /// Writes the line.
    pub fn write(&self) {
        if let Ok(line) = serde_json::to_string(self) {
            worker::console_log!("{line}");
        }
    }
}

/// Something that happened outside any request.
pub fn event(value: &serde_json::Value) {
    worker::console_log!("{value}");
}

/// A failure outside any request, such as in an alarm.
pub fn failure(place: &str, cause: &str) {
    worker::console_error!(
        "{}",
        serde_json::json!({ "level": "error", "place": place, "cause": cause })
    );
}
