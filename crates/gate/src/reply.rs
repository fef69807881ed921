//! An answer of the origin, as far as decisions need it: its status, and the headers that say its
//! form and how a call ended.

use postern_domain::route::{Answers, Route};
use postern_wire::answering::is_json;
use postern_wire::grpc_answer::{self, Ending};
use postern_wire::grpc_web::{Encoding, FrameError};
use postern_wire::headers::{Headers, Names};
use postern_wire::sign_in;

use crate::error::{Error, Result};

/// Largest answer that is read here, in bytes: what the stock client takes (32 MiB).
pub const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// The head of an answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) names: Names,
    /// Its `Content-Type`; empty where there is none.
    pub(crate) media: String,
    /// How the call ended, where the headers tell.
    pub(crate) ending: Option<Ending>,
    /// Whether something was taken out of the ending, which then passes anew.
    pub(crate) is_redacted: bool,
    /// Of a redirect, `Location` and `Set-Cookie`.
    redirect: Option<Box<Redirect>>,
}

#[derive(Debug, Clone)]
struct Redirect {
    location: String,
    cookies: String,
}

impl Reply {
    /// Reads the head of an answer.
    pub fn read(status: u16, headers: &dyn Headers) -> Self {
        let names = headers.names();
        let value = |name: &str| match names.has(name) {
            true => headers.value(name),
            false => None,
        };
        let ending = value("grpc-status").map(|status| {
            let (message, details) = (value("grpc-message"), value("grpc-status-details-bin"));
            grpc_answer::from_headers(&status, message.as_deref(), details.as_deref())
        });
        let redirect = (300..400).contains(&status).then(|| Redirect {
            location: value("location").unwrap_or_default(),
            cookies: value("set-cookie").unwrap_or_default(),
        });
        Self {
            redirect: redirect.map(Box::new),
            status,
            media: value("content-type").unwrap_or_default(),
            ending,
            is_redacted: false,
            names,
        }
    }

    /// Takes both upstream shapes of an RPC: frames under a gRPC-Web content type, or the status in
    /// the headers.
    pub(crate) fn of_rpc(self) -> Result<Self> {
        let typed = Encoding::of(&self.media).is_some();
        if (200..300).contains(&self.status) && (typed || self.ending.is_some()) {
            return Ok(self);
        }
        let status = self.status;
        Err(foreign(format!(
            "the origin answered HTTP {status} without gRPC-Web"
        )))
    }

    /// Takes an answer to a REST request: of a route that promises JSON nothing else, and one that
    /// points elsewhere only where the route says so, to where a browser may be sent.
    pub(crate) fn of_route(self, route: &Route, own_origin: &str) -> Result<Self> {
        let status = self.status;
        // 304 says that the caller's copy is good, and nothing of another place.
        if (300..400).contains(&status) && status != 304 {
            let leads_on = route.answers == Answers::Elsewhere || route.answers.signs_in();
            let location = self.redirect.as_ref().map(|to| to.location.as_str());
            if !leads_on {
                return Err(foreign(format!(
                    "the origin answered HTTP {status}, a redirect"
                )));
            }
            // Who wrote the link to the login may have said where the token goes.
            let is_good = |location: &str| match route.answers {
                Answers::SignedIn => sign_in::is_end(location, own_origin),
                _ => sign_in::is_place(location),
            };
            if !location.is_some_and(is_good) {
                return Err(foreign(format!(
                    "the origin answered HTTP {status}, a redirect to no page"
                )));
            }
        }
        let is_empty = matches!(status, 204 | 205 | 304);
        if route.answers == Answers::Json && !is_empty && !is_json(&self.media) {
            return Err(foreign(format!(
                "the origin answered HTTP {status} without JSON"
            )));
        }
        Ok(self)
    }

    /// The cookies of a sign-in that a redirect sets, as they may be set.
    pub(crate) fn cookies(&self, route: &Route, own_origin: &str) -> Vec<String> {
        match &self.redirect {
            Some(redirect) if route.answers.signs_in() => {
                sign_in::for_browser(&redirect.cookies, own_origin.starts_with("https://"))
            }
            _ => Vec::new(),
        }
    }

    /// The answer to an RPC whose head has the status: nothing is read behind it.
    pub(crate) fn in_head(&mut self) -> Option<RpcAnswer> {
        let ending = self.ending.take()?;
        Some(RpcAnswer {
            message: None,
            ending,
        })
    }

    /// The answer to an RPC whose content is here.
    pub(crate) fn whole(&mut self, content: &[u8]) -> Result<RpcAnswer> {
        match self.in_head() {
            Some(answer) => Ok(answer),
            None => self.content(content),
        }
    }

    /// Reads the content: the message, where there is one, and how the call ended.
    pub(crate) fn content(&self, bytes: &[u8]) -> Result<RpcAnswer> {
        if bytes.len() > MAX_ANSWER {
            return Err(foreign(format!("the answer has {} bytes", bytes.len())));
        }
        let encoding = Encoding::of(&self.media).unwrap_or(Encoding::Binary);
        let frames = encoding.decode(bytes).map_err(unreadable)?;
        let (message, ending) = grpc_answer::read(&frames).map_err(unreadable)?;
        Ok(RpcAnswer {
            message: message.map(<[u8]>::to_vec),
            ending,
        })
    }
}

/// What an answer to an RPC says.
#[derive(Debug)]
pub(crate) struct RpcAnswer {
    pub message: Option<Vec<u8>>,
    pub ending: Ending,
}

/// The error for an answer that breaks the origin's protocol.
pub(crate) fn foreign(cause: impl Into<String>) -> Error {
    Error::Origin {
        cause: cause.into(),
    }
}

fn unreadable(error: FrameError) -> Error {
    foreign(format!("the origin's answer: {error}"))
}
