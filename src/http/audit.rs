//! The audit log over HTTP: pages as JSON, all of it as lines (R35). No export is held in memory: a
//! page of rows is read when the client has taken the one before.

use futures_util::stream;
use worker::{ResponseBody, ResponseBuilder};

use super::management::Call;
use super::request_fields::wrong_query;
use super::respond::{Answer, Content, NDJSON};
use crate::platform::Platform;
use postern_domain::audit::checkpoint::Signed;
use postern_domain::id;
use postern_domain::operation::Operation;
use postern_domain::scope::Named;
use postern_registry::audit::{self, EventFilter, Export, Span};
use postern_registry::error::{Error, Result};
use postern_wire::query;

/// Answers a read of the log: pages, or, where the client asks for lines, an export.
pub async fn read(call: &Call<'_>) -> Result<Answer> {
    let (caller, incoming, platform) = (call.caller, call.incoming, call.platform);
    let organization = call.organization.as_deref();
    if wants_lines(&incoming.header("accept").unwrap_or_default()) {
        // An export is whole or it proves nothing: it has no parameters.
        let [] = query::read(&incoming.query, []).map_err(wrong_query)?;
        let export = audit::export(caller, organization, platform).await?;
        return lines(export, platform).await;
    }
    let [action, actor, token, since, until, limit, cursor] = query::read(
        &incoming.query,
        [
            "action", "actor", "token", "since", "until", "limit", "cursor",
        ],
    )
    .map_err(wrong_query)?;
    let filter = EventFilter::parse(
        action.as_deref(),
        actor.as_deref(),
        token.as_deref(),
        since.as_deref(),
        until.as_deref(),
    )?;
    let span = Span::parse(limit.as_deref(), cursor.as_deref())?;
    let list = audit::list(caller, organization, &filter, &span, call.config, platform).await?;
    Answer::new(200, &list)
}

/// Makes a checkpoint, or lists those that are kept.
pub async fn checkpoints(call: &Call<'_>, operation: Operation) -> Result<Answer> {
    let (caller, incoming, platform) = (call.caller, call.incoming, call.platform);
    let organization = call.organization.as_deref();
    if operation == Operation::AuditCheckpoint {
        let signed = audit::checkpoint(caller, organization, platform).await?;
        return Answer::new(201, &signed);
    }
    let [limit, cursor] = query::read(&incoming.query, ["limit", "cursor"]).map_err(wrong_query)?;
    let span = Span::parse(limit.as_deref(), cursor.as_deref())?;
    let list = audit::checkpoints(caller, organization, &span, call.config, platform).await?;
    Answer::new(200, &list)
}

/// Whether `Accept` names the media type of exports; a wildcard gets a page.
fn wants_lines(accept: &str) -> bool {
    accept
        .split(',')
        .map(|media| media.split(';').next().unwrap_or_default().trim())
        .any(|media| media.eq_ignore_ascii_case(NDJSON))
}

/// How far an export has come.
struct Progress {
    platform: Platform,
    organization: Named<id::Organization>,
    /// The sequence of the last row that was read.
    after: u64,
    up_to: u64,
    /// The last line, until it is written.
    checkpoint: Option<Signed>,
}

impl Progress {
    /// The next lines; nothing after the last one.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.checkpoint.is_none() {
            return Ok(None);
        }
        let piece =
            audit::piece(&self.organization, self.after, self.up_to, &self.platform).await?;
        let mut text = Vec::new();
        for (_, row) in &piece.rows {
            serde_json::to_writer(&mut text, row).map_err(Error::unavailable)?;
            text.push(b'\n');
        }
        match (piece.next, self.checkpoint.take()) {
            (Some(next), checkpoint) => {
                self.after = next;
                self.checkpoint = checkpoint;
            }
            (None, Some(checkpoint)) => {
                serde_json::to_writer(&mut text, &checkpoint).map_err(Error::unavailable)?;
                text.push(b'\n');
            }
            (None, None) => {}
        }
        Ok(Some(text))
    }
}

async fn lines(export: Export, platform: &Platform) -> Result<Answer> {
    let mut progress = Progress {
        platform: platform.clone(),
        organization: export.organization,
        after: 0,
        up_to: export.up_to,
        checkpoint: Some(export.checkpoint),
    };
    // The first page before the answer: a record that does not answer is a 503 and no short file.
    let first = progress.next().await?;
    let rest = stream::try_unfold((progress, first), |(mut progress, ready)| async move {
        let piece = match ready {
            Some(piece) => Some(piece),
            None => progress
                .next()
                .await
                .map_err(|error| worker::Error::RustError(error.private()))?,
        };
        Ok::<_, worker::Error>(piece.map(|piece| (piece, (progress, None))))
    });
    let response = ResponseBuilder::new()
        .from_stream(rest)
        .map_err(Error::unavailable)?;
    match response.body() {
        ResponseBody::Stream(stream) => Ok(Answer {
            status: 200,
            body: Content::Lines(stream.clone()),
            no_store: true,
            deprecated: false,
            is_early: false,
        }),
        ResponseBody::Empty | ResponseBody::Body(_) => {
            Err(Error::unavailable("the runtime made no stream"))
        }
    }
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
