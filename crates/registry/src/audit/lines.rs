//! An export of the audit log as lines of JSON (R35). No export is held in memory: rows are read when
//! the client has taken those before. The last line is a checkpoint, which says how far the log
//! reaches: an export without one is not whole.

use super::{Export, piece};
use crate::error::{Error, Result};
use crate::ports::{AuditLog, Ledgers};
use postern_domain::audit::checkpoint::Signed;
use postern_domain::id;
use postern_domain::scope::Named;

/// The media type of an export.
pub const NDJSON: &str = "application/x-ndjson";

/// Whether `Accept` names the media type of exports; a wildcard gets a page.
pub fn wants_lines(accept: &str) -> bool {
    accept
        .split(',')
        .map(|media| media.split(';').next().unwrap_or_default().trim())
        .any(|media| media.eq_ignore_ascii_case(NDJSON))
}

/// How far an export has come.
#[derive(Debug)]
pub struct Lines {
    organization: Named<id::Organization>,
    /// The sequence of the last row that was read.
    after: u64,
    up_to: u64,
    /// The last line, until it is written.
    checkpoint: Option<Signed>,
}

impl Lines {
    /// An export of which nothing has been read.
    pub fn of(export: Export) -> Self {
        Self {
            organization: export.organization,
            after: 0,
            up_to: export.up_to,
            checkpoint: Some(export.checkpoint),
        }
    }

    /// The next lines; nothing after the last one.
    ///
    /// # Errors
    /// `Unavailable`: the export ends without its checkpoint.
    pub async fn next<P: AuditLog + Ledgers>(&mut self, ports: &P) -> Result<Option<Vec<u8>>> {
        if self.checkpoint.is_none() {
            return Ok(None);
        }
        let piece = piece(&self.organization, self.after, self.up_to, ports).await?;
        let mut text = Vec::new();
        for (_, row) in &piece.rows {
            line(&mut text, row)?;
        }
        match piece.next {
            Some(next) => self.after = next,
            None => {
                if let Some(checkpoint) = self.checkpoint.take() {
                    line(&mut text, &checkpoint)?;
                }
            }
        }
        Ok(Some(text))
    }
}

fn line(text: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<()> {
    serde_json::to_writer(&mut *text, value).map_err(Error::unavailable)?;
    text.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r35_only_who_names_the_media_type_gets_an_export() {
        for accept in [
            "application/x-ndjson",
            "Application/X-NDJSON; q=0.5",
            "application/json, application/x-ndjson",
        ] {
            assert!(wants_lines(accept), "{accept}");
        }
        for accept in ["", "*/*", "application/*", "application/json", "x-ndjson"] {
            assert!(!wants_lines(accept), "{accept}");
        }
    }
}
