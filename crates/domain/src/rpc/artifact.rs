//! Credentials for the artifact store in the answers of calls (R46): where they stand, and what they
//! are for. They outlive a revoke, so each that is handed out has an audit event.

use super::Path;

/// What an artifact credential lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArtifactRole {
    /// Put artifacts.
    Uploader,
    /// Get them.
    Downloader,
}

impl ArtifactRole {
    /// The word that stands in the credential, and in audit rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uploader => "uploader",
            Self::Downloader => "downloader",
        }
    }

    /// The number in a request for a credential.
    pub fn number(self) -> u32 {
        match self {
            Self::Downloader => 1,
            Self::Uploader => 2,
        }
    }

    /// The role that a call asks for, by the policies that it needs for that; `None` where it is not
    /// one role.
    pub fn of_policies(policies: &[&str]) -> Option<Self> {
        match policies {
            ["cas_artifact:read"] => Some(Self::Downloader),
            ["cas_artifact:create"] => Some(Self::Uploader),
            _ => None,
        }
    }
}

/// What the text is that has the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArtifactText {
    /// The credential alone.
    Token,
    /// A URL of the artifact store, with the credential in its query.
    Url,
}

/// Where an answer has an artifact credential, and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArtifactCredential {
    /// Where its text is in the answer.
    pub at: Path,
    /// What that text is.
    pub text: ArtifactText,
    /// What it is for; `None` where the call's message says.
    pub role: Option<ArtifactRole>,
}

impl ArtifactCredential {
    /// The first text of a `Result`, which is the answer's first field.
    pub(super) const fn in_result(role: Option<ArtifactRole>) -> Self {
        Self {
            at: &[1, 2],
            text: ArtifactText::Token,
            role,
        }
    }

    /// A URL in that place.
    pub(super) const fn in_url() -> Self {
        Self {
            text: ArtifactText::Url,
            ..Self::in_result(Some(ArtifactRole::Downloader))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Is, rpcs};
    use super::*;

    #[test]
    fn r46_these_calls_hand_out_artifact_credentials() {
        let rows = rpcs().filter_map(|row| Some((row.method, row.hands_out?)));
        let rows: Vec<_> = rows
            .map(|(method, out)| (method, out.text, out.role))
            .collect();
        let expected = [
            (
                "AttestationService/GetUploadCreds",
                ArtifactText::Token,
                Some(ArtifactRole::Uploader),
            ),
            ("CASCredentialsService/Get", ArtifactText::Token, None),
            (
                "CASRedirectService/GetDownloadURL",
                ArtifactText::Url,
                Some(ArtifactRole::Downloader),
            ),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_role_is_known_by_the_policies_that_it_needs() {
        let of = |role: ArtifactRole| {
            let mut when = super::super::ARTIFACT_CREDENTIAL.when.iter();
            let number = Is::Number(role.number().into());
            let found = when.find(|when| when.is == number);
            found.and_then(|when| ArtifactRole::of_policies(when.policies))
        };
        for role in [ArtifactRole::Uploader, ArtifactRole::Downloader] {
            assert_eq!(of(role), Some(role));
        }
        let both = ["cas_artifact:create", "cas_artifact:read"];
        assert_eq!(ArtifactRole::of_policies(&both), None);
        assert_eq!(ArtifactRole::of_policies(&[]), None);
    }
}
