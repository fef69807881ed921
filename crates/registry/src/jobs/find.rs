//! The ids of a repository by its name, from the public API of its forge: for whoever writes a rule,
//! and has no job token at hand.

use crate::error::{Error, Result};
use crate::ports::{JobKeys, NotFetched};
use postern_domain::trust::{Identity, Issuer};
use postern_wire::job::{AskForge, LookupError, MAX_FORGE_ANSWER};

/// A repository as its forge knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRepository {
    /// Its name, with its owner's in front, as the forge writes it.
    pub repository: String,
    /// What its jobs are known by.
    pub identity: Identity,
}

/// Asks the forge of an issuer for a repository that everybody can see.
///
/// # Errors
/// `Invalid` where the name is none, or the forge shows no repository of it to strangers; `Forge` where
/// it gives no answer that can be read.
pub async fn find<P: JobKeys>(
    issuer: &Issuer,
    repository: &str,
    ports: &P,
) -> Result<FoundRepository> {
    let ask = AskForge::new(issuer, repository).map_err(|error| match error {
        LookupError::Name => Error::invalid("repository_invalid", error.to_string()),
        LookupError::NoApi => Error::invalid("repository_unknown", error.to_string()),
    })?;
    let unknown = || {
        Error::invalid(
            "repository_unknown",
            "the CI system shows no such repository: it does not exist, has another name now, or is \
             private. If it is yours, give a job token of it instead",
        )
    };
    let failed = |cause: String| Error::Forge {
        cause: format!("{}: {cause}", ask.url()),
    };
    match ports.fetch_public(ask.url(), MAX_FORGE_ANSWER).await {
        Ok(answer) => {
            let found = ask
                .read(&answer)
                .map_err(|fault| failed(fault.to_string()))?;
            let (repository, identity) = found;
            Ok(FoundRepository {
                repository,
                identity,
            })
        }
        // Moved or renamed: a redirect to the name that it has now, which is for people to follow.
        Err(NotFetched::Status(301 | 302 | 307 | 308 | 404 | 410 | 451)) => Err(unknown()),
        // A GitLab that nobody sees anything of without signing in.
        Err(NotFetched::Status(401)) => Err(unknown()),
        Err(cause) => Err(failed(cause.to_string())),
    }
}
