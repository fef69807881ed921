//! Configurations as rows.

use super::*;
use postern_domain::route::Place;

const KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const ADMIN: &str = "0123456789abcdef0123456789abcdef";

fn read(variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    Config::read(|name| {
        variables
            .iter()
            .rev()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

fn good_and(name: &str, value: &str) -> Result<Config, Vec<String>> {
    read(&[
        ("ORIGIN_URL", "http://127.0.0.1:9090/"),
        ("TOKEN_KEYS", KEY),
        ("ADMIN_TOKEN", ADMIN),
        (name, value),
    ])
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = good_and("", "").expect("a good configuration");
    assert_eq!(config.origin_url, "http://127.0.0.1:9090");
    assert_eq!(config.artifact_cas_url, None);
    assert_eq!(config.mint_rate.limit(), 10);
    assert_eq!(config.minter_rate, None);
    assert_eq!(config.mint_ceiling, 100);
    let closed = WaysIn {
        bootstrap: false,
        session_url: None,
        workflow_read: false,
    };
    assert_eq!(config.ways_in, closed);
    assert_eq!(config.trusted_ip_header, "cf-connecting-ip");
    assert_eq!(config.jwt_leeway_seconds, 0);
    assert_eq!(config.origin_timeout_ms, 30_000);
    assert!(config.ignored.is_empty());
    assert!(!config.rest_routes);
    assert_eq!(config.dashboard_host, None);
}

#[test]
fn r45_the_dashboard_has_a_host_of_its_own_or_every_one() {
    let at = |host| good_and("DASHBOARD_HOST", host).expect("a good configuration");
    let everywhere = at("");
    assert!(everywhere.has_dashboard("gate.example") && everywhere.has_origin("gate.example"));
    let apart = at(" Dash.Example:8443 ");
    assert!(apart.has_dashboard("dash.example:8443") && !apart.has_origin("dash.example:8443"));
    for other in [
        "dash.example",
        "gate.example",
        "dash.example.:8443",
        "xdash.example:8443",
        "",
    ] {
        assert!(
            !apart.has_dashboard(other) && apart.has_origin(other),
            "{other}"
        );
    }
    for good in ["localhost", "127.0.0.1:8787", "xn--bcher-kva.example"] {
        assert_eq!(at(good).dashboard_host.as_deref(), Some(good));
    }
    for wrong in [
        "https://dash.example",
        "dash.example/",
        "dash.example/dashboard",
        "dash.example:",
        "dash.example:443",
        "dash.example:0443",
        "dash.example:65536",
        "dash.example:8443:1",
        "dash..example",
        "dash.example.",
        "bücher.example",
        "*.example",
        "a@b",
        "dash example",
    ] {
        let told = good_and("DASHBOARD_HOST", wrong).expect_err(wrong);
        assert!(
            told[0].starts_with("DASHBOARD_HOST must be a host name"),
            "{told:?}"
        );
    }
}

#[test]
fn rest_routes_open_where_no_identity_sits_in_the_trusted_header() {
    let with = |mode, header| {
        read(&[
            ("ORIGIN_URL", "http://127.0.0.1:9090/"),
            ("TOKEN_KEYS", KEY),
            ("REST_ROUTES", mode),
            ("TRUSTED_IP_HEADER", header),
        ])
    };
    assert!(with("open", "X-Real-IP").is_ok_and(|config| config.rest_routes));
    assert!(with("closed", "X-Real-IP").is_ok_and(|config| !config.rest_routes));
    let header = ROUTES.iter().find_map(|route| match route.workflow?.place {
        Place::Header(name) => Some(name),
        _ => None,
    });
    // Only where the table has such a route: the one that is shipped does.
    if let Some(header) = header {
        let problems = with("open", header).expect_err("the header is taken away");
        assert!(
            problems[0].starts_with("TRUSTED_IP_HEADER is where `"),
            "{problems:?}"
        );
        assert!(with("closed", header).is_ok());
    }
}

#[test]
fn a_key_of_the_origin_is_no_key_of_ours() {
    let shared = "Y3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3BjcGNwY3A";
    let with = |token_keys: &str, root_keys: &str, adopt_keys: &str| {
        read(&[
            ("ORIGIN_URL", "http://127.0.0.1:9090/"),
            ("TOKEN_KEYS", token_keys),
            ("ROOT_KEYS", root_keys),
            ("ADOPT_KEYS", adopt_keys),
        ])
    };
    let cp = format!("cp:{shared}");
    let both = format!("{KEY},k0:{shared}");
    assert!(with(KEY, "", "").is_ok_and(|config| config.adopt_keys.is_none()));
    assert!(with(KEY, "", &cp).is_ok_and(|config| config.adopt_keys.is_some()));
    // The same name is not the same key.
    assert!(with(KEY, "", &format!("k1:{shared}")).is_ok());
    let rows = [
        (
            both.as_str(),
            "",
            "ADOPT_KEYS: the key `cp` is in TOKEN_KEYS too",
        ),
        (
            cp.as_str(),
            "",
            "ADOPT_KEYS: the key `cp` is in TOKEN_KEYS too",
        ),
        (
            KEY,
            both.as_str(),
            "ADOPT_KEYS: the key `cp` is in ROOT_KEYS too",
        ),
    ];
    for (token_keys, root_keys, expected) in rows {
        let problems = with(token_keys, root_keys, &cp).expect_err(expected);
        assert!(
            problems.iter().any(|problem| problem.starts_with(expected)),
            "{problems:?}"
        );
        assert!(problems.iter().all(|problem| !problem.contains(shared)));
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let problems = read(&[("ADMIN_TOKEN", "short"), ("MINT_PER_HOUR", "0")]).expect_err("wrong");
    let starts = ["ORIGIN_URL", "ADMIN_TOKEN", "TOKEN_KEYS", "MINT_PER_HOUR"];
    assert_eq!(problems.len(), starts.len(), "{problems:?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn every_wrong_value_is_named() {
    let rows = [
        ("ORIGIN_URL", "ftp://x", "ORIGIN_URL must begin"),
        ("ORIGIN_URL", "http://", "ORIGIN_URL has no host"),
        ("ORIGIN_URL", "http://u@x", "ORIGIN_URL must have neither"),
        ("ORIGIN_URL", "http://x?y", "ORIGIN_URL must have neither"),
        ("ARTIFACT_CAS_URL", "cas", "ARTIFACT_CAS_URL must begin"),
        (
            "ARTIFACT_CAS_URL",
            "http://x?t=",
            "ARTIFACT_CAS_URL must have neither",
        ),
        (
            "ADMIN_TOKEN",
            "0123456789abcdef0123456789abcde",
            "ADMIN_TOKEN is shorter",
        ),
        (
            "ADMIN_TOKEN",
            "0123456789 abcdef 0123456789 abcdef",
            "ADMIN_TOKEN has characters",
        ),
        (
            "ADMIN_TOKEN",
            "pst_456789abcdef0123456789abcdef0123",
            "ADMIN_TOKEN must not begin",
        ),
        ("TOKEN_KEYS", "k1:AAAA", "TOKEN_KEYS: entry 1"),
        ("ROOT_KEYS", "k1", "ROOT_KEYS: entry 1"),
        ("ADOPT_KEYS", "cp:AAAA", "ADOPT_KEYS: entry 1"),
        ("MINT_PER_HOUR", "ten", "MINT_PER_HOUR must be"),
        (
            "ORG_TOKEN_MINT_CEILING",
            "-1",
            "ORG_TOKEN_MINT_CEILING must be",
        ),
        ("REVOCATION_LEASE_MS", "5001", "REVOCATION_LEASE_MS must be"),
        ("REVOCATION_LEASE_MS", "-1", "REVOCATION_LEASE_MS must be"),
        ("REVOCATION_LEASE_MS", "x", "REVOCATION_LEASE_MS must be"),
        (
            "REVOCATION_BOUND_SECONDS",
            "5",
            "REVOCATION_BOUND_SECONDS is no longer a setting: remove it",
        ),
        ("JWT_LEEWAY_SECONDS", "61", "JWT_LEEWAY_SECONDS must be"),
        (
            "ORIGIN_TIMEOUT_SECONDS",
            "0",
            "ORIGIN_TIMEOUT_SECONDS must be",
        ),
        ("TRUSTED_IP_HEADER", "a b", "TRUSTED_IP_HEADER is not"),
        ("ORIGIN_AUTH", "both", "ORIGIN_AUTH must be"),
        ("ASSERTION_KEYS", "a1", "ASSERTION_KEYS: entry 1"),
        ("BOOTSTRAP", "ajar", "BOOTSTRAP must be `closed` or `open`"),
        ("ENVIRONMENT", "staging", "ENVIRONMENT must be"),
        ("WORKFLOW_TOKEN_READ", "yes", "WORKFLOW_TOKEN_READ must be"),
        (
            "MINT_PER_HOUR_PER_MINTER",
            "0",
            "MINT_PER_HOUR_PER_MINTER must be",
        ),
        (
            "SESSION_VERIFY_URL",
            "ftp://x/session",
            "SESSION_VERIFY_URL must begin",
        ),
        (
            "SESSION_VERIFY_URL",
            "http://control.example/session",
            "SESSION_VERIFY_URL must begin with https://, or",
        ),
        ("REST_ROUTES", "ajar", "REST_ROUTES must be"),
        ("REST_ROUTES", "OPEN", "REST_ROUTES must be"),
    ];
    for (name, value, expected) in rows {
        let problems = good_and(name, value).expect_err(name);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(expected), "{problems:?}");
        assert!(
            !problems[0].contains(value) || value.len() < 4,
            "{problems:?} quotes the value"
        );
    }
}

#[test]
fn what_is_not_heeded_yet_is_said() {
    let config = good_and("WORKFLOW_TOKEN_READ", "on").expect("accepted");
    let told = "WORKFLOW_TOKEN_READ (an administrator key is set)";
    assert_eq!(config.ignored, [told]);
}

#[test]
fn the_administrator_key_is_compared_as_a_whole_and_never_shown() {
    let admin = good_and("", "").expect("good").admin.expect("set");
    assert!(admin.matches(ADMIN));
    assert!(!admin.matches(ADMIN.trim_start_matches('0')));
    assert!(!admin.matches(""));
    assert_eq!(format!("{admin:?}"), "AdminKeys");
    let piped = good_and("ADMIN_TOKEN", &format!("{ADMIN}\n")).expect("good");
    assert!(piped.admin.expect("set").matches(ADMIN));
    let config = good_and("ADMIN_TOKEN", "").expect("optional");
    assert!(config.admin.is_none());
}

#[test]
fn r24_several_administrator_keys_are_read_and_the_wrong_one_is_numbered() {
    let second = "fedcba9876543210fedcba9876543210";
    let admin = |text: &str| good_and("ADMIN_TOKEN", text).map(|config| config.admin.expect("set"));
    let both = admin(&format!("{ADMIN}, {second}\n")).expect("good");
    assert!(both.matches(ADMIN) && both.matches(second));
    assert!(!both.matches(&format!("{ADMIN}, {second}")));
    assert!(!both.matches(&format!("{ADMIN},{second}")));
    let nine = [ADMIN; 9].join(",");
    assert!(admin(&[ADMIN; 8].join(",")).is_ok());
    let rows = [
        (
            format!("{ADMIN},short"),
            "ADMIN_TOKEN, key 2 is shorter than 32 characters",
        ),
        (
            format!("{ADMIN},"),
            "ADMIN_TOKEN, key 2 is shorter than 32 characters",
        ),
        (
            format!(",{ADMIN}"),
            "ADMIN_TOKEN, key 1 is shorter than 32 characters",
        ),
        (
            format!("{ADMIN},pst_{second}"),
            "ADMIN_TOKEN, key 2 must not begin like a token of the registry",
        ),
        (nine, "ADMIN_TOKEN has more than 8 keys"),
    ];
    for (text, expected) in rows {
        assert_eq!(admin(&text).expect_err("wrong"), [expected]);
    }
}

#[test]
fn r22_bootstrap_is_no_part_of_production_and_no_companion_of_a_key() {
    let without_admin = |more: &[(&str, &str)]| {
        let mut all = vec![
            ("ORIGIN_URL", "https://origin.example"),
            ("TOKEN_KEYS", KEY),
        ];
        all.extend_from_slice(more);
        read(&all)
    };
    let open = ("BOOTSTRAP", "open");
    for rest in [&[open][..], &[open, ("ENVIRONMENT", "development")]] {
        assert!(without_admin(rest).expect("good").ways_in.bootstrap);
    }
    let production = "BOOTSTRAP is `open` although ENVIRONMENT is `production`: close it";
    let with_key = "BOOTSTRAP is `open` although ADMIN_TOKEN is set: one of the two is too much";
    let live = ("ENVIRONMENT", "production");
    let key = ("ADMIN_TOKEN", ADMIN);
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let rows: [Row<'_>; 3] = [
        (&[open, live], &[production]),
        (&[open, key], &[with_key]),
        (&[open, live, key], &[production, with_key]),
    ];
    for (variables, expected) in rows {
        assert_eq!(without_admin(variables).expect_err("wrong"), expected);
    }
    assert!(!without_admin(&[live]).expect("good").ways_in.bootstrap);
}

#[test]
fn r23_cookies_go_over_https_or_stay_on_the_machine() {
    for good in [
        "https://control.example/session",
        "https://control.example:8443/a/b",
        "http://127.0.0.1:9090/session",
        "http://127.9.9.9/session",
        "http://localhost:9090/session",
        "http://[::1]:9090/session",
    ] {
        let config = good_and("SESSION_VERIFY_URL", good).expect(good);
        assert_eq!(config.ways_in.session_url.as_deref(), Some(good));
    }
    for bad in [
        "http://127.0.0.1.example/session",
        "http://localhost.example/session",
        "http://10.0.0.1/session",
        "http://[::2]/session",
        "http://[::ffff:10.0.0.1]/session",
        "http://localhost@control.example/session",
        "https://control.example/session?x=1",
        "https://",
        "control.example/session",
    ] {
        let problems = good_and("SESSION_VERIFY_URL", bad).expect_err(bad);
        assert_eq!(problems.len(), 1, "{bad}");
        assert!(
            problems[0].starts_with("SESSION_VERIFY_URL "),
            "{problems:?}"
        );
    }
}
