//! A driver of the machine that holds each step to what must be true of it.

use std::rc::Rc;

use postern_domain::id::TokenId;
use postern_domain::operation::Operation;
use postern_domain::rpc::{Access, ORIGIN_PREFIX};
use postern_domain::time::Timestamp;
use postern_gate::artifacts::download::Fetched;
use postern_gate::config::Config;
use postern_gate::error_answer::{ErrorAnswer, RefusedRequest, refusal};
use postern_gate::lines::edits;
use postern_gate::own_tokens::Reserved;
use postern_gate::question::Arrived;
use postern_gate::{
    Ask, Entropy, Gate, Head, Made, Outage, Outbound, Outgoing, Pass, Question, Refusal, Step,
};
use postern_ledger::Liveness;
use postern_wire::forwarding::is_kept_away;

use super::answers::{admission, content, error, facts, maybe, reply};
use super::world::{self, NOW, Request};
use crate::bytes::Bytes;

/// No call asks more often.
const MOST_STEPS: usize = 40;

/// A gateway, and what it has been told.
pub struct Driver {
    config: Rc<Config>,
    gate: Gate,
    now: i64,
    /// Tokens that a Ledger has called active: in this call, and ever.
    live: Vec<TokenId>,
    ever_live: Vec<TokenId>,
    /// The headers of the origin's last answer.
    answered: Vec<(String, String)>,
}

impl Driver {
    pub fn new(setting: usize) -> Self {
        let config = world::config(setting);
        Self {
            gate: Gate::new(Rc::clone(&config), [7; 16]),
            config,
            now: NOW,
            live: Vec::new(),
            ever_live: Vec::new(),
            answered: Vec::new(),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    /// Drives a call to its end.
    pub fn call(&mut self, request: &Request, bytes: &mut Bytes<'_>) {
        let head = Head {
            method: &request.method,
            path: &request.path,
            query: &request.query,
            origin: "https://gate.example",
            headers: &request.headers,
            request_id: "r1",
        };
        let entropy = Entropy {
            trace: [0xab; 24],
            assertions: [[1; 16], [2; 16]],
        };
        self.live.clear();
        self.answered.clear();
        let now = self.now();
        let mut step = match request.path.starts_with(ORIGIN_PREFIX) {
            true => self.gate.open(&head, now, &entropy),
            false => match self.gate.open_route(&head, now, &entropy) {
                Some(step) => step,
                None => return,
            },
        };
        for _ in 0..MOST_STEPS {
            step = match step {
                Step::Pass(pass) => return self.passed(request, &pass),
                Step::Refuse(refused) => return self.refused(request, &refused),
                step => self.answer(request, step, bytes),
            };
            self.due();
            // Clocks go on, stand, and go back.
            self.now += [0, 1, 40, 900, 3_000, 31_000, -500, 0][bytes.below(8)];
        }
        panic!("a call without an end: {step:?}");
    }

    /// What is due behind an answer arrives, or gets lost.
    fn due(&mut self) {
        let now = self.now();
        while let Some(report) = self.gate.memory.reports.due(now) {
            self.gate.memory.reports.failed(&report);
        }
    }

    fn resume<Q: Question>(&mut self, ask: Ask<Q>, answer: Result<Q::Answer, Outage>) -> Step {
        let now = self.now();
        ask.answer(&mut self.gate, now, answer)
    }

    fn answer(&mut self, request: &Request, step: Step, bytes: &mut Bytes<'_>) -> Step {
        let body = &request.body;
        match step {
            Step::Body(ask) => {
                let most = ask
                    .question
                    .window
                    .map_or(usize::MAX, |window| match bytes.below(4) {
                        0 => window,
                        _ => window.min(7),
                    });
                let limit = ask.question.limit;
                let arrived = maybe(bytes, |_| Arrived {
                    bytes: body.iter().copied().take(most).collect(),
                    total: body.len(),
                });
                let arrived = match body.len() > limit {
                    true => Err(postern_gate::error::Error::BodyTooLarge { limit }.into()),
                    false => arrived,
                };
                self.resume(ask, arrived)
            }
            Step::Window(ask) => {
                let (from, most) = (ask.question.from, ask.question.most);
                assert!(from < body.len(), "a window behind the end");
                let window = maybe(bytes, |bytes| match bytes.one_in(32) {
                    true => bytes.piece().to_vec(),
                    false => body[from..].iter().copied().take(most).collect(),
                });
                self.resume(ask, window)
            }
            Step::Discard(ask) => {
                let answer = maybe(bytes, |_| ());
                self.resume(ask, answer)
            }
            Step::Stream(ask) => {
                let answer = maybe(bytes, |_| !body.is_empty());
                self.resume(ask, answer)
            }
            Step::Count(ask) => {
                let answer = maybe(bytes, |_| ());
                self.resume(ask, answer)
            }
            Step::Find(ask) => {
                let token = ask.question.token;
                let answer = maybe(bytes, |bytes| facts(bytes, token));
                self.resume(ask, answer)
            }
            Step::Admit(ask) => {
                let query = ask.question.query.clone();
                let lease_ms = self.config.revocation_lease_ms;
                let answer = maybe(bytes, |bytes| admission(bytes, &query, lease_ms));
                if let Ok(told) = &answer {
                    self.heard(query.token, told.liveness);
                }
                self.resume(ask, answer)
            }
            Step::Bind(ask) => {
                let token = ask.question.command.token;
                let answer = maybe(bytes, |bytes| facts(bytes, token));
                self.resume(ask, answer)
            }
            Step::Identify(ask) => {
                let job = world::known().last().expect("a job's").facts.id;
                let answer = maybe(bytes, |bytes| facts(bytes, job))
                    .and_then(|found| found.ok_or(Outage::Late));
                self.resume(ask, answer)
            }
            Step::Lookup(ask) => {
                self.leaves(request, &ask.question.0, true);
                let answer = maybe(bytes, |bytes| reply(bytes).0);
                self.resume(ask, answer)
            }
            Step::Forward(ask) => {
                self.leaves(request, &ask.question.0, false);
                let answer = maybe(bytes, reply).map(|(reply, headers)| {
                    self.answered = headers;
                    reply
                });
                self.resume(ask, answer)
            }
            Step::Attempt(ask) => {
                // The call that was asked for, or the one that takes back what it has made.
                let outbound = &ask.question.0;
                self.leaves(request, outbound, outbound.target() != request.path);
                let attempted = maybe(bytes, |bytes| (reply(bytes).0, content(bytes)));
                let answer = maybe(bytes, |_| attempted);
                self.resume(ask, answer)
            }
            Step::Content(ask) => {
                let limit = ask.question.limit;
                let mut answer = maybe(bytes, content);
                if let Ok(content) = &mut answer {
                    content.truncate(limit);
                }
                self.resume(ask, answer)
            }
            Step::Reserve(ask) => {
                let answer = maybe(bytes, |_| Reserved::default());
                self.resume(ask, answer)
            }
            Step::Settle(ask) => {
                let answer = maybe(bytes, |bytes| match bytes.one_in(3) {
                    true => Err(error(bytes)),
                    false => Ok(()),
                });
                self.resume(ask, answer)
            }
            Step::Record(ask) => {
                let answer = maybe(bytes, |_| ());
                self.resume(ask, answer)
            }
            Step::Download(ask) => {
                let url = ask.question.0.expose_url();
                assert!(url.starts_with("https://cas.example/base/"), "{url}");
                let answer = maybe(bytes, |bytes| Fetched {
                    status: *bytes.pick(&[200, 200, 404, 500]),
                    disposition: bytes.one_in(2).then(|| bytes.text()),
                });
                self.resume(ask, answer)
            }
            Step::Pass(_) | Step::Refuse(_) => unreachable!("an end is no question"),
        }
    }

    fn heard(&mut self, token: TokenId, liveness: Liveness) {
        match liveness {
            Liveness::Live => {
                self.live.push(token);
                self.ever_live.push(token);
            }
            Liveness::Revoked | Liveness::Unknown => {
                self.live.retain(|live| *live != token);
            }
        }
    }

    /// Something goes to the origin: for a token that a Ledger speaks for, with no more than may go.
    fn leaves(&self, request: &Request, outbound: &Outbound, is_own: bool) {
        let permit = outbound.permit();
        let (access, is_governed) = match permit.operation() {
            Operation::Rpc(row) => {
                assert_eq!(
                    (outbound.method(), outbound.target()),
                    ("POST", row.path().as_str())
                );
                (row.access, row.own_token.is_some())
            }
            Operation::Route(route) => {
                assert_eq!(outbound.method(), route.method);
                assert!(outbound.target().starts_with(&request.path));
                (route.access, false)
            }
            other => panic!("no operation of the origin: {other:?}"),
        };
        if !is_own && let Operation::Rpc(row) = permit.operation() {
            assert_eq!(request.path, row.path(), "another call than was asked for");
        }
        match (access, permit.token()) {
            (Access::Open, token) => assert_eq!(token, None),
            (Access::Person, token) => assert!(token.is_none() && self.config.people),
            (Access::Closed, _) => assert!(self.config.governs_origin_tokens && is_governed),
            (Access::Token, None) => assert!(self.config.people, "for nobody"),
            (Access::Token, Some(_)) => {}
        }
        if let Some(token) = permit.token() {
            let by_lease = self.config.revocation_lease_ms > 0 && self.ever_live.contains(&token);
            assert!(
                self.live.contains(&token) || by_lease,
                "no Ledger speaks for {token}"
            );
        }
        self.headers(request, outbound);
        if *outbound.body() == Outgoing::AsItCame {
            assert!(!is_own, "the caller's body in a call of the gateway's own");
        }
    }

    fn headers(&self, request: &Request, outbound: &Outbound) {
        let plan = outbound.headers();
        assert!(edits(plan).is_some(), "a line end in a header: {plan:?}");
        let is_set = |name: &str| plan.set.iter().any(|(set, _)| set == name);
        for (name, _) in &request.headers {
            let goes_on = !plan.drop.contains(name) && !is_set(name);
            assert!(!goes_on || !is_kept_away(name), "{name} goes on as it came");
        }
        let sent = plan.applied(&request.headers);
        let credentials: Vec<&str> = sent
            .iter()
            .filter(|(name, _)| name == "authorization")
            .map(|(_, value)| value.as_str())
            .collect();
        assert!(credentials.len() <= 1);
        let of_token = outbound.permit().token().is_some();
        let is_stored = |value: &&str| value.starts_with("Bearer upstream-credential-");
        if of_token && self.config.is_upstream() {
            assert!(
                credentials.iter().all(is_stored) && !credentials.is_empty(),
                "the token itself goes on"
            );
        }
        let known = world::known();
        let of_job = &known.last().expect("a job's").credential;
        assert!(
            !credentials
                .iter()
                .any(|value| value.contains(of_job.as_str())),
            "a job token goes on"
        );
        let cookies = sent.iter().any(|(name, _)| name == "cookie");
        assert!(
            !cookies || request.path.starts_with("/auth/"),
            "cookies go on"
        );
    }

    /// The client gets the origin's answer.
    fn passed(&self, request: &Request, pass: &Pass) {
        assert!(
            edits(&pass.headers).is_some(),
            "a line end in a header: {:?}",
            pass.headers
        );
        let headers = pass.headers.applied(&self.answered);
        let has = |name: &str| headers.iter().any(|(own, _)| own == name);
        assert!(
            !has("set-cookie") || request.path.starts_with("/auth/"),
            "a cookie of the origin's"
        );
        for name in [
            "service-worker-allowed",
            "clear-site-data",
            "access-control-allow-origin",
        ] {
            assert!(!has(name), "{name} of the origin's");
        }
        if let Made::Anew { status, body } = &pass.made {
            assert!((200..600).contains(status));
            self.tells_nothing(request, &String::from_utf8_lossy(body));
        }
    }

    /// The client gets a refusal, in each of its forms; no credential is in it, nor in the log.
    fn refused(&self, request: &Request, refused: &Refusal) {
        let about = RefusedRequest {
            path: &request.path,
            request_id: "r1",
        };
        let answer: ErrorAnswer = refusal(&refused.error, refused.form, about);
        assert!((200..600).contains(&answer.status));
        let mut said: Vec<String> = answer.headers.into_iter().map(|(_, value)| value).collect();
        assert!(
            said.iter().all(|value| value
                .bytes()
                .all(|byte| byte == b'\t' || (0x20..0x7f).contains(&byte))),
            "{said:?}"
        );
        said.extend(answer.body);
        said.push(refused.error.private());
        for text in said {
            self.tells_nothing(request, &text);
        }
    }

    fn tells_nothing(&self, request: &Request, text: &str) {
        let shown = request
            .headers
            .iter()
            .find(|(name, _)| name == "authorization");
        let shown = shown.map(|(_, value)| value.trim_start_matches("Bearer "));
        // What is shorter could be a word of ours.
        if let Some(shown) = shown.filter(|shown| shown.len() >= 32) {
            assert!(!text.contains(shown), "the credential is told");
        }
        let stored = world::UPSTREAM_TEXTS;
        assert!(
            !stored.iter().any(|stored| text.contains(stored)),
            "the stored credential is told"
        );
    }
}
