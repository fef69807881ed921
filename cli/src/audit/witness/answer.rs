//! What a witness answers: the rules of `tlog-witness`, over what it has in its folder. One request after
//! the other, so that what was compared is what is replaced.

use std::io;

use http::{Method, StatusCode};
use postern_transparency::checkpoint::Checkpoint;
use postern_transparency::key::VerifierKey;
use postern_transparency::note::Note;
use postern_transparency::witness::{
    AddCheckpoint, Cosigning, Latest, SIZE_TYPE, Verdict, WatchedLog, judge,
};

use super::state::State;

const TEXT: &str = "text/plain; charset=utf-8";

/// A witness of some logs.
pub struct Witness {
    logs: Vec<VerifierKey>,
    state: State,
}

/// An answer, and a line about it for people; empty where there is nothing to tell.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its media type.
    pub media: &'static str,
    /// Its body.
    pub body: String,
    /// For the log.
    pub note: String,
}

impl Answer {
    fn new(status: StatusCode, body: impl Into<String>) -> Self {
        Self {
            status,
            media: TEXT,
            body: body.into(),
            note: String::new(),
        }
    }

    fn noted(self, note: String) -> Self {
        Self { note, ..self }
    }
}

impl Witness {
    /// Watches these logs, by what it has cosigned before.
    pub fn new(logs: Vec<VerifierKey>, state: State) -> Self {
        Self { logs, state }
    }

    /// Answers a request at a moment in seconds since 1970.
    pub fn answer(&self, method: &Method, path: &str, body: &str, now: u64) -> Answer {
        let published = path
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix("/checkpoint"));
        let answered = match (path, published) {
            ("/add-checkpoint", _) if method == Method::POST => self.add(body, now),
            ("/add-checkpoint", _) => return not_so("POST"),
            (_, Some(_)) if method != Method::GET => return not_so("GET"),
            (_, Some(hash)) => self.state.published(hash).map(|found| match found {
                Some(note) => Answer::new(StatusCode::OK, note),
                None => Answer::new(StatusCode::NOT_FOUND, "no checkpoint of such a log\n"),
            }),
            (_, None) => Ok(Answer::new(StatusCode::NOT_FOUND, "no such path\n")),
        };
        answered.unwrap_or_else(|error| {
            let failed = Answer::new(StatusCode::INTERNAL_SERVER_ERROR, "no memory to rely on\n");
            failed.noted(format!("the witness's folder fails: {error}"))
        })
    }

    fn add(&self, body: &str, now: u64) -> io::Result<Answer> {
        let mut failed = None;
        let verdict = judge(body, |origin| {
            let known: Vec<VerifierKey> = self
                .logs
                .iter()
                .filter(|key| key.name() == origin)
                .cloned()
                .collect();
            if known.is_empty() {
                return None;
            }
            let newest = self.state.newest(origin).unwrap_or_else(|error| {
                failed = Some(error);
                None
            });
            let latest = newest.map(|(checkpoint, _)| Latest {
                size: checkpoint.size,
                root: checkpoint.root,
            });
            Some(WatchedLog {
                keys: known,
                latest,
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let refused = |status, why: &str| Answer::new(status, format!("{why}\n"));
        let answer = match verdict {
            Verdict::BadRequest => {
                refused(StatusCode::BAD_REQUEST, "no request to add a checkpoint")
            }
            Verdict::UnknownLog => refused(StatusCode::NOT_FOUND, "no such log is watched here"),
            Verdict::Untrusted => refused(StatusCode::FORBIDDEN, "no key of the log has signed it"),
            Verdict::Forked { size } => {
                let fork = format!("a fork: the log has signed two trees of {size} rows");
                return self.forked(body, fork);
            }
            Verdict::Conflict { size } => Answer {
                media: SIZE_TYPE,
                ..Answer::new(StatusCode::CONFLICT, format!("{size}\n"))
            },
            Verdict::Inconsistent => refused(
                StatusCode::UNPROCESSABLE_ENTITY,
                "it does not continue what was cosigned",
            ),
            Verdict::Cosign(cosigning) => return self.cosign(body, &cosigning, now),
        };
        let (status, why) = (answer.status.as_u16(), answer.body.trim_end().to_owned());
        Ok(answer.noted(format!("{status} {}: {why}", origin_of(body))))
    }

    /// Two signed trees of one size: what proves it is kept.
    fn forked(&self, body: &str, fork: String) -> io::Result<Answer> {
        let origin = origin_of(body);
        if let Some(request) = AddCheckpoint::parse(body) {
            self.state.keep_fork(&origin, &request.checkpoint)?;
        }
        let answer = Answer::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{fork}\n"));
        Ok(answer.noted(format!("422 {origin}: {fork}")))
    }

    /// Keeps it with the signatures of the log and of this witness, and only then answers.
    fn cosign(&self, body: &str, cosigning: &Cosigning, now: u64) -> io::Result<Answer> {
        if now == 0 {
            return Err(io::Error::other("the clock is not set"));
        }
        let odd = || io::Error::other("a judged checkpoint is not read again");
        let request = AddCheckpoint::parse(body).ok_or_else(odd)?;
        let answer = cosigning.sign(self.state.key(), now);
        let text = request.checkpoint.text().to_owned();
        let mut note = Note::unsigned(text).ok_or_else(odd)?;
        let is_known = |key: &VerifierKey| key.name() == cosigning.origin;
        for signature in request.checkpoint.signatures() {
            let mut keys = self.logs.iter().filter(|key| is_known(key));
            if keys.any(|key| key.made(signature)) {
                note.add(signature.clone());
            }
        }
        note.add(self.state.key().sign_at(note.text(), now));
        self.state.keep(&cosigning.origin, &note)?;
        let told = format!("200 {}: {} rows", cosigning.origin, cosigning.latest.size);
        Ok(Answer::new(StatusCode::OK, answer).noted(told))
    }
}

fn not_so(method: &str) -> Answer {
    Answer::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("only {method} is answered here\n"),
    )
}

/// Which log a request says that it is of, for people.
fn origin_of(body: &str) -> String {
    let request = AddCheckpoint::parse(body);
    let checkpoint = request.and_then(|request| Checkpoint::parse(request.checkpoint.text()));
    checkpoint.map_or_else(|| "-".to_owned(), |checkpoint| checkpoint.origin)
}
