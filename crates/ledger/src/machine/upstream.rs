//! Upstream credentials (R42): a change of one takes a version of the revocation log, so that its
//! answer waits until no isolate sends what was sent before, as the answer to a revoke does.

use postern_domain::audit::{Action, Changes, Event, NotedChanges, Requester, Text};
use postern_domain::decide::RunFacts;
use postern_domain::id::OrganizationId;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_domain::upstream::{Digest, Reach};

use super::events::about_none;
use super::{Acting, Ledger};
use crate::done::{Carried, Done, Never, Outcome};
use crate::sql::{Result, Sql, SqlError};
use crate::upstream::{
    ClearUpstreamAnswer, ClearUpstreamCommand, GivenUpstream, ListUpstreamsCommand, MAX_UPSTREAMS,
    ReadUpstreamCommand, SetUpstreamAnswer, SetUpstreamCommand, UpstreamQuery,
};

impl Carried for SetUpstreamCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        ledger.prepare_write(acting, now)?;
        ledger.store.forget_kept_upstreams(now)?;
        let before = ledger.store.current_upstream(&self.reach)?;
        let adds = before.is_none() || self.keep_ms > 0;
        if adds && ledger.store.count_upstreams()? >= i64::from(MAX_UPSTREAMS) {
            return Ok(Done::Answer(SetUpstreamAnswer::TooMany {
                limit: MAX_UPSTREAMS,
            }));
        }
        let mut changes = digest_of(&self.digest);
        if let Some((_, replaced)) = &before {
            changes.insert("replaces".to_owned(), replaced.as_str().into());
            changes.insert(
                "keep_replaced_seconds".to_owned(),
                (self.keep_ms / 1_000).into(),
            );
        }
        let about = (self.organization, &self.reach, Action::UpstreamSet);
        let event = event(about, changes, now, &self.requester);
        ledger.step(now, |step| {
            let version = step.version()?;
            match (before, i64::from(self.keep_ms)) {
                (None, _) => {}
                // Those too that are kept since earlier: one of them may be what has leaked.
                (Some(_), 0) => step.store.clear_upstreams(&self.reach, version)?,
                (Some((id, _)), ms) => step.store.keep_upstream(id, now.plus_millis(ms))?,
            }
            step.store.insert_upstream(&self, now, version)?;
            step.event(event)
        })?;
        let state = ledger.store.upstream_state(&self.reach, now)?;
        let state = state.ok_or_else(|| SqlError("what was set is not there".to_owned()))?;
        let version = ledger.store.head()?.version;
        ledger.when_final(version, SetUpstreamAnswer::Set(state))
    }
}

impl Carried for ClearUpstreamCommand {
    type Suspended = Never;

    fn begin<S: Sql>(
        self,
        ledger: &mut Ledger<S>,
        acting: Acting,
        now: Timestamp,
    ) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(ClearUpstreamAnswer::Unset));
        }
        ledger.prepare_write(acting, now)?;
        let Some((_, digest)) = ledger.store.current_upstream(&self.reach)? else {
            // Says that nothing is sent of this reach: a clear that is asked for again waits too.
            let version = ledger.store.upstream_changed()?;
            return ledger.when_final(version, ClearUpstreamAnswer::Unset);
        };
        let about = (self.organization, &self.reach, Action::UpstreamClear);
        let event = event(about, digest_of(&digest), now, &self.requester);
        ledger.step(now, |step| {
            let version = step.version()?;
            step.store.clear_upstreams(&self.reach, version)?;
            step.event(event)
        })?;
        let version = ledger.store.head()?.version;
        ledger.when_final(version, ClearUpstreamAnswer::Cleared)
    }
}

impl Carried for ReadUpstreamCommand {
    type Suspended = Never;

    fn begin<S: Sql>(self, ledger: &mut Ledger<S>, _: Acting, now: Timestamp) -> Outcome<Self> {
        Ok(Done::Answer(match ledger.store.exists()? {
            true => ledger.store.upstream_state(&self.reach, now)?,
            false => None,
        }))
    }
}

impl Carried for ListUpstreamsCommand {
    type Suspended = Never;

    fn begin<S: Sql>(self, ledger: &mut Ledger<S>, _: Acting, now: Timestamp) -> Outcome<Self> {
        if !ledger.store.exists()? {
            return Ok(Done::Answer(Vec::new()));
        }
        let mut states = Vec::new();
        for reach in ledger.store.current_reaches()? {
            states.extend(ledger.store.upstream_state(&reach, now)?);
        }
        Ok(Done::Answer(states))
    }
}

impl<S: Sql> Ledger<S> {
    /// The credential that a call of a token is sent on with: the one that its run began under,
    /// while that is set or kept, and otherwise the narrowest that is set for what it is about.
    pub(super) fn upstream(
        &self,
        asked: &UpstreamQuery,
        token: &TokenFacts,
        run: Option<&RunFacts>,
        now: Timestamp,
    ) -> Result<Option<GivenUpstream>> {
        let (project, workflow) = (asked.project.as_ref(), asked.workflow.as_ref());
        let (project, workflow) = (
            project.map(|label| label.as_str()),
            workflow.map(|label| label.as_str()),
        );
        // What an exact question is about the asker remembers the answer for.
        let reach = match run {
            None if asked.is_exact => Reach::of(project, workflow),
            run => Reach::of_call(project, workflow, &token.scope, run),
        };
        // What is stored of a run stands above what an isolate says of it.
        let began = match run {
            Some(run) => run.upstream,
            None => asked.began,
        };
        if let Some(began) = began
            && let Some(given) = self.store.upstream(began)?
            && given.reach.covers(&reach)
            && given.until.is_none_or(|until| now < until)
        {
            return Ok(Some(given));
        }
        for reach in reach.widening() {
            if let Some((id, _)) = self.store.current_upstream(&reach)? {
                return self.store.upstream(id);
            }
        }
        Ok(None)
    }
}

fn digest_of(digest: &Digest) -> Changes {
    let mut changes = Changes::new();
    changes.insert("digest".to_owned(), digest.as_str().into());
    changes
}

/// The event of a change: what it was for, and no more of the credential than its digest.
fn event(
    (organization, reach, action): (OrganizationId, &Reach, Action),
    changes: Changes,
    now: Timestamp,
    requester: &Requester,
) -> Event {
    Event {
        target: Some(Text::new(&reach.to_string())),
        changes: Some(NotedChanges::new(&changes)),
        ..about_none(organization, now, action, requester)
    }
}
