//! What an event of the audit log says, and how long each of its texts may be (R35). Much of it
//! comes from callers: a text without a limit would let one of them fill the log.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::super::id::{OrganizationId, TokenId};
use super::super::time::Timestamp;
use super::Action;

/// Longest text of an event, in characters.
pub const MAX_TEXT: usize = 200;
/// Most members of an event's changes.
const MAX_CHANGES: usize = 64;
/// What stands at the end of a text that was cut.
const CUT: char = '…';

/// A text of an event: at most [`MAX_TEXT`] characters. There is one way to make one, which cuts,
/// and it is also the way in which one is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text(String);

impl Text {
    /// The text, or as much of it as fits before a `…`.
    pub fn new(text: &str) -> Self {
        if text.chars().nth(MAX_TEXT).is_none() {
            return Self(text.to_owned());
        }
        Self(text.chars().take(MAX_TEXT - 1).chain([CUT]).collect())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

/// Who asked for it, from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester<T = String> {
    /// See `Caller::provenance`.
    pub actor: T,
    /// See `Caller::tier`.
    pub tier: T,
    /// The client's address, if it is known.
    pub address: Option<T>,
    /// What the client calls itself.
    pub user_agent: Option<T>,
    /// The id of the request.
    pub request_id: T,
}

impl Requester {
    /// As it stands in an event.
    pub fn noted(&self) -> Requester<Text> {
        Requester {
            actor: Text::new(&self.actor),
            tier: Text::new(&self.tier),
            address: self.address.as_deref().map(Text::new),
            user_agent: self.user_agent.as_deref().map(Text::new),
            request_id: Text::new(&self.request_id),
        }
    }
}

/// Names and new values.
pub type Changes = serde_json::Map<String, Value>;

/// Changes as they stand in an event: at most 64 of them, with names and texts of limited length,
/// and none that has parts of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedChanges(Changes);

impl NotedChanges {
    /// The changes, or as much of them as fits.
    pub fn new(changes: &Changes) -> Self {
        let noted = |value: &Value| match value {
            Value::String(text) => Text::new(text).0.into(),
            Value::Array(_) | Value::Object(_) => CUT.to_string().into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        };
        let changes = changes.iter().take(MAX_CHANGES);
        Self(
            changes
                .map(|(name, value)| (Text::new(name).0, noted(value)))
                .collect(),
        )
    }
}

/// One event. Its serialized form is what the chain covers: fields are added at the end only,
/// and left out while absent, so that old rows keep their link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Whose log it is in.
    pub organization_id: OrganizationId,
    /// 1 for an organization's first event, then one more each time.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: Action,
    /// The token that it happened to, and its display prefix; absent where it is about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<TokenId>,
    /// The display prefix of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_prefix: Option<Text>,
    /// Who asked, from where, in which request.
    #[serde(rename = "origin")]
    pub requester: Requester<Text>,
    /// The token that this one succeeds, for `token.rotate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<TokenId>,
    /// What it happened to besides, such as `project:shop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Text>,
    /// The code of the refusal; absent = it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Text>,
    /// How many further events of this kind the bound has left out; see [`super::MAX_REFUSALS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The new values of what was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<NotedChanges>,
}

#[cfg(test)]
mod tests {
    use super::super::super::id::Id;
    use super::*;

    /// Stored rows are verified against this form forever: changing it breaks every chain.
    const PINNED: &str = r#"{"organization_id":"00000000-0000-0000-0000-000000000001","sequence":1,"at":1000,"action":"token.mint","token_id":"00000000-0000-0000-0000-000000000002","token_prefix":"pst_0000","origin":{"actor":"admin-token","tier":"admin","address":"192.0.2.1","user_agent":null,"request_id":"r"}}"#;

    fn requester() -> Requester {
        Requester {
            actor: "admin-token".to_owned(),
            tier: "admin".to_owned(),
            address: Some("192.0.2.1".to_owned()),
            user_agent: None,
            request_id: "r".to_owned(),
        }
    }

    fn event() -> Event {
        Event {
            organization_id: Id::from_u128(1),
            sequence: 1,
            at: Timestamp::from_millis(1_000),
            action: Action::TokenMint,
            token_id: Some(Id::from_u128(2)),
            token_prefix: Some(Text::new("pst_0000")),
            requester: requester().noted(),
            replaces: None,
            target: None,
            outcome: None,
            count: None,
            changes: None,
        }
    }

    #[test]
    fn the_serialized_form_is_pinned() {
        let text = serde_json::to_string(&event()).expect("an event serializes");
        assert_eq!(text, PINNED);
        assert_eq!(serde_json::from_str::<Event>(&text).ok(), Some(event()));
    }

    #[test]
    fn r35_a_text_has_at_most_200_characters() {
        for (given, length, ends) in [
            (String::new(), 0, ""),
            ("x".repeat(200), 200, "x"),
            ("ü".repeat(200), 200, "ü"),
            ("x".repeat(201), 200, "x…"),
            ("🦀".repeat(60_000), 200, "🦀…"),
        ] {
            let text = Text::new(&given);
            assert_eq!(text.as_str().chars().count(), length);
            assert!(text.as_str().ends_with(ends));
            let json = serde_json::to_string(&given).expect("serializes");
            assert_eq!(serde_json::from_str::<Text>(&json).ok(), Some(text));
        }
    }

    /// With every text as long as a caller can make it, in the characters that take most room.
    #[test]
    fn r35_an_event_has_a_limit() {
        let long = || "\u{1}".repeat(60_000);
        let mut changes = Changes::new();
        for n in 0..1_000 {
            changes.insert(format!("{n}{}", long()), long().into());
        }
        changes.insert("0".to_owned(), serde_json::json!([long(), { "a": long() }]));
        let requester = Requester {
            actor: long(),
            tier: long(),
            address: Some(long()),
            user_agent: Some(long()),
            request_id: long(),
        };
        let event = Event {
            token_prefix: Some(Text::new(&long())),
            requester: requester.noted(),
            target: Some(Text::new(&long())),
            outcome: Some(Text::new(&long())),
            changes: Some(NotedChanges::new(&changes)),
            ..event()
        };
        let text = serde_json::to_string(&event).expect("serializes");
        // Eight texts and sixty-four changes of two, six bytes for each character, and the names of
        // the members.
        assert!(
            text.len() < (8 + 128) * 6 * MAX_TEXT + 2_000,
            "{}",
            text.len()
        );
        assert_eq!(serde_json::from_str::<Event>(&text).ok(), Some(event));
    }
}
