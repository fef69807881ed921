//! One line for each call: when, which method, which status, how long. Never holds metadata, a
//! token, or a message of the gateway's; what the bridge itself found wrong stands behind a colon.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};

use super::status::{Code, Status};

/// Longest method path in a line, in bytes.
const MAX_METHOD: usize = 200;

/// Where lines go, and in which form.
pub struct Log {
    json: bool,
    to: Mutex<Box<dyn Write + Send>>,
}

impl Log {
    /// A log of plain lines, or of JSON objects.
    pub fn new(to: impl Write + Send + 'static, json: bool) -> Arc<Self> {
        let to: Mutex<Box<dyn Write + Send>> = Mutex::new(Box::new(to));
        Arc::new(Self { json, to })
    }

    /// Begins a call. The line is written when the answer is through, whatever became of it.
    pub fn call(self: &Arc<Self>, method: &str) -> Call {
        let cut = method.char_indices().nth(MAX_METHOD).map(|(at, _)| at);
        let method = cut.and_then(|at| method.get(..at)).unwrap_or(method);
        Call {
            log: Arc::clone(self),
            method: method.to_owned(),
            began: Instant::now(),
            ended: None,
            why: None,
        }
    }

    /// A line about something that is no call.
    pub fn note(&self, note: &str) {
        let time = now();
        self.write(&match self.json {
            true => serde_json::json!({ "time": time, "note": note }).to_string(),
            false => format!("{time} {note}"),
        });
    }

    fn write(&self, line: &str) {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that nobody takes any more is no reason to fail calls.
        let _ = writeln!(to, "{line}").and_then(|()| to.flush());
    }
}

/// A call in progress.
pub struct Call {
    log: Arc<Log>,
    method: String,
    began: Instant,
    ended: Option<Code>,
    why: Option<String>,
}

impl Call {
    /// The call ends with the gateway's status.
    pub fn ends(&mut self, code: Code) {
        self.ended = Some(code);
    }

    /// The call ends with a status of our own.
    pub fn fails(&mut self, status: &Status) {
        self.ended = Some(status.code);
        self.why = Some(status.message.clone().into_owned());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Dropped before its end: the caller has gone.
        let code = self.ended.unwrap_or(Code::CANCELLED);
        let milliseconds = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (time, method, name) = (now(), &self.method, code.name());
        let line = if self.log.json {
            let mut line = serde_json::json!({
                "time": time, "method": method, "status": name, "code": code.0,
                "milliseconds": milliseconds,
            });
            if let (Some(why), Some(line)) = (&self.why, line.as_object_mut()) {
                line.insert("why".to_owned(), why.clone().into());
            }
            line.to_string()
        } else {
            let why = self.why.as_ref().map(|why| format!(": {why}"));
            let why = why.unwrap_or_default();
            format!("{time} {method} {name} ({}) {milliseconds} ms{why}", code.0)
        };
        self.log.write(&line);
    }
}

fn now() -> String {
    DateTime::<Utc>::from(SystemTime::now()).to_rfc3339_opts(SecondsFormat::Millis, true)
}
