//! Issuers that are down, in a wrong place, or answer rubbish: nothing is believed meanwhile, the answer is 503, nobody
//! is asked too often, and later everything is as before.

use std::time::Duration;

use postern_system_tests::cases;
use postern_system_tests::life;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use serde_json::{Value, json};

use crate::support::{Jobs, exchanging, trusting, upstream};

pub fn cases() -> Vec<Case<Jobs>> {
    cases![r47_an_issuer_in_trouble_opens_nothing_and_recovers]
}

/// A little more than the time between two fetches of an issuer's keys.
const BETWEEN_FETCHES: Duration = Duration::from_secs(62);

/// Which issuer, what becomes of it, and what the log says of it.
fn rows() -> Vec<(&'static str, Value, &'static str)> {
    let (discovery, jwks) = (
        |mode: &str| json!({ "discovery": mode }),
        |mode: &str| json!({ "jwks": mode }),
    );
    vec![
        (
            "no-discovery",
            discovery("down"),
            "it answered with status 503",
        ),
        (
            "moved-discovery",
            discovery("redirect"),
            "it answered with status 302",
        ),
        ("huge-discovery", discovery("huge"), ""),
        ("malformed-discovery", discovery("malformed"), "is not JSON"),
        (
            "discovery-of-another",
            discovery("other_issuer"),
            "the discovery document is of another issuer",
        ),
        ("keys-elsewhere", discovery("elsewhere"), "is no https URL"),
        ("no-jwks", jwks("down"), "it answered with status 503"),
        (
            "moved-jwks",
            jwks("redirect"),
            "it answered with status 302",
        ),
        ("huge-jwks", jwks("huge"), ""),
        ("malformed-jwks", jwks("malformed"), "is not JSON"),
        ("empty-jwks", jwks("no_keys"), "no key that can be used"),
        ("silent-jwks", jwks("silent"), "no answer within"),
    ]
}

async fn r47_an_issuer_in_trouble_opens_nothing_and_recovers(jobs: &Jobs) {
    let suite = &jobs.suite;
    // Of its own: an isolate that has not asked any issuer yet.
    let gateway = trusting(suite.serve(), &jobs.issuer).start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    upstream(&gateway, &organization).await;
    for (name, ..) in rows().into_iter().chain([("rotated", json!({}), "")]) {
        let rule = jobs.trusting(&gateway, &organization, &jobs.of_plain(name));
        rule.send().await.json(201);
    }
    let token = async |name: &str, asked: Value| jobs.job_of(name, &organization, &asked).await;
    let exchange = async |token: &str| exchanging(&gateway, 0, token).send().await;

    for (name, trouble, cause) in rows() {
        jobs.issuer.behave(name, &trouble).await;
        let good = token(name, json!({})).await;
        let answer = exchange(&good).await;
        let problem = answer.problem(503, "unavailable");
        assert_eq!(problem["error"], "temporarily_unavailable", "{name}");
        let request = answer.header("x-request-id").expect("a request id");
        let line = gateway.log_line(request).await;
        let told = line["cause"].as_str().unwrap_or_default();
        assert!(told.contains(&jobs.issuer.url(name)), "{name}: {line}");
        assert!(told.contains(cause), "{name}: {line}");
        // Nobody is asked again within a minute, by any way.
        exchange(&good).await.problem(503, "unavailable");
        suite.origin.reset().await;
        let (ending, _) = life::call(&gateway, 0, &good).send().await.ending();
        assert_eq!(ending.code, 14, "{name}: {ending:?}");
        suite.origin.assert_untouched(name).await;
        let fetches = jobs.issuer.count(name, "discovery").await;
        assert_eq!(fetches, 1, "{name}");
        assert_eq!(jobs.issuer.count(name, "moved").await, 0, "{name}");
    }

    // A new key is not known yet, and tokens with keys that nobody knows cause no fetch each.
    let given = exchange(&token("rotated", json!({})).await).await;
    given.json(200);
    jobs.issuer
        .behave("rotated", &json!({ "rotate": "replace" }))
        .await;
    let by_new = token("rotated", json!({})).await;
    for _ in 0..10 {
        let answer = exchange(&by_new).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    let by_old = async || token("rotated", json!({ "generation": 1 })).await;
    exchange(&by_old().await).await.json(200);
    assert_eq!(jobs.issuer.count("rotated", "jwks").await, 1);

    let well = json!({ "discovery": "good", "jwks": "good" });
    for (name, ..) in rows() {
        jobs.issuer.behave(name, &well).await;
    }
    tokio::time::sleep(BETWEEN_FETCHES).await;
    for (name, ..) in rows() {
        let good = token(name, json!({})).await;
        exchange(&good).await.json(200);
        let bearer = token(name, json!({})).await;
        life::call(&gateway, 0, &bearer).send().await.accepted();
    }
    exchange(&by_new).await.json(200);
    let answer = exchange(&by_old().await).await;
    assert_eq!(answer.status, 400, "the old key is gone: {}", answer.text());
    let request = answer.header("x-request-id").expect("a request id");
    let line = gateway.log_line(request).await;
    assert_eq!(
        line["cause"], "the issuer has no key of the name `kid`",
        "{line}"
    );
    assert_eq!(jobs.issuer.count("rotated", "jwks").await, 2);

    // Down again, with good keys in memory: nobody notices.
    let name = "no-jwks";
    let down = json!({ "discovery": "down", "jwks": "down" });
    jobs.issuer.behave(name, &down).await;
    exchange(&token(name, json!({})).await).await.json(200);
    gateway.stop();
}
