//! Random reports of what calls have come to (R49), some of which come again, and what is read of them.

use postern_domain::id::Id;
use postern_domain::usage::{MAX_DAYS, day};

use super::world::World;
use crate::testing::given;
use crate::{ActivityCommand, DayActivity, ReadActivityCommand, TokenActivity};

impl World {
    /// An isolate reports, perhaps what it has reported before: its answer was lost.
    pub fn report_calls(&mut self) {
        let reporter = self.dice.roll(3) as u128;
        let repeats = self.dice.one_in(3);
        let batch = self.reported.get(&reporter).filter(|_| repeats).cloned();
        let command = batch.unwrap_or_else(|| self.any_calls(reporter));
        self.reported.insert(reporter, command.clone());
        let (now, actor) = (self.now(), postern_domain::standing::Actor::NotAToken);
        let Some(done) = self.begin(actor, command.clone()) else {
            return;
        };
        given(done);
        let last = self.model.batches.get(&reporter).copied().unwrap_or(0);
        if !self.model.exists || command.batch <= last {
            return;
        }
        self.model.batches.insert(reporter, command.batch);
        for told in command.tokens {
            let calls = self.model.called(told.token.as_u128(), now);
            let refused = told.refused.iter().map(|(_, calls)| *calls).sum::<u64>();
            for (sum, more) in calls
                .iter_mut()
                .zip([told.allowed, told.origin_trouble, refused])
            {
                *sum += more;
            }
            if let (1.., Some(at)) = (told.allowed, told.used_at) {
                let uses = i64::try_from(told.allowed).expect("few");
                self.model.used(told.token.as_u128(), uses, at);
            }
        }
    }

    fn any_calls(&mut self, reporter: u128) -> ActivityCommand {
        self.batches += 1;
        let now = self.now();
        let mut tokens: Vec<TokenActivity> = Vec::new();
        for _ in 0..=self.dice.roll(3) {
            let token = Id::from_u128(self.any_token());
            let allowed = self.dice.roll(3) as u64;
            tokens.push(TokenActivity {
                token,
                allowed,
                used_at: (allowed > 0).then_some(now),
                origin_trouble: self.dice.roll(2) as u64,
                refused: vec![("not_confined".to_owned(), self.dice.roll(3) as u64)],
                callers: Vec::new(),
            });
        }
        ActivityCommand {
            reporter: Id::from_u128(reporter),
            batch: self.batches,
            tokens,
            refused: Vec::new(),
            offline: 0,
        }
    }

    /// What is read is what was told once, of all and of one.
    pub fn read_calls(&mut self) {
        let token = self.dice.one_in(2).then(|| self.any_token());
        let command = ReadActivityCommand {
            token: token.map(Id::from_u128),
            days: MAX_DAYS,
            hides_system: false,
        };
        let (now, actor) = (self.now(), postern_domain::standing::Actor::NotAToken);
        let Some(done) = self.begin(actor, command) else {
            return;
        };
        let known = token.is_none_or(|id| self.model.tokens.contains_key(&id));
        let told = given(done);
        assert_eq!(told.is_some(), known, "{token:?}");
        let Some(told) = told else { return };
        self.model.settle_uses(now);
        let first = day(now) - i64::from(MAX_DAYS) + 1;
        for (told, day) in told.days.iter().zip(first..) {
            assert_eq!(told.day, day);
            let kept = self
                .model
                .kept
                .iter()
                .filter(|((of, id), _)| *of == day && token.is_none_or(|token| token == *id));
            let mut sum = [0; 3];
            for (_, calls) in kept {
                for (sum, more) in sum.iter_mut().zip(calls) {
                    *sum += more;
                }
            }
            assert_eq!(counts(told), sum, "{token:?} on {day}");
        }
    }
}

fn counts(day: &DayActivity) -> [u64; 3] {
    let refused = day.refused.iter().map(|(_, calls)| *calls).sum();
    [day.allowed, day.origin_trouble, refused]
}
