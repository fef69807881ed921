//! Commands by their names, from JSON to JSON: the one place that knows them all, for the machine's
//! driver.

use core::fmt;

use postern_domain::time::Timestamp;

use crate::done::{Carried, Delivery, Done, Outcome, Stop, Wait};
use crate::machine::{Addressed, Ledger};
use crate::sql::Sql;
use crate::wire::Reply;
use crate::{
    ActivityCommand, AddTrustRuleCommand, ArtifactCommand, BindCommand, CheckpointCommand,
    ClearUpstreamCommand, Command, EditCommand, ExchangeCommand, FederationCommand, LeakCommand,
    LimitsCommand, ListTrustRulesCommand, ListUpstreamsCommand, MintCommand, NoteCommand,
    PauseCommand, PolicyCommand, ReadActivityCommand, ReadUpstreamCommand, RebuildCommand,
    RefusalCommand, ReleaseCommand, RemoveTrustRuleCommand, RenewCommand, ReserveCommand,
    ResumeCommand, RevokeCommand, RevokeManyCommand, RotateCommand, RunCommand, RunsCommand,
    SetUpstreamCommand, SweepCommand, TreeCommand, UnreserveCommand, WatchCommand,
};

/// How far a command has come in one turn: [`Done`], with its answer as JSON.
pub enum Progress<S> {
    /// The answer.
    Reply(Reply),
    /// The answer, and it stands; a list agrees with it once D1 is up to date.
    BestAfterDelivery(Reply),
    /// The answer, once this version is final.
    WhenFinal(i64, Reply),
    /// A watch that is held: see [`Ledger::watch`].
    Watch(WatchCommand),
    /// The answer depends on D1, which has to be waited for.
    AfterDelivery(Wait, Resume<S>),
}

/// The rest of a command that waits: one more turn.
pub type Resume<S> =
    Box<dyn FnOnce(&mut Ledger<S>, Timestamp, Delivery) -> Result<Progress<S>, Failed>>;

/// Carries out a command of one kind, in one turn.
pub type Begin<S> =
    fn(&mut Ledger<S>, Timestamp, Addressed<'_>, &str) -> Result<Progress<S>, Failed>;

/// Why a turn has no answer: a database that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed(pub String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<serde_json::Error> for Failed {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// What carries out the commands of a name; `None` where there are none.
pub fn command<S: Sql>(name: &str) -> Option<Begin<S>> {
    Some(match name {
        BindCommand::NAME => begin::<S, BindCommand>,
        MintCommand::NAME => begin::<S, MintCommand>,
        RotateCommand::NAME => begin::<S, RotateCommand>,
        RevokeCommand::NAME => begin::<S, RevokeCommand>,
        RevokeManyCommand::NAME => begin::<S, RevokeManyCommand>,
        LeakCommand::NAME => begin::<S, LeakCommand>,
        ReleaseCommand::NAME => begin::<S, ReleaseCommand>,
        EditCommand::NAME => begin::<S, EditCommand>,
        SweepCommand::NAME => begin::<S, SweepCommand>,
        NoteCommand::NAME => begin::<S, NoteCommand>,
        RefusalCommand::NAME => begin::<S, RefusalCommand>,
        LimitsCommand::NAME => begin::<S, LimitsCommand>,
        FederationCommand::NAME => begin::<S, FederationCommand>,
        PolicyCommand::NAME => begin::<S, PolicyCommand>,
        PauseCommand::NAME => begin::<S, PauseCommand>,
        ResumeCommand::NAME => begin::<S, ResumeCommand>,
        CheckpointCommand::NAME => begin::<S, CheckpointCommand>,
        RunCommand::NAME => begin::<S, RunCommand>,
        RunsCommand::NAME => begin::<S, RunsCommand>,
        ActivityCommand::NAME => begin::<S, ActivityCommand>,
        ReadActivityCommand::NAME => begin::<S, ReadActivityCommand>,
        ArtifactCommand::NAME => begin::<S, ArtifactCommand>,
        AddTrustRuleCommand::NAME => begin::<S, AddTrustRuleCommand>,
        RemoveTrustRuleCommand::NAME => begin::<S, RemoveTrustRuleCommand>,
        ListTrustRulesCommand::NAME => begin::<S, ListTrustRulesCommand>,
        ExchangeCommand::NAME => begin::<S, ExchangeCommand>,
        SetUpstreamCommand::NAME => begin::<S, SetUpstreamCommand>,
        ClearUpstreamCommand::NAME => begin::<S, ClearUpstreamCommand>,
        ReadUpstreamCommand::NAME => begin::<S, ReadUpstreamCommand>,
        ListUpstreamsCommand::NAME => begin::<S, ListUpstreamsCommand>,
        ReserveCommand::NAME => begin::<S, ReserveCommand>,
        RebuildCommand::NAME => begin::<S, RebuildCommand>,
        TreeCommand::NAME => begin::<S, TreeCommand>,
        UnreserveCommand::NAME => begin::<S, UnreserveCommand>,
        RenewCommand::NAME => renew::<S>,
        WatchCommand::NAME => watch::<S>,
        _ => return None,
    })
}

fn begin<S: Sql, C: Carried + 'static>(
    ledger: &mut Ledger<S>,
    now: Timestamp,
    addressed: Addressed<'_>,
    body: &str,
) -> Result<Progress<S>, Failed> {
    match serde_json::from_str::<C>(body) {
        Ok(command) => progress(ledger.handle(now, addressed, command)),
        Err(error) => Ok(unread::<S, C>(&error)),
    }
}

/// The answer to a text that is no command of the kind that it says it is: nothing was done.
fn unread<S, C: Command>(error: &serde_json::Error) -> Progress<S> {
    Progress::Reply(Reply::malformed(C::NAME, error))
}

/// A question that is sent as commands are. It is nobody's write.
fn renew<S: Sql>(
    ledger: &mut Ledger<S>,
    now: Timestamp,
    _: Addressed<'_>,
    body: &str,
) -> Result<Progress<S>, Failed> {
    let command: RenewCommand = match serde_json::from_str(body) {
        Ok(command) => command,
        Err(error) => return Ok(unread::<S, RenewCommand>(&error)),
    };
    let delta = ledger.renew(now, &command);
    let delta = delta.map_err(|error| Failed(error.to_string()))?;
    Ok(Progress::Reply(Reply::answer(&delta)?))
}

/// A question too, whose answer can wait.
fn watch<S: Sql>(
    ledger: &mut Ledger<S>,
    _: Timestamp,
    _: Addressed<'_>,
    body: &str,
) -> Result<Progress<S>, Failed> {
    let command: WatchCommand = match serde_json::from_str(body) {
        Ok(command) => command,
        Err(error) => return Ok(unread::<S, WatchCommand>(&error)),
    };
    let delta = ledger.watch(&command, false);
    Ok(match delta.map_err(|error| Failed(error.to_string()))? {
        Some(delta) => Progress::Reply(Reply::answer(&delta)?),
        None => Progress::Watch(command),
    })
}

fn progress<S: Sql, C: Carried + 'static>(outcome: Outcome<C>) -> Result<Progress<S>, Failed> {
    Ok(match outcome {
        Ok(Done::Answer(answer)) => Progress::Reply(Reply::answer(&answer)?),
        Ok(Done::BestAfterDelivery(answer)) => Progress::BestAfterDelivery(Reply::answer(&answer)?),
        Ok(Done::WhenFinal(version, answer)) => {
            Progress::WhenFinal(version, Reply::answer(&answer)?)
        }
        Ok(Done::AfterDelivery(waiting)) => Progress::AfterDelivery(
            waiting.wait(),
            Box::new(move |ledger, now, delivery| progress(ledger.resume(now, waiting, delivery))),
        ),
        Err(stop) => Progress::Reply(stopped(&stop)?),
    })
}

/// The answer to a call that was not carried out.
///
/// # Errors
/// When it was not for a reason that is told, but because the database failed.
pub fn stopped(stop: &Stop) -> Result<Reply, Failed> {
    Reply::stop(stop).map_err(Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LEASE_MS, Sqlite, at, claim, mint, open, requester};
    use crate::{MintAnswer, RevokeAnswer};
    use postern_domain::id::Id;
    use postern_domain::standing::{Actor, Inactive};

    fn tell(ledger: &mut Ledger<Sqlite>, actor: Actor, name: &str, body: &str) -> Progress<Sqlite> {
        let addressed = Addressed {
            by: Some("acme"),
            actor,
        };
        let begin = command(name).expect("a command");
        begin(ledger, at(0), addressed, body).unwrap_or_else(|error| panic!("{error}"))
    }

    fn body(command: &impl Command) -> String {
        serde_json::to_string(command).expect("serializes")
    }

    #[test]
    fn a_command_goes_from_json_to_json() {
        let sql = Sqlite::new();
        let mut ledger = open(&sql);
        let nobody = Actor::NotAToken;
        let progress = tell(&mut ledger, nobody, "mint", &body(&mint(1, "ci", 0)));
        let Progress::AfterDelivery(Wait::Entry(_), resume) = progress else {
            panic!("a mint waits for its entry");
        };
        let arrived = Delivery::Arrived { row_of: None };
        let Ok(Progress::Reply(reply)) = resume(&mut ledger, at(1), arrived) else {
            panic!("a mint waits once");
        };
        assert_eq!(reply.read(), Ok(MintAnswer::Minted));

        let revoke = RevokeCommand {
            token: Id::from_u128(1),
            requester: requester(),
            respond_async: false,
        };
        let progress = tell(&mut ledger, nobody, "revoke", &body(&revoke));
        let Progress::BestAfterDelivery(reply) = progress else {
            panic!("a revoke has its answer");
        };
        assert_eq!(
            reply.read(),
            Ok(RevokeAnswer::Revoked {
                at: at(0),
                final_in_ms: 0
            })
        );

        let actor = Actor::Token(Id::from_u128(1));
        let Progress::Reply(reply) = tell(&mut ledger, actor, "revoke", &body(&revoke)) else {
            panic!("it is refused");
        };
        let refused = crate::wire::Unanswered::Inactive(Inactive::Revoked);
        assert_eq!(reply.read::<RevokeAnswer>(), Err(refused));
        let renew = RenewCommand {
            claim: claim(9, None),
            uses: Vec::new(),
        };
        let Progress::Reply(reply) = tell(&mut ledger, actor, "renew", &body(&renew)) else {
            panic!("a question has its answer");
        };
        let changes: crate::Delta = reply.read().expect("an answer");
        assert_eq!(
            (changes.version.number, changes.lease_ms),
            (1, Some(LEASE_MS))
        );

        let watch = WatchCommand {
            claim: claim(9, Some(changes.version)),
        };
        let told = tell(&mut ledger, actor, "watch", &body(&watch));
        assert!(matches!(told, Progress::Watch(held) if held == watch));
    }

    #[test]
    fn what_is_no_command_writes_nothing() {
        let sql = Sqlite::new();
        let mut ledger = open(&sql);
        assert!(command::<Sqlite>("describe").is_none());
        let addressed = Addressed {
            by: None,
            actor: Actor::NotAToken,
        };
        for name in ["mint", "watch", "renew"] {
            let begin = command(name).expect("a command");
            let Ok(Progress::Reply(reply)) = begin(&mut ledger, at(0), addressed, "{}") else {
                panic!("it has an answer");
            };
            assert_eq!(reply.status, 400, "{name}");
            assert!(
                reply.body.contains(&format!("command `{name}`: ")),
                "{reply:?}"
            );
        }
        assert_eq!(sql.number("select count(*) from sqlite_master"), 0);
    }
}
