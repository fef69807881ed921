//! Identifiers: UUIDs that know what they identify, so that a project's id cannot stand where a
//! token's belongs. They are made from a UUID or from 16 random bytes, and from nothing else.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// What an [`Id`] identifies. The types are never built; they only tell ids apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Organization {}
/// A project of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Project {}
/// A workflow of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workflow {}
/// An API token of the registry; of a JWT it is the `jti` (R2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {}
/// A workflow run of the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {}
/// One copy, in one isolate, of what a Ledger has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {}
/// One run of a Ledger, from when it is opened until its memory is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instance {}
/// One isolate, as it reports what calls have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reporter {}
/// One version of an upstream credential: each that is set is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {}
/// A person, by the control plane's id; of a user token it is the `user_id` (R44).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {}
/// Room under an organization's limit that is held for a token that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {}
/// A rule by which an organization trusts the jobs of a repository (R47).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustRule {}

/// The id of an organization.
pub type OrganizationId = Id<Organization>;
/// The id of a project.
pub type ProjectId = Id<Project>;
/// The id of a workflow.
pub type WorkflowId = Id<Workflow>;
/// The id of a token.
pub type TokenId = Id<Token>;
/// The id of a workflow run.
pub type RunId = Id<Run>;
/// The id of a holder of leases.
pub type HolderId = Id<Holder>;
/// The id of an instance of a Ledger.
pub type InstanceId = Id<Instance>;
/// The id of an isolate that reports.
pub type ReporterId = Id<Reporter>;
/// The id of a version of an upstream credential.
pub type UpstreamId = Id<Upstream>;
/// The id of a person.
pub type PersonId = Id<Person>;
/// The id of a reservation.
pub type ReservationId = Id<Reservation>;
/// The id of a trust rule.
pub type TrustRuleId = Id<TrustRule>;

/// A UUID of kind `K`, printed in lower case with hyphens.
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// The text is not a UUID of the accepted form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl<K> Id<K> {
    /// A random (version 4) id from 16 bytes of entropy.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self::from_uuid(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// A custom (version 8) id with this number of 12 bits in its `custom_b`; the rest is entropy
    /// (RFC 9562, section 5.8).
    pub(crate) fn custom(number: u16, entropy: [u8; 16]) -> Self {
        let [high, low] = number.to_be_bytes();
        let [a, b, c, d, e, f, _, _, rest @ ..] = entropy;
        let [g, h, i, j, k, l, m, n] = rest;
        let bytes = [a, b, c, d, e, f, high, low, g, h, i, j, k, l, m, n];
        Self::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The number in the `custom_b` of a custom id.
    pub(crate) fn custom_number(&self) -> Option<u16> {
        if !self.is_custom() {
            return None;
        }
        let (_, _, version_and_number, _) = self.uuid.as_fields();
        Some(version_and_number & 0x0fff)
    }

    /// Whether it is a custom (version 8) id.
    pub fn is_custom(&self) -> bool {
        self.uuid.get_version_num() == 8 && self.uuid.get_variant() == uuid::Variant::RFC4122
    }

    /// The id with these 128 bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self::from_uuid(Uuid::from_u128(bits))
    }

    /// The 128 bits of the id.
    pub fn as_u128(&self) -> u128 {
        self.uuid.as_u128()
    }

    /// Reads the hyphenated form, in either case; what management paths and claims carry (R11).
    ///
    /// # Errors
    /// [`Malformed`] for every other text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() != 36 {
            return Err(Malformed);
        }
        Self::parse_any(text)
    }

    /// Reads every form that the origin's UUID parser takes: hyphenated, 32 digits, braces,
    /// `urn:uuid:`; all of them give one id (R32).
    ///
    /// # Errors
    /// [`Malformed`] for every other text.
    pub fn parse_any(text: &str) -> Result<Self, Malformed> {
        Uuid::try_parse(text)
            .map(Self::from_uuid)
            .map_err(|_| Malformed)
    }

    const fn from_uuid(uuid: Uuid) -> Self {
        Self {
            uuid,
            kind: PhantomData,
        }
    }
}

impl TokenId {
    /// The id of a token that is known by a hash: a custom (version 8) id, as RFC 9562 has it for hashes
    /// other than MD5 and SHA-1. No other kind of id is made so.
    pub fn from_digest(bytes: [u8; 16]) -> Self {
        Self::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<K> Eq for Id<K> {}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.as_hyphenated().fmt(f)
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.as_hyphenated().fmt(f)
    }
}

impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|Malformed| de::Error::custom("not a UUID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANONICAL: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

    #[test]
    fn every_form_of_a_run_id_maps_to_one_key() {
        for form in [
            CANONICAL,
            "0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D",
            "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d",
            "{0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d}",
            "urn:uuid:0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        ] {
            let id = RunId::parse_any(form).expect(form);
            assert_eq!(id.to_string(), CANONICAL, "{form}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            "0a1b2c3d",
            "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4g",
            "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d ",
            "é",
        ] {
            assert_eq!(RunId::parse_any(text), Err(Malformed), "{text}");
        }
        assert_eq!(
            TokenId::parse("0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d"),
            Err(Malformed)
        );
    }

    #[test]
    fn random_ids_are_version_4() {
        let id = TokenId::from_random([0xff; 16]);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
