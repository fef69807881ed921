//! Random edits, each answered as the model says (R53).

use postern_domain::edit::{TokenEdit, Widens};
use postern_domain::id::Id;
use postern_domain::name::TokenName;

use super::model::{ModelState, Token};
use super::world::World;
use crate::testing::{given, mint, requester, shop};
use crate::{EditAnswer, EditCommand};

/// What an edit comes to.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// Name, calls per minute and revision.
    Edited(String, Option<u32>, u32),
    Other(EditAnswer),
}

impl World {
    pub fn edit(&mut self) {
        let id = self.any_token();
        let name = self.dice.one_in(2).then(|| self.dice.pick(&["ci", "new"]));
        let name = name.flatten();
        let calls = (!self.dice.one_in(3)).then(|| 1 + self.dice.roll(40) as u32);
        let command = EditCommand {
            token: Id::from_u128(id),
            edit: TokenEdit {
                name: name.map(|name| TokenName::parse(name).expect("a name")),
                calls_per_minute: calls,
                ..TokenEdit::default()
            },
            description: None,
            requester: requester(),
        };
        let (actor, now, existed) = (self.any_actor(), self.now(), self.model.exists);
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        let told = match given(done) {
            EditAnswer::Edited { facts, .. } => {
                let calls = facts.conditions.and_then(|set| set.calls_per_minute());
                Told::Edited(facts.name.as_str().to_owned(), calls, facts.revision)
            }
            other => Told::Other(other),
        };
        if existed {
            self.model.prepare(now);
        }
        assert_eq!(told, self.edited(id, name, calls), "token {id}");
    }

    fn edited(&mut self, id: u128, name: Option<&str>, calls: Option<u32>) -> Told {
        let now = self.now();
        let Some(token) = self.model.tokens.get(&id) else {
            return Told::Other(EditAnswer::Unknown);
        };
        let is_over = |end: Option<_>| end.is_some_and(|end| end <= now);
        let is_live = token.state == ModelState::Live;
        if !is_live || is_over(token.end) || is_over(token.expires_at) {
            return Told::Other(EditAnswer::NotLive);
        }
        if let (Some(calls), Some(own)) = (calls, token.calls)
            && calls > own
        {
            return Told::Other(EditAnswer::Widens {
                what: Widens::CallsPerMinute,
            });
        }
        let name = name.unwrap_or(&token.name).to_owned();
        if name != token.name {
            let mut like = mint(id, &name, self.now);
            if token.place.is_some() {
                like.facts.scope = shop();
            }
            if self.model.name_taken(&like, Some(id), now) {
                return Told::Other(EditAnswer::NameTaken);
            }
        }
        let Some(token) = self.model.tokens.get_mut(&id) else {
            return Told::Other(EditAnswer::Unknown);
        };
        change(token, name, calls)
    }
}

fn change(token: &mut Token, name: String, calls: Option<u32>) -> Told {
    let calls = calls.or(token.calls);
    if (&name, calls) != (&token.name, token.calls) {
        token.revision += 1;
    }
    (token.name, token.calls) = (name.clone(), calls);
    Told::Edited(name, calls, token.revision)
}
