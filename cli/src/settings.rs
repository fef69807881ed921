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

use file::Values;
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
        Self::find_in(flags, &|name| std::env::var_os(name))
    }

    fn find_in(flags: &Flags, environment: Environment<'_>) -> Outcome<Self> {
        let (named, file) =
            file::read(environment)?.chosen(flags.profile.as_deref(), environment)?;
        let of = |flag: &Option<String>, name: &str, value: fn(&Values) -> &Option<String>| {
            let given = flag.clone().or_else(|| value(&named).clone());
            let variable = given.map_or_else(|| variable(environment, name), |text| Ok(Some(text)));
            Ok::<_, Failure>(variable?.or_else(|| value(&file).clone()))
        };
        let url = of(&flags.url, "POSTERN_URL", |values| &values.url)?.ok_or_else(no_gateway)?;
        let url = trimmed(&url).to_owned();
        let token = of(&flags.token, "POSTERN_TOKEN", |values| &values.token)?;
        let organization = of(&flags.organization, "POSTERN_ORGANIZATION", |values| {
            &values.organization
        })?;
        let headers = of(&None, "POSTERN_HEADERS", |values| &values.headers)?;
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
            gateway: Gateway::parse(&url, flags.insecure_http)?,
            authorization,
            organization: organization.transpose()?,
            headers: headers.transpose()?.unwrap_or_default(),
            ca: flags.ca.clone().or(named.ca).or(file.ca),
            timeout: Duration::from_secs(flags.timeout),
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
    let (named, file) = file::read(&environment)?.chosen(profile, &environment)?;
    let url = match named.url {
        Some(url) => Some(url),
        None => variable(&environment, "POSTERN_URL")?.or(file.url),
    };
    let url = url.ok_or_else(no_gateway)?;
    Ok((trimmed(&url).to_owned(), ca.or(named.ca).or(file.ca)))
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
