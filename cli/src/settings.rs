//! Where a command finds the gateway and its credential: flags, then the environment, then the
//! configuration file, or a profile of it. A file that others can read is refused, and a value that
//! was given is used or refused, never replaced by a default.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::address::Gateway;
use crate::fail::{Failure, Kind, Outcome};

mod file;
mod headers;

use file::{Chosen, Values};
pub use file::{Profile, profiles};

/// Flags of every command that calls the gateway, before or after its name.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Global options, before or after the command")]
pub struct Flags {
    /// The gateway. Default: POSTERN_URL, or `url` in the configuration file
    #[arg(long, value_name = "URL", global = true)]
    pub url: Option<String>,

    /// The credential. Prefer POSTERN_TOKEN or the configuration file: other users can see flags
    #[arg(long, value_name = "TOKEN", global = true)]
    pub token: Option<String>,

    /// The organization, for an administrator key. Default: POSTERN_ORGANIZATION, or `organization`
    /// in the configuration file
    #[arg(long, value_name = "NAME", global = true)]
    pub organization: Option<String>,

    /// The profile of the configuration file to use, before any variable. Default: POSTERN_PROFILE
    #[arg(long, value_name = "NAME", global = true)]
    pub profile: Option<String>,

    /// Trust only the certificates of this PEM file, instead of the public authorities
    #[arg(long, value_name = "FILE", global = true)]
    pub ca: Option<PathBuf>,

    /// Allow http:// to a gateway on another machine: the token then travels unencrypted
    #[arg(long, global = true)]
    pub insecure_http: bool,

    /// Timeout for an answer, in seconds
    #[arg(long, value_name = "SECONDS", global = true, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
}

/// What a command works with.
pub struct Settings {
    /// Where the gateway is.
    pub gateway: Gateway,
    /// `Bearer` and the credential.
    pub authorization: Option<HeaderValue>,
    /// The organization that an administrator key acts in.
    pub organization: Option<HeaderValue>,
    /// Headers for a proxy or login in front of the gateway.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The only roots, if not the public ones.
    pub ca: Option<PathBuf>,
    /// Longest time for an answer.
    pub timeout: Duration,
    /// Why a credential that was given is not used, where there is no other.
    pub withheld: Option<String>,
}

/// The environment, as it can be asked for by name.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// Shortest credential that a gateway takes, in characters: an administrator key has as many.
const MIN_CREDENTIAL: usize = 32;

impl Flags {
    /// Refuses `--token` for what can only be the name of a token: it is the credential everywhere,
    /// and a name would be sent as one.
    ///
    /// # Errors
    /// `Usage`, with the way to name a token.
    pub fn token_is_credential(&self, command: &str) -> Outcome {
        match &self.token {
            Some(token) if trimmed(token).len() < MIN_CREDENTIAL => {
                let message = "--token is the credential, and this is too short to be one";
                Err(Failure::new(Kind::Usage, message)
                    .hint(format!("name a token without a flag: {command} TOKEN")))
            }
            _ => Ok(()),
        }
    }
}

impl Settings {
    /// Finds everything, in the environment of this process.
    pub fn find(flags: &Flags) -> Outcome<Self> {
        Self::find_in(flags, None, &|name| std::env::var_os(name))
    }

    /// The same, for calls that a bridge at this address takes to the gateway.
    pub fn find_by_bridge(flags: &Flags, bridge: &str) -> Outcome<Self> {
        Self::find_in(flags, Some(bridge), &|name| std::env::var_os(name))
    }

    fn find_in(flags: &Flags, bridge: Option<&str>, environment: Environment<'_>) -> Outcome<Self> {
        let chosen = file::read(environment)?.chosen(flags.profile.as_deref(), environment)?;
        let url = chosen.of(flags.url.as_ref(), environment, "POSTERN_URL", |v| &v.url)?;
        let url = url.or_else(|| bridge.map(str::to_owned));
        let url = trimmed(&url.ok_or_else(no_gateway)?).to_owned();
        // A gateway gets no other's credential: what stands beside a `url` in the file goes to that
        // gateway alone, and a gateway that a profile names gets nothing of the environment.
        let of_profile = chosen.profile_gives_url(flags.url.as_ref(), environment)?;
        let nothing = |_: &str| None;
        let used: Environment<'_> = match of_profile {
            true => &nothing,
            false => environment,
        };
        let (values, other) = apart(chosen.values, &url);
        let chosen = Chosen { values, ..chosen };
        let of = |flag: &Option<String>, name, value| chosen.of(flag.as_ref(), used, name, value);
        let token = of(&flags.token, "POSTERN_TOKEN", |v| &v.token)?;
        let organization = of(&flags.organization, "POSTERN_ORGANIZATION", |v| {
            &v.organization
        })?;
        let headers = of(&None, "POSTERN_HEADERS", |v| &v.headers)?;
        let withheld = match (&token, other) {
            (Some(_), _) => None,
            (None, Some(other)) => Some(format!(
                "the token in the configuration file is for {other}, and not sent to {url}"
            )),
            (None, None) if of_profile && variable(environment, "POSTERN_TOKEN")?.is_some() => {
                Some("POSTERN_TOKEN is not sent to the gateway of a profile".to_owned())
            }
            (None, None) => None,
        };
        let headers = headers.map(|text| headers::parse(trimmed(&text)));
        let authorization = token.map(|token| bearer(trimmed(&token))).transpose()?;
        let organization = organization.map(|name| {
            let name = trimmed(&name);
            let value = HeaderValue::try_from(name)
                .ok()
                .filter(|_| !name.is_empty());
            value.ok_or_else(|| {
                let message = format!("`{name}` cannot be the name of an organization");
                Failure::new(Kind::Usage, message).hint("see what there is: postern org list")
            })
        });
        Ok(Self {
            gateway: Gateway::parse(bridge.unwrap_or(&url), flags.insecure_http)?,
            authorization,
            organization: organization.transpose()?,
            headers: headers.transpose()?.unwrap_or_default(),
            ca: flags.ca.clone().or(chosen.values.ca),
            timeout: Duration::from_secs(flags.timeout),
            withheld,
        })
    }
}

/// The gateway and its only roots, for commands that need no credential of ours. The file is read
/// only where the gateway is not given.
pub fn gateway(url: Option<&str>, ca: Option<PathBuf>) -> Outcome<(String, Option<PathBuf>)> {
    gateway_of(url, ca, None)
}

/// The same, in a profile.
///
/// # Errors
/// As `Settings::find`.
pub fn gateway_of(
    url: Option<&str>,
    ca: Option<PathBuf>,
    profile: Option<&str>,
) -> Outcome<(String, Option<PathBuf>)> {
    if let Some(url) = url {
        return Ok((trimmed(url).to_owned(), ca));
    }
    let environment = |name: &str| std::env::var_os(name);
    let chosen = file::read(&environment)?.chosen(profile, &environment)?;
    let url = chosen.of(None, &environment, "POSTERN_URL", |v| &v.url)?;
    let url = url.ok_or_else(no_gateway)?;
    Ok((trimmed(&url).to_owned(), ca.or(chosen.values.ca)))
}

/// What of these values may go to this gateway, and whose the credential is that may not.
fn apart(values: Values, url: &str) -> (Values, Option<String>) {
    let gateway = |url: &str| Gateway::parse(trimmed(url), true).ok();
    match values.url.clone() {
        Some(own) if gateway(&own).is_none() || gateway(&own) != gateway(url) => {
            let other = values.token.is_some().then(|| trimmed(&own).to_owned());
            let ca = values.ca;
            let rest = Values {
                ca,
                ..Values::default()
            };
            (rest, other)
        }
        _ => (values, None),
    }
}

fn no_gateway() -> Failure {
    Failure::new(Kind::Configuration, "which gateway?")
        .hint("set POSTERN_URL, or `url` in ~/.config/postern/config.toml")
}

/// The header that carries a credential. It is never printed.
///
/// # Errors
/// `Credential` for what no header can carry.
pub fn bearer(token: &str) -> Outcome<HeaderValue> {
    let usable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let value = HeaderValue::try_from(format!("Bearer {token}")).ok();
    let Some(mut value) = value.filter(|_| usable) else {
        return Err(Failure::new(
            Kind::Credential,
            "the token is empty, or has characters that no token has",
        ));
    };
    value.set_sensitive(true);
    Ok(value)
}

/// A value without what an editor or a file of another system has left around it: blanks, the end
/// of a line, a byte order mark.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

/// A variable that is set to something more than blanks.
///
/// # Errors
/// `Configuration` for one that is not UTF-8.
pub fn variable(environment: Environment<'_>, name: &str) -> Outcome<Option<String>> {
    match environment(name).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text).filter(|text| !trimmed(text).is_empty())),
        Some(Err(_)) => {
            let message = format!("{name} is not UTF-8");
            Err(Failure::new(Kind::Configuration, message))
        }
    }
}

#[cfg(test)]
mod tests;
