//! Calls of the gateway's management API, one connection after the other. Follows no redirect,
//! repeats nothing, and reads no answer without a bound in size and time.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use crate::connect::{self, Http};
use crate::fail::{Failure, Kind, Outcome, cause};
use crate::output::{Progress, remark};
use crate::problem;
use crate::settings::Settings;
use crate::text::{encoded, member as shown, near, plain, utc};

/// Longest answer that is read whole, in bytes.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// Rows of a page: the most that the gateway gives.
const PAGE: &str = "500";
const CONNECT: Duration = Duration::from_secs(10);
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("postern-cli/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const ORGANIZATION: HeaderName = HeaderName::from_static("postern-organization");
/// When the caller's token expires, where that is soon.
const EXPIRES: HeaderName = HeaderName::from_static("postern-token-expires");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const RESPOND_ASYNC: HeaderValue = HeaderValue::from_static("respond-async");

/// A gateway, and how to call it.
pub struct Api {
    http: Http<Full<Bytes>>,
    settings: Settings,
    /// Whether the end of the credential was told.
    told_expiry: AtomicBool,
    /// Whether it was told why there is none.
    told_withheld: AtomicBool,
}

/// An answer that was read whole.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// Whether it is a success, whatever its body; otherwise what to end with.
    pub fn done(&self) -> Outcome {
        match self.status.is_success() {
            true => Ok(()),
            false => Err(problem::failure(self.status, &self.headers, &self.body)),
        }
    }

    /// The JSON of a success, or what to end with.
    pub fn json(&self) -> Outcome<Value> {
        self.done()?;
        serde_json::from_slice(&self.body)
            .map_err(|_| problem::of_stranger(self.status, &self.headers))
    }
}

impl Api {
    /// The API of the gateway in the settings.
    pub fn new(settings: Settings) -> Outcome<Self> {
        let http = connect::client(settings.ca.as_deref(), CONNECT.min(settings.timeout))?;
        Ok(Self {
            http,
            settings,
            told_expiry: AtomicBool::new(false),
            told_withheld: AtomicBool::new(false),
        })
    }

    /// The same without a credential.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        self.settings.authorization = None;
        self.settings.withheld = None;
        self
    }

    /// What the calls are made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Reads something.
    pub async fn get(&self, path: &str) -> Outcome<Value> {
        self.answer(Method::GET, path, None).await?.json()
    }

    /// Reads something that is answered as text, such as a signed note.
    pub async fn text(&self, path: &str) -> Outcome<String> {
        let headers = [(ACCEPT, TEXT)];
        let answer = self.start(Method::GET, path, None, &headers).await?;
        let answer = self.whole(answer).await?;
        answer.done()?;
        let media = answer.headers.get(CONTENT_TYPE);
        let is_text = media.is_some_and(|media| media.as_bytes().starts_with(b"text/"));
        let text = String::from_utf8(answer.body.to_vec()).ok();
        text.filter(|_| is_text)
            .ok_or_else(|| problem::of_stranger(answer.status, &answer.headers))
    }

    /// Makes or does something.
    pub async fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        self.answer(Method::POST, path, Some(body)).await?.json()
    }

    /// Does something that can be waited for. Where `waits` is false, the gateway is asked to answer at
    /// once (RFC 7240).
    pub async fn act(&self, path: &str, body: &Value, waits: bool) -> Outcome<Answer> {
        let headers = [(ACCEPT, JSON), (PREFER, RESPOND_ASYNC)];
        let headers = match waits {
            true => &headers[..1],
            false => &headers[..],
        };
        let body = Some((JSON, body.to_string()));
        let answer = self.send(Method::POST, path, body, headers).await?;
        self.whole(answer).await
    }

    /// Sends a form (RFC 6749); gives whatever it answers.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Outcome<Answer> {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let body = Some((FORM, fields.join("&")));
        let headers = [(ACCEPT, JSON)];
        let answer = self.send(Method::POST, path, body, &headers).await?;
        self.whole(answer).await
    }

    /// Changes something.
    pub async fn patch(&self, path: &str, body: &Value) -> Outcome<Value> {
        self.answer(Method::PATCH, path, Some(body)).await?.json()
    }

    /// Sets something.
    pub async fn put(&self, path: &str, body: &Value) -> Outcome<Value> {
        self.answer(Method::PUT, path, Some(body)).await?.json()
    }

    /// Ends something. Where `waits` is false, the gateway is asked to answer at once (RFC 7240).
    pub async fn delete(&self, path: &str, waits: bool) -> Outcome<Answer> {
        let headers = [(ACCEPT, JSON), (PREFER, RESPOND_ASYNC)];
        let headers = match waits {
            true => &headers[..1],
            false => &headers[..],
        };
        let answer = self.start(Method::DELETE, path, None, headers).await?;
        self.whole(answer).await
    }

    /// Reads a list page by page, to its end or to so many rows. `member` holds the rows. Empty
    /// values in the query are refused.
    pub async fn list(
        &self,
        path: &str,
        query: &[(&str, &str)],
        member: &'static str,
        most: usize,
    ) -> Outcome<Vec<Value>> {
        // An empty variable of a script selects nothing; the gateway would say the same.
        if let Some((name, _)) = query.iter().find(|(_, value)| value.is_empty()) {
            let message = format!("`{name}` is empty: give it a value, or leave it out");
            return Err(Failure::new(Kind::Usage, message));
        }
        let progress = Progress::new(member);
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let cursor_part = cursor.as_deref().map(|cursor| ("cursor", cursor));
            let query: Vec<String> = [("limit", PAGE)]
                .into_iter()
                .chain(query.iter().copied())
                .chain(cursor_part)
                .map(|(name, value)| format!("{name}={}", encoded(value)))
                .collect();
            let mut page = self.get(&format!("{path}?{}", query.join("&"))).await?;
            let Some(Value::Array(found)) = page.get_mut(member).map(Value::take) else {
                let message = format!("the gateway's answer has no `{member}`");
                return Err(Failure::new(Kind::Unavailable, message));
            };
            // Of the audit log: what the gateway found not to fit on the page.
            for fault in page
                .get("faults")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                remark(&format!("the log does not fit: {}", shown(fault, "detail")));
            }
            rows.extend(found);
            progress.at(rows.len());
            let next = page.get("next_cursor").and_then(Value::as_str);
            // The same cursor twice would never end.
            let next = next.filter(|next| cursor.as_deref() != Some(*next));
            match next {
                Some(next) if rows.len() < most => cursor = Some(next.to_owned()),
                _ => break,
            }
        }
        rows.truncate(most);
        Ok(rows)
    }

    /// Any call, with whatever it answers.
    pub async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Outcome<Answer> {
        let headers = [(ACCEPT, JSON)];
        let answer = self.start(method, path, body, &headers).await?;
        self.whole(answer).await
    }

    /// A call whose answer comes in pieces. The head must be a success.
    pub async fn stream(&self, path: &str, accept: HeaderValue) -> Outcome<Response<Incoming>> {
        let headers = [(ACCEPT, accept.clone())];
        let answer = self.start(Method::GET, path, None, &headers).await?;
        if answer.status() == StatusCode::OK && answer.headers().get(CONTENT_TYPE) == Some(&accept)
        {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let body = self
            .in_time(Limited::new(body, MAX_ANSWER).collect())
            .await?;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Err(match head.status.is_success() {
            true => problem::of_stranger(head.status, &head.headers),
            false => problem::failure(head.status, &head.headers, &body),
        })
    }

    /// Waits for a step of a call, no longer than the settings say.
    pub async fn in_time<T>(&self, step: impl Future<Output = T>) -> Outcome<T> {
        let timeout = self.settings.timeout;
        tokio::time::timeout(timeout, step).await.map_err(|_| {
            let message = format!("no answer within {} s", timeout.as_secs());
            Failure::new(Kind::Unavailable, message)
        })
    }

    async fn start(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        extra: &[(HeaderName, HeaderValue)],
    ) -> Outcome<Response<Incoming>> {
        let body = body.map(|body| (JSON, body.to_string()));
        self.send(method, path, body, extra).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(HeaderValue, String)>,
        extra: &[(HeaderName, HeaderValue)],
    ) -> Outcome<Response<Incoming>> {
        if let Some(why) = &self.settings.withheld
            && !self.told_withheld.swap(true, Ordering::Relaxed)
        {
            remark(&format!("note: {}", plain(why)));
        }
        let path = path
            .parse()
            .map_err(|error| Failure::new(Kind::Usage, error))?;
        let (content_type, bytes) = body.unzip();
        let mut request = Request::new(Full::from(bytes.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = self.settings.gateway.url(path)?;
        let headers = request.headers_mut();
        headers.extend(self.settings.headers.iter().cloned());
        headers.insert(USER_AGENT, AGENT);
        headers.extend(extra.iter().cloned());
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        if let Some(authorization) = &self.settings.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(organization) = &self.settings.organization {
            headers.insert(ORGANIZATION, organization.clone());
        }
        let answer = self.in_time(self.http.request(request)).await?;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        self.tell_expiry(answer.headers());
        Ok(answer)
    }

    /// Says once that the credential is about to expire, where the gateway says so.
    fn tell_expiry(&self, headers: &HeaderMap) {
        let end = headers.get(EXPIRES).and_then(|value| value.to_str().ok());
        let end = end.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let (Some(end), false) = (end, self.told_expiry.swap(end.is_some(), Ordering::Relaxed))
        else {
            return;
        };
        let end = end.to_utc();
        remark(&format!(
            "note: this credential expires {}, at {}: rotate it in time",
            near(end, Utc::now()),
            utc(end),
        ));
    }

    async fn whole(&self, answer: Response<Incoming>) -> Outcome<Answer> {
        let (head, body) = answer.into_parts();
        let body = self
            .in_time(Limited::new(body, MAX_ANSWER).collect())
            .await?;
        let body = body.map_err(|error| {
            let message = format!("the gateway's answer broke off: {error}");
            Failure::new(Kind::Unavailable, message)
        })?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> Failure {
        let what = match error.is_connect() {
            true => "cannot be reached",
            false => "did not answer",
        };
        let gateway = &self.settings.gateway;
        let cause = cause(error);
        let failure = Failure::new(
            Kind::Unavailable,
            format!("the gateway {gateway} {what}: {cause}"),
        );
        match cause.contains("certificate") {
            true => failure.hint("a private authority is named with --ca FILE"),
            false => {
                failure.hint("check POSTERN_URL, and that the gateway can be reached from here")
            }
        }
    }
}
