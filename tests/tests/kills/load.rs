//! Callers that create, rotate, revoke and call until there is no gateway any more, and what each of them was answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::{Answer, Call, Http};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::{random, random_address, rpc};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Callers of each kind but one.
const CALLERS: usize = 2;
/// How many of the tokens that a round began with are called with, and nothing else.
const CALLED_WITH: usize = 3;

/// Tokens, by what was answered about them.
#[derive(Default)]
pub struct Held {
    /// Created, and nobody has asked for their end.
    pub active: Vec<Minted>,
    /// Revoked, or rotated out.
    pub revoked: Vec<Minted>,
    /// Somebody has asked for their end, and had no answer.
    pub doubtful: Vec<Minted>,
}

/// What a round has come to.
#[derive(Default)]
pub struct Ended {
    pub held: Held,
    /// Calls for the origin that were accepted.
    pub calls: usize,
    /// Changes that were answered.
    pub answered: usize,
    /// Changes that were cut off.
    pub cut: usize,
    /// Tokens that were created from the one address, and creations from it that were cut off.
    pub created_from: usize,
    pub cut_from: usize,
}

/// A gateway with its callers.
pub struct Load {
    http: Http,
    urls: Vec<String>,
    organization: String,
    admin: String,
    state: Mutex<Ended>,
}

/// The callers.
pub struct Running {
    load: Arc<Load>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn new(gateway: &Gateway, organization: &Organization, admin: &str, held: Held) -> Self {
        Self {
            http: gateway.http.clone(),
            urls: (0..gateway.isolates())
                .map(|isolate| gateway.url(isolate))
                .collect(),
            organization: organization.name.clone(),
            admin: admin.to_owned(),
            state: Mutex::new(Ended {
                held,
                ..Ended::default()
            }),
        }
    }

    /// Starts callers; one creates from this address alone.
    pub fn start(self, address: &str) -> Running {
        let load = Arc::new(self);
        let called: Vec<Minted> = {
            let mut state = load.state();
            let count = CALLED_WITH.min(state.held.active.len());
            state.held.active.drain(..count).collect()
        };
        let mut callers = Vec::new();
        for token in called {
            let load = Arc::clone(&load);
            callers.push(tokio::spawn(async move { load.call(token).await }));
        }
        let one = (Arc::clone(&load), address.to_owned());
        callers.push(tokio::spawn(async move { one.0.create_from(&one.1).await }));
        for _ in 0..CALLERS {
            let (create, revoke, rotate) =
                (Arc::clone(&load), Arc::clone(&load), Arc::clone(&load));
            callers.push(tokio::spawn(async move { create.create().await }));
            callers.push(tokio::spawn(async move { revoke.revoke().await }));
            callers.push(tokio::spawn(async move { rotate.rotate().await }));
        }
        Running { load, callers }
    }

    fn state(&self) -> MutexGuard<'_, Ended> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manage(&self, method: &str, path: &str, address: &str) -> Call {
        let [isolate] = random::<1>();
        let url = &self.urls[usize::from(isolate) % self.urls.len()];
        Call::new(&self.http, method, &format!("{url}{path}"))
            .bearer(&self.admin)
            .organization(&self.organization)
            .from(address)
    }

    /// Sends a change; no answer means that there is no gateway any more. One that comes while it goes down is no answer
    /// either: 503 promises nothing.
    async fn change(&self, call: Call, body: Option<&Value>) -> Option<Answer> {
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        let answer = call
            .try_send()
            .await
            .ok()
            .filter(|answer| answer.status != 503);
        let mut state = self.state();
        match &answer {
            Some(_) => state.answered += 1,
            None => state.cut += 1,
        }
        answer
    }

    fn body() -> Value {
        let [format] = random::<1>();
        let format = if format % 2 == 0 { "opaque" } else { "jwt" };
        json!({ "project": SHOP, "workflow": RELEASE, "format": format })
    }

    async fn create(&self) {
        loop {
            let call = self.manage("POST", "/org/tokens", &random_address());
            let Some(answer) = self.change(call, Some(&Self::body())).await else {
                return;
            };
            match answer.status {
                201 => self.state().held.active.push(Minted::of(answer.json(201))),
                _ => drop(answer.problem(429, "mint_ceiling_reached")),
            }
        }
    }

    /// As many as its bucket has, and then one more that is refused.
    async fn create_from(&self, address: &str) {
        loop {
            let call = self.manage("POST", "/org/tokens", address);
            let Some(answer) = self.change(call, Some(&Self::body())).await else {
                self.state().cut_from += 1;
                return;
            };
            match answer.status {
                201 => {
                    let mut state = self.state();
                    state.created_from += 1;
                    state.held.active.push(Minted::of(answer.json(201)));
                }
                _ if answer.text().contains("mint_ceiling_reached") => {}
                _ => {
                    answer.problem(429, "mint_rate_exceeded");
                    return;
                }
            }
        }
    }

    /// Takes a token that is active, so that nobody else asks for its end.
    fn take(&self) -> Option<Minted> {
        let mut state = self.state();
        let count = state.held.active.len();
        let [index] = random::<1>();
        (count > 0).then(|| state.held.active.swap_remove(usize::from(index) % count))
    }

    async fn revoke(&self) {
        loop {
            let Some(token) = self.take() else {
                tokio::task::yield_now().await;
                if self.is_gone().await {
                    return;
                }
                continue;
            };
            let call = self.manage("DELETE", &format!("/org/tokens/{}", token.id), "10.9.8.7");
            match self.change(call, None).await {
                Some(answer) => {
                    answer.json(200);
                    self.state().held.revoked.push(token);
                }
                None => return self.state().held.doubtful.push(token),
            }
        }
    }

    async fn rotate(&self) {
        loop {
            let Some(token) = self.take() else {
                tokio::task::yield_now().await;
                if self.is_gone().await {
                    return;
                }
                continue;
            };
            let path = format!("/org/tokens/{}/rotate", token.id);
            let call = self.manage("POST", &path, &random_address());
            match self.change(call, Some(&json!({}))).await {
                Some(answer) if answer.status == 201 => {
                    let mut state = self.state();
                    state.held.active.push(Minted::of(answer.json(201)));
                    state.held.revoked.push(token);
                }
                Some(answer) => {
                    answer.problem(429, "mint_ceiling_reached");
                    self.state().held.active.push(token);
                }
                None => return self.state().held.doubtful.push(token),
            }
        }
    }

    /// Calls with a token that nobody revokes: it must never be refused.
    async fn call(&self, token: Minted) {
        let mut isolate = 0;
        loop {
            isolate = (isolate + 1) % self.urls.len();
            let call = Call::new(
                &self.http,
                "POST",
                &format!("{}{}", self.urls[isolate], rpc::FIND_OR_CREATE),
            );
            let call = call
                .bearer(&token.token)
                .header("content-type", rpc::BINARY)
                .header("x-grpc-web", "1")
                .from("10.9.8.7")
                .body(rpc::frame(0, &rpc::names(SHOP, RELEASE)));
            let Ok(answer) = call.try_send().await else {
                self.state().held.active.push(token);
                return;
            };
            let code = answer.ending().0.code;
            assert!(matches!(code, 0 | 14), "{}: {code}", token.id);
            self.state().calls += usize::from(code == 0);
        }
    }

    /// Whether nothing listens any more.
    async fn is_gone(&self) -> bool {
        let call = Call::new(&self.http, "GET", &format!("{}/healthz", self.urls[0]));
        call.try_send().await.is_err()
    }
}

impl Running {
    /// Waits until every caller has noticed that the gateway is gone.
    ///
    /// # Panics
    /// When one was answered what it may not be.
    pub async fn end(self) -> Ended {
        for caller in self.callers {
            caller.await.expect("every answer is one that may come");
        }
        std::mem::take(&mut *self.load.state())
    }
}
