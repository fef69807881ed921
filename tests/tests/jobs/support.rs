//! A gateway that trusts an issuer of our own, rules, job tokens, and what becomes of them.

use std::collections::BTreeSet;

use postern_domain::trust::REFUSED;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::issuer::Issuer;
use postern_system_tests::life;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, id};
use postern_system_tests::random_id;
use postern_system_tests::suite::Suite;
use serde_json::{Value, json};

/// What the gateway is called by, as it says in `CI_AUDIENCES`.
pub const GATE: &str = "https://gate.example";
pub const EXCHANGE: &str = "/oauth/token";
pub const ISOLATES: u16 = 2;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// What the issuer's tokens say of their repository and project.
pub const REPOSITORY: &str = "demo/shop";
pub const REPOSITORY_ID: u64 = 74;
pub const OWNER_ID: u64 = 65;
/// The subject of plain issuers.
pub const SUBJECT: &str = "job/demo/shop";

/// Plain issuers besides `other`, for cases that trouble them.
pub const TROUBLED: [&str; 13] = [
    "rotated",
    "no-discovery",
    "moved-discovery",
    "huge-discovery",
    "malformed-discovery",
    "discovery-of-another",
    "keys-elsewhere",
    "no-jwks",
    "moved-jwks",
    "huge-jwks",
    "malformed-jwks",
    "empty-jwks",
    "silent-jwks",
];

/// The file's fixture. All of it ends when dropped.
pub struct Jobs {
    pub suite: Suite,
    pub issuer: Issuer,
}

impl Jobs {
    pub async fn start() -> Self {
        let issuer = Issuer::start().await;
        let settings = |serve: Serve| trusting(serve.isolates(ISOLATES), &issuer);
        let suite = Suite::with(settings).await;
        Self { suite, issuer }
    }

    pub fn gateway(&self) -> &Gateway {
        &self.suite.gateway
    }

    /// An organization that trusts the jobs of the sample repository.
    pub async fn organization(&self) -> Organization {
        let organization = self.bare_organization().await;
        self.trust(&organization, &json!({})).await;
        organization
    }

    /// An organization that trusts nobody yet. Its calls go on with a stored credential, as the origin is never sent
    /// a job token.
    pub async fn bare_organization(&self) -> Organization {
        let organization = self.suite.organization().await;
        upstream(self.gateway(), &organization).await;
        organization
    }

    /// Makes a rule about the sample repository of `github`, with these changes; `null` takes a member out.
    pub async fn trust(&self, organization: &Organization, changes: &Value) -> Value {
        let call = self.trusting(self.gateway(), organization, changes);
        call.send().await.json(201)
    }

    /// The call that does.
    pub fn trusting(
        &self,
        gateway: &Gateway,
        organization: &Organization,
        changes: &Value,
    ) -> Call {
        let mut body = json!({
            "issuer": self.issuer.url("github"), "repository": REPOSITORY,
            "repository_id": REPOSITORY_ID, "repository_owner_id": OWNER_ID,
            "project": SHOP, "workflow": RELEASE, "policies": ["workflow:read", "workflow_run:read"],
        });
        let body_map = body.as_object_mut().expect("an object");
        for (name, value) in changes.as_object().expect("an object") {
            match value {
                Value::Null => drop(body_map.remove(name)),
                value => drop(body_map.insert(name.clone(), value.clone())),
            }
        }
        let call = organization.call(gateway, "POST", "/org/trust-rules");
        call.json(&body)
    }

    /// What makes a rule about the jobs of the sample project of `gitlab`.
    pub fn of_gitlab(&self) -> Value {
        json!({
            "issuer": self.issuer.url("gitlab"), "repository": "demo/team/shop",
            "repository_id": null, "repository_owner_id": null, "project_id": 20, "namespace_id": 72,
        })
    }

    /// What makes a rule about the sample subject of a plain issuer.
    pub fn of_plain(&self, name: &str) -> Value {
        json!({
            "issuer": self.issuer.url(name), "repository": null,
            "repository_id": null, "repository_owner_id": null, "subject": SUBJECT,
        })
    }

    /// A job token of `github` for an organization.
    pub async fn job(&self, organization: &Organization, asked: &Value) -> String {
        self.job_of("github", organization, asked).await
    }

    /// A job token of an issuer, for an organization unless it is asked for another audience.
    pub async fn job_of(&self, issuer: &str, organization: &Organization, asked: &Value) -> String {
        self.issuer.token(issuer, &aimed(organization, asked)).await
    }

    /// Exchanges a job token; gives what it became.
    pub async fn exchanged(&self, token: &str) -> Minted {
        let answer = exchanging(self.gateway(), 0, token).send().await;
        self.given(&answer).await
    }

    /// The token of an answer to an exchange, as its fields must be.
    pub async fn given(&self, answer: &Answer) -> Minted {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = answer.json(200);
        let issued = "urn:ietf:params:oauth:token-type:access_token";
        assert_eq!(answer["issued_token_type"], issued, "{answer}");
        assert_eq!(answer["token_type"], "Bearer", "{answer}");
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        let told = self.introspected(&token).await;
        assert_eq!(told["active"], true, "{told}");
        assert_eq!(told["scope"], answer["scope"], "{answer}");
        let id = told["jti"].as_str().expect("an id").to_owned();
        Minted { id, token, answer }
    }

    pub async fn introspected(&self, token: &str) -> Value {
        let call = self.gateway().call("POST", "/oauth/introspect");
        let call = call.bearer(&self.suite.keys.admin);
        call.form(&[("token", token)]).send().await.json(200)
    }

    /// Asserts that an exchange is refused for this reason, as the log alone has it; gives what everybody sees of it.
    pub async fn refused(&self, what: &str, call: Call, cause: &str) -> String {
        refused_by(self.gateway(), what, call, cause).await
    }

    /// Asserts that a job token opens nothing as a bearer, on any isolate, and nothing of it reaches the origin.
    pub async fn refused_bearer(&self, what: &str, token: &str) {
        self.suite.origin.reset().await;
        for isolate in 0..ISOLATES {
            let answer = life::call(self.gateway(), isolate, token).send().await;
            assert_refused_bearer(what, &answer);
        }
        self.suite.origin.assert_untouched(what).await;
    }

    /// The tokens that an organization has, whatever became of them.
    pub async fn tokens(&self, organization: &Organization) -> Vec<Value> {
        let query = "status=all&include_system=true";
        organization.tokens(self.gateway(), query).await
    }

    /// The one token that an organization has, as `GET` shows it.
    pub async fn only_token(&self, organization: &Organization) -> Value {
        let tokens = self.tokens(organization).await;
        assert_eq!(tokens.len(), 1, "{tokens:#?}");
        organization.token(self.gateway(), &id(&tokens[0])).await
    }
}

/// The settings of a gateway that trusts all issuers of ours.
pub fn trusting(serve: Serve, issuer: &Issuer) -> Serve {
    let named = ["github", "gitlab"].map(|name| format!("{name}={}", issuer.url(name)));
    let plain = ["other"].iter().chain(&TROUBLED);
    let plain = plain.map(|name| issuer.url(name));
    let issuers: Vec<String> = named.into_iter().chain(plain).collect();
    serve
        .set("CI_ISSUERS", &issuers.join(","))
        .set("CI_AUDIENCES", GATE)
        .set("ORIGIN_AUTH", "upstream")
}

/// Sets the credential that the calls of an organization go on with.
pub async fn upstream(gateway: &Gateway, organization: &Organization) {
    let body = json!({ "credential": format!("upstream-{}", random_id()) });
    let call = organization
        .call(gateway, "PUT", "/org/upstream")
        .json(&body);
    call.send().await.json(200);
}

pub fn audience(organization: &Organization) -> String {
    format!("{GATE}/{}", organization.name)
}

/// What is asked of an issuer, for an organization unless it is asked for another audience.
pub fn aimed(organization: &Organization, asked: &Value) -> Value {
    let mut asked = asked.clone();
    if asked["claims"].get("aud").is_none() {
        asked["claims"]["aud"] = json!(audience(organization));
    }
    asked
}

pub fn exchanging(gateway: &Gateway, isolate: u16, token: &str) -> Call {
    let form = [
        ("grant_type", GRANT),
        ("subject_token_type", JWT),
        ("subject_token", token),
    ];
    let call = gateway.call_on(isolate, "POST", EXCHANGE);
    call.from("10.9.8.7").form(&form)
}

/// The same with these parameters instead of, or beside, the usual ones; an empty one is left out.
pub fn exchanging_with(gateway: &Gateway, token: &str, changes: &[(&str, &str)]) -> Call {
    let usual = [
        ("grant_type", GRANT),
        ("subject_token_type", JWT),
        ("subject_token", token),
    ];
    let changed: BTreeSet<&str> = changes.iter().map(|(name, _)| *name).collect();
    let kept = usual.iter().filter(|(name, _)| !changed.contains(name));
    let form: Vec<(&str, &str)> = kept
        .chain(changes.iter().filter(|(_, value)| !value.is_empty()))
        .copied()
        .collect();
    let call = gateway.call("POST", EXCHANGE).from("10.9.8.7");
    call.form(&form)
}

/// Asserts that an exchange is refused for this reason, as the log alone has it; gives what everybody sees of it.
pub async fn refused_by(gateway: &Gateway, what: &str, call: Call, cause: &str) -> String {
    let answer = call.send().await;
    assert_eq!((what, answer.status), (what, 400), "{}", answer.text());
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(
        (
            what,
            body["error"].as_str(),
            body["error_description"].as_str()
        ),
        (what, Some("invalid_grant"), Some(REFUSED)),
        "{body}"
    );
    let request = answer.header("x-request-id").expect("a request id");
    let line = gateway.log_line(request).await;
    let told = line["cause"].as_str().unwrap_or_default();
    assert!(
        !told.is_empty() && told.starts_with(cause),
        "{what}: `{told}` is not `{cause}`: {line}"
    );
    seen(&answer)
}

/// Everything of an answer that a client can see, less the request's id and the time.
fn seen(answer: &Answer) -> String {
    let request = answer.header("x-request-id").expect("a request id");
    let mut headers = answer.headers.clone();
    headers.remove("date");
    let body = String::from_utf8_lossy(&answer.body);
    format!("{} {headers:#?} {body}", answer.status).replace(request, "…")
}

/// Asserts that a call was refused as any credential is that opens nothing.
#[track_caller]
pub fn assert_refused_bearer(what: &str, answer: &Answer) {
    let known = [
        REFUSED,
        life::REFUSED,
        "Token is invalid",
        "JWT token has expired",
        "Fail to parse JWT token ",
    ];
    let (ending, message) = answer.ending();
    assert_eq!((what, ending.code, message), (what, 16, Vec::new()));
    assert!(
        known.contains(&ending.message.as_str()),
        "{what}: {ending:?}"
    );
}
