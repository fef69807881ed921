//! A management call whose caller is known and whose body is here: which use case it is for, and
//! the status of its answer.

use core::pin::Pin;

use super::super::{Answer, Content, Later, Management, Notes, Request, query};
use crate::audit::{self, Lines, public};
use crate::config::Config;
use crate::error::Result;
use crate::mint::{self, Client};
use crate::ports::Ports;
use crate::{
    activity, adopt, organization, rebuild, refusal, registry, tokens, trust_rules, upstream,
};
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_wire::prefer;

/// A use case under way. Each has a function of its own, which the runtime compiles when it is first called: all in
/// one make the first management call of an isolate wait for 0.4 MB of them.
type Carried<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + 'a>>;

/// The call.
pub(super) struct Call<'a, P> {
    pub request: &'a Request<'a>,
    pub config: &'a Config,
    pub ports: &'a P,
    pub caller: &'a Caller,
    /// As the caller names it.
    pub organization: Option<&'a str>,
    pub body: &'a [u8],
}

impl<P: Ports> Call<'_, P> {
    /// Carries it out.
    pub async fn answer(&self, endpoint: Management<'_>, notes: &mut Notes) -> Result<Answer> {
        let (caller, named, body) = (self.caller, self.organization, self.body);
        let (config, ports) = (self.config, self.ports);
        let requester = move || self.requester();
        let carried: Carried<'_> = match endpoint {
            Management::Organizations => Box::pin(async move {
                let page = self.page()?;
                let list = organization::list(caller, &page, config, ports).await?;
                Answer::json(200, &list)
            }),
            Management::CreateOrganization => Box::pin(async move {
                let created = organization::create(caller, body, requester(), config, ports);
                Answer::json(201, &created.await?)
            }),
            Management::UpdateOrganization(name) => Box::pin(async move {
                let updated = organization::update(caller, name, body, requester(), config, ports);
                Answer::json(200, &updated.await?)
            }),
            Management::RebuildLedger(name) => Box::pin(async move {
                let meant = (name, body, requester());
                let rebuilt = rebuild::rebuild(caller, meant, config, ports);
                Answer::json(200, &rebuilt.await?)
            }),
            Management::Pause => Box::pin(self.pause()),
            Management::Resume => Box::pin(async move {
                let resumed = organization::resume(caller, named, requester(), ports);
                Answer::json(200, &resumed.await?)
            }),
            Management::Projects => Box::pin(async move {
                let page = self.page()?;
                let list = registry::list_projects(caller, named, &page, ports).await?;
                Answer::json(200, &list)
            }),
            Management::CreateProject => Box::pin(async move {
                let created = registry::create_project(caller, named, body, requester(), ports);
                Answer::json(201, &created.await?)
            }),
            Management::Workflows(project) => Box::pin(async move {
                let page = self.page()?;
                let list = registry::list_workflows(caller, named, project, &page, ports).await?;
                Answer::json(200, &list)
            }),
            Management::CreateWorkflow(project) => Box::pin(async move {
                let created =
                    registry::create_workflow(caller, named, project, body, requester(), ports);
                Answer::json(201, &created.await?)
            }),
            Management::Tokens => Box::pin(async move {
                let (query, page) = query::tokens(self.request.query(), ports.now())?;
                let list = tokens::list(caller, named, query, &page, ports).await?;
                Answer::json(200, &list)
            }),
            Management::SearchTokens => Box::pin(async move {
                query::nothing(self.request.query())?;
                let found = tokens::search(caller, named, body, config, ports).await?;
                Answer::json(200, &found)
            }),
            Management::Overview => Box::pin(async move {
                query::nothing(self.request.query())?;
                let overview = tokens::overview(caller, named, config, ports);
                Answer::json(200, &overview.await?)
            }),
            Management::CreateToken => Box::pin(async move {
                let minted = mint::mint(caller, named, body, self.from(), config, ports).await;
                Answer::secret(201, &self.noted(minted, None, notes).await?)
            }),
            Management::Adopt => Box::pin(async move {
                let adopted = adopt::adopt(caller, named, body, self.from(), config, ports).await;
                Answer::secret(201, &self.noted(adopted, None, notes).await?)
            }),
            Management::Rotate(id) => Box::pin(async move {
                let rotated = tokens::rotate(caller, named, id, body, self.from(), config, ports);
                Answer::secret(201, &self.noted(rotated.await, Some(id), notes).await?)
            }),
            Management::RevokeMany => Box::pin(async move {
                let revoked = tokens::revoke_many(caller, named, body, requester(), ports);
                Answer::json(200, &revoked.await?)
            }),
            Management::Token(id) => Box::pin(async move {
                Answer::json(200, &tokens::read(caller, named, id, ports).await?)
            }),
            Management::Revoke(id) => Box::pin(self.revoke(id)),
            Management::Edit(id) => Box::pin(async move {
                let edited = tokens::edit(caller, named, id, (body, requester()), ports);
                Answer::json(200, &edited.await?)
            }),
            Management::Release(id) => Box::pin(async move {
                let released = tokens::release(caller, named, id, requester(), ports);
                Answer::json(200, &released.await?)
            }),
            Management::Audit => Box::pin(self.audit()),
            Management::Activity => Box::pin(async move {
                let asked = query::activity(self.request.query())?;
                Answer::json(200, &activity::read(caller, named, asked, ports).await?)
            }),
            Management::Checkpoints => Box::pin(async move {
                let (is_public, span) = query::checkpoints(self.request.query())?;
                if is_public {
                    let list = public::notes(caller, named, &span, config, ports).await?;
                    return Answer::json(200, &list);
                }
                let list = audit::checkpoints(caller, named, &span, config, ports).await?;
                Answer::json(200, &list)
            }),
            Management::CreateCheckpoint => Box::pin(async move {
                Answer::json(201, &audit::checkpoint(caller, named, ports).await?)
            }),
            Management::PublicCheckpoint => Box::pin(async move {
                let is_fresh = query::checkpoint(self.request.query())?;
                let shown = public::checkpoint(caller, named, is_fresh, config, ports).await?;
                let offer = Later::Offer {
                    organization: shown.organization,
                    witnesses: shown.witnesses,
                };
                Ok(Answer {
                    later: Some(offer).filter(Later::is_some),
                    ..Answer::new(200, Content::Text(shown.note))
                })
            }),
            Management::Consistency => Box::pin(async move {
                let sizes = query::sizes(self.request.query())?;
                let proof = public::consistency(caller, named, sizes, config, ports);
                Answer::json(200, &proof.await?)
            }),
            Management::Inclusion(sequence) => Box::pin(async move {
                query::nothing(self.request.query())?;
                let proof = public::proof(caller, named, sequence, config, ports);
                Ok(Answer::new(200, Content::Text(proof.await?)))
            }),
            Management::Upstreams => {
                Box::pin(
                    async move { Answer::json(200, &upstream::list(caller, named, ports).await?) },
                )
            }
            Management::Upstream(of) => Box::pin(async move {
                Answer::json(200, &upstream::read(caller, named, of, ports).await?)
            }),
            Management::SetUpstream(of) => Box::pin(async move {
                let meant = (body, requester());
                let set = upstream::set(caller, named, of, meant, config, ports);
                Answer::json(200, &set.await?)
            }),
            Management::ClearUpstream(of) => Box::pin(async move {
                upstream::clear(caller, named, of, requester(), ports).await?;
                Ok(Answer::new(204, Content::Nothing))
            }),
            Management::TrustRules => Box::pin(async move {
                let list = trust_rules::list(caller, named, config, ports).await?;
                if !list.unreadable.is_empty() {
                    let unread = format!("cannot be read: {:?}", list.unreadable);
                    notes.failures.push(("trust_rule.list", unread));
                }
                Answer::json(200, &list)
            }),
            Management::AddTrustRule => Box::pin(async move {
                let meant = (body, requester());
                let added = trust_rules::add(caller, named, meant, config, ports);
                Answer::json(201, &added.await?)
            }),
            Management::FindRepository => Box::pin(async move {
                Answer::json(200, &trust_rules::find(caller, body, config, ports).await?)
            }),
            Management::TestJobToken => Box::pin(async move {
                let tested = trust_rules::test(caller, named, body, config, ports);
                Answer::json(200, &tested.await?)
            }),
            Management::TrustRule(id) => Box::pin(async move {
                Answer::json(200, &trust_rules::read(caller, named, id, ports).await?)
            }),
            Management::RemoveTrustRule(id) => Box::pin(async move {
                let removed = trust_rules::remove(caller, named, id, requester(), ports);
                Answer::json(200, &removed.await?)
            }),
        };
        carried.await
    }

    /// Revokes a token, and waits until that is final unless the caller would rather not.
    async fn revoke(&self, id: &str) -> Result<Answer> {
        let is_early = prefer::respond_async(self.request.header("prefer").as_deref());
        let meant = (self.requester(), is_early);
        let revoked = tokens::revoke(self.caller, self.organization, id, meant, self.ports);
        let status = match is_early {
            true => 202,
            false => 200,
        };
        Ok(Answer {
            is_early,
            ..Answer::json(status, &revoked.await?)?
        })
    }

    /// Pauses the organization, and waits as a revoke does.
    async fn pause(&self) -> Result<Answer> {
        let is_early = prefer::respond_async(self.request.header("prefer").as_deref());
        let (caller, named) = (self.caller, self.organization);
        let meant = (self.requester(), is_early);
        let paused = organization::pause(caller, named, self.body, meant, self.ports);
        Ok(Answer {
            is_early,
            ..Answer::json(if is_early { 202 } else { 200 }, &paused.await?)?
        })
    }

    /// Reads the log: pages, or, where the caller asks for lines, an export. That is whole or it
    /// proves nothing: it has no parameters.
    async fn audit(&self) -> Result<Answer> {
        let (caller, named, ports) = (self.caller, self.organization, self.ports);
        if audit::wants_lines(&self.request.header("accept").unwrap_or_default()) {
            query::nothing(self.request.query())?;
            let mut lines = Lines::of(audit::export(caller, named, ports).await?);
            // The first page before the answer: a record that does not answer is a 503 and no
            // short file.
            let first = lines.next(ports).await?.unwrap_or_default();
            return Ok(Answer {
                no_store: true,
                ..Answer::new(200, Content::Lines(first, lines))
            });
        }
        let (filter, span) = query::events(self.request.query())?;
        let list = audit::list(caller, named, &filter, &span, self.config, ports).await?;
        Answer::json(200, &list)
    }

    /// A mint, adoption or rotation on its way out: a refusal is written down first (R35). It
    /// stands also where that fails.
    async fn noted<T>(
        &self,
        outcome: Result<T>,
        rotated: Option<&str>,
        notes: &mut Notes,
    ) -> Result<T> {
        if let Err(error) = &outcome {
            let (named, requester) = (self.organization, self.requester());
            let noted = refusal::note(error, self.caller, named, rotated, requester, self.ports);
            if let Err(failure) = noted.await {
                let failure = ("audit.mint_refused", failure.private());
                notes.failures.push(failure);
            }
        }
        outcome
    }

    fn page(&self) -> Result<crate::page::Page> {
        query::page(self.request.query())
    }

    /// Who asks from where, for the audit row (R21, R35).
    fn requester(&self) -> Requester {
        self.request.requester(self.config, self.caller)
    }

    /// Whose bucket a mint takes from, and who asks.
    fn from(&self) -> Client {
        Client {
            bucket: self.request.bucket(self.config),
            requester: self.requester(),
        }
    }
}
