//! Settings of the gateway, the tokens of its organization with their credentials, and requests that show them.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::json;

use postern_domain::id::{Id, TokenId};
use postern_domain::policy::{Policy, defaults};
use postern_domain::scope::Scope;
use postern_domain::time::Timestamp;
use postern_domain::token::{Signed, TokenFacts, Verifier};
use postern_domain::trust::{ForgeId, Identity, Issuers, Job, JobFacts, Loopback};
use postern_domain::upstream::{Credential, Reach, Sealed, seal};
use postern_gate::config::Config;
use postern_gate::config::origin_auth::OriginAuth;
use postern_gate::origin_tokens;
use postern_gate::testing::{self, ADMIN, facts, project, workflow};
use postern_ledger::GivenUpstream;
use postern_wire::{jwt, opaque};

use crate::bytes::Bytes;

pub const RUN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
/// SHA-256 of `hello`.
pub const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
/// When the calls begin, in milliseconds.
pub const NOW: i64 = 1_800_000_000_000;

const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// How many settings there are.
pub const SETTINGS: usize = 5;

/// The settings: everything asked of the Ledger; leases and stored credentials; people, governed tokens and downloads;
/// job tokens with assertions; job tokens with stored credentials.
fn setting(which: usize) -> Config {
    let ci = |mode: &str| {
        Config::read(|name| match name {
            "ORIGIN_URL" => Some("http://127.0.0.1:1".to_owned()),
            "ADMIN_TOKEN" => Some(ADMIN.to_owned()),
            "TOKEN_KEYS" => Some(format!("k1:{}", "A".repeat(43))),
            "ADOPT_KEYS" => Some("cp:Y3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3A".to_owned()),
            "ASSERTION_KEYS" => Some(format!("a1:{}", "B".repeat(42) + "A")),
            "REVOCATION_LEASE_MS" => Some("0".to_owned()),
            "ORIGIN_AUTH" => Some(mode.to_owned()),
            "CI_ISSUERS" => Some("github".to_owned()),
            "CI_AUDIENCES" => Some("https://gate.example".to_owned()),
            "REST_ROUTES" => Some("open".to_owned()),
            _ => None,
        })
        .expect("a good configuration")
    };
    match which {
        0 => testing::config(),
        1 => Config {
            origin_auth: OriginAuth::Upstream,
            revocation_lease_ms: 2_000,
            ..testing::config()
        },
        2 => Config {
            people: true,
            governs_origin_tokens: true,
            artifact_cas_url: Some("https://cas.example/base".to_owned()),
            rest_routes: true,
            ..testing::config()
        },
        3 => ci("assertion"),
        _ => ci("upstream"),
    }
}

/// A token with its credential.
pub struct Known {
    pub facts: TokenFacts,
    pub credential: String,
}

/// How many credentials there are, those included that are none of a token.
pub const CREDENTIALS: usize = 10;

thread_local! {
    static CONFIGS: Vec<Rc<Config>> = (0..SETTINGS).map(|which| Rc::new(setting(which))).collect();
    static KNOWN: Rc<Vec<Known>> = Rc::new(tokens());
    static CREDENTIAL: Vec<String> = credentials();
    static GIVEN: Vec<GivenUpstream> = given_upstreams();
}

pub fn config(which: usize) -> Rc<Config> {
    CONFIGS.with(|configs| Rc::clone(&configs[which]))
}

/// All tokens.
pub fn known() -> Rc<Vec<Known>> {
    KNOWN.with(Rc::clone)
}

/// What an `Authorization` header says.
pub fn credential(which: usize) -> String {
    CREDENTIAL.with(|all| all[which].clone())
}

fn tokens() -> Vec<Known> {
    let config = testing::config();
    let narrow = Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    let in_project = Scope::Project { project: project() };
    let mut known = Vec::new();
    for (id, scope) in [
        (7, Scope::Organization),
        (8, narrow.clone()),
        (10, Scope::Organization),
    ] {
        let mut row = facts(id, scope);
        row.policies = defaults(&row.scope);
        if id == 10 {
            let all = ["api_token:create", "api_token:list", "api_token:delete"];
            row.policies
                .extend(all.map(|text| Policy::parse(text).expect("a policy")));
        }
        let issued = jwt::issue(&row, &config.token_keys).expect("issues");
        row.verifier = issued.verifier;
        known.push(Known {
            facts: row,
            credential: issued.token.expose().to_owned(),
        });
    }
    let mut row = facts(9, in_project);
    row.policies = defaults(&row.scope);
    let key = opaque::mint(row.id, &[9; opaque::MINT_ENTROPY], &config.root_keys).expect("a key");
    row.verifier = opaque::verifier(&key, &config.root_keys.pepper);
    known.push(Known {
        facts: row,
        credential: key.expose().to_owned(),
    });
    let claims = origin_tokens::claims();
    known.push(Known {
        facts: TokenFacts {
            policies: defaults(&narrow),
            ..origin_tokens::adopted(&claims, narrow)
        },
        credential: origin_tokens::jwt(&claims),
    });
    known.push(Known {
        facts: of_job(),
        credential: job_token(),
    });
    known
}

/// What the job token becomes.
fn of_job() -> TokenFacts {
    let issuers = Issuers::parse("github", Loopback::Refused).expect("an issuer");
    let id = |number| ForgeId::new(number).expect("an id");
    let identity = Identity::Repository {
        repository_id: id(74),
        repository_owner_id: id(65),
    };
    let issuer = issuers.named("github").expect("a known one").clone();
    let job = JobFacts::of(&Job::new(issuer, identity), Id::from_u128(9));
    TokenFacts {
        policies: defaults(&Scope::Organization),
        verifier: Verifier::Jwt {
            signed: Some(Signed {
                kid: GITHUB.to_owned(),
                digest: "d".repeat(64),
            }),
        },
        expires_at: Some(Timestamp::from_millis(NOW + 600_000)),
        ci_job: Some(Box::new(job)),
        ..facts(11, Scope::Project { project: project() })
    }
}

/// A text of the form of a job token; whether it is one, somebody else says.
fn job_token() -> String {
    let part = |value: serde_json::Value| B64.encode(value.to_string());
    let header = part(json!({"alg": "RS256", "kid": "a", "typ": "JWT"}));
    format!(
        "{header}.{}.{}",
        part(json!({ "iss": GITHUB })),
        "A".repeat(342)
    )
}

fn credentials() -> Vec<String> {
    let person = json!({
        "user_id": "5b1ec0de-0000-4000-8000-000000000001",
        "iss": "cp.chainloop",
        "aud": ["user-auth.chainloop"],
        "exp": 4_000_000_000_i64,
    });
    let mut all: Vec<String> = known()
        .iter()
        .map(|known| format!("Bearer {}", known.credential))
        .collect();
    all.push(format!("Bearer {}", origin_tokens::jwt(&person)));
    all.push(format!("Bearer {ADMIN}"));
    all.push(String::new());
    all.push("Bearer a, Bearer b".to_owned());
    assert_eq!(all.len(), CREDENTIALS);
    all
}

/// The texts of the stored credentials.
pub const UPSTREAM_TEXTS: [&str; 2] = ["upstream-credential-1", "upstream-credential-2"];

/// What a stored credential is for: the organization, its project, its workflow.
pub const REACHES: [(Option<&str>, Option<&str>); 3] = [
    (None, None),
    (Some("shop"), None),
    (Some("shop"), Some("release")),
];

/// Every stored credential for everything that it can be for.
fn given_upstreams() -> Vec<GivenUpstream> {
    let keys = testing::config().root_keys.upstream;
    let mut all = Vec::new();
    for (project, workflow) in REACHES {
        for (text, id) in UPSTREAM_TEXTS.into_iter().zip(1..) {
            let reach = Reach::of(project, workflow);
            let credential = Credential::parse(text.to_owned()).expect("good");
            let sealed = Sealed {
                organization: Id::from_u128(1),
                reach: &reach,
                id: Id::from_u128(id),
            };
            let sealed = seal(&credential, sealed, &keys, [1; 12]).expect("sealed");
            all.push(GivenUpstream {
                id: Id::from_u128(id),
                digest: credential.digest(),
                sealed,
                reach,
                until: None,
            });
        }
    }
    all
}

/// A stored credential, as the Ledger gives it: for which reach, and which one of its credentials.
pub fn given(reach: usize, which: usize) -> GivenUpstream {
    GIVEN.with(|all| all[reach * UPSTREAM_TEXTS.len() + which].clone())
}

/// The token of this id.
pub fn token(id: TokenId) -> Option<TokenFacts> {
    known()
        .iter()
        .find(|known| known.facts.id == id)
        .map(|known| known.facts.clone())
}

/// A request.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Which credential it shows.
    pub credential: usize,
}

/// A text as it may stand in a header's value: the platform lets no other through.
pub fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

impl Request {
    pub fn new(method: &str, path: String) -> Self {
        Self {
            method: method.to_owned(),
            path,
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            credential: 0,
        }
    }

    /// Adds a credential, and headers of the caller's.
    pub fn shows(&mut self, bytes: &mut Bytes<'_>) {
        self.credential = bytes.below(CREDENTIALS);
        let value = match bytes.one_in(16) {
            true => plain(&bytes.text()),
            false => credential(self.credential),
        };
        if !value.is_empty() {
            self.headers.push(("authorization".to_owned(), value));
        }
        for _ in 0..bytes.below(5) {
            let (name, usual) = *bytes.pick(&HEADERS);
            let value = match bytes.one_in(3) {
                true => plain(&bytes.text()),
                false => usual.to_owned(),
            };
            if !self.headers.iter().any(|(own, _)| own == name) {
                self.headers.push((name.to_owned(), value));
            }
        }
        if bytes.one_in(8) {
            let is_token = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c);
            let name: String = bytes.text().chars().filter(is_token).collect();
            let name = name.to_ascii_lowercase();
            if !name.is_empty() && !self.headers.iter().any(|(own, _)| *own == name) {
                self.headers.push((name, plain(&bytes.text())));
            }
        }
    }
}

const HEADERS: [(&str, &str); 20] = [
    ("cf-connecting-ip", "192.0.2.7"),
    ("grpc-timeout", "5S"),
    ("connect-timeout-ms", "100"),
    ("connect-protocol-version", "1"),
    ("content-encoding", "gzip"),
    ("grpc-encoding", "gzip"),
    ("content-length", "99999999999"),
    ("connection", "x-a, authorization"),
    ("te", "trailers"),
    ("cookie", "oauthState=a; session=b"),
    (
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    ("postern-organization", "acme"),
    ("postern-assertion", "forged"),
    ("x-forwarded-for", "10.0.0.1"),
    ("x_forwarded_for", "10.0.0.1"),
    ("x-remote-user", "root"),
    ("x-http-method-override", "DELETE"),
    ("user-agent", "a client"),
    ("transfer-encoding", "chunked"),
    ("x-a", "metadata"),
];
