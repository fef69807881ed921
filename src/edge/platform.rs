//! The platform behind the ports: bindings, clock, entropy, configuration. Refuses logic; each
//! port is one call into the file that owns it.

use std::cell::OnceCell;
use std::rc::Rc;

use worker::{Context, Env};

use super::memory;
use super::objects::{ledger_client, limiter_client};
use super::sessions;
use super::store::{facts, first_token, records};
use crate::app::config::Config;
use crate::app::error::{Error, Result};
use crate::app::leaks::OnLeak;
use crate::app::ledger::{
    Admission, AdmitQuery, LeakCommand, MintAnswer, MintCommand, ReleaseAnswer, ReleaseCommand,
    RevokeAnswer, RevokeCommand, RevokeManyAnswer, RevokeManyCommand, RotateAnswer, RotateCommand,
    RunAnswer, RunCommand,
};
use crate::app::organization::Organization;
use crate::app::page::{Cursor, Page};
use crate::app::ports::{
    Clock, Directory, Entropy, Facts, FirstToken, Ledgers, Memory, MintBuckets, Records,
    SessionAnswer, Sessions,
};
use crate::app::registry::Entry;
use crate::app::tokens::{Filter, TokenRecord};
use crate::domain::bucket::{Empty, Rate};
use crate::domain::decide::{Denial, Permit, RunFacts};
use crate::domain::id::{OrganizationId, Project, ProjectId, RunId, TokenId, Workflow, WorkflowId};
use crate::domain::scope::Named;
use crate::domain::session::Person;
use crate::domain::time::Timestamp;
use crate::domain::token::TokenFacts;

type Configured = core::result::Result<Rc<Config>, Vec<String>>;

thread_local! {
    /// Variables cannot change while an isolate lives, so they are read once.
    static CONFIG: OnceCell<Configured> = const { OnceCell::new() };
}

/// The configuration of this isolate.
pub fn config(env: &Env) -> Configured {
    CONFIG.with(|cell| {
        cell.get_or_init(|| {
            let variable = |name: &str| env.var(name).ok().map(|value| value.to_string());
            Config::read(variable).map(Rc::new)
        })
        .clone()
    })
}

/// The wall clock of the platform, which stands still between I/O.
pub fn now() -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds are far below 2^53"
    )]
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

/// One request's view of the platform.
#[derive(Clone)]
pub struct Platform {
    pub env: Env,
    context: Rc<Context>,
}

impl Platform {
    pub fn new(env: Env, context: Rc<Context>) -> Self {
        Self { env, context }
    }

    /// Runs a future on after the answer.
    pub fn after_answer(&self, future: impl Future<Output = ()> + 'static) {
        self.context.wait_until(future);
    }
}

impl Clock for Platform {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl Entropy for Platform {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(Error::unavailable)
    }
}

impl Memory for Platform {
    fn facts(&self, token: TokenId) -> Option<Rc<TokenFacts>> {
        memory::facts(token)
    }

    fn remember_facts(&self, facts: &Rc<TokenFacts>) {
        memory::remember_facts(facts);
    }

    fn run(&self, organization: OrganizationId, run: RunId) -> Option<Rc<RunFacts>> {
        memory::run(organization, run)
    }

    fn remember_run(&self, organization: OrganizationId, run: RunId, facts: &Rc<RunFacts>) {
        memory::remember_run(organization, run, facts);
    }

    fn pin(&self, token: TokenId) -> Option<WorkflowId> {
        memory::pin(token)
    }

    fn remember_pin(&self, token: TokenId, workflow: WorkflowId) {
        memory::remember_pin(token, workflow);
    }
}

impl Facts for Platform {
    async fn facts(&self, token: TokenId) -> Result<Option<TokenFacts>> {
        if let Some(facts) = facts::get(&self.env, token).await {
            return Ok(Some(facts));
        }
        let found = records::any_token(&self.env, token).await?;
        // The row of an adoption can yet be taken back: what it says goes to KV once it lives.
        if let Some(facts) = found.as_ref().filter(|facts| !facts.adopted()) {
            Facts::publish(self, facts);
        }
        Ok(found)
    }

    fn publish(&self, facts: &TokenFacts) {
        let (env, facts) = (self.env.clone(), facts.clone());
        self.context
            .wait_until(async move { facts::put(&env, &facts).await });
    }
}

impl Directory for Platform {
    async fn organization_id(&self, name: &str) -> Result<Option<OrganizationId>> {
        if let Some(id) = memory::organization(name) {
            return Ok(Some(id));
        }
        let id = match facts::organization(&self.env, name).await {
            Some(id) => id,
            None => match records::organization(&self.env, name).await? {
                Some(found) => {
                    let (env, name) = (self.env.clone(), name.to_owned());
                    self.context.wait_until(async move {
                        facts::put_organization(&env, &name, found.id).await;
                    });
                    found.id
                }
                None => return Ok(None),
            },
        };
        memory::remember_organization(name, id);
        Ok(Some(id))
    }
}

/// INVARIANT (permission is a value): a write goes through only with a permit that reaches there.
fn check(permit: &Permit, organization: OrganizationId) -> Result<()> {
    if permit.reaches(organization) {
        Ok(())
    } else {
        Err(Denial::Operation.into())
    }
}

impl Ledgers for Platform {
    async fn admit(&self, organization: OrganizationId, query: AdmitQuery) -> Result<Admission> {
        ledger_client::admit(&self.env, organization, query).await
    }

    async fn mint(&self, permit: &Permit, command: &MintCommand) -> Result<MintAnswer> {
        let organization = command.facts.organization.id;
        check(permit, organization)?;
        ledger_client::command(&self.env, organization, "mint", command).await
    }

    async fn revoke(
        &self,
        permit: &Permit,
        organization: OrganizationId,
        command: &RevokeCommand,
    ) -> Result<RevokeAnswer> {
        check(permit, organization)?;
        ledger_client::command(&self.env, organization, "revoke", command).await
    }

    async fn describe(
        &self,
        organization: OrganizationId,
        token: TokenId,
    ) -> Result<Option<TokenFacts>> {
        ledger_client::describe(&self.env, organization, token).await
    }

    async fn report_leak(&self, organization: OrganizationId, command: &LeakCommand) -> Result<()> {
        ledger_client::command(&self.env, organization, "leak", command).await
    }

    async fn release(
        &self,
        permit: &Permit,
        organization: OrganizationId,
        command: &ReleaseCommand,
    ) -> Result<ReleaseAnswer> {
        check(permit, organization)?;
        ledger_client::command(&self.env, organization, "release", command).await
    }

    async fn rotate(&self, permit: &Permit, command: &RotateCommand) -> Result<RotateAnswer> {
        let organization = command.mint.facts.organization.id;
        check(permit, organization)?;
        ledger_client::command(&self.env, organization, "rotate", command).await
    }

    async fn revoke_many(
        &self,
        permit: &Permit,
        organization: OrganizationId,
        command: &RevokeManyCommand,
    ) -> Result<RevokeManyAnswer> {
        check(permit, organization)?;
        ledger_client::command(&self.env, organization, "revoke-many", command).await
    }

    async fn record_run(
        &self,
        permit: &Permit,
        organization: OrganizationId,
        command: &RunCommand,
    ) -> Result<RunAnswer> {
        check(permit, organization)?;
        ledger_client::command(&self.env, organization, "run", command).await
    }
}

impl MintBuckets for Platform {
    async fn take(&self, bucket: &str, rate: Rate) -> Result<core::result::Result<(), Empty>> {
        limiter_client::take(&self.env, bucket, rate).await
    }

    async fn give_back(&self, bucket: &str, rate: Rate) -> Result<()> {
        limiter_client::give_back(&self.env, bucket, rate).await
    }
}

impl FirstToken for Platform {
    async fn any_live_token(&self, now: Timestamp) -> Result<bool> {
        first_token::any_live_token(&self.env, now).await
    }
}

impl Sessions for Platform {
    fn remembered(&self, cookie: &[u8; 32]) -> Option<Rc<Person>> {
        sessions::remembered(cookie, now())
    }

    fn remember(&self, cookie: [u8; 32], person: &Rc<Person>, until: Timestamp) {
        sessions::remember(cookie, person, until, now());
    }

    async fn ask(&self, url: &str, cookie: &str) -> Result<SessionAnswer> {
        sessions::ask(url, cookie).await
    }
}

impl Records for Platform {
    async fn create_organization(&self, _permit: &Permit, row: &Organization) -> Result<()> {
        records::create_organization(&self.env, row).await
    }

    async fn organization(&self, name: &str) -> Result<Option<Organization>> {
        records::organization(&self.env, name).await
    }

    async fn on_leak(&self, organization: OrganizationId) -> Result<OnLeak> {
        records::on_leak(&self.env, organization).await
    }

    async fn update_organization(&self, _permit: &Permit, row: &Organization) -> Result<bool> {
        records::update_organization(&self.env, row).await
    }

    async fn organizations(&self, page: &Page) -> Result<Vec<Organization>> {
        records::organizations(&self.env, page).await
    }

    async fn create_project(
        &self,
        permit: &Permit,
        organization: OrganizationId,
        row: &Entry<Project>,
    ) -> Result<()> {
        check(permit, organization)?;
        records::create_project(&self.env, organization, row).await
    }

    async fn project(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Option<Named<Project>>> {
        records::project(&self.env, organization, name).await
    }

    async fn projects(
        &self,
        organization: OrganizationId,
        page: &Page,
    ) -> Result<Vec<Entry<Project>>> {
        records::projects(&self.env, organization, page).await
    }

    async fn create_workflow(
        &self,
        _permit: &Permit,
        project: ProjectId,
        row: &Entry<Workflow>,
    ) -> Result<()> {
        records::create_workflow(&self.env, project, row).await
    }

    async fn workflows_named(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Vec<(ProjectId, Named<Workflow>)>> {
        records::workflows_named(&self.env, organization, name).await
    }

    async fn workflows(&self, project: ProjectId, page: &Page) -> Result<Vec<Entry<Workflow>>> {
        records::workflows(&self.env, project, page).await
    }

    async fn token(
        &self,
        organization: OrganizationId,
        token: TokenId,
    ) -> Result<Option<TokenRecord>> {
        records::token(&self.env, organization, token).await
    }

    async fn tokens(
        &self,
        organization: OrganizationId,
        filter: &Filter,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<TokenRecord>> {
        records::tokens(&self.env, organization, filter, cursor, limit).await
    }
}
