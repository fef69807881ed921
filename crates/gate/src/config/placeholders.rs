//! What production refuses, though it is valid: the keys of the examples, which everybody knows, and an origin on the
//! machine itself (R51). Elsewhere both are welcome.

use postern_domain::keys::KeyRing;
use postern_domain::placeholder;

use super::AdminKeys;

/// Adds a problem for each, if `environment` is production.
pub(super) fn refuse(
    environment: Option<&str>,
    origin_url: &str,
    admin: Option<&AdminKeys>,
    rings: [(&'static str, Option<&KeyRing>); 3],
    problems: &mut Vec<String>,
) {
    if environment != Some("production") {
        return;
    }
    if placeholder::is_loopback(origin_url) {
        problems.push(
            "ORIGIN_URL leads to this machine although ENVIRONMENT is `production`: give the URL of \
             the attestation API"
                .into(),
        );
    }
    if admin.is_some_and(|keys| keys.matches(placeholder::ADMIN_TOKEN)) {
        problems.push(of_example("ADMIN_TOKEN"));
    }
    let is_example = |ring: &KeyRing| ring.iter().any(|key| key.expose() == placeholder::KEY);
    let known = rings
        .into_iter()
        .filter(|(_, ring)| ring.is_some_and(is_example));
    problems.extend(known.map(|(name, _)| of_example(name)));
}

fn of_example(name: &str) -> String {
    format!("{name} has the key of the example, which everybody knows: make one of your own")
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use postern_domain::placeholder;

    const EXAMPLE: &str = "local:b25seS1mb3ItbG9jYWwtdHJpYWxzLW5vdC1hLXNlY3JldCE";
    const OWN: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const OWN_ADMIN: &str = "0123456789abcdef0123456789abcdef";

    /// The problems of a good configuration with these values in it.
    fn problems(changed: &[(&str, &str)]) -> Vec<String> {
        let good = [
            ("ENVIRONMENT", "production"),
            ("ORIGIN_URL", "https://origin.example"),
            ("ADMIN_TOKEN", OWN_ADMIN),
            ("TOKEN_KEYS", OWN),
        ];
        let all: Vec<_> = good.iter().chain(changed).copied().collect();
        let last = |name: &str| all.iter().rev().find(|(key, _)| *key == name);
        Config::read(|name| last(name).map(|(_, value)| (*value).to_owned()))
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn r51_production_refuses_the_examples_and_says_which() {
        assert_eq!(problems(&[]), Vec::<String>::new());
        let origin = "ORIGIN_URL leads to this machine although ENVIRONMENT is `production`: give the \
                      URL of the attestation API";
        let of_example = |name: &str| super::of_example(name);
        let two = format!("{OWN},{EXAMPLE}");
        let admins = format!("{OWN_ADMIN},{}", placeholder::ADMIN_TOKEN);
        let rows = [
            ("ORIGIN_URL", "http://127.0.0.1:9090", origin.to_owned()),
            ("ORIGIN_URL", "https://[::1]/base", origin.to_owned()),
            (
                "ADMIN_TOKEN",
                placeholder::ADMIN_TOKEN,
                of_example("ADMIN_TOKEN"),
            ),
            ("ADMIN_TOKEN", admins.as_str(), of_example("ADMIN_TOKEN")),
            ("TOKEN_KEYS", EXAMPLE, of_example("TOKEN_KEYS")),
            ("TOKEN_KEYS", two.as_str(), of_example("TOKEN_KEYS")),
            ("ROOT_KEYS", EXAMPLE, of_example("ROOT_KEYS")),
        ];
        for (name, value, expected) in rows {
            assert_eq!(problems(&[(name, value)]), [expected], "{name}");
            // A laptop, where nobody says what it is too.
            for environment in ["development", ""] {
                let elsewhere = problems(&[(name, value), ("ENVIRONMENT", environment)]);
                assert_eq!(elsewhere, Vec::<String>::new(), "{name}");
            }
        }
    }
}
