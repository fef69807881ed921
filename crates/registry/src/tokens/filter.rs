//! Which tokens a list shows (R19, R48): read from a query or a body, and refused where no token could
//! fit, because an empty list would look like an answer.

use super::TokenKinds;
use super::text::Search;
use crate::error::{Error, Result};
use postern_domain::id::{Id, ProjectId, TokenId};
use postern_domain::time::Timestamp;
use postern_domain::usage::MAX_DAYS;
use postern_wire::rfc3339;

/// Which tokens by state (R19). A token is active while neither revoked nor expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Neither revoked nor expired.
    Active,
    /// Revoked.
    Revoked,
    /// All of them.
    All,
}

/// Which tokens by scope level (R19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Tokens of the whole organization.
    Organization,
    /// Tokens of a project.
    Project,
    /// Tokens of a workflow.
    Workflow,
}

/// Which tokens a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFilter {
    /// Which ones, by status.
    pub status: Status,
    /// Which ones, by scope.
    pub level: Option<Level>,
    /// Tokens of this project.
    pub project: Option<ProjectId>,
    /// Tokens that this one minted.
    pub minted_by: Option<TokenId>,
    /// Whether system tokens are among them.
    pub include_system: bool,
    /// Of how many days the uses are shown, today among them; 0 = of none.
    pub uses_days: u32,
    /// What people call them.
    pub search: Option<Search>,
    /// Active tokens that expire before this moment, the next to expire first.
    pub expires_before: Option<Timestamp>,
    /// Only tokens without an expiry.
    pub never_expires: bool,
    /// Only tokens that are older than this moment and were not used since.
    pub unused_since: Option<Timestamp>,
    /// Only quarantined tokens.
    pub quarantined: bool,
    /// Only tokens that are younger than this moment.
    pub created_after: Option<Timestamp>,
    /// Tokens that the caller may not manage are not there (R16).
    pub reach: TokenKinds,
    /// The moment that decides what has expired.
    pub now: Timestamp,
}

impl TokenFilter {
    /// All tokens that this reach has, in every state.
    pub fn all(reach: TokenKinds, now: Timestamp) -> Self {
        Self {
            status: Status::All,
            level: None,
            project: None,
            minted_by: None,
            include_system: reach.system_tokens,
            uses_days: 0,
            search: None,
            expires_before: None,
            never_expires: false,
            unused_since: None,
            quarantined: false,
            created_after: None,
            reach,
            now,
        }
    }

    /// The filter for a caller: system tokens only where it reaches them.
    pub(super) fn within(self, reach: TokenKinds) -> Self {
        Self {
            include_system: self.include_system && reach.system_tokens,
            reach,
            ..self
        }
    }
}

/// The filters of a list as texts, each as it stands in a query.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// `active`, `revoked` or `all`.
    pub status: Option<&'a str>,
    /// A level.
    pub scope: Option<&'a str>,
    /// By name or id.
    pub project: Option<&'a str>,
    /// An id.
    pub minted_by: Option<&'a str>,
    /// `true` or `false`.
    pub include_system: Option<&'a str>,
    /// A number of days.
    pub uses_days: Option<&'a str>,
    /// A moment.
    pub expires_before: Option<&'a str>,
    /// `true` or `false`.
    pub never_expires: Option<&'a str>,
    /// A moment.
    pub unused_since: Option<&'a str>,
    /// `true` or `false`.
    pub quarantined: Option<&'a str>,
    /// A moment.
    pub created_after: Option<&'a str>,
}

/// A list as a query asks for it: the project has yet to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenQuery {
    pub(super) filter: TokenFilter,
    /// By name or id.
    pub(super) project: Option<String>,
    /// The same list by words alone, where the ids that are searched for find nothing.
    pub(super) instead: Option<Box<TokenQuery>>,
}

impl TokenQuery {
    /// Reads the filters; as yet they reach nothing.
    ///
    /// # Errors
    /// `Invalid` naming the choices.
    pub fn parse(asked: Asked<'_>, now: Timestamp) -> Result<Self> {
        let status = match asked.status {
            None | Some("active") => Status::Active,
            Some("revoked") => Status::Revoked,
            Some("all") => Status::All,
            Some(_) => {
                return Err(Error::invalid(
                    "status_invalid",
                    "`status` must be `active`, `revoked` or `all`",
                ));
            }
        };
        let level = match asked.scope {
            None => None,
            Some("organization") => Some(Level::Organization),
            Some("project") => Some(Level::Project),
            Some("workflow") => Some(Level::Workflow),
            Some(_) => {
                return Err(Error::invalid(
                    "scope_invalid",
                    "`scope` must be `organization`, `project` or `workflow`",
                ));
            }
        };
        let include_system = truth(asked.include_system).ok_or_else(|| {
            Error::invalid(
                "include_system_invalid",
                "`include_system` must be `true` or `false`",
            )
        })?;
        let uses_days = match asked.uses_days.map(str::parse) {
            None => 0,
            Some(Ok(days)) if (1..=MAX_DAYS).contains(&days) => days,
            Some(_) => {
                return Err(Error::invalid(
                    "uses_days_invalid",
                    format!("`uses_days` must be 1 to {MAX_DAYS}"),
                ));
            }
        };
        let minted_by = asked.minted_by.map(Id::parse).transpose().map_err(|_| {
            Error::invalid("minted_by_invalid", "`minted_by` must be the id of a token")
        })?;
        let nobody = TokenKinds {
            organization_tokens: false,
            project_tokens: false,
            system_tokens: false,
        };
        let filter = TokenFilter {
            status,
            level,
            minted_by,
            include_system,
            uses_days,
            expires_before: moment("expires_before", asked.expires_before)?,
            never_expires: flag("never_expires", asked.never_expires)?,
            unused_since: moment("unused_since", asked.unused_since)?,
            quarantined: flag("quarantined", asked.quarantined)?,
            created_after: moment("created_after", asked.created_after)?,
            ..TokenFilter::all(nobody, now)
        };
        if filter.expires_before.is_some() && (filter.never_expires || status != Status::Active) {
            return Err(Error::invalid(
                "filter_invalid",
                "`expires_before` is for active tokens that expire: leave `status` and \
                 `never_expires` out",
            ));
        }
        Ok(Self {
            filter,
            project: asked.project.map(str::to_owned),
            instead: None,
        })
    }

    /// The same list, of what is searched for.
    pub fn of(mut self, search: Search) -> Self {
        self.instead = search
            .instead()
            .map(|words| Box::new(self.clone().of(words)));
        // An id names one token, which is shown whatever has become of it.
        if search.names_one() {
            let reach = self.filter.reach;
            self.project = None;
            self.filter = TokenFilter {
                uses_days: self.filter.uses_days,
                include_system: true,
                ..TokenFilter::all(reach, self.filter.now)
            };
        }
        self.filter.search = Some(search);
        self
    }
}

fn truth(text: Option<&str>) -> Option<bool> {
    match text {
        None | Some("false") => Some(false),
        Some("true") => Some(true),
        Some(_) => None,
    }
}

fn flag(name: &str, text: Option<&str>) -> Result<bool> {
    truth(text).ok_or_else(|| {
        Error::invalid(
            "filter_invalid",
            format!("`{name}` must be `true` or `false`"),
        )
    })
}

fn moment(name: &str, text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(|text| {
        rfc3339::parse(text).ok_or_else(|| {
            Error::invalid(
                "moment_invalid",
                format!("`{name}` must be an RFC 3339 moment such as `2030-01-31T12:00:00Z`"),
            )
        })
    })
    .transpose()
}
