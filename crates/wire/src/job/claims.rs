//! The claims of a token whose signature holds: for whom it was made, when it counts, and which job it is
//! about.

use core::fmt;

use postern_domain::time::Timestamp;
use postern_domain::trust::{Audience, Audiences, Forge, Issuer, Job, Jti, NoText};

use super::forges;
use super::presented::Mark;
use super::strict::{Object, Value};

/// By how much an issuer's clock may be ahead of ours, in seconds: for `nbf` and `iat`. `exp` has no leeway.
pub const LEEWAY_SECONDS: i64 = 30;
/// How old a token may be, in seconds, whatever its `exp` says. GitLab's live as long as the job may run.
pub const MAX_AGE_SECONDS: i64 = 86_400;
/// Times are below this, as numbers of JSON are exact there.
const EXACT: i64 = 1 << 53;

/// Why the claims of a token were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimFault {
    /// A claim is missing or empty.
    Missing(&'static str),
    /// A claim is of another type than it must be.
    Type(&'static str),
    /// A claim cannot be kept.
    Text(&'static str, NoText),
    /// Two claims contradict each other.
    Contradiction(&'static str),
    /// Made for somebody else.
    Audience,
    /// Made for several at once: each of them could present it here.
    SeveralAudiences,
    /// It has ended.
    Expired,
    /// Its time has not come yet (`nbf`).
    NotYetValid,
    /// It was made in the future (`iat`).
    IssuedInFuture,
    /// It was made too long ago.
    TooOld,
}

impl fmt::Display for ClaimFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(claim) => write!(f, "`{claim}` is missing or empty"),
            Self::Type(claim) => write!(f, "`{claim}` is of another type"),
            Self::Text(claim, fault) => write!(f, "`{claim}` {fault}"),
            Self::Contradiction(what) => write!(f, "{what} contradict each other"),
            Self::Audience => f.write_str("`aud` is somebody else"),
            Self::SeveralAudiences => f.write_str("`aud` names several: it must name one"),
            Self::Expired => f.write_str("the token has expired"),
            Self::NotYetValid => f.write_str("`nbf` is in the future"),
            Self::IssuedInFuture => f.write_str("`iat` is in the future"),
            Self::TooOld => write!(f, "`iat` is more than {MAX_AGE_SECONDS} seconds ago"),
        }
    }
}

/// A token that a key of its issuer has signed. Made by [`Question::answer`](super::Question::answer) alone.
pub struct SignedToken {
    pub(super) issuer: Issuer,
    pub(super) payload: Object,
    /// SHA-256 over header and payload as they stand in the token.
    pub(super) signed: [u8; 32],
}

impl fmt::Debug for SignedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedToken({})", self.issuer)
    }
}

/// A job whose token was verified: signature, issuer, audience, times. Made by [`SignedToken::verified`]
/// alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedJob {
    job: Job,
    mark: Mark,
    signed: [u8; 32],
    audience: Audience,
    ends_at: Timestamp,
}

impl VerifiedJob {
    /// The job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// What tells the token from every other, and counts once.
    pub(super) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// SHA-256 over header and payload as they stand in the token.
    pub(super) fn signed(&self) -> &[u8; 32] {
        &self.signed
    }

    /// For whom the token was made.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// When the token ends here: at `exp`, or [`MAX_AGE_SECONDS`] after it was made, whichever is first.
    /// No longer must its mark be remembered.
    pub(super) fn ends_at(&self) -> Timestamp {
        self.ends_at
    }
}

impl SignedToken {
    /// Whose token it is.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Looks at audience and times, and reads the job.
    ///
    /// `aud` must name exactly one audience, as text or as a list of one, and this must be one of ours:
    /// whoever else is named in a token could present it here.
    ///
    /// # Errors
    /// The first claim that is wrong.
    pub fn verified(
        &self,
        audiences: &Audiences,
        now: Timestamp,
    ) -> Result<VerifiedJob, ClaimFault> {
        let claims = Claims(&self.payload);
        let audience = audience(claims.0, audiences)?;
        let ends_at = times(claims, now)?;
        let issuer = self.issuer.clone();
        let mark = match (claims.0.get("jti"), issuer.forge()) {
            // GitHub and GitLab write one into every token.
            (None, Forge::Other) => Mark::Signed(self.signed),
            _ => Mark::Jti(claims.exact("jti", Jti::parse)?),
        };
        let job = match issuer.forge() {
            Forge::GitHub => forges::github(issuer, claims)?,
            Forge::GitLab => forges::gitlab(issuer, claims)?,
            Forge::Other => forges::other(issuer, claims)?,
        };
        Ok(VerifiedJob {
            job,
            mark,
            signed: self.signed,
            audience,
            ends_at,
        })
    }
}

fn audience(payload: &Object, audiences: &Audiences) -> Result<Audience, ClaimFault> {
    let one = match payload.get("aud") {
        None => return Err(ClaimFault::Missing("aud")),
        Some(Value::Text(one)) => one,
        Some(Value::List(list)) => match list.as_slice() {
            [] => return Err(ClaimFault::Missing("aud")),
            [Value::Text(one)] => one,
            [_] => return Err(ClaimFault::Type("aud")),
            _ => return Err(ClaimFault::SeveralAudiences),
        },
        Some(_) => return Err(ClaimFault::Type("aud")),
    };
    audiences.read(one).ok_or(ClaimFault::Audience)
}

/// Looks at the times, and answers when the token ends.
fn times(claims: Claims<'_>, now: Timestamp) -> Result<Timestamp, ClaimFault> {
    // A moment within a second counts against the token.
    let exp = claims
        .seconds("exp", f64::floor)?
        .ok_or(ClaimFault::Missing("exp"))?;
    let iat = claims
        .seconds("iat", f64::ceil)?
        .ok_or(ClaimFault::Missing("iat"))?;
    let nbf = claims.seconds("nbf", f64::ceil)?;
    let seconds = now.as_seconds();
    if exp <= seconds {
        return Err(ClaimFault::Expired);
    }
    if nbf.is_some_and(|nbf| nbf > seconds + LEEWAY_SECONDS) {
        return Err(ClaimFault::NotYetValid);
    }
    if iat > seconds + LEEWAY_SECONDS {
        return Err(ClaimFault::IssuedInFuture);
    }
    if iat >= exp {
        return Err(ClaimFault::Contradiction("`iat` and `exp`"));
    }
    let too_old = iat + MAX_AGE_SECONDS;
    if too_old <= seconds {
        return Err(ClaimFault::TooOld);
    }
    Ok(Timestamp::from_millis(
        exp.min(too_old).saturating_mul(1000),
    ))
}

/// Claims by name, of the types that forges write them in.
#[derive(Clone, Copy)]
pub(super) struct Claims<'t>(&'t Object);

impl Claims<'_> {
    /// A text, which some write as a whole number; `None` where it is missing, `null` or empty.
    pub(super) fn text(self, name: &'static str) -> Result<Option<String>, ClaimFault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(Value::Whole(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(ClaimFault::Type(name)),
        }
    }

    /// A claim that is read by its own rules, where it is there.
    pub(super) fn parsed<T>(
        self,
        name: &'static str,
        parse: fn(&str) -> Result<T, NoText>,
    ) -> Result<Option<T>, ClaimFault> {
        let text = self.text(name)?;
        let parsed = text.as_deref().map(parse).transpose();
        parsed.map_err(|fault| ClaimFault::Text(name, fault))
    }

    /// A claim that must be there.
    pub(super) fn required<T>(
        self,
        name: &'static str,
        parse: fn(&str) -> Result<T, NoText>,
    ) -> Result<T, ClaimFault> {
        self.parsed(name, parse)?.ok_or(ClaimFault::Missing(name))
    }

    /// A claim that must be there, as text and nothing else: a number is another one than its digits.
    pub(super) fn exact<T>(
        self,
        name: &'static str,
        parse: fn(&str) -> Result<T, NoText>,
    ) -> Result<T, ClaimFault> {
        match self.0.get(name) {
            None => Err(ClaimFault::Missing(name)),
            Some(Value::Text(text)) => parse(text).map_err(|fault| ClaimFault::Text(name, fault)),
            Some(_) => Err(ClaimFault::Type(name)),
        }
    }

    /// Yes or no, which forges write as text.
    pub(super) fn flag(self, name: &'static str) -> Result<Option<bool>, ClaimFault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::Text(text)) => match text.as_str() {
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                "" => Ok(None),
                _ => Err(ClaimFault::Type(name)),
            },
            Some(_) => Err(ClaimFault::Type(name)),
        }
    }

    /// Seconds since 1970, with or without a fraction (RFC 7519, section 2), made whole.
    fn seconds(self, name: &'static str, whole: fn(f64) -> f64) -> Result<Option<i64>, ClaimFault> {
        let seconds = match self.0.get(name) {
            None => return Ok(None),
            Some(Value::Whole(seconds)) => *seconds,
            Some(Value::Number(number)) => {
                let seconds = whole(*number);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "bounded below; beyond, it saturates"
                )]
                let seconds = seconds as i64;
                seconds
            }
            Some(_) => return Err(ClaimFault::Type(name)),
        };
        if (0..EXACT).contains(&seconds) {
            Ok(Some(seconds))
        } else {
            Err(ClaimFault::Type(name))
        }
    }
}
