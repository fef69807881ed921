//! What the Ledgers of the test world answer to commands, and what they keep of them.

use postern_ledger::{
    CheckpointCommand, EditAnswer, EditCommand, LimitsAnswer, LimitsCommand, PauseAnswer,
    PauseCommand, ResumeAnswer, RevokeManyAnswer, RotateAnswer,
};

use postern_domain::decide::Denial;

use super::*;

impl World {
    pub(super) fn mint(&self, command: MintCommand) -> Result<MintAnswer> {
        self.running()?;
        self.note("mint");
        self.minted.borrow_mut().push(command);
        self.lost_or(self.mint_answer.borrow().clone())
    }

    fn lost_or<T>(&self, answer: T) -> Result<T> {
        match self.answers_lost.get() {
            true => Err(Error::unavailable("the answer is lost")),
            false => Ok(answer),
        }
    }

    pub(super) fn rotate(&self, command: RotateCommand) -> Result<RotateAnswer> {
        self.running()?;
        if self.federated_only.get() {
            return Ok(RotateAnswer::FederatedOnly);
        }
        self.note("rotate");
        self.rotated.borrow_mut().push(command);
        self.lost_or(RotateAnswer::Rotated { description: None })
    }

    pub(super) fn running(&self) -> Result<()> {
        match self.pause.borrow().is_some() {
            true => Err(Denial::OrganizationPaused.into()),
            false => Ok(()),
        }
    }

    pub(super) fn pause(&self, command: PauseCommand) -> PauseAnswer {
        let PauseCommand {
            reason,
            paused_by: by,
            respond_async,
            ..
        } = command;
        self.note(format!("pause {by} {reason:?} {respond_async}"));
        let at = self.now();
        let mut paused = self.pause.borrow_mut();
        let pause = paused.get_or_insert(Pause { at, by, reason }).clone();
        let final_in_ms = if respond_async { 60 } else { 0 };
        PauseAnswer::Paused { pause, final_in_ms }
    }

    pub(super) fn resume(&self) -> ResumeAnswer {
        self.note("resume");
        match self.pause.take() {
            Some(_) => ResumeAnswer::Resumed { at: self.now() },
            None => ResumeAnswer::NotPaused,
        }
    }

    pub(super) fn revoke_many(&self, command: RevokeManyCommand) -> Result<RevokeManyAnswer> {
        self.note("revoke many");
        self.bulk.borrow_mut().push(command);
        Ok(RevokeManyAnswer::Done {
            tokens: self.bulk_found.borrow().clone(),
            used_in_last_day: 0,
            at: self.now(),
            version: 1,
        })
    }

    pub(super) fn change_limits(
        &self,
        command: &LimitsCommand,
        federated: Option<bool>,
    ) -> LimitsAnswer {
        let (ceiling, days) = (command.mint_ceiling, command.max_idle_days);
        let changes = serde_json::to_string(&command.changes).expect("serializes");
        let only = federated.map_or(String::new(), |only| format!(" federated {only}"));
        self.note(format!("limits {ceiling:?} {days} {changes}{only}"));
        LimitsAnswer::Changed
    }

    pub(super) fn checkpoint(&self, command: &CheckpointCommand) -> Result<Signed> {
        self.note(format!("checkpoint {}", command.keep));
        let checkpoint = Checkpoint {
            organization_id: command.organization,
            sequence: 0,
            link: hex(&GENESIS),
            at: self.now(),
        };
        Ok(checkpoint.sign(&config().root_keys.audit).expect("signs"))
    }

    /// As a Ledger does, of tokens that live.
    pub(super) fn edit(&self, command: &EditCommand) -> EditAnswer {
        self.note("edit");
        let mut tokens = self.tokens.borrow_mut();
        let Some(kept) = tokens.get_mut(&command.token) else {
            return EditAnswer::Unknown;
        };
        match command.edit.of(&kept.facts) {
            Err(what) => EditAnswer::Widens { what },
            Ok(edited) => {
                kept.facts = edited.unwrap_or_else(|| kept.facts.clone());
                EditAnswer::Edited {
                    facts: Box::new(kept.facts.clone()),
                    description: command.description.clone(),
                }
            }
        }
    }
}
