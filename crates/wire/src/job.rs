//! Job tokens of CI systems (R47): OpenID Connect ID tokens of GitHub Actions, GitLab CI and others, and
//! the key sets that verify them.
//!
//! A token passes through five types, and only the next one can be had from each:
//!
//! 1. [`JobToken::parse`] reads a text. Its claims are unverified; of them only the issuer is told, to choose
//!    among the issuers that the deployment knows.
//! 2. [`JobToken::ask`] chooses the key of the issuer's [`KeySet`], and makes a [`Question`]: does this key
//!    hold for this message and signature? The platform answers it (WebCrypto, see [`Algorithm`]); no code
//!    of the gateway computes with it.
//! 3. [`Question::answer`] makes a [`SignedToken`] of a yes.
//! 4. [`SignedToken::verified`] looks at issuer, audience and times, and reads the claims: a [`VerifiedJob`],
//!    which `postern_domain::trust` decides about.
//! 5. [`VerifiedJob::before`] presents it to one organization: a [`PresentedJob`] has the id of the token that the
//!    job gets, and nothing else makes that id. The organization's Ledger decides by its rules
//!    ([`postern_domain::trust::grant`]).
//!
//! ```
//! use postern_domain::{secret::Secret, time::Timestamp};
//! use postern_domain::trust::{Audiences, Issuer, Issuers};
//! use postern_wire::job::{JobRefusal, JobToken, KeySet, Question, VerifiedJob};
//!
//! fn verify(
//!     text: &Secret,
//!     issuers: &Issuers,
//!     audiences: &Audiences,
//!     now: Timestamp,
//!     keys_of: impl Fn(&Issuer) -> KeySet,
//!     platform: impl Fn(&Question) -> bool,
//! ) -> Result<VerifiedJob, JobRefusal> {
//!     let token = JobToken::parse(text)?;
//!     let issuer = issuers.of_url(token.claimed_issuer());
//!     let keys = keys_of(issuer.ok_or(JobRefusal::UnknownIssuer)?);
//!     // Where the key is unknown, the token comes back for a newer key set.
//!     let question = token.ask(&keys).map_err(|unkeyed| unkeyed.fault)?;
//!     let holds = platform(&question);
//!     let signed = question.answer(holds).ok_or(JobRefusal::Signature)?;
//!     Ok(signed.verified(audiences, now)?)
//! }
//! ```
//!
//! INVARIANT (no job unverified): nothing but these steps makes a [`VerifiedJob`].
//!
//! Each refusal names its reason, for the log. Whoever presents the token gets one sentence for all,
//! [`postern_domain::trust::REFUSED`].

mod claims;
mod discovery;
mod forges;
mod keys;
mod lookup;
mod presented;
mod refusal;
mod strict;
mod token;

#[cfg(test)]
mod tests;

pub use claims::{ClaimFault, LEEWAY_SECONDS, MAX_AGE_SECONDS, SignedToken, VerifiedJob};
pub use discovery::{DiscoveryError, MAX_DISCOVERY, MAX_KEYS_URL, keys_url};
pub use keys::{KeySet, KeySetError, MAX_KEY_SET, MAX_KEYS, PublicKey, Skipped};
pub use lookup::{AskForge, ForgeFault, LookupError, MAX_FORGE_ANSWER};
pub use presented::{OtherOrganization, PresentedJob};
pub use refusal::JobRefusal;
pub use strict::JsonFault;
pub use token::{Algorithm, JobToken, KeyFault, MAX_JOB_TOKEN, Question, TokenFault, Unkeyed};
