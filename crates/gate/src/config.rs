//! The configuration, read once from named variables. There is no fallback: a wrong value is a
//! problem, all problems are reported together, and until they are gone the gateway answers 503.

use self::origin_auth::{Assertions, OriginAuth};
use self::origin_headers::OriginHeader;
use self::urls::{origin_url, store_url};
use crate::routes::ROUTES;
use postern_domain::bucket::Rate;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_ledger::LONGEST_LEASE_MS;
use postern_wire::jwt::JwtKeys;

mod audit_log;
mod ci;
mod dashboard_host;
pub mod origin_auth;
pub mod origin_headers;
mod origin_tokens;
mod placeholders;
mod urls;
mod ways_in;

/// How long a lease lasts where nothing is set, in milliseconds.
const DEFAULT_LEASE_MS: u32 = 1_000;

pub use audit_log::{AuditLog, Witness};
pub use ci::{Ci, ControlPlane};
pub use ways_in::{AdminKey, AdminKeys, MIN_ADMIN_KEY, WaysIn};

/// Everything the gateway is told from outside.
#[derive(Debug)]
pub struct Config {
    /// Scheme, host and base path of the origin, without trailing slash.
    pub origin_url: String,
    /// Headers that every request to the origin carries.
    pub origin_headers: Vec<OriginHeader>,
    /// The same of the artifact store, through which artifacts are downloaded; `None` = not at all.
    pub artifact_cas_url: Option<String>,
    /// How long the origin may take to answer, in milliseconds.
    pub origin_timeout_ms: u32,
    /// The origin speaks native gRPC only, and the platform is to convert.
    pub origin_speaks_grpc: bool,
    /// The administrator keys.
    pub admin: Option<AdminKeys>,
    /// The ways in to management.
    pub ways_in: WaysIn,
    /// The keys that sign and verify JWTs.
    pub token_keys: KeyRing,
    /// The origin's own keys: they verify adopted tokens, and nothing else.
    pub adopt_keys: Option<KeyRing>,
    /// Whether people pass with user tokens of the control plane, which `adopt_keys` verify (R44).
    pub people: bool,
    /// The keys that everything else is derived from.
    pub root_keys: RootKeys,
    /// Whether the origin's own tokens are made and ended through the gateway (R43).
    pub governs_origin_tokens: bool,
    /// How often an address can create a token.
    pub mint_rate: Rate,
    /// How many tokens one creator may create, from all addresses together; `None` = no limit.
    pub minter_rate: Option<Rate>,
    /// The limit of active tokens in an organization without one of its own; 0 = none.
    pub mint_ceiling: u32,
    /// How long a rotation may keep the old token working, in milliseconds; 0 = not at all.
    pub max_overlap_ms: i64,
    /// The header that has the client's address.
    pub trusted_ip_header: String,
    /// The one host, with its port where that is not the scheme's own, under which the dashboard
    /// and browser sessions are, and nothing of the origin's; `None` = every host serves
    /// everything.
    pub dashboard_host: Option<String>,
    /// Whether the routes of the table of REST routes are served.
    pub rest_routes: bool,
    /// Whether the origin's answers carry `X-Request-Id` and `Server-Timing`. Without them most answers
    /// pass untouched, which costs less.
    pub answer_headers: bool,
    /// Whether a request that went well has no line in the log.
    pub logs_refusals_only: bool,
    /// How far `exp` and `nbf` are widened, in seconds.
    pub jwt_leeway_seconds: i64,
    /// How long a lease lasts, during which an isolate may repeat what the Ledger said of a token,
    /// in milliseconds; 0 = every call asks (R41).
    pub revocation_lease_ms: u32,
    /// What the origin is shown of a call.
    pub origin_auth: OriginAuth,
    /// What the origin is shown besides the caller's credential; `None` without keys for it.
    pub assertions: Option<Assertions>,
    /// Whose job tokens count; `None` = nobody's (R47).
    pub ci: Option<Ci>,
    /// What signs checkpoints of audit logs for everybody; `None` = nothing does (R54).
    pub audit_log: Option<AuditLog>,
    /// Variables that have no effect, because another one overrides them.
    pub ignored: Vec<&'static str>,
}

impl Config {
    /// The keys that JWTs are verified under.
    pub fn jwt_keys(&self) -> JwtKeys<'_> {
        JwtKeys {
            minted: &self.token_keys,
            adopted: self.adopt_keys.as_ref(),
        }
    }

    /// Reads the configuration through `variable`, which gives a variable's text by name.
    ///
    /// # Errors
    /// Every problem, one sentence each, naming the variable and never quoting a secret.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        // A variable that is set to nothing is not set.
        let text = |name: &str| variable(name).filter(|value| !value.trim().is_empty());

        let origin_url = match text("ORIGIN_URL").as_deref().map(origin_url) {
            Some(Ok(url)) => url,
            Some(Err(problem)) => {
                problems.push(format!("ORIGIN_URL {problem}"));
                String::new()
            }
            None => {
                problems.push("ORIGIN_URL is not set: give the URL of the attestation API".into());
                String::new()
            }
        };
        let artifact_cas_url = store_url(text("ARTIFACT_CAS_URL"), &mut problems);
        let admin = text("ADMIN_TOKEN").and_then(|keys| ways_in::admin_keys(&keys, &mut problems));
        let token_keys = ring(text("TOKEN_KEYS"), "TOKEN_KEYS", &mut problems);
        if token_keys.is_none() && text("TOKEN_KEYS").is_none() {
            problems.push(
                "TOKEN_KEYS is not set: give `kid:base64url` with at least 32 random bytes".into(),
            );
        }
        let root = ring(text("ROOT_KEYS"), "ROOT_KEYS", &mut problems);
        let adopt_keys = ring(text("ADOPT_KEYS"), "ADOPT_KEYS", &mut problems);
        for (ours, name) in [(&token_keys, "TOKEN_KEYS"), (&root, "ROOT_KEYS")] {
            shared(adopt_keys.as_ref(), ours.as_ref(), name, &mut problems);
        }
        placeholders::refuse(
            text("ENVIRONMENT").as_deref(),
            &origin_url,
            admin.as_ref(),
            [
                ("TOKEN_KEYS", token_keys.as_ref()),
                ("ROOT_KEYS", root.as_ref()),
                ("ADOPT_KEYS", adopt_keys.as_ref()),
            ],
            &mut problems,
        );

        let mint_per_hour = number(text("MINT_PER_HOUR"), "MINT_PER_HOUR", 10, 1..=1_000_000);
        // 0 stands for the unset variable, and cannot be set.
        let per_minter = match text("MINT_PER_HOUR_PER_MINTER") {
            None => Ok(0),
            set => number(set, "MINT_PER_HOUR_PER_MINTER", 0, 1..=1_000_000),
        };
        let ceiling = number(
            text("ORG_TOKEN_MINT_CEILING"),
            "ORG_TOKEN_MINT_CEILING",
            100,
            0..=10_000_000,
        );
        let overlap = number(
            text("MAX_ROTATION_OVERLAP_DAYS"),
            "MAX_ROTATION_OVERLAP_DAYS",
            7,
            0..=365,
        );
        let lease = number(
            text("REVOCATION_LEASE_MS"),
            "REVOCATION_LEASE_MS",
            DEFAULT_LEASE_MS,
            0..=LONGEST_LEASE_MS,
        );
        if text("REVOCATION_BOUND_SECONDS").is_some() {
            problems.push(
                "REVOCATION_BOUND_SECONDS is no longer a setting: remove it. A revoke is final when \
                 it answers; REVOCATION_LEASE_MS sets how long that may take at most"
                    .into(),
            );
        }
        let leeway = number(text("JWT_LEEWAY_SECONDS"), "JWT_LEEWAY_SECONDS", 0, 0..=60);
        let timeout = number(
            text("ORIGIN_TIMEOUT_SECONDS"),
            "ORIGIN_TIMEOUT_SECONDS",
            30,
            1..=300,
        );
        let mut value = |number: Result<u32, String>| {
            number.unwrap_or_else(|problem| {
                problems.push(problem);
                0
            })
        };
        let (mint_per_hour, mint_ceiling) = (value(mint_per_hour), value(ceiling));
        let (per_minter, overlap) = (value(per_minter), value(overlap));
        let (lease, leeway, timeout) = (value(lease), value(leeway), value(timeout));

        let trusted_ip_header = text("TRUSTED_IP_HEADER")
            .unwrap_or_else(|| "CF-Connecting-IP".to_owned())
            .to_ascii_lowercase();
        if !trusted_ip_header
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            problems.push("TRUSTED_IP_HEADER is not the name of a header".into());
        }
        let dashboard_host = dashboard_host::read(text("DASHBOARD_HOST").as_deref(), &mut problems);
        let mut is_second = |name: &str, words: [&str; 2]| match text(name) {
            None => false,
            Some(found) if found == words[0] => false,
            Some(found) if found == words[1] => true,
            Some(_) => {
                problems.push(format!("{name} must be `{}` or `{}`", words[0], words[1]));
                false
            }
        };
        let origin_speaks_grpc = is_second("ORIGIN_PROTOCOL", ["grpc-web", "grpc"]);
        let answer_headers = is_second("ANSWER_HEADERS", ["off", "on"]);
        let logs_refusals_only = is_second("REQUEST_LOG", ["all", "refusals"]);
        let people = is_second("PEOPLE", ["deny", "pass"]);
        if people && text("ADOPT_KEYS").is_none() {
            problems.push(
                "ADOPT_KEYS is not set: PEOPLE `pass` verifies user tokens under the origin's key"
                    .into(),
            );
        }
        let (origin_auth, assertions) = origin_auth::read(text, &origin_url, &mut problems);
        let origin_headers = origin_headers::read(text("ORIGIN_HEADERS").as_deref(), &mut problems);
        let governs_origin_tokens =
            origin_tokens::read(text, text("ADOPT_KEYS").is_some(), &mut problems);
        let ways_in = ways_in::read(&text, &mut problems);
        let ci = ci::read(text, &mut problems);
        let audit_log = audit_log::read(text, &mut problems);
        let rest_routes = rest_routes(
            text("REST_ROUTES").as_deref(),
            &trusted_ip_header,
            &mut problems,
        );
        let mut ignored = Vec::new();
        if ways_in.workflow_read && admin.is_some() {
            ignored.push("WORKFLOW_TOKEN_READ (an administrator key is set)");
        }

        match (token_keys, Rate::per_hour(mint_per_hour)) {
            (Some(token_keys), Some(mint_rate)) if problems.is_empty() => Ok(Self {
                origin_url,
                origin_headers,
                artifact_cas_url,
                origin_timeout_ms: timeout * 1000,
                origin_speaks_grpc,
                admin,
                ways_in,
                root_keys: match root {
                    Some(root) => RootKeys::from_root(&root),
                    None => RootKeys::from_token_keys(&token_keys),
                },
                token_keys,
                adopt_keys,
                people,
                governs_origin_tokens,
                mint_rate,
                minter_rate: Rate::per_hour(per_minter),
                mint_ceiling,
                max_overlap_ms: i64::from(overlap) * 86_400_000,
                trusted_ip_header,
                dashboard_host,
                rest_routes,
                answer_headers,
                logs_refusals_only,
                jwt_leeway_seconds: i64::from(leeway),
                revocation_lease_ms: lease,
                origin_auth,
                assertions,
                ci,
                audit_log,
                ignored,
            }),
            _ => Err(problems),
        }
    }
}

impl Config {
    /// Whether calls of tokens carry an assertion.
    pub fn is_asserted(&self) -> bool {
        self.assertions.as_ref().is_some_and(|made| made.sent)
    }

    /// Whether a job token may be shown as it is (R47): where the origin is sent something else.
    pub fn takes_bearers(&self) -> bool {
        self.is_upstream() || self.is_asserted()
    }

    /// Whether calls are sent on with a stored credential in place of the caller's (R42).
    pub fn is_upstream(&self) -> bool {
        self.origin_auth == OriginAuth::Upstream
    }

    /// Whether the dashboard and browser sessions are under this host.
    pub fn has_dashboard(&self, host: &str) -> bool {
        self.dashboard_host.as_deref().is_none_or(|own| own == host)
    }

    /// Whether anything of the origin's is under this host: not where the dashboard alone is, so
    /// that what the origin answers is never of the dashboard's own origin in a browser.
    pub fn has_origin(&self, host: &str) -> bool {
        self.dashboard_host.as_deref() != Some(host)
    }
}

fn ring(text: Option<String>, name: &str, problems: &mut Vec<String>) -> Option<KeyRing> {
    match text.as_deref().map(KeyRing::parse)? {
        Ok(ring) => Some(ring),
        Err(problem) => {
            problems.push(format!("{name}: {problem}"));
            None
        }
    }
}

/// A key that the origin has too is among ours: the origin could sign tokens of the gateway.
fn shared(
    adopted: Option<&KeyRing>,
    ours: Option<&KeyRing>,
    name: &str,
    problems: &mut Vec<String>,
) {
    for key in adopted.into_iter().flat_map(KeyRing::iter) {
        let same = |ring: &KeyRing| ring.iter().any(|own| own.expose() == key.expose());
        if ours.is_some_and(same) {
            problems.push(format!(
                "ADOPT_KEYS: the key `{}` is in {name} too: the origin has it, so it must not sign \
                 or derive anything here; docs/OPERATIONS.md says how to part them",
                key.kid()
            ));
        }
    }
}

fn rest_routes(mode: Option<&str>, trusted_ip_header: &str, problems: &mut Vec<String>) -> bool {
    let open = match mode {
        None | Some("closed") => false,
        Some("open") => true,
        Some(_) => {
            problems.push("REST_ROUTES must be `closed` or `open`".into());
            false
        }
    };
    // The gateway takes this header away, so that the origin would read another identity or none.
    for route in ROUTES.iter().filter(|_| open) {
        if route.reads_header(trusted_ip_header) {
            problems.push(format!(
                "TRUSTED_IP_HEADER is where `{}` of the REST routes reads an identity: name another",
                route.name
            ));
        }
    }
    open
}

fn number(
    text: Option<String>,
    name: &str,
    default: u32,
    range: core::ops::RangeInclusive<u32>,
) -> Result<u32, String> {
    let Some(text) = text else { return Ok(default) };
    text.trim()
        .parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            format!(
                "{name} must be a whole number from {} to {}",
                range.start(),
                range.end()
            )
        })
}

#[cfg(test)]
mod tests;
