//! The configuration file: values for one gateway, and profiles with values for others. A profile
//! stands alone: no value of another gateway fills its gaps, a credential least of all.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Environment, trimmed, variable};
use crate::fail::{Failure, Kind, Outcome};
use crate::files;
use crate::nearest::did_you_mean;

/// Longest configuration file, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// What the configuration file may hold.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configured {
    url: Option<String>,
    token: Option<String>,
    organization: Option<String>,
    headers: Option<String>,
    ca: Option<PathBuf>,
    #[serde(default)]
    profile: BTreeMap<String, Values>,
}

/// Values for one gateway.
#[derive(Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// The gateway.
    pub url: Option<String>,
    /// The credential.
    pub token: Option<String>,
    /// The organization.
    pub organization: Option<String>,
    /// Headers for what stands in front.
    pub headers: Option<String>,
    /// The only roots.
    pub ca: Option<PathBuf>,
}

impl Configured {
    /// The values that count: of the profile that a flag names, else of the one in
    /// `POSTERN_PROFILE`, else those of no profile.
    ///
    /// # Errors
    /// `Configuration` for a profile that does not exist.
    pub fn chosen(self, flag: Option<&str>, environment: Environment<'_>) -> Outcome<Chosen> {
        let (values, place) = match (flag, variable(environment, "POSTERN_PROFILE")?) {
            (Some(name), _) => (self.named(name)?, Place::ProfileOfFlag),
            (None, Some(name)) => (self.named(trimmed(&name))?, Place::ProfileOfVariable),
            (None, None) => (self.unnamed(), Place::NoProfile),
        };
        Ok(Chosen { values, place })
    }

    fn named(&self, name: &str) -> Outcome<Values> {
        self.profile.get(name).cloned().ok_or_else(|| {
            let message = format!("the configuration file has no profile `{name}`");
            let near = did_you_mean(name, self.profile.keys().map(String::as_str));
            let hint = near.unwrap_or_else(|| "see what there is: postern profile list".to_owned());
            Failure::new(Kind::Configuration, message).hint(hint)
        })
    }

    fn unnamed(self) -> Values {
        Values {
            url: self.url,
            token: self.token,
            organization: self.organization,
            headers: self.headers,
            ca: self.ca,
        }
    }
}

/// Where in the file the values stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a profile that a flag names: they count before the environment.
    ProfileOfFlag,
    /// In the profile of `POSTERN_PROFILE`: they count behind the environment.
    ProfileOfVariable,
    /// Outside of profiles: behind the environment too.
    NoProfile,
}

/// The values of one place.
pub struct Chosen {
    /// What stands there.
    pub values: Values,
    /// Where that is.
    pub place: Place,
}

impl Chosen {
    /// What a flag gives, else this place or the environment, in their order.
    ///
    /// # Errors
    /// `Configuration` for a variable that is not UTF-8.
    pub fn of(
        &self,
        flag: Option<&String>,
        environment: Environment<'_>,
        name: &str,
        value: fn(&Values) -> &Option<String>,
    ) -> Outcome<Option<String>> {
        let own = value(&self.values).clone();
        if flag.is_some() {
            return Ok(flag.cloned());
        }
        if self.place == Place::ProfileOfFlag && own.is_some() {
            return Ok(own);
        }
        Ok(variable(environment, name)?.or(own))
    }

    /// Whether the gateway's address is that of a profile, and neither a flag's nor a variable's.
    ///
    /// # Errors
    /// `Configuration` for a variable that is not UTF-8.
    pub fn profile_gives_url(
        &self,
        flag: Option<&String>,
        environment: Environment<'_>,
    ) -> Outcome<bool> {
        let is_before = match self.place {
            Place::NoProfile => return Ok(false),
            Place::ProfileOfFlag => true,
            Place::ProfileOfVariable => variable(environment, "POSTERN_URL")?.is_none(),
        };
        Ok(flag.is_none() && self.values.url.is_some() && is_before)
    }
}

/// A profile as it is listed.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name; none for the values outside of profiles.
    pub name: Option<String>,
    /// The gateway.
    pub url: Option<String>,
    /// The organization.
    pub organization: Option<String>,
    /// Whether it has a credential.
    pub has_token: bool,
    /// Whether it is the one that commands use now.
    pub is_chosen: bool,
}

/// All profiles of the file, the values outside of them first.
///
/// # Errors
/// As reading the file; and `Configuration` for a chosen one that does not exist.
pub fn profiles(flag: Option<&str>, environment: Environment<'_>) -> Outcome<Vec<Profile>> {
    let configured = read(environment)?;
    let of_variable = variable(environment, "POSTERN_PROFILE")?;
    let chosen = flag.or(of_variable.as_deref().map(trimmed));
    if let Some(name) = chosen {
        configured.named(name)?;
    }
    let listed = |name: Option<&str>, values: &Values| Profile {
        name: name.map(str::to_owned),
        url: values.url.clone(),
        organization: values.organization.clone(),
        has_token: values.token.is_some(),
        is_chosen: chosen == name,
    };
    let mut all: Vec<Profile> = configured
        .profile
        .iter()
        .map(|(name, values)| listed(Some(name), values))
        .collect();
    let unnamed = configured.unnamed();
    if unnamed.url.is_some() || unnamed.token.is_some() {
        all.insert(0, listed(None, &unnamed));
    }
    Ok(all)
}

/// Where the configuration file is, whether it exists or not.
pub(super) fn path(environment: Environment<'_>) -> Option<PathBuf> {
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

/// Reads the file; an empty one where there is none.
///
/// # Errors
/// `Configuration` for a file that cannot be read, that others may use, or that has unknown keys.
pub fn read(environment: Environment<'_>) -> Outcome<Configured> {
    let Some(path) = path(environment) else {
        return Ok(Configured::default());
    };
    let wrong = |why: &dyn std::fmt::Display| {
        let message = format!("the configuration file {}: {why}", path.display());
        Failure::new(Kind::Configuration, message)
    };
    let file = match files::open_regular(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Configured::default());
        }
        Err(error) => return Err(wrong(&error)),
    };
    // Of the open file, so that it cannot be another one by the time it is read.
    let about = file.metadata().map_err(|error| wrong(&error))?;
    if files::is_open_to_others(&about) {
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
