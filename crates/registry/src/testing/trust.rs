//! The trust rules of the test world: kept as the Ledger keeps them, and job tokens to try them with.

use postern_ledger::{
    AddTrustRuleAnswer, AddTrustRuleCommand, MAX_TRUST_RULES, RemoveTrustRuleAnswer,
    RemoveTrustRuleCommand, TrustRuleState,
};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::World;
use crate::config::{Ci, Config, ControlPlane};
use crate::ports::Clock;
use postern_domain::trust::{
    Audiences, Commit, ForgeId, GitRef, Identity, Issuer, Issuers, Job, JobText, Loopback,
};

/// The URL of the gateway of the world.
pub const GATE: &str = "https://gate.example";

/// A deployment that takes job tokens.
pub fn config() -> Config {
    let issuers = "github, gitlab, https://ci.example/oidc";
    let mut config = super::config();
    config.ci = Some(Ci {
        issuers: Issuers::parse(issuers, Loopback::Refused).expect("issuers"),
        audiences: Audiences::new([GATE.to_owned()], true).expect("audiences"),
        urls: vec![GATE.to_owned()],
        control_plane: ControlPlane::Named,
    });
    config
}

/// A job of which everything is told.
pub fn whole_job() -> Job {
    let text = |text: &str| Some(JobText::parse(text).expect("a text"));
    let id = |number| ForgeId::new(number).expect("an id");
    let issuer = Issuer::parse("github", Loopback::Refused).expect("an issuer");
    let identity = Identity::Repository {
        repository_id: id(74),
        repository_owner_id: id(65),
    };
    Job {
        repository: text("acme/shop"),
        owner: text("acme"),
        workflow: text("acme/shop/.github/workflows/release.yml@refs/heads/main"),
        job_workflow: text("acme/ci/.github/workflows/build.yml@refs/tags/v1"),
        environment: text("production"),
        environment_protected: Some(true),
        git_ref: Some(GitRef::parse("refs/heads/main").expect("a reference")),
        ref_protected: Some(true),
        event: text("push"),
        run_id: Some(id(1234)),
        run_attempt: Some(id(1)),
        job_id: Some(id(5)),
        commit: Some(Commit::parse(&"0f".repeat(20)).expect("a commit")),
        actor: text("octocat"),
        actor_id: Some(id(12)),
        runner_environment: text("github-hosted"),
        ..Job::new(issuer, identity)
    }
}

/// The claims of a job of `acme/shop` in the environment `production`, as GitHub writes them.
pub fn claims(world: &World) -> Value {
    let now = world.now.get() / 1000;
    json!({
        "iss": "https://token.actions.githubusercontent.com",
        "aud": format!("{GATE}/acme"),
        "sub": "repo:acme/shop:environment:production",
        "jti": "6f4762ed-0758-4ccb-808d-ee3af5d723a8",
        "iat": now - 5,
        "nbf": now - 5,
        "exp": now + 300,
        "repository": "acme/shop",
        "repository_id": "74",
        "repository_owner": "acme",
        "repository_owner_id": "65",
        "ref": "refs/heads/main",
        "ref_protected": "false",
        "sha": "0f".repeat(20),
        "event_name": "push",
        "workflow_ref": "acme/shop/.github/workflows/release.yml@refs/heads/main",
        "job_workflow_ref": "acme/shop/.github/workflows/release.yml@refs/heads/main",
        "environment": "production",
        "run_id": "1234",
        "run_attempt": "1",
        "actor": "octocat",
        "actor_id": "12",
        "runner_environment": "github-hosted",
    })
}

/// A token with these claims. Whether its signature holds, the world says.
pub fn job_token(claims: &Value) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = part(br#"{"alg":"ES256","kid":"k"}"#);
    let payload = part(claims.to_string().as_bytes());
    format!("{header}.{payload}.{}", part(&[1; 64]))
}

impl World {
    /// GitHub's issuer publishes a key, and every signature holds.
    pub fn publish_github(&self) {
        let github = "https://token.actions.githubusercontent.com";
        let discovery = json!({ "issuer": github, "jwks_uri": format!("{github}/keys") });
        let key = json!({
            "kty": "EC",
            "crv": "P-256",
            "kid": "k",
            // The example of RFC 7517, appendix A.1.
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        });
        let mut documents = self.published.documents.borrow_mut();
        for (path, document) in [
            ("/.well-known/openid-configuration", discovery),
            ("/keys", json!({ "keys": [key] })),
        ] {
            let bytes = document.to_string().into_bytes();
            documents.insert(format!("{github}{path}"), Ok(bytes));
        }
        self.published.holds.set(|_| true);
    }

    pub(super) fn add_rule(&self, command: AddTrustRuleCommand) -> AddTrustRuleAnswer {
        self.note("add trust rule");
        let rules = &mut self.trust_rules.borrow_mut().rules;
        let same = |state: &&TrustRuleState| state.rule.asks_the_same(&command.rule);
        if let Some(state) = rules.iter().find(same) {
            let rule = state.rule.id();
            return AddTrustRuleAnswer::AsksTheSame { rule };
        }
        if rules.len() >= MAX_TRUST_RULES as usize {
            let limit = MAX_TRUST_RULES;
            return AddTrustRuleAnswer::TooMany { limit };
        }
        let at = self.now();
        rules.push(TrustRuleState {
            rule: command.rule,
            created_at: at,
            created_by: command.created_by,
        });
        AddTrustRuleAnswer::Added { at }
    }

    pub(super) fn remove_rule(&self, command: &RemoveTrustRuleCommand) -> RemoveTrustRuleAnswer {
        self.note(format!("remove trust rule {}", command.rule));
        let rules = &mut self.trust_rules.borrow_mut().rules;
        let before = rules.len();
        rules.retain(|state| state.rule.id() != command.rule);
        match rules.len() == before {
            true => RemoveTrustRuleAnswer::Unknown,
            false => RemoveTrustRuleAnswer::Removed {
                at: self.now(),
                revoked: self.given_tokens.get(),
            },
        }
    }
}
