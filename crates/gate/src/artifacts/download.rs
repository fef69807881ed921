//! Downloads through the gateway (R46): the caller is asked about as for every call, the origin hands
//! out the way to the artifact in the caller's name, and the store's content passes as long as it can
//! be the artifact.

use core::fmt;

use postern_domain::caller::Caller;
use postern_domain::decide::{Permit, artifact_credential};
use postern_domain::rpc::ArtifactRole;
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_wire::answering::SANDBOX;
use postern_wire::headers::Plan;
use postern_wire::{message, protobuf};

use super::link::STORE_DOWNLOADS;
use super::{Digest, downloading, record};
use crate::Gate;
use crate::ask::Pending;
use crate::call::{Call, Made, Next};
use crate::error::{CredentialError, Error, Result};
use crate::lookup::ask;
use crate::question::Download;
use crate::reply::{RpcAnswer, foreign};

/// How long a download may take, in milliseconds, from when the store is asked: what the store itself
/// allows. It reads an artifact whole before it answers.
pub const DOWNLOAD_MS: u32 = 300_000;

/// Longest name of a file that is passed on, in bytes.
const MAX_FILE_NAME: usize = 255;

/// What the caller is told of an artifact that is not there, or that its token may not see: the origin
/// makes no difference.
const MISSING: Error = Error::NotFound { what: "artifact" };

/// A request for the artifact store. It is made after its audit event, and in no other way.
pub struct Fetching {
    url: Secret,
}

/// Without the URL, which has the credential.
impl fmt::Debug for Fetching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetching").finish_non_exhaustive()
    }
}

impl Fetching {
    /// Where the artifact is. INVARIANT (secrets have no Display): only to send the request.
    pub fn expose_url(&self) -> &str {
        self.url.expose()
    }
}

/// The head of the store's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// HTTP's status.
    pub status: u16,
    /// Its `Content-Disposition`, where there is one.
    pub disposition: Option<String>,
}

type At<'a> = (&'a mut Call, &'a mut Gate, Timestamp);

/// Takes a credential out of the query, as links to the store have it, where the request has no
/// `Authorization`. No query is left, so that it is in nothing that is written of the request.
///
/// # Errors
/// A query with anything else, or two credentials.
pub(crate) fn take_query(call: &mut Call) -> Result<()> {
    let query = Secret::new(core::mem::take(&mut call.kept.query));
    if query.expose().is_empty() {
        return Ok(());
    }
    let token = query.expose().strip_prefix("t=");
    let token = token.filter(|token| !token.is_empty() && is_unreserved(token));
    let token = token.ok_or_else(|| {
        Error::invalid(
            "query_invalid",
            "the query has no more than one token, as `?t=<token>`",
        )
    })?;
    if call.kept.authorization.is_some() {
        return Err(CredentialError::Malformed("one in the header and one in the query").into());
    }
    call.kept.authorization = Some(Secret::new(format!("Bearer {token}")));
    call.is_from_query = true;
    Ok(())
}

/// Gets the way to an artifact from the origin, once the download is permitted, has it written down
/// and asks the store.
pub(crate) fn begin((call, gate, now): At<'_>, permit: &Permit, caller: &Caller) -> Result<Next> {
    let named = call.subject.as_ref().map_or("", |subject| &subject.digest);
    let digest = Digest::parse(named).ok_or_else(|| {
        Error::invalid(
            "digest_invalid",
            "the digest is `sha256:` and 64 hex digits in lower case",
        )
    })?;
    let token = caller
        .token()
        .ok_or(postern_domain::decide::Denial::Operation)?;
    let grant = permit.over(&token.organization)?;
    let named = digest.to_string();
    let command = downloading(call, permit.operation().name(), (caller, token), &named);
    let asked = message::number(1, ArtifactRole::Downloader.number().into());
    let asked = [asked, message::text(2, &named)].concat();
    let permit = artifact_credential(permit)?;
    let told = move |_: &mut Call, gate: &mut Gate, _, told: RpcAnswer| {
        let credential = credential(&told)?;
        let config = gate.config();
        let store = config.artifact_cas_url.as_deref().ok_or(MISSING)?;
        let path = format!("{store}{STORE_DOWNLOADS}{digest}?t=");
        let url = Secret::new(format!("{path}{}", credential.expose()));
        let fetch = move |_: &mut Call, _: &mut Gate, now: Timestamp| {
            let question = Download(Fetching { url });
            let fetched = move |call: &mut Call, _: &mut Gate, at: Timestamp, fetched: Fetched| {
                call.notes.origin = Some((fetched.status, at.since(now)));
                passed(call, digest, &fetched)
            };
            Ok(Next::Download(Pending::new(question, fetched)))
        };
        Ok(record(grant, command, fetch))
    };
    ask((call, gate, now), permit, caller, &asked, told)
}

/// The credential in the origin's answer.
fn credential(told: &RpcAnswer) -> Result<Secret> {
    let message = match (told.ending.status, &told.message) {
        (0, Some(message)) => message,
        // No such artifact, or none that is visible.
        (5 | 7, _) => return Err(MISSING),
        (status, _) => {
            let words = &told.ending.message;
            return Err(foreign(format!(
                "asking for the way to an artifact: status {status}: {words}"
            )));
        }
    };
    let text = protobuf::strings(message, [&[1, 2]])
        .map_err(|error| foreign(format!("the answer with the way to an artifact: {error}")));
    let [text] = text?;
    match text {
        // It is within the origin, which gives out no way to it.
        "" => Err(MISSING),
        text if is_unreserved(text) => Ok(Secret::new(text.to_owned())),
        _ => Err(foreign("the way to an artifact is no token")),
    }
}

/// Whether a text stands in a query as it is (RFC 3986, section 2.3).
fn is_unreserved(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().all(unreserved)
}

/// What the client gets of the store's answer: none of its headers, and a content that no browser
/// shows (R45).
fn passed(call: &Call, digest: Digest, fetched: &Fetched) -> Result<Next> {
    match fetched.status {
        200 => {}
        404 => return Err(MISSING),
        status => {
            return Err(foreign(format!(
                "the artifact store answered HTTP {status} to a download"
            )));
        }
    }
    let mut headers = Plan::default();
    let name = file_name(fetched.disposition.as_deref());
    let name = name.map_or_else(|| digest.to_string().replace(':', "-"), str::to_owned);
    headers.set(
        "content-disposition",
        format!("attachment; filename=\"{name}\""),
    );
    headers.set("content-type", "application/octet-stream");
    headers.set("cache-control", "no-store");
    // A link can have a token.
    headers.set("referrer-policy", "no-referrer");
    headers.set("x-request-id", call.kept.request_id.clone());
    for (name, value) in SANDBOX {
        headers.set(name, value);
    }
    Ok(Next::Pass(Made::Artifact(digest), headers))
}

/// The name that the store has for the file, where it can stand between quotes.
fn file_name(disposition: Option<&str>) -> Option<&str> {
    let name = disposition?.strip_prefix("attachment; filename=")?;
    let name = name
        .strip_prefix('"')
        .map_or(name, |name| name.trim_end_matches('"'));
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"\\/;%".contains(c) || c == ' ';
    let is_good = !name.trim_matches(['.', ' ']).is_empty() && name.len() <= MAX_FILE_NAME;
    (is_good && name.chars().all(is_plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r45_the_stores_name_of_a_file_is_passed_on_only_if_it_is_plain() {
        let long = format!("attachment; filename={}", "a".repeat(MAX_FILE_NAME + 1));
        for (given, expected) in [
            ("attachment; filename=sbom.json", Some("sbom.json")),
            (
                "attachment; filename=\"my sbom.json\"",
                Some("my sbom.json"),
            ),
            ("attachment; filename=a\"; x=\"b", None),
            ("attachment; filename=a;b", None),
            ("attachment; filename=../../etc/passwd", None),
            ("attachment; filename=..", None),
            ("attachment; filename=", None),
            ("attachment; filename=a\u{e9}", None),
            ("attachment; filename=a%20b", None),
            ("inline; filename=a.html", None),
            (long.as_str(), None),
        ] {
            assert_eq!(file_name(Some(given)), expected, "{given}");
        }
        assert_eq!(file_name(None), None);
    }
}
