//! Random histories against a model that fits on a page: mint, rotate, revoke, bulk revoke, leak, expiry and callers
//! whose bodies come after their revoke never disagree with it on who is accepted, which names are free, and how many
//! live (R8, R9, R11, R27, R40).

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_system_tests::dice::Dice;
use postern_system_tests::organization::{Organization, RELEASE, SHOP, id};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, runner};
use serde_json::{Value, json};

const STEPS: usize = 120;
const CEILING: usize = 12;
/// How close to its expiry a token is not asked about: the two clocks are read at different times.
const DOUBT_MS: u128 = 1_000;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(2)),
        cases![
            r8_r9_r11_r27_a_random_history_agrees_with_the_model,
            r8_r9_r11_r27_another_random_history_agrees_with_the_model,
        ],
    )
}

/// A token as the model sees it.
struct Token {
    id: String,
    secret: String,
    name: String,
    in_project: bool,
    minter: Option<usize>,
    /// The token that this one succeeds.
    replaces: Option<usize>,
    /// Milliseconds since 1970, in whole seconds.
    expires: Option<u128>,
    ended: bool,
}

fn now() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_millis()
}

/// Whether a token lives; `None` when it is too close to its expiry to tell.
fn lives(token: &Token) -> Option<bool> {
    match token.expires {
        _ if token.ended => Some(false),
        None => Some(true),
        Some(end) if now().abs_diff(end) < DOUBT_MS => None,
        Some(end) => Some(now() < end),
    }
}

struct History<'w> {
    suite: &'w Suite,
    organization: Organization,
    tokens: Vec<Token>,
    dice: Dice,
}

impl History<'_> {
    fn call(&mut self, method: &str, path: &str) -> postern_system_tests::http::Call {
        let isolate = u16::try_from(self.dice.below(2)).expect("small");
        let call = self
            .organization
            .call_on(&self.suite.gateway, isolate, method, path);
        call.from("192.0.2.9")
    }

    /// No token is close to its expiry: the model is sure of all of them.
    async fn be_sure(&self) {
        while self.tokens.iter().any(|token| lives(token).is_none()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn any(&mut self) -> Option<usize> {
        let len = self.tokens.len();
        (len > 0).then(|| self.dice.below(len))
    }

    async fn mint(&mut self) {
        let name = format!("name-{}", self.dice.below(10));
        let in_project = self.dice.below(3) > 0;
        let expires = (self.dice.below(3) == 0).then(|| 1 + self.dice.below(3));
        let format = ["opaque", "jwt"][self.dice.below(2)];
        let mut body = json!({ "name": name, "format": format });
        if in_project {
            body["project"] = json!(SHOP);
            body["workflow"] = json!(RELEASE);
        }
        if let Some(seconds) = expires {
            body["expires_in"] = json!(format!("{seconds}s"));
        }
        // An organization token that lives mints some of the project tokens.
        let minter = self.any().filter(|&index| {
            let token = &self.tokens[index];
            in_project && !token.in_project && token.expires.is_none() && !token.ended
        });
        self.be_sure().await;
        let alive = |token: &&Token| lives(token) == Some(true);
        let taken = self
            .tokens
            .iter()
            .filter(alive)
            .any(|token| token.name == name && token.in_project == in_project);
        let full = self.tokens.iter().filter(alive).count() >= CEILING;
        let mut call = self.call("POST", "/org/tokens").json(&body);
        if let Some(minter) = minter {
            call = call
                .without("authorization")
                .bearer(&self.tokens[minter].secret);
        }
        let answer = call.send().await;
        if taken {
            answer.problem(409, "name_taken");
        } else if full {
            answer.problem(429, "mint_ceiling_reached");
        } else {
            self.keep(&answer.json(201), minter, None);
        }
    }

    fn keep(&mut self, answer: &Value, minter: Option<usize>, replaces: Option<usize>) {
        let text = |name: &str| answer[name].as_str().expect(name).to_owned();
        self.tokens.push(Token {
            id: id(answer),
            secret: text("token"),
            name: text("name"),
            in_project: answer["project"].is_object(),
            minter,
            replaces,
            expires: answer["expires_at"].as_str().map(moment),
            ended: false,
        });
    }

    async fn rotate(&mut self) {
        let Some(index) = self.any() else { return };
        self.be_sure().await;
        let lived = lives(&self.tokens[index]) == Some(true);
        let path = format!("/org/tokens/{}/rotate", self.tokens[index].id);
        let answer = self.call("POST", &path).send().await;
        if lived {
            self.tokens[index].ended = true;
            // The administrator minted the successor.
            self.keep(&answer.json(201), None, Some(index));
        } else {
            answer.problem(409, "token_not_live");
        }
    }

    async fn revoke(&mut self) {
        let Some(index) = self.any() else { return };
        let path = format!("/org/tokens/{}", self.tokens[index].id);
        self.call("DELETE", &path).send().await.json(200);
        self.tokens[index].ended = true;
    }

    async fn leak(&mut self) {
        let Some(index) = self.any() else { return };
        self.be_sure().await;
        let body = json!({ "tokens": [self.tokens[index].secret] });
        let call = self.call("POST", "/leaks").without("authorization");
        call.json(&body).send().await.json(202);
        self.tokens[index].ended = true;
        // What a report asks for is done after its answer: within seconds.
        let began = now();
        while self.ending(index).await == 0 {
            assert!(now() - began < 10_000, "still accepted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A caller whose body comes after its revoke has answered: nothing but the revoke has happened.
    async fn slow_caller(&mut self) {
        let Some(index) = self.any() else { return };
        let Some(other) = self.any() else { return };
        self.be_sure().await;
        let caller = &self.tokens[index];
        let manages = !caller.in_project && lives(caller) == Some(true);
        let (id, secret) = (caller.id.clone(), caller.secret.clone());
        let other = self.tokens[other].id.clone();
        let kind = self.dice.below(3);
        let (path, body) = match kind {
            0 => ("/org/tokens".to_owned(), json!({ "project": SHOP })),
            1 => (format!("/org/tokens/{other}/rotate"), json!({})),
            _ => ("/org/tokens/revoke".to_owned(), json!({ "ids": [other] })),
        };
        let call = self.call("POST", &path).without("authorization");
        let call = call.without("postern-organization").bearer(&secret);
        let revoke = self.call("DELETE", &format!("/org/tokens/{id}"));
        let (answer, revoked) = call.json(&body).send_slowly(revoke.send()).await;
        revoked.json(200);
        match (manages, kind) {
            (true, 0 | 2) => drop(answer.problem(401, "credential_refused")),
            // What it could not have done anyway may be what it is told.
            _ => assert!(
                [401, 403, 409].contains(&answer.status),
                "{}",
                answer.text()
            ),
        }
        self.tokens[index].ended = true;
    }

    async fn revoke_what_one_minted(&mut self) {
        let Some(index) = self.any() else { return };
        self.be_sure().await;
        // What it minted, what those minted, and the successors of each; never itself.
        let mut below: Vec<usize> = Vec::new();
        for (child, token) in self.tokens.iter().enumerate() {
            let within = |of: Option<usize>| of.is_some_and(|of| below.contains(&of));
            if token.minter == Some(index) || within(token.minter) || within(token.replaces) {
                below.push(child);
            }
        }
        let mut expected: Vec<String> = below
            .iter()
            .filter(|&&child| lives(&self.tokens[child]) == Some(true))
            .map(|&child| self.tokens[child].id.clone())
            .collect();
        let body = json!({ "minted_by": self.tokens[index].id });
        let answer = self
            .call("POST", "/org/tokens/revoke")
            .json(&body)
            .send()
            .await
            .json(200);
        let mut ended: Vec<String> = answer["ids"]
            .as_array()
            .expect("ids")
            .iter()
            .map(|id| id.as_str().expect("an id").to_owned())
            .collect();
        expected.sort();
        ended.sort();
        assert_eq!(ended, expected);
        for token in &mut self.tokens {
            token.ended |= ended.contains(&token.id);
        }
    }

    /// Holds the gate's word on one token against the model's.
    async fn check(&self, index: usize) {
        let token = &self.tokens[index];
        let Some(expected) = lives(token) else { return };
        let code = self.ending(index).await;
        // Time has passed meanwhile: only where the model still thinks the same, it is sure.
        if lives(token) == Some(expected) {
            assert_eq!(code == 0, expected, "{} {}: {code}", token.id, token.name);
        }
    }

    /// How a call with the token ends, on one isolate or the other.
    async fn ending(&self, index: usize) -> i32 {
        let isolate = u16::try_from(index % 2).expect("small");
        let names = rpc::names(SHOP, RELEASE);
        let gateway = &self.suite.gateway;
        let secret = &self.tokens[index].secret;
        let call = rpc::call_on(gateway, isolate, FIND_OR_CREATE, secret, &names);
        call.send().await.ending().0.code
    }
}

/// Milliseconds since 1970 of a moment in whole seconds, by the parser of the gate.
fn moment(text: &str) -> u128 {
    let moment = postern_wire::rfc3339::parse(text).expect("RFC 3339");
    u128::try_from(moment.as_millis()).expect("after 1970")
}

async fn a_history(suite: &Suite) {
    let seed = u64::try_from(now()).expect("now");
    println!("history seed {seed}");
    let fields = json!({ "mint_ceiling": CEILING });
    let organization = Organization::with(&suite.gateway, &suite.keys.admin, &fields).await;
    let mut history = History {
        suite,
        organization,
        tokens: Vec::new(),
        dice: Dice::new(seed, 0),
    };
    for _ in 0..STEPS {
        match history.dice.below(11) {
            0..=4 => history.mint().await,
            5 | 6 => history.rotate().await,
            7 => history.revoke().await,
            8 => history.revoke_what_one_minted().await,
            9 => history.slow_caller().await,
            _ => history.leak().await,
        }
        for _ in 0..4 {
            if let Some(index) = history.any() {
                history.check(index).await;
            }
        }
    }
    for index in 0..history.tokens.len() {
        history.check(index).await;
    }
    history.be_sure().await;
    let expected = history
        .tokens
        .iter()
        .filter(|token| lives(token) == Some(true))
        .map(|token| token.id.clone())
        .collect();
    let listed = history
        .organization
        .token_ids(&suite.gateway, "status=active")
        .await;
    assert_eq!(listed, expected);
    let ended = history.tokens.iter().filter(|token| token.ended).count();
    println!(
        "history: {} tokens, {ended} ended before their time",
        history.tokens.len()
    );
}

async fn r8_r9_r11_r27_a_random_history_agrees_with_the_model(suite: &Suite) {
    a_history(suite).await;
}

async fn r8_r9_r11_r27_another_random_history_agrees_with_the_model(suite: &Suite) {
    a_history(suite).await;
}
