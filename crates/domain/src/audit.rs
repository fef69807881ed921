//! Audit events and the keyed chain that binds each to the one before it (R35). Nothing is stored
//! here: the Ledger appends, D1 keeps. Beside it: what an event says, what a checkpoint signs, the
//! check of an export and of a page, and how an export is mended.

pub mod checkpoint;
mod event;
pub mod links;
pub mod mend;
pub mod verify;

use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Serialize};

use super::keys::Key;

pub use event::{Changes, Event, MAX_TEXT, NotedChanges, Requester, Text};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A token was created.
    #[serde(rename = "token.mint")]
    TokenMint,
    /// A mint whose record could not be written: its token was never handed out, and is revoked.
    #[serde(rename = "token.mint_abandoned")]
    TokenMintAbandoned,
    /// A token was revoked.
    #[serde(rename = "token.revoke")]
    TokenRevoke,
    /// Revoked by the sweep after too long without use (R14).
    #[serde(rename = "token.revoke_idle")]
    TokenRevokeIdle,
    /// Revoked because it was found in public.
    #[serde(rename = "token.revoke_leaked")]
    TokenRevokeLeaked,
    /// Held back because it was found in public.
    #[serde(rename = "token.quarantine")]
    TokenQuarantine,
    /// No longer quarantined.
    #[serde(rename = "token.release")]
    TokenRelease,
    /// Renamed, described anew, or made narrower (R53); `changes` has the new values.
    #[serde(rename = "token.edit")]
    TokenEdit,
    /// Minted as the successor of another token (R9).
    #[serde(rename = "token.rotate")]
    TokenRotate,
    /// Minted at the origin and registered here (R39).
    #[serde(rename = "token.adopt")]
    TokenAdopt,
    /// A mint or rotation that a limit, a policy or a taken name has refused; `outcome` says which.
    #[serde(rename = "token.mint_refused")]
    TokenMintRefused,
    /// The origin did not revoke a token that has ended here, or that was made through the gateway
    /// and never registered; `target` has its id.
    #[serde(rename = "token.origin_revoke_failed")]
    TokenOriginRevokeFailed,
    /// An organization was created.
    #[serde(rename = "organization.create")]
    OrganizationCreate,
    /// Its limits, or what happens to tokens found in public; `changes` has the new values.
    #[serde(rename = "organization.update")]
    OrganizationUpdate,
    /// An organization was paused (R53); `changes` has the reason, where one was given.
    #[serde(rename = "organization.pause")]
    OrganizationPause,
    /// It was resumed.
    #[serde(rename = "organization.resume")]
    OrganizationResume,
    /// A project was created.
    #[serde(rename = "project.create")]
    ProjectCreate,
    /// A workflow was created.
    #[serde(rename = "workflow.create")]
    WorkflowCreate,
    /// An upstream credential was set, in place of another where there was one; `changes` has its
    /// digest and for how long the one before is kept.
    #[serde(rename = "upstream.set")]
    UpstreamSet,
    /// An upstream credential was cleared, and all that were kept in its scope; `changes` has its
    /// digest.
    #[serde(rename = "upstream.clear")]
    UpstreamClear,
    /// The origin's answer to a token's call had a credential for the artifact store, and was handed
    /// out (R46); `target` is the run or the artifact that the call named, `changes` has the call and,
    /// where it is known, the role.
    #[serde(rename = "artifact_credential.issue")]
    ArtifactCredentialIssue,
    /// The Ledger was rebuilt from D1; `changes` has why, from how far, and what became of the
    /// tokens.
    #[serde(rename = "ledger.rebuild")]
    LedgerRebuild,
    /// A trust rule for jobs of CI systems was added (R47); `target` is its id, `changes` has what it
    /// asks and gives.
    #[serde(rename = "trust_rule.add")]
    TrustRuleAdd,
    /// A trust rule was removed, and every token that it gave was revoked; `target` is its id.
    #[serde(rename = "trust_rule.remove")]
    TrustRuleRemove,
}

impl Action {
    /// The word that stands in the audit row.
    pub fn name(self) -> &'static str {
        match self {
            Self::TokenMint => "token.mint",
            Self::TokenMintAbandoned => "token.mint_abandoned",
            Self::TokenRevoke => "token.revoke",
            Self::TokenRevokeIdle => "token.revoke_idle",
            Self::TokenRevokeLeaked => "token.revoke_leaked",
            Self::TokenQuarantine => "token.quarantine",
            Self::TokenRelease => "token.release",
            Self::TokenEdit => "token.edit",
            Self::TokenRotate => "token.rotate",
            Self::TokenAdopt => "token.adopt",
            Self::TokenMintRefused => "token.mint_refused",
            Self::TokenOriginRevokeFailed => "token.origin_revoke_failed",
            Self::OrganizationCreate => "organization.create",
            Self::OrganizationUpdate => "organization.update",
            Self::OrganizationPause => "organization.pause",
            Self::OrganizationResume => "organization.resume",
            Self::ProjectCreate => "project.create",
            Self::WorkflowCreate => "workflow.create",
            Self::UpstreamSet => "upstream.set",
            Self::UpstreamClear => "upstream.clear",
            Self::ArtifactCredentialIssue => "artifact_credential.issue",
            Self::LedgerRebuild => "ledger.rebuild",
            Self::TrustRuleAdd => "trust_rule.add",
            Self::TrustRuleRemove => "trust_rule.remove",
        }
    }

    /// The action of this word; `None` for any other text.
    pub fn parse(word: &str) -> Option<Self> {
        let word: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            word.into_deserializer();
        Self::deserialize(word).ok()
    }
}

/// Refused mints of one organization, hour and outcome that get an event each, so that a caller
/// who is refused cannot fill the log. The rest of the hour is one event with their `count`.
pub const MAX_REFUSALS: u32 = 10;

/// The link before an organization's first event.
pub const GENESIS: [u8; 32] = [0; 32];

/// A chain link in lower case hex, with the name of the key it was made under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The name of the audit key.
    pub kid: String,
    /// The signature, in hex.
    pub mac: String,
}

/// The link of `content` after `previous`: HMAC-SHA-256 over the 32 bytes of the previous link
/// and the event's serialized form.
pub fn link(key: &Key, previous: &[u8; 32], content: &str) -> [u8; 32] {
    key.mac(&[previous, content.as_bytes()])
}

/// Lower case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(digits).collect()
}

/// The 32 bytes behind 64 lower case hex digits; `None` for any other text.
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let mut digits = text.bytes();
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    for byte in &mut bytes {
        *byte = digit(digits.next()?)? << 4 | digit(digits.next()?)?;
    }
    digits.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::keys::KeyRing;
    use super::*;

    const CONTENT: &str = r#"{"sequence":1}"#;

    #[test]
    fn actions_are_read_as_they_are_written() {
        for action in [
            Action::TokenMint,
            Action::TokenEdit,
            Action::TokenMintRefused,
            Action::TokenOriginRevokeFailed,
            Action::OrganizationUpdate,
            Action::OrganizationPause,
            Action::OrganizationResume,
            Action::UpstreamSet,
            Action::UpstreamClear,
            Action::ArtifactCredentialIssue,
            Action::TrustRuleAdd,
            Action::TrustRuleRemove,
        ] {
            assert_eq!(Action::parse(action.name()), Some(action));
            assert_eq!(
                serde_json::to_value(action).ok(),
                Some(action.name().into())
            );
        }
        for word in ["", "token", "TOKEN.MINT", "TokenMint", "token.mint "] {
            assert_eq!(Action::parse(word), None, "{word}");
        }
    }

    #[test]
    fn a_link_covers_content_and_predecessor() {
        let ring = KeyRing::parse("a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a key");
        let first = link(ring.signing(), &GENESIS, CONTENT);
        assert_ne!(
            first,
            link(ring.signing(), &GENESIS, &CONTENT.replace('1', "3"))
        );
        assert_ne!(first, link(ring.signing(), &first, CONTENT));
        assert_eq!(unhex(&hex(&first)), Some(first));
    }

    #[test]
    fn unhex_takes_64_lower_case_digits_only() {
        for text in [
            "",
            "00",
            &"0".repeat(63),
            &"0".repeat(65),
            &"A".repeat(64),
            &"g".repeat(64),
        ] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }
}
