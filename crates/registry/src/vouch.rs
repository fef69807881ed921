//! When to ask about a credential. A short message is walked first, so that one question covers the
//! token and the run that it names. A long message is walked only for a caller who may do something:
//! a revoked token costs the reading of its body and one question.

use super::authenticate::{About, Admitted, Presented, admit, settled};
use super::body::BodyRead;
use super::config::Config;
use super::error::Result;
use super::ports::{Clock, Facts, Ledgers, Memory, Revocations};
use postern_domain::caller::Caller;
use postern_ledger::Purpose;

/// Longest message that is walked before its caller is asked about, in bytes (64 KiB).
pub const WALKED_FREELY: usize = 64 * 1024;

/// A credential on its way to a caller.
#[derive(Debug)]
pub struct Vouched {
    presented: Presented,
    purpose: Purpose,
    read: BodyRead,
    /// Where the message is long: the caller, without the run.
    admitted: Option<Admitted>,
}

impl Vouched {
    /// Asks now where the message has more than [`WALKED_FREELY`] bytes: about whatever is known
    /// before it is walked.
    ///
    /// # Errors
    /// As [`admit`].
    pub async fn first<P>(
        presented: Presented,
        (message, about, purpose): (usize, About, Purpose),
        read: BodyRead,
        config: &Config,
        ports: &P,
    ) -> Result<Self>
    where
        P: Clock + Facts + Ledgers + Memory + Revocations,
    {
        let admitted = if message > WALKED_FREELY {
            Some(admit(&presented, about, purpose, read, config, ports).await?)
        } else {
            None
        };
        Ok(Self {
            presented,
            purpose,
            read,
            admitted,
        })
    }

    /// The caller, with what is known of the run that the message names. Who was asked about
    /// already is asked about again only for a run that this isolate does not know, and has made
    /// one use all the same.
    ///
    /// # Errors
    /// As [`admit`].
    pub async fn about<P>(self, about: About, config: &Config, ports: &P) -> Result<Admitted>
    where
        P: Clock + Facts + Ledgers + Memory + Revocations,
    {
        let (presented, read) = (&self.presented, self.read);
        match (self.admitted, about) {
            (None, about) => admit(presented, about, self.purpose, read, config, ports).await,
            (Some(admitted), About::Nothing | About::Workflow) => Ok(admitted),
            (Some(admitted), About::Run(run)) => {
                if let Caller::Token(facts) = &admitted.caller
                    && let Some(known) = ports.run(facts.organization.id, run)
                    && settled(Some(facts), ports.pin(facts.id), &known)
                {
                    let pin = ports.pin(facts.id);
                    let run = Some(known);
                    return Ok(Admitted {
                        run,
                        pin,
                        ..admitted
                    });
                }
                admit(presented, about, Purpose::Look, read, config, ports).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::authenticate::present;
    use crate::body::READ;
    use crate::error::{CredentialError, Error};
    use crate::testing::{self, World, facts, now_or_never};
    use postern_domain::decide::RunFacts;
    use postern_domain::id::Id;
    use postern_domain::scope::Scope;
    use postern_ledger::Liveness;
    use postern_wire::jwt::issue;

    const RUN: u128 = 9;
    const RECALLED: u128 = 10;

    fn token(world: &World) -> Presented {
        let config = testing::config();
        let facts = facts(7, Scope::Organization);
        let jwt = issue(&facts, &config.token_keys).expect("issues");
        world.keep(facts);
        let header = format!("Bearer {}", jwt.token.expose());
        present(Some(&header), &config, world.now()).expect("ours")
    }

    fn first(world: &World, presented: Presented, length: usize) -> Result<Vouched> {
        let config = testing::config();
        let asked = (length, About::Nothing, Purpose::Write);
        now_or_never(Vouched::first(presented, asked, READ, &config, world))
    }

    fn about(world: &World, vouched: Vouched, run: Option<u128>) -> Admitted {
        let config = testing::config();
        let about = run.map_or(About::Nothing, |run| About::Run(Id::from_u128(run)));
        now_or_never(vouched.about(about, &config, world)).expect("it lives")
    }

    #[test]
    fn who_may_nothing_is_refused_before_a_long_message_is_walked() {
        let world = World::new();
        let presented = || token(&world);
        presented();
        let revoke = || {
            let mut tokens = world.tokens.borrow_mut();
            tokens
                .values_mut()
                .for_each(|kept| kept.liveness = Liveness::Revoked);
        };
        let long = presented();
        revoke();
        let refused = first(&world, long, WALKED_FREELY + 1).expect_err("revoked");
        let expected = Error::Credential(CredentialError::Refused("revoked token"));
        assert_eq!(refused, expected);
        assert_eq!(world.take_asked(), ["admit"]);
        // A short one is walked first: its run goes with the same question.
        let short = presented();
        revoke();
        assert!(first(&world, short, WALKED_FREELY).is_ok());
        assert_eq!(world.take_asked(), Vec::<String>::new());
    }

    #[test]
    fn a_long_message_is_one_use_and_a_second_question_only_for_a_run_that_is_not_known() {
        let world = World::new();
        let run = || RunFacts {
            project: "shop".to_owned(),
            workflow: "release".to_owned(),
            workflow_id: None,
        };
        // The Ledger knows both, and the isolate one of them.
        for id in [RUN, RECALLED] {
            let key = (testing::organization().id, Id::from_u128(id));
            world.runs.borrow_mut().insert(key, run());
        }
        let recalled = (Id::from_u128(RECALLED), Rc::new(run()));
        world.recalled.borrow_mut().extend([recalled]);
        let long = WALKED_FREELY + 1;
        let rows = [
            (0, None, 1),
            (0, Some(RUN), 1),
            (0, Some(RECALLED), 1),
            (long, None, 1),
            (long, Some(RUN), 2),
            (long, Some(RECALLED), 1),
        ];
        for (length, run, expected) in rows {
            let vouched = first(&world, token(&world), length).expect("it lives");
            let admitted = about(&world, vouched, run);
            let asked = world.take_asked();
            let questions = asked.iter().filter(|what| *what == "admit").count();
            assert_eq!(questions, expected, "{length} {run:?}: {asked:?}");
            assert_eq!(admitted.run.is_some(), run.is_some(), "{length} {run:?}");
        }
    }
}
