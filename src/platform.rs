//! The platform behind the ports: bindings, clock, entropy, configuration. Each port is one call
//! into the file that owns it.

mod chance;
mod job_keys;
mod ledgers;
mod public_log;
mod record;

pub use chance::chance;
pub use public_log::Unasked;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use worker::{Context, Delay, Env};

use super::brake;
use super::http;
use super::memory;
use super::objects::{ledger_client, limiter_client};
use super::sessions;
use super::store::{facts, first_token, records};
use postern_domain::audit::verify::Row;
use postern_domain::bucket::{Empty, Rate};
use postern_domain::decide::Grant;
use postern_domain::id::{self, OrganizationId, TokenId};
use postern_domain::scope::Named;
use postern_domain::session::Person;
use postern_domain::standing::Actor;
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_domain::unicode::Form;
use postern_gate::own_tokens::Attempted;
use postern_gate::{Gate, Outage};
use postern_ledger::{
    Admission, AdmitQuery, BindCommand, Command, KeptQuery, LeakAnswer, LeakCommand, RefusalCommand,
};
use postern_registry::config::Config;
use postern_registry::error::{CredentialError, Error, Result};
use postern_registry::ports::{
    Brake, Clock, Directory, Entropy, Facts, FirstToken, Isolate, Ledgers, MintBuckets, Origin,
    OriginCall, SessionAnswer, Sessions,
};

/// The gateway's machine of this isolate. No borrow of it lives across an await.
pub type Isolated = Rc<RefCell<Gate>>;

type Configured = core::result::Result<Rc<Config>, Vec<String>>;

thread_local! {
    /// Variables cannot change while an isolate lives, so they are read once.
    static CONFIG: OnceCell<Configured> = const { OnceCell::new() };
    static GATE: OnceCell<Isolated> = const { OnceCell::new() };
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

/// The gateway's machine of this isolate, which has this configuration.
///
/// # Errors
/// When the platform has no chance to give.
pub fn isolated(config: &Rc<Config>) -> Result<Isolated> {
    GATE.with(|cell| {
        if let Some(gate) = cell.get() {
            return Ok(gate.clone());
        }
        let mut isolate = [0; 16];
        fill(&mut isolate)?;
        let gate = Gate::new(Rc::clone(config), isolate);
        Ok(cell.get_or_init(|| Rc::new(RefCell::new(gate))).clone())
    })
}

/// Returns after so many milliseconds, and not before.
pub async fn delay(ms: impl Into<u64>) {
    Delay::from(Duration::from_millis(ms.into())).await;
}

/// The wall clock of the platform, which stands still between I/O.
pub fn now() -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::disallowed_methods,
        reason = "the one clock; milliseconds are far below 2^53"
    )]
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

/// A text in a normalization form, by the runtime's own tables.
pub fn normalize(text: &str, form: Form) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    js_sys::JsString::from(text).normalize(form.name()).into()
}

/// The moment as the header `Date` has it (RFC 9110, section 5.6.7).
pub fn http_date() -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds are far below 2^53"
    )]
    let now = now().as_millis() as f64;
    js_sys::Date::new(&now.into()).to_utc_string().into()
}

/// The gateway's machine of this isolate, once there is one.
pub fn known() -> Option<Isolated> {
    GATE.with(|cell| cell.get().cloned())
}

/// Random bytes, from the platform's one source of chance.
///
/// # Errors
/// When the platform has none to give.
pub fn fill(bytes: &mut [u8]) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the one source of chance")]
    getrandom::fill(bytes).map_err(Error::unavailable)
}

/// One request's view of the platform.
#[derive(Clone)]
pub struct Platform {
    pub env: Env,
    context: Rc<Context>,
    /// Milliseconds that this request has waited for Ledgers.
    ledger_ms: Rc<Cell<Option<i64>>>,
}

impl Platform {
    pub fn new(env: Env, context: Rc<Context>) -> Self {
        Self {
            env,
            context,
            ledger_ms: Rc::default(),
        }
    }

    /// As the runtime hands it to the entry.
    pub fn of(env: Env, context: worker::worker_sys::Context) -> Self {
        Self::new(env, Rc::new(Context::new(context)))
    }

    /// Milliseconds that this request has waited for Ledgers; `None` where it asked none.
    pub fn ledger_ms(&self) -> Option<i64> {
        self.ledger_ms.get()
    }

    /// Adds what this request has waited for Ledgers elsewhere, in milliseconds.
    pub fn waited(&self, ledger_ms: Option<i64>) {
        self.ledger_ms.set(ledger_ms);
    }

    /// Counts the time of a call to a Ledger.
    async fn timed<T>(&self, call: impl Future<Output = T>) -> T {
        let begun = now();
        let answer = call.await;
        let before = self.ledger_ms.get().unwrap_or(0);
        self.ledger_ms.set(Some(before + now().since(begun)));
        answer
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
        fill(bytes)
    }
}

impl Isolate for Platform {
    fn gate<T>(&self, run: impl FnOnce(&mut Gate) -> T) -> Result<T> {
        let config = config(&self.env);
        let config = config.map_err(|problems| Error::Misconfigured { problems })?;
        Ok(run(&mut isolated(&config)?.borrow_mut()))
    }
}

impl Facts for Platform {
    async fn facts(&self, token: TokenId) -> Result<Option<TokenFacts>> {
        if let Some(facts) = facts::get(&self.env, token).await {
            return Ok(Some(facts));
        }
        let found = records::any_token(&self.env, token).await?;
        // The row of an adoption can yet be taken back: what it says goes to KV once it is active.
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
        Ok(Some(id))
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

impl Brake for Platform {
    async fn count(&self, bucket: String, cause: CredentialError) -> Result<()> {
        brake::count(&self.env, bucket, cause).await
    }
}

impl FirstToken for Platform {
    async fn any_live_token(&self, now: Timestamp) -> Result<bool> {
        first_token::any_live_token(&self.env, now).await
    }
}

impl Origin for Platform {
    async fn call(&self, call: OriginCall<'_>) -> Attempted {
        match config(&self.env) {
            Ok(config) => http::ask(&call, &config).await,
            Err(problems) => Err(Outage::Refused(Error::Misconfigured { problems })),
        }
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
        let config = config(&self.env).map_err(|problems| Error::Misconfigured { problems })?;
        sessions::ask(url, cookie, config.headers_for(url)).await
    }
}
