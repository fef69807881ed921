//! Issuers of job tokens: GitHub and GitLab by name, others by their exact https URL.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest URL of an issuer, in bytes.
pub const MAX_ISSUER: usize = 255;
/// Most issuers of a deployment.
pub const MAX_ISSUERS: usize = 16;
const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GITLAB: &str = "https://gitlab.com";

/// Whose claims an issuer's tokens have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Forge {
    /// Those of GitHub Actions.
    GitHub,
    /// Those of GitLab CI.
    GitLab,
    /// Only those that every issuer has: a job is known by its exact subject.
    Other,
}

impl Forge {
    /// The word in front of an issuer's URL; empty for an issuer of no forge.
    pub fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Other => "",
        }
    }
}

/// Whether an issuer may be this machine, over plain http. Only development does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loopback {
    /// It may not.
    Refused,
    /// It may.
    Allowed,
}

/// An issuer of job tokens. Two with the same URL are the same, and a URL with a slash at its end is
/// another one than that without.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issuer {
    forge: Forge,
    url: String,
}

/// Why a text is no issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerError {
    /// It is empty.
    Empty,
    /// The URL is too long.
    TooLong,
    /// Something else than `github`, `gitlab` or nothing stands in front of `=`.
    UnknownForge,
    /// It is no https URL.
    NotHttps,
    /// The URL has a character that it must not have, a user, a query or a fragment.
    Characters,
    /// The URL is not written as the issuer writes it: host in lower case, no default port, no `.`, `..`
    /// or empty part in its path.
    NotCanonical,
    /// It is an issuer of GitHub or GitLab without the word in front: its tokens would be read by `sub`.
    ForgeUnnamed,
    /// The same URL is there twice.
    Twice,
    /// There are too many.
    TooMany,
}

impl fmt::Display for IssuerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("has no issuer: write `github`, `gitlab` or an https URL"),
            Self::TooLong => write!(f, "has a URL of more than {MAX_ISSUER} characters"),
            Self::UnknownForge => f.write_str(
                "begins with another word than `github=` or `gitlab=`: write the URL alone for other issuers",
            ),
            Self::NotHttps => f.write_str("is no URL that begins with `https://`"),
            Self::Characters => f.write_str(
                "has a URL with characters other than visible ASCII, or with a user, a query or a fragment",
            ),
            Self::NotCanonical => f.write_str(
                "has a URL that no issuer writes so: host in lower case, without `:443`, without `//`, \
                 `.` or `..` in its path",
            ),
            Self::ForgeUnnamed => f.write_str(
                "is an issuer of GitHub or GitLab: write `github`, `gitlab`, or `github=` or `gitlab=` in front of its URL",
            ),
            Self::Twice => f.write_str("has the same URL twice"),
            Self::TooMany => write!(f, "has more than {MAX_ISSUERS} issuers"),
        }
    }
}

impl Issuer {
    /// Reads `github`, `gitlab`, `github=URL` for GitHub Enterprise, `gitlab=URL` for another GitLab, or
    /// the URL alone of any other issuer. What is not written as the issuer itself writes it is refused,
    /// not repaired: tokens are compared with it byte by byte.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str, loopback: Loopback) -> Result<Self, IssuerError> {
        let (forge, url) = match text {
            "" => return Err(IssuerError::Empty),
            "github" => (Forge::GitHub, GITHUB),
            "gitlab" => (Forge::GitLab, GITLAB),
            _ => match text.split_once('=') {
                Some(("github", url)) => (Forge::GitHub, url),
                Some(("gitlab", url)) => (Forge::GitLab, url),
                Some((word, _)) if !word.contains(':') => return Err(IssuerError::UnknownForge),
                _ => (Forge::Other, text),
            },
        };
        check_url(url, loopback)?;
        if forge == Forge::Other && is_of_a_forge(url) {
            return Err(IssuerError::ForgeUnnamed);
        }
        Ok(Self {
            forge,
            url: url.to_owned(),
        })
    }

    /// Whose claims its tokens have.
    pub fn forge(&self) -> Forge {
        self.forge
    }

    /// Its URL, as `iss` in its tokens must be.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL without its scheme and without a slash at its end, as GitLab begins `ci_config_ref_uri`.
    pub(super) fn place(&self) -> &str {
        let (_, place) = self.url.split_once("://").unwrap_or(("", &self.url));
        place.trim_end_matches('/')
    }

    /// Whether it is this machine, over plain http.
    pub fn is_loopback(&self) -> bool {
        self.url.starts_with("http://")
    }

    /// Where its discovery document is: a slash at the end of its URL is left out first (OpenID Connect
    /// Discovery 1.0, section 4.1).
    pub fn discovery_url(&self) -> String {
        let url = self.url.trim_end_matches('/');
        format!("{url}/.well-known/openid-configuration")
    }
}

/// Whether a URL is one that GitHub or GitLab signs as, also for one enterprise, under a host of its own
/// (`token.actions.acme.ghe.com`), and on GitHub Enterprise Server. The names in a `sub` of theirs can pass
/// to somebody else, so a rule must not go by it. A GitLab under another host cannot be told.
fn is_of_a_forge(url: &str) -> bool {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.split(':').next().unwrap_or_default();
    host == "gitlab.com"
        || host.starts_with("token.actions.")
        || format!("/{path}/").contains("/_services/token/")
}

fn check_url(url: &str, loopback: Loopback) -> Result<(), IssuerError> {
    if url.len() > MAX_ISSUER {
        return Err(IssuerError::TooLong);
    }
    let (rest, default_port) = match url.strip_prefix("https://") {
        Some(rest) => (rest, ":443"),
        None if loopback == Loopback::Allowed => {
            let rest = url.strip_prefix("http://").ok_or(IssuerError::NotHttps)?;
            let authority = rest.split('/').next().unwrap_or_default();
            let host = authority.split(':').next().unwrap_or_default();
            if !["127.0.0.1", "localhost"].contains(&host) {
                return Err(IssuerError::NotHttps);
            }
            (rest, ":80")
        }
        None => return Err(IssuerError::NotHttps),
    };
    let allowed = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}@?#%,".contains(&b);
    if !rest.bytes().all(allowed) {
        return Err(IssuerError::Characters);
    }
    let (authority, path) = rest
        .split_once('/')
        .map_or((rest, None), |(a, p)| (a, Some(p)));
    let host_character =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b);
    if authority.is_empty()
        || authority.starts_with(['.', ':', '-'])
        || authority.ends_with([':', '.'])
        || authority.ends_with(default_port)
        || !authority.bytes().all(host_character)
    {
        return Err(IssuerError::NotCanonical);
    }
    let parts = path.unwrap_or_default().trim_end_matches('/');
    let doubled = path.is_some_and(|path| path.ends_with("//") || path == "/");
    let wrong = |part: &str| ["", ".", ".."].contains(&part);
    if doubled || (!parts.is_empty() && parts.split('/').any(wrong)) {
        return Err(IssuerError::NotCanonical);
    }
    Ok(())
}

impl fmt::Display for Issuer {
    /// As [`Issuer::parse`] reads it, in its shortest form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.forge, self.url.as_str()) {
            (Forge::GitHub, GITHUB) | (Forge::GitLab, GITLAB) => f.write_str(self.forge.word()),
            (Forge::Other, url) => f.write_str(url),
            (forge, url) => write!(f, "{}={url}", forge.word()),
        }
    }
}

impl Serialize for Issuer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Issuer {
    /// An issuer as a store has it; it was one of the deployment when it was written down.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let issuer = Self::parse(&text, Loopback::Allowed);
        issuer.map_err(|error| de::Error::custom(format_args!("the issuer {error}")))
    }
}

/// The issuers of a deployment: at most [`MAX_ISSUERS`], no URL twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Issuers(Vec<Issuer>);

impl Issuers {
    /// Reads issuers with commas between them, and blanks around them.
    ///
    /// # Errors
    /// The place, from 1, of the first one that is wrong, and what is wrong with it.
    pub fn parse(text: &str, loopback: Loopback) -> Result<Self, (usize, IssuerError)> {
        let mut issuers: Vec<Issuer> = Vec::new();
        for (place, part) in (1..).zip(text.split(',')) {
            let issuer = Issuer::parse(part.trim_ascii(), loopback).map_err(|e| (place, e))?;
            if issuers.iter().any(|one| one.url == issuer.url) {
                return Err((place, IssuerError::Twice));
            }
            if issuers.len() == MAX_ISSUERS {
                return Err((place, IssuerError::TooMany));
            }
            issuers.push(issuer);
        }
        Ok(Self(issuers))
    }

    /// The issuer whose URL this is, byte by byte; what a token claims as `iss`.
    pub fn of_url(&self, url: &str) -> Option<&Issuer> {
        self.0.iter().find(|one| one.url == url)
    }

    /// The issuer of this name, as rules give it: its URL, or as the deployment's variable has it. The name of a
    /// forge alone means the only issuer of that forge, where there is one.
    pub fn named(&self, name: &str) -> Option<&Issuer> {
        let exact = |one: &&Issuer| one.url == name || one.to_string() == name;
        self.0.iter().find(exact).or_else(|| {
            let mut of_forge = self.0.iter().filter(|one| one.forge.word() == name);
            match (of_forge.next(), of_forge.next()) {
                (Some(only), None) if !name.is_empty() => Some(only),
                _ => None,
            }
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Issuer> {
        self.0.iter()
    }
}
