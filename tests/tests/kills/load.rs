//! Callers that create, rotate, revoke and call until there is no gateway any more, and what each of them was answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use postern_system_tests::dice::Dice;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::{Answer, Call, Http};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::{random_address, rpc};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Callers of each kind but one.
const CALLERS: u64 = 2;
/// How many of the tokens that a round began with are called with, and nothing else.
const CALLED_WITH: usize = 3;

/// How long a gateway that has just started may take to serve.
const SERVES: Duration = Duration::from_secs(5);

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

    /// Starts callers, whose choices are those of a seed; what they do at the same time the machine decides. One
    /// creates from this address alone.
    pub fn start(self, address: &str, seed: u64) -> Running {
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
        let one = (Arc::clone(&load), address.to_owned(), Dice::new(seed, 0));
        callers.push(tokio::spawn(async move {
            one.0.create_from(&one.1, one.2).await
        }));
        for caller in 0..CALLERS {
            let of = |kind| (Arc::clone(&load), Dice::new(seed, kind + 3 * caller));
            let (create, revoke, rotate) = (of(1), of(2), of(3));
            callers.push(tokio::spawn(async move { create.0.create(create.1).await }));
            callers.push(tokio::spawn(async move { revoke.0.revoke(revoke.1).await }));
            callers.push(tokio::spawn(async move { rotate.0.rotate(rotate.1).await }));
        }
        Running { load, callers }
    }

    fn state(&self) -> MutexGuard<'_, Ended> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manage(&self, dice: &mut Dice, method: &str, path: &str, address: &str) -> Call {
        let url = &self.urls[dice.below(self.urls.len())];
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

    fn body(dice: &mut Dice) -> Value {
        let format = ["opaque", "jwt"][dice.below(2)];
        json!({ "project": SHOP, "workflow": RELEASE, "format": format })
    }

    async fn create(&self, mut dice: Dice) {
        loop {
            let call = self.manage(&mut dice, "POST", "/org/tokens", &random_address());
            let body = Self::body(&mut dice);
            let Some(answer) = self.change(call, Some(&body)).await else {
                return;
            };
            match answer.status {
                201 => self.state().held.active.push(Minted::of(answer.json(201))),
                _ => drop(answer.problem(429, "mint_ceiling_reached")),
            }
        }
    }

    /// As many as its bucket has, and then one more that is refused.
    async fn create_from(&self, address: &str, mut dice: Dice) {
        loop {
            let call = self.manage(&mut dice, "POST", "/org/tokens", address);
            let body = Self::body(&mut dice);
            let Some(answer) = self.change(call, Some(&body)).await else {
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
    fn take(&self, dice: &mut Dice) -> Option<Minted> {
        let mut state = self.state();
        let count = state.held.active.len();
        (count > 0).then(|| state.held.active.swap_remove(dice.below(count)))
    }

    async fn revoke(&self, mut dice: Dice) {
        loop {
            let Some(token) = self.take(&mut dice) else {
                tokio::task::yield_now().await;
                if self.is_gone().await {
                    return;
                }
                continue;
            };
            let call = self.manage(
                &mut dice,
                "DELETE",
                &format!("/org/tokens/{}", token.id),
                "10.9.8.7",
            );
            match self.change(call, None).await {
                Some(answer) => {
                    answer.json(200);
                    self.state().held.revoked.push(token);
                }
                None => return self.state().held.doubtful.push(token),
            }
        }
    }

    async fn rotate(&self, mut dice: Dice) {
        loop {
            let Some(token) = self.take(&mut dice) else {
                tokio::task::yield_now().await;
                if self.is_gone().await {
                    return;
                }
                continue;
            };
            let path = format!("/org/tokens/{}/rotate", token.id);
            let call = self.manage(&mut dice, "POST", &path, &random_address());
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
    /// Waits until the gateway serves: a change was answered, and a call. For at most some seconds.
    pub async fn served(&self) {
        let begun = Instant::now();
        while begun.elapsed() < SERVES {
            let is_served = {
                let state = self.load.state();
                state.answered > 0 && state.calls > 0
            };
            if is_served {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

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
