//! Where an organization's Ledger is (R52): the jurisdiction that it must not leave, and the part of
//! the world that it is created in.
//!
//! The platform takes the same name in two jurisdictions for two objects. So the id of an organization
//! tells its jurisdiction. An isolate that knows the id knows where the Ledger is, and reads no store.
//! Such an id is a UUID of version 8, whose bits are the application's to give out (RFC 9562, section
//! 5.8): its `custom_b` is the jurisdiction's number, and the rest is random.

use serde::{Deserialize, Serialize};

use crate::id::{Id, OrganizationId};

/// A part of the world whose law applies to an object: it is stored and runs there only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Jurisdiction {
    /// The European Union.
    Eu,
    /// The United States.
    Us,
    /// FedRAMP Moderate.
    Fedramp,
    /// FedRAMP High.
    FedrampHigh,
}

impl Jurisdiction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Eu, Self::Us, Self::Fedramp, Self::FedrampHigh];

    /// The platform's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Us => "us",
            Self::Fedramp => "fedramp",
            Self::FedrampHigh => "fedramp-high",
        }
    }

    /// Its number in ids. It is stored, and never changes.
    const fn number(self) -> u16 {
        match self {
            Self::Eu => 1,
            Self::Us => 2,
            Self::Fedramp => 3,
            Self::FedrampHigh => 4,
        }
    }
}

/// The part of the world near which a Ledger is created; the platform follows it where it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocationHint {
    /// The west of North America.
    Wnam,
    /// The east of North America.
    Enam,
    /// South America.
    Sam,
    /// The west of Europe.
    Weur,
    /// The east of Europe.
    Eeur,
    /// Asia and the Pacific.
    Apac,
    /// The north-east of it.
    ApacNe,
    /// The south-east of it.
    ApacSe,
    /// Oceania.
    Oc,
    /// Africa.
    Afr,
    /// The Middle East.
    Me,
}

impl LocationHint {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Wnam,
        Self::Enam,
        Self::Sam,
        Self::Weur,
        Self::Eeur,
        Self::Apac,
        Self::ApacNe,
        Self::ApacSe,
        Self::Oc,
        Self::Afr,
        Self::Me,
    ];

    /// The platform's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wnam => "wnam",
            Self::Enam => "enam",
            Self::Sam => "sam",
            Self::Weur => "weur",
            Self::Eeur => "eeur",
            Self::Apac => "apac",
            Self::ApacNe => "apac-ne",
            Self::ApacSe => "apac-se",
            Self::Oc => "oc",
            Self::Afr => "afr",
            Self::Me => "me",
        }
    }
}

impl OrganizationId {
    /// An id of an organization in a jurisdiction, from 16 bytes of entropy.
    pub fn in_jurisdiction(jurisdiction: Jurisdiction, entropy: [u8; 16]) -> Self {
        Id::custom(jurisdiction.number(), entropy)
    }

    /// The jurisdiction that the id tells. INVARIANT (an id says where its Ledger is): who asks a
    /// Ledger reads it from here, and from nowhere else. `None` = wherever the platform has put the Ledger.
    pub fn jurisdiction(&self) -> Option<Jurisdiction> {
        let number = self.custom_number()?;
        let own = |jurisdiction: &Jurisdiction| jurisdiction.number() == number;
        Jurisdiction::ALL.into_iter().find(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTROPY: [u8; 16] = [0xff; 16];

    #[test]
    fn r52_an_id_tells_its_jurisdiction() {
        let rows = [
            (Jurisdiction::Eu, "ffffffff-ffff-8001-bfff-ffffffffffff"),
            (Jurisdiction::Us, "ffffffff-ffff-8002-bfff-ffffffffffff"),
            (
                Jurisdiction::Fedramp,
                "ffffffff-ffff-8003-bfff-ffffffffffff",
            ),
            (
                Jurisdiction::FedrampHigh,
                "ffffffff-ffff-8004-bfff-ffffffffffff",
            ),
        ];
        assert_eq!(rows.map(|(one, _)| one), Jurisdiction::ALL);
        for (jurisdiction, text) in rows {
            let id = OrganizationId::in_jurisdiction(jurisdiction, ENTROPY);
            assert_eq!(id.to_string(), text);
            let read = OrganizationId::parse(text).expect("a UUID");
            assert_eq!(read.jurisdiction(), Some(jurisdiction));
        }
    }

    #[test]
    fn two_ids_of_a_jurisdiction_differ_in_what_is_random() {
        let id = |byte| OrganizationId::in_jurisdiction(Jurisdiction::Eu, [byte; 16]);
        assert_ne!(id(0), id(1));
    }

    #[test]
    fn other_ids_tell_none() {
        let random = OrganizationId::from_random(ENTROPY);
        assert_eq!(random.jurisdiction(), None);
        for text in [
            "00000000-0000-4001-8000-000000000001",
            "00000000-0000-8000-8000-000000000001",
            "00000000-0000-8005-8000-000000000001",
            "00000000-0000-8101-8000-000000000001",
            // Another variant: Microsoft's.
            "00000000-0000-8001-c000-000000000001",
        ] {
            let id = OrganizationId::parse(text).expect(text);
            assert_eq!(id.jurisdiction(), None, "{text}");
        }
    }

    #[test]
    fn words_are_those_that_json_has() {
        for jurisdiction in Jurisdiction::ALL {
            let json = serde_json::to_value(jurisdiction).expect("JSON");
            assert_eq!(json, jurisdiction.word());
        }
        for hint in LocationHint::ALL {
            let json = serde_json::to_value(hint).expect("JSON");
            assert_eq!(json, hint.word());
        }
    }
}
