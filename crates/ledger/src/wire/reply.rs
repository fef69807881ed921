//! What a Ledger answers: the statuses, and the JSON of those that have a body.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use postern_domain::standing::Inactive;

use super::Misread;
use crate::Admission;
use crate::done::Stop;

/// The release that both ends say they are of.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The answer is the usual one, and has no body.
const USUAL: u16 = 204;
/// The answer is in the body.
const ANSWERED: u16 = 200;
/// The actor is not active; the body says why.
const INACTIVE: u16 = 401;
/// There is no call, or no command, of this name in this release; the body says more.
const UNKNOWN: u16 = 404;
/// This release cannot read the call; the body says more.
const MALFORMED: u16 = 400;
/// The name that the call came by is another organization's.
const MISDIRECTED: u16 = 421;
/// The Ledger is being rebuilt. To an earlier release a failure like any other.
const REBUILDING: u16 = 503;
/// The organization is paused. To an earlier release a failure like any other.
const PAUSED: u16 = 423;

/// An answer, before it is the platform's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON; empty where the status says all.
    pub body: String,
}

/// Why a reply is not the expected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The actor is not active.
    Inactive(Inactive),
    /// The name that the call came by is another organization's.
    Misdirected,
    /// The Ledger is being rebuilt.
    Rebuilding,
    /// The organization is paused.
    Paused,
    /// It has no call or command of this name: it is of another release. Why, for the log.
    NotKnown(String),
    /// Anything else: a failure, which is never a yes.
    Failed(String),
}

impl Reply {
    /// The usual answer.
    pub fn usual() -> Self {
        Self {
            status: USUAL,
            body: String::new(),
        }
    }

    /// An answer in the body.
    ///
    /// # Errors
    /// When it does not serialize.
    pub fn answer(answer: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self {
            status: ANSWERED,
            body: serde_json::to_string(answer)?,
        })
    }

    /// The answer to [`Call::Admit`](super::Call::Admit): that a token lives, and nothing else, has no body.
    ///
    /// # Errors
    /// When it does not serialize.
    pub fn admission(admission: &Admission) -> serde_json::Result<Self> {
        match *admission == Admission::LIVE {
            true => Ok(Self::usual()),
            false => Self::answer(admission),
        }
    }

    /// The answer to [`Call::Confirm`](super::Call::Confirm): whether the name is known to be the organization's, or nothing
    /// was written yet. The status says it.
    pub fn confirmation(known: bool) -> Self {
        match known {
            true => Self {
                status: ANSWERED,
                body: "known".to_owned(),
            },
            false => Self::usual(),
        }
    }

    /// The answer to a call that was not carried out. A failure of the database has no answer.
    ///
    /// # Errors
    /// What failed.
    pub fn stop(stop: &Stop) -> Result<Self, String> {
        match stop {
            Stop::Inactive(why) => Ok(Self {
                status: INACTIVE,
                body: serde_json::to_string(why).map_err(|error| error.to_string())?,
            }),
            Stop::Misdirected => Ok(Self {
                status: MISDIRECTED,
                body: String::new(),
            }),
            Stop::Rebuilding => Ok(Self {
                status: REBUILDING,
                body: String::new(),
            }),
            Stop::Paused => Ok(Self {
                status: PAUSED,
                body: String::new(),
            }),
            Stop::Failed(error) => Err(error.to_string()),
        }
    }

    /// The answer to a request that is no call.
    pub fn misread(misread: Misread) -> Self {
        match misread {
            Misread::Unknown => Self::unread_with(UNKNOWN, "no such question".to_owned()),
            Misread::Malformed => Self::unread_with(
                MALFORMED,
                "a part of a question that it cannot read".to_owned(),
            ),
        }
    }

    /// The answer to a command of a name that no command has.
    pub fn unknown(name: &str) -> Self {
        Self::unread_with(UNKNOWN, format!("no command `{name}`"))
    }

    /// The answer to a command of that name that cannot be read.
    pub fn malformed(name: &str, error: &serde_json::Error) -> Self {
        Self::unread_with(MALFORMED, format!("command `{name}`: {error}"))
    }

    fn unread_with(status: u16, cause: String) -> Self {
        let release = RELEASE.to_owned();
        let unread = Unread { release, cause };
        Self {
            status,
            // It has two texts, which serialize.
            body: serde_json::to_string(&unread).unwrap_or_default(),
        }
    }

    /// Reads the answer to a command or a question.
    ///
    /// # Errors
    /// See [`Unanswered`].
    pub fn read<A: DeserializeOwned>(&self) -> Result<A, Unanswered> {
        match self.status {
            ANSWERED => self.json(),
            _ => Err(self.unanswered()),
        }
    }

    /// Reads the answer to a call whose usual answer has no body; `None` is that.
    ///
    /// # Errors
    /// See [`Unanswered`].
    pub fn read_unless_usual<A: DeserializeOwned>(&self) -> Result<Option<A>, Unanswered> {
        match self.status {
            USUAL => Ok(None),
            _ => self.read().map(Some),
        }
    }

    /// Reads the answer to [`Call::Confirm`](super::Call::Confirm).
    ///
    /// # Errors
    /// See [`Unanswered`].
    pub fn read_confirmation(&self) -> Result<bool, Unanswered> {
        match self.status {
            ANSWERED => Ok(true),
            USUAL => Ok(false),
            _ => Err(self.unanswered()),
        }
    }

    fn unanswered(&self) -> Unanswered {
        match self.status {
            INACTIVE => self
                .json()
                .map_or_else(|failed| failed, Unanswered::Inactive),
            MISDIRECTED => Unanswered::Misdirected,
            REBUILDING => Unanswered::Rebuilding,
            PAUSED => Unanswered::Paused,
            UNKNOWN => Unanswered::NotKnown(self.unread()),
            MALFORMED => Unanswered::Failed(self.unread()),
            status => Unanswered::Failed(format!("status {status}")),
        }
    }

    /// What a Ledger that has not understood a call says of itself and of the call.
    fn unread(&self) -> String {
        let (theirs, cause) = match serde_json::from_str(&self.body) {
            Ok(Unread { release, cause }) => (format!("release {release}"), cause),
            // 0.1.0 does not say.
            Err(_) => (
                "another release".to_owned(),
                format!("status {}", self.status),
            ),
        };
        format!(
            "a Ledger of {theirs} does not understand this gateway, which is of release {RELEASE}: {cause}"
        )
    }

    fn json<A: DeserializeOwned>(&self) -> Result<A, Unanswered> {
        serde_json::from_str(&self.body).map_err(|error| {
            Unanswered::Failed(format!(
                "this gateway, which is of release {RELEASE}, does not understand the answer of a Ledger, which may be of another: {error}"
            ))
        })
    }
}

/// Why a call was not understood, from a Ledger that does not know all that a later or an earlier
/// release sends.
#[derive(Debug, Serialize, Deserialize)]
struct Unread {
    release: String,
    cause: String,
}
