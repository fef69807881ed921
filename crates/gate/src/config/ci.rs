//! Whose job tokens count, and for whom they must be made (`CI_ISSUERS` and its companions, R47).

use postern_domain::name::Label;
use postern_domain::trust::{Audiences, IssuerError, Issuers, Loopback};

/// Most URLs that the gateway can be known by.
pub const MAX_URLS: usize = 16;

/// What a deployment that takes job tokens is told of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ci {
    /// Whose job tokens count.
    pub issuers: Issuers,
    /// The audiences that they may be made for: [`urls`](Self::urls) and what is below them, and
    /// `chainloop` where [`control_plane`](Self::control_plane) says so.
    pub audiences: Audiences,
    /// The gateway's URLs, without a slash at the end; at least one.
    pub urls: Vec<String>,
    /// What becomes of job tokens for the audience `chainloop`.
    pub control_plane: ControlPlane,
}

impl Ci {
    /// The organization that job tokens for `chainloop` are for, where the configuration says it.
    pub fn fixed(&self) -> Option<&Label> {
        match &self.control_plane {
            ControlPlane::Fixed(organization) => Some(organization),
            ControlPlane::Refused | ControlPlane::Named => None,
        }
    }
}

/// What becomes of job tokens for the audience `chainloop`, which the control plane's own command
/// line asks for (`CI_CONTROL_PLANE_AUDIENCE`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlPlane {
    /// They are refused.
    Refused,
    /// They count, and the request names the organization.
    Named,
    /// They count for this organization alone.
    Fixed(Label),
}

/// Reads the three variables.
pub(super) fn read(
    text: impl Fn(&str) -> Option<String>,
    problems: &mut Vec<String>,
) -> Option<Ci> {
    let loopback = match text("ENVIRONMENT").as_deref() {
        Some("production") => Loopback::Refused,
        _ => Loopback::Allowed,
    };
    let (issuers, audiences) = (text("CI_ISSUERS"), text("CI_AUDIENCES"));
    let control = control_plane(text("CI_CONTROL_PLANE_AUDIENCE"), problems);
    match (&issuers, &audiences) {
        (None, None) | (Some(_), Some(_)) => {}
        (Some(_), None) => problems.push(
            "CI_AUDIENCES is not set although CI_ISSUERS is: give the URL that the gateway is called \
             by, such as `https://gate.example`"
                .into(),
        ),
        (None, Some(_)) => problems.push(
            "CI_ISSUERS is not set although CI_AUDIENCES is: give `github`, `gitlab` or the https \
             URL of another issuer, or remove CI_AUDIENCES"
                .into(),
        ),
    }
    if issuers.is_none()
        && control
            .as_ref()
            .is_some_and(|c| *c != ControlPlane::Refused)
    {
        problems.push(
            "CI_CONTROL_PLANE_AUDIENCE is set although CI_ISSUERS is not: set that too, or remove \
             this one"
                .into(),
        );
    }
    let issuers = issuers.map(|list| self::issuers(&list, loopback));
    let urls = audiences.map(|list| urls(&list, loopback));
    let mut value = |problem: String| problems.push(problem);
    let issuers = issuers.and_then(|read| read.map_err(&mut value).ok());
    let urls = urls.and_then(|read| read.map_err(&mut value).ok());
    let (issuers, urls, control_plane) = (issuers?, urls?, control?);
    let takes = control_plane != ControlPlane::Refused;
    match Audiences::new(urls.iter().cloned(), takes) {
        Ok(audiences) => Some(Ci {
            issuers,
            audiences,
            urls,
            control_plane,
        }),
        Err(error) => {
            problems.push(format!("CI_AUDIENCES {error}"));
            None
        }
    }
}

fn control_plane(text: Option<String>, problems: &mut Vec<String>) -> Option<ControlPlane> {
    match text.as_deref().map(str::trim) {
        None | Some("off") => Some(ControlPlane::Refused),
        Some("named") => Some(ControlPlane::Named),
        Some(name) => match Label::parse(name) {
            Ok(name) => Some(ControlPlane::Fixed(name)),
            Err(_) => {
                problems.push(
                    "CI_CONTROL_PLANE_AUDIENCE must be `off`, `named`, or the name of one \
                     organization"
                        .into(),
                );
                None
            }
        },
    }
}

fn issuers(list: &str, loopback: Loopback) -> Result<Issuers, String> {
    Issuers::parse(list.trim(), loopback).map_err(|(place, error)| {
        let elsewhere = || Issuers::parse(list.trim(), Loopback::Allowed);
        match error {
            IssuerError::Twice | IssuerError::TooMany => format!("CI_ISSUERS {error}"),
            IssuerError::NotHttps if elsewhere().is_ok() => format!(
                "CI_ISSUERS{} is on this machine although ENVIRONMENT is `production`: give an issuer \
                 that everybody can ask",
                entry(place, list)
            ),
            _ => format!("CI_ISSUERS{} {error}", entry(place, list)),
        }
    })
}

/// Which one of a list is meant; nothing where there is one.
fn entry(place: usize, list: &str) -> String {
    match list.contains(',') {
        true => format!(", entry {place}"),
        false => String::new(),
    }
}

/// The gateway's URLs. Tokens are compared with them byte by byte, so a URL that clients write
/// otherwise is refused, not repaired.
fn urls(list: &str, loopback: Loopback) -> Result<Vec<String>, String> {
    let mut urls: Vec<String> = Vec::new();
    for (place, url) in (1..).zip(list.split(',')) {
        let url = url.trim();
        let checked = check(url, loopback).and_then(|()| match urls.iter().any(|one| one == url) {
            true => Err("is there twice"),
            false => Ok(()),
        });
        checked.map_err(|problem| format!("CI_AUDIENCES{} {problem}", entry(place, list)))?;
        if urls.len() == MAX_URLS {
            return Err(format!("CI_AUDIENCES has more than {MAX_URLS} URLs"));
        }
        urls.push(url.to_owned());
    }
    Ok(urls)
}

fn check(url: &str, loopback: Loopback) -> Result<(), &'static str> {
    const NO_URL: &str = "must begin with https://, as the gateway is called";
    let (rest, default_port) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, ":443"),
        (None, Some(rest)) => (rest, ":80"),
        (None, None) => return Err(NO_URL),
    };
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    if url.starts_with("http://") {
        let host = authority.split(':').next().unwrap_or_default();
        match (["127.0.0.1", "localhost"].contains(&host), loopback) {
            (true, Loopback::Allowed) => {}
            (true, Loopback::Refused) => {
                return Err(
                    "leads to this machine although ENVIRONMENT is `production`: give the \
                            URL that the gateway is called by",
                );
            }
            (false, _) => return Err(NO_URL),
        }
    }
    let host_character =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b);
    let path_character = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    if url.ends_with('/') {
        return Err("must have no slash at its end");
    }
    if authority.is_empty()
        || authority.ends_with(default_port)
        || !authority.bytes().all(host_character)
        || rest.contains("//")
        || !rest.bytes().skip(authority.len()).all(path_character)
    {
        return Err(
            "must be scheme, host and perhaps a path, as clients write them: host in lower case, no \
             default port, no user, query or fragment",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
