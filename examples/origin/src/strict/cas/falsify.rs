//! Artifacts whose plain HTTP downloads a test wants wrong: the store checks what it sends, so that
//! nothing else makes one.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;

/// What is wrong with a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// Its last byte is another one.
    Other,
    /// It ends a byte early, as if that were its end.
    Short,
    /// A byte follows it.
    Long,
    /// The connection ends before the content does.
    CutOff,
}

/// By the hex of the digest. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Falsified(Arc<Mutex<BTreeMap<String, Wrong>>>);

impl Falsified {
    /// Makes downloads wrong from now on, or right again.
    pub(crate) fn set(&self, hex: &str, wrong: Option<Wrong>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match wrong {
            Some(wrong) => all.insert(hex.to_owned(), wrong),
            None => all.remove(hex),
        };
    }

    /// The answer with this content, or what a test wants of it.
    pub(crate) fn answer(&self, hex: &str, bytes: Bytes) -> Response {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(hex) {
            None => bytes.into_response(),
            Some(Wrong::CutOff) => cut_off(&bytes),
            Some(wrong) => wrong.content(&bytes).into_response(),
        }
    }
}

impl Wrong {
    fn content(self, bytes: &[u8]) -> Vec<u8> {
        let mut content = bytes.to_vec();
        match self {
            Self::Other => content.iter_mut().rev().take(1).for_each(|last| *last ^= 1),
            Self::Short | Self::CutOff => drop(content.pop()),
            Self::Long => content.push(0),
        }
        content
    }
}

/// Says how long it would be, sends half of it and hangs up.
fn cut_off(bytes: &Bytes) -> Response {
    let length = bytes.len();
    let pieces = [
        Ok(bytes.slice(..length / 2)),
        Err(io::Error::other("cut off for a test")),
    ];
    let body = Body::from_stream(stream::iter(pieces));
    ([(CONTENT_LENGTH, length.to_string())], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_content() {
        let of = |wrong: Wrong| wrong.content(b"abc");
        assert_eq!(of(Wrong::Other), b"abb");
        assert_eq!(of(Wrong::Short), b"ab");
        assert_eq!(of(Wrong::Long), b"abc\0");
        assert_eq!(Wrong::Other.content(b""), b"");
    }
}
