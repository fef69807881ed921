//! Where a command finds the gateway and its credential: flags, then the environment, then the
//! configuration file. A file that others can read is refused, and a value that was given is used
//! or refused, never replaced by a default.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use crate::address::Gateway;
use crate::fail::{Failure, Kind, Outcome};

mod headers;

/// Longest configuration file, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// Flags of every command that calls the gateway.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Gateway")]
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

/// What the configuration file may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configured {
    url: Option<String>,
    token: Option<String>,
    organization: Option<String>,
    headers: Option<String>,
    ca: Option<PathBuf>,
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

impl Settings {
    /// Finds everything, in the environment of this process.
    pub fn find(flags: &Flags) -> Outcome<Self> {
        Self::find_in(flags, &|name| std::env::var_os(name))
    }

    fn find_in(flags: &Flags, environment: Environment<'_>) -> Outcome<Self> {
        let file = configured(environment)?;
        let of = |flag: &Option<String>, name: &str, configured: Option<String>| {
            let flag = flag.clone();
            let variable = flag.map_or_else(|| variable(environment, name), |text| Ok(Some(text)));
            Ok::<_, Failure>(variable?.or(configured))
        };
        let url = of(&flags.url, "POSTERN_URL", file.url)?.ok_or_else(no_gateway)?;
        let url = trimmed(&url).to_owned();
        let token = of(&flags.token, "POSTERN_TOKEN", file.token)?;
        let organization = of(
            &flags.organization,
            "POSTERN_ORGANIZATION",
            file.organization,
        )?;
        let headers = variable(environment, "POSTERN_HEADERS")?.or(file.headers);
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
            ca: flags.ca.clone().or(file.ca),
            timeout: Duration::from_secs(flags.timeout),
        })
    }
}

/// The gateway and its only roots, for commands that need no credential of ours. The file is read
/// only where the gateway is not given.
pub fn gateway(url: Option<&str>, ca: Option<PathBuf>) -> Outcome<(String, Option<PathBuf>)> {
    if let Some(url) = url {
        return Ok((trimmed(url).to_owned(), ca));
    }
    let environment = |name: &str| std::env::var_os(name);
    let file = configured(&environment)?;
    let url = variable(&environment, "POSTERN_URL")?.or(file.url);
    let url = url.ok_or_else(no_gateway)?;
    Ok((trimmed(&url).to_owned(), ca.or(file.ca)))
}

fn no_gateway() -> Failure {
    Failure::new(Kind::Configuration, "which gateway?")
        .hint("set POSTERN_URL, or `url` in ~/.config/postern/config.toml")
}

fn bearer(token: &str) -> Outcome<HeaderValue> {
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

/// Where the configuration file is, whether it exists or not.
fn path(environment: Environment<'_>) -> Option<PathBuf> {
    let folder = environment("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        // Relative ones are to be ignored (XDG Base Directory Specification).
        .filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| {
        let home = environment("HOME").filter(|home| !home.is_empty())?;
        Some(PathBuf::from(home).join(".config"))
    });
    Some(folder?.join("postern/config.toml"))
}

fn configured(environment: Environment<'_>) -> Outcome<Configured> {
    let Some(path) = path(environment) else {
        return Ok(Configured::default());
    };
    let wrong = |why: &dyn std::fmt::Display| {
        let message = format!("the configuration file {}: {why}", path.display());
        Failure::new(Kind::Configuration, message)
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Configured::default());
        }
        Err(error) => return Err(wrong(&error)),
    };
    // Of the open file, so that it cannot be another one by the time it is read.
    let about = file.metadata().map_err(|error| wrong(&error))?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(
            wrong(&"others than its owner may use it, and it can hold a token")
                .hint(format!("chmod 600 {}", path.display())),
        );
    }
    let mut text = String::new();
    file.take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(|error| wrong(&error))?;
    // The message without the line that it is about: that may hold the token.
    toml::from_str(&text).map_err(|error| wrong(&error.message()))
}

#[cfg(test)]
mod tests;
