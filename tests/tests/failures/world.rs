//! What is there before a part fails, what is tried while it does, and what must be true once it is back.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use postern_system_tests::audit::verified;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::life;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, id};
use postern_system_tests::suite::Setup;
use postern_system_tests::{random, random_name};
use serde_json::{Value, json};

/// Longer than a lease with its margin, so that nothing is answered under one.
const LEASE: Duration = Duration::from_millis(1_300);
/// How long a part that is back may take until all is as before.
const BACK: Duration = Duration::from_secs(20);

/// Behind the answer to a creation that has left a revoked token.
const REVOKED: &str = ", revoked";

/// What was tried while the part failed, in the order of the columns.
pub type Tried = [String; 6];

/// Has a part of a gateway fail, or no more. `url` is how addresses begin that are reached by `fetch`.
pub async fn set(gateway: &Gateway, part: &str, fault: Option<&str>, url: Option<&str>) {
    let body = json!({ "part": part, "fault": fault, "url": url });
    let answer = gateway.call("POST", "/faults").json(&body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// How a call for the origin ended.
pub fn called(answer: Result<Answer, String>) -> String {
    let Ok(answer) = answer else {
        return "cut off".to_owned();
    };
    match answer.ending().0.code {
        0 => "yes".to_owned(),
        14 => "UNAVAILABLE".to_owned(),
        16 => "refused".to_owned(),
        code => format!("status {code}"),
    }
}

/// How a call for the gateway itself ended.
pub fn managed(answer: Result<Answer, String>) -> String {
    let Ok(answer) = answer else {
        return "cut off".to_owned();
    };
    match answer.status {
        200 | 201 => "yes".to_owned(),
        status => {
            let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let code = document["code"].as_str().or(document["error"].as_str());
            format!("{status} {}", code.unwrap_or("without a code"))
        }
    }
}

/// The same of a list, which can be shorter than it should be.
pub fn listed(answer: Result<Answer, String>, field: &str) -> String {
    let is_empty = match &answer {
        Ok(answer) if answer.status == 200 => answer.json(200)[field]
            .as_array()
            .expect("a list")
            .is_empty(),
        _ => false,
    };
    match is_empty {
        true => "yes, nothing in it".to_owned(),
        false => managed(answer),
    }
}

/// An organization with tokens, before a part fails. The gateway has two isolates: the first one fails, and has seen
/// all of it but `fresh`, which the second one created.
pub struct World<'a> {
    setup: &'a Setup,
    gateway: &'a Gateway,
    organization: Organization,
    known: Minted,
    fresh: Minted,
    ended: Minted,
    /// Who manages by a browser session, where that is what fails.
    cookie: Option<String>,
    before: usize,
    /// The ids of tokens that somebody has: those whose creation was answered.
    held: RefCell<BTreeSet<String>>,
}

impl<'a> World<'a> {
    pub async fn new(setup: &'a Setup, gateway: &'a Gateway, by_session: bool) -> Self {
        let organization = Organization::new(gateway, &setup.keys.admin).await;
        let known = organization.mint_for_release(gateway, "opaque").await;
        let ended = organization.mint_for_release(gateway, "jwt").await;
        let body = json!({ "project": SHOP, "workflow": RELEASE });
        let minting = organization.call_on(gateway, 1, "POST", "/org/tokens");
        let fresh = Minted::of(minting.json(&body).send().await.json(201));
        for token in [&known, &ended] {
            life::assert_live(gateway, token, "before anything fails").await;
        }
        let cookie = match by_session {
            true => {
                let digits: String = random::<16>().map(|byte| format!("{byte:02x}")).concat();
                let cookie = format!("session={digits}");
                let memberships = [(organization.name.as_str(), "owner")];
                setup
                    .origin
                    .sign_in(&cookie, "kim@example.com", &memberships)
                    .await;
                Some(cookie)
            }
            false => None,
        };
        let before = verified(gateway, &organization, &setup.keys).await.len();
        let held = [&known, &fresh, &ended].map(|token| token.id.clone());
        Self {
            setup,
            gateway,
            organization,
            known,
            fresh,
            ended,
            cookie,
            before,
            held: RefCell::new(held.into()),
        }
    }

    fn manage(&self, method: &str, path: &str) -> Call {
        match &self.cookie {
            None => self.organization.call(self.gateway, method, path),
            Some(cookie) => self
                .gateway
                .call(method, path)
                .header("cookie", cookie)
                .header("sec-fetch-site", "same-origin")
                .header("content-type", "application/json")
                .organization(&self.organization.name)
                .from(&self.organization.address),
        }
    }

    fn create(&self, name: &str) -> Call {
        let body = json!({ "name": name, "project": SHOP, "workflow": RELEASE });
        let call = self.manage("POST", "/org/tokens");
        match self.cookie {
            None => call.json(&body),
            Some(_) => call.body(body.to_string()),
        }
    }

    /// Has the part fail, tries everything, has it come back, and looks at what there is then. Gives what was tried.
    pub async fn under(&self, part: &str, fault: &str, url: Option<&str>) -> Tried {
        let what = format!("{part} {fault}");
        let name = random_name("made");
        set(self.gateway, part, Some(fault), url).await;
        tokio::time::sleep(LEASE).await;
        let call = |token: &Minted| life::call(self.gateway, 0, &token.token).try_send();
        let revoke = format!("/org/tokens/{}", self.ended.id);
        let (known, fresh, created, revoked, list, audit) = tokio::join!(
            call(&self.known),
            call(&self.fresh),
            self.create(&name).try_send(),
            self.manage("DELETE", &revoke).try_send(),
            self.manage("GET", "/org/tokens").try_send(),
            self.manage("GET", "/org/audit").try_send(),
        );
        let made = self.hold(&created);
        let mut tried = [
            called(known),
            called(fresh),
            managed(created),
            managed(revoked),
            listed(list, "tokens"),
            listed(audit, "events"),
        ];
        // Whatever fails: what was revoked is revoked.
        let is_ended = tried[3] == "yes";
        if is_ended {
            let after = called(call(&self.ended).await);
            assert!(
                after != "yes",
                "{what}: accepted although the revoke has answered"
            );
        }
        set(self.gateway, part, None, None).await;
        self.is_back(&what).await;
        self.afterwards(&what, made.as_ref(), is_ended).await;
        if made.is_none() && self.is_revoked(&what, &name).await {
            tried[2].push_str(REVOKED);
        }
        tried
    }

    /// Notes who has which token: the one that an answer shows.
    fn hold(&self, answer: &Result<Answer, String>) -> Option<Minted> {
        let answer = answer.as_ref().ok().filter(|answer| answer.status == 201)?;
        let made = Minted::of(answer.json(201));
        self.held.borrow_mut().insert(made.id.clone());
        Some(made)
    }

    /// Waits until calls and changes are taken again.
    async fn is_back(&self, what: &str) {
        let begun = Instant::now();
        loop {
            let call = life::call(self.gateway, 0, &self.known.token)
                .try_send()
                .await;
            let create = self.create(&random_name("again")).try_send().await;
            self.hold(&create);
            let told = (called(call), managed(create));
            if told == ("yes".to_owned(), "yes".to_owned()) {
                return;
            }
            assert!(
                begun.elapsed() < BACK,
                "{what}: it is back, and still {told:?}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Whether a token has come to be whose creation was not answered, and is revoked, as it must be.
    async fn is_revoked(&self, what: &str, name: &str) -> bool {
        let query = "status=all";
        let found = self.organization.tokens(self.gateway, query).await;
        let rows: Vec<&Value> = found.iter().filter(|row| row["name"] == name).collect();
        for row in &rows {
            assert!(!row["revoked_at"].is_null(), "{what}: nobody has {row}");
        }
        !rows.is_empty()
    }

    /// Nothing is lost, nothing is there twice, nothing lives that was revoked or that nobody has, and the log fits.
    async fn afterwards(&self, what: &str, made: Option<&Minted>, is_ended: bool) {
        let (gateway, organization) = (self.gateway, &self.organization);
        if !is_ended {
            life::assert_live(gateway, &self.ended, "its revoke was not answered").await;
            organization.revoke(gateway, &self.ended.id).await;
        }
        life::assert_dead(gateway, &self.ended, what).await;
        for token in [&self.known, &self.fresh].into_iter().chain(made) {
            life::assert_live(gateway, token, what).await;
        }
        let events = verified(gateway, organization, &self.setup.keys).await;
        assert!(events.len() > self.before, "{what}: nothing was written");
        let of = |action: &str| -> BTreeSet<String> {
            let found = events.iter().filter(|event| event["action"] == action);
            let ids: Vec<String> = found.map(token_id).collect();
            let set: BTreeSet<String> = ids.iter().cloned().collect();
            assert_eq!(
                set.len(),
                ids.len(),
                "{what}: an event of {action} is there twice"
            );
            set
        };
        let (created, given_up, revoked) = (
            of("token.mint"),
            of("token.mint_abandoned"),
            of("token.revoke"),
        );
        let active: BTreeSet<String> = &(&created - &given_up) - &revoked;
        let mut held = self.held.borrow().clone();
        assert!(held.remove(&self.ended.id));
        assert_eq!(
            active, held,
            "{what}: active are those that somebody has, by the log"
        );
        let ended = BTreeSet::from([self.ended.id.clone()]);
        for taken_back in &revoked - &ended {
            let requests: BTreeSet<&str> = events
                .iter()
                .filter(|event| token_id(event) == taken_back)
                .filter_map(|event| event["origin"]["request_id"].as_str())
                .collect();
            assert_eq!(
                requests.len(),
                1,
                "{what}: {taken_back}, in its own request"
            );
        }
        let listed = organization.tokens(gateway, "").await;
        // What a clock that was ahead has revoked is refused, and listed as if a rotation were to end it, until then.
        let (ahead, listed): (Vec<Value>, Vec<Value>) = listed
            .into_iter()
            .partition(|row| !row["revoked_at"].is_null());
        let ahead: BTreeSet<String> = ahead.iter().map(id).collect();
        match what {
            "clock lying" => assert_eq!(ahead, ended, "{what}"),
            "clock half" => assert!(ahead.is_subset(&ended), "{what}: {ahead:?}"),
            _ => assert!(ahead.is_empty(), "{what}: {ahead:?}"),
        }
        let listed: BTreeSet<String> = listed.iter().map(id).collect();
        assert_eq!(listed, active, "{what}: by the list and by the log");
    }
}

/// The id of the token that an event is about; empty where it is about none.
fn token_id(event: &Value) -> String {
    event["token_id"].as_str().unwrap_or_default().to_owned()
}
