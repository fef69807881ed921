//! What is said of a refused credential: code, sentence, and the cause for the log.

use super::{CredentialError, Error, JobFault};
use postern_domain::decide::Denial;
use postern_domain::standing::Inactive;

impl CredentialError {
    /// The stable word.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Missing => "credential_missing",
            Self::Malformed(_) => "credential_malformed",
            Self::Expired(_) => "token_expired",
            Self::Stale => "token_stale",
            Self::PeopleDenied => "people_denied",
            Self::PersonManages => "person_manages",
            Self::Refused(_) | Self::JobManages | Self::NoForm => "credential_refused",
        }
    }

    /// The sentence for the client.
    pub(super) fn public(&self) -> &'static str {
        match self {
            Self::Missing => {
                "authentication required: send one `Authorization: Bearer <token>` header"
            }
            Self::Malformed(_) => {
                "the credential is malformed: send one Bearer token, whole and unchanged"
            }
            Self::Expired(_) => "the token has expired or is not valid yet: mint or log in again",
            Self::Stale => {
                "not issued by this deployment, or signed with a retired key: mint or log in again"
            }
            Self::PeopleDenied => {
                "user tokens do not pass here: send a token of the gateway, or have an operator \
                 set `PEOPLE` to `pass`"
            }
            Self::PersonManages => {
                "no user token manages the gateway: sign in to its dashboard, or send a token of \
                 the gateway"
            }
            // Whoever has it can see that in the token itself (R12).
            Self::JobManages => {
                "a job token is for attestation calls alone: exchange it, or send another credential"
            }
            Self::Refused(_) | Self::NoForm => "the credential was refused",
        }
    }

    /// What only the log may say.
    pub(super) fn private(&self) -> &'static str {
        match self {
            Self::Malformed(cause) | Self::Expired(cause) | Self::Refused(cause) => cause,
            Self::NoForm => "no known form of credential",
            Self::Missing
            | Self::Stale
            | Self::PeopleDenied
            | Self::PersonManages
            | Self::JobManages => self.public(),
        }
    }
}

impl Error {
    /// Whether it is the refusal of a credential that is no token's, as far as anybody knows (R49).
    pub fn fails_offline(&self) -> bool {
        matches!(self, Self::TooManyFailures { .. }) || self.guessed().is_some()
    }
}

impl From<Inactive> for CredentialError {
    /// The refusal of a credential whose token is not active, wherever that is found out.
    fn from(inactive: Inactive) -> Self {
        match inactive {
            Inactive::Unknown => Self::Refused("unknown token"),
            Inactive::Revoked => Self::Refused("revoked token"),
            Inactive::Expired => Self::Expired("row expired"),
        }
    }
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        Self::Credential(error)
    }
}

impl From<JobFault> for Error {
    fn from(fault: JobFault) -> Self {
        Self::JobToken(fault)
    }
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}
