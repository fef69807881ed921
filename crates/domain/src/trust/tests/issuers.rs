//! Which texts are issuers, and which texts of tokens are kept.

use super::*;

#[test]
fn an_issuer_is_a_name_or_an_exact_url() {
    let rows = [
        (
            "github",
            Forge::GitHub,
            "https://token.actions.githubusercontent.com",
            "github",
        ),
        ("gitlab", Forge::GitLab, "https://gitlab.com", "gitlab"),
        (
            "github=https://token.actions.githubusercontent.com/acme-inc",
            Forge::GitHub,
            "https://token.actions.githubusercontent.com/acme-inc",
            "github=https://token.actions.githubusercontent.com/acme-inc",
        ),
        (
            "gitlab=https://gitlab.com",
            Forge::GitLab,
            "https://gitlab.com",
            "gitlab",
        ),
        (
            "gitlab=https://git.example",
            Forge::GitLab,
            "https://git.example",
            "gitlab=https://git.example",
        ),
        (
            "https://ci.example:8443/oidc",
            Forge::Other,
            "https://ci.example:8443/oidc",
            "https://ci.example:8443/oidc",
        ),
        // A slash at the end belongs to the name, where the issuer has one.
        (
            "https://ci.example/",
            Forge::Other,
            "https://ci.example/",
            "https://ci.example/",
        ),
        (
            "https://ci.example/a/",
            Forge::Other,
            "https://ci.example/a/",
            "https://ci.example/a/",
        ),
        (
            "https://ci.example/a=b",
            Forge::Other,
            "https://ci.example/a=b",
            "https://ci.example/a=b",
        ),
        (
            "https://[2001:db8::1]/a",
            Forge::Other,
            "https://[2001:db8::1]/a",
            "https://[2001:db8::1]/a",
        ),
    ];
    for (written, forge, url, shown) in rows {
        let issuer = Issuer::parse(written, Loopback::Refused).expect(written);
        assert_eq!((issuer.forge(), issuer.url()), (forge, url), "{written}");
        assert_eq!(issuer.to_string(), shown);
        let json = serde_json::to_string(&issuer).expect("JSON");
        assert_eq!(serde_json::from_str::<Issuer>(&json).ok(), Some(issuer));
    }
}

#[test]
fn other_texts_are_no_issuers() {
    let long = format!("https://ci.example/{}", "a".repeat(MAX_ISSUER));
    let rows = [
        ("", IssuerError::Empty),
        ("GitHub", IssuerError::NotHttps),
        ("gitea=https://git.example", IssuerError::UnknownForge),
        ("http://ci.example", IssuerError::NotHttps),
        ("http://127.0.0.1:8080", IssuerError::NotHttps),
        ("HTTPS://ci.example", IssuerError::NotHttps),
        ("ci.example", IssuerError::NotHttps),
        ("https://user@ci.example", IssuerError::Characters),
        ("https://ci.example?x", IssuerError::Characters),
        ("https://ci.example#x", IssuerError::Characters),
        ("https://ci.example/a b", IssuerError::Characters),
        ("https://ci.example/%2e", IssuerError::Characters),
        ("https://ci.ex\u{e4}mple", IssuerError::Characters),
        ("https://", IssuerError::NotCanonical),
        ("https:///a", IssuerError::NotCanonical),
        ("https://CI.example", IssuerError::NotCanonical),
        ("https://ci.example:443", IssuerError::NotCanonical),
        ("https://ci.example:", IssuerError::NotCanonical),
        ("https://ci.example.", IssuerError::NotCanonical),
        ("https://ci.example//", IssuerError::NotCanonical),
        ("https://ci.example/a//b", IssuerError::NotCanonical),
        ("https://ci.example/a//", IssuerError::NotCanonical),
        ("https://ci.example/../a", IssuerError::NotCanonical),
        ("https://ci.example/.", IssuerError::NotCanonical),
        (&long, IssuerError::TooLong),
        // Their `sub` consists of names, which pass to others.
        (
            "https://token.actions.githubusercontent.com",
            IssuerError::ForgeUnnamed,
        ),
        (
            "https://token.actions.githubusercontent.com/",
            IssuerError::ForgeUnnamed,
        ),
        (
            "https://token.actions.githubusercontent.com/acme-inc",
            IssuerError::ForgeUnnamed,
        ),
        (
            "https://token.actions.acme.ghe.com",
            IssuerError::ForgeUnnamed,
        ),
        ("https://gitlab.com", IssuerError::ForgeUnnamed),
        ("https://gitlab.com/", IssuerError::ForgeUnnamed),
        ("https://gitlab.com/a", IssuerError::ForgeUnnamed),
        (
            "https://ghes.example/_services/token",
            IssuerError::ForgeUnnamed,
        ),
        (
            "https://ghes.example:8443/_services/token/",
            IssuerError::ForgeUnnamed,
        ),
        (
            "https://ghes.example/_services/token/acme-inc",
            IssuerError::ForgeUnnamed,
        ),
    ];
    for (text, error) in rows {
        assert_eq!(Issuer::parse(text, Loopback::Refused), Err(error), "{text}");
        // With the word in front, those of a forge are issuers.
        let github = Issuer::parse(&format!("github={text}"), Loopback::Refused);
        assert_eq!(github.is_ok(), error == IssuerError::ForgeUnnamed, "{text}");
    }
}

#[test]
fn this_machine_is_an_issuer_in_development_only() {
    for url in ["http://127.0.0.1:8080", "http://localhost:8080/oidc"] {
        let issuer = Issuer::parse(url, Loopback::Allowed).expect(url);
        assert!(issuer.is_loopback());
        assert_eq!(
            Issuer::parse(url, Loopback::Refused),
            Err(IssuerError::NotHttps)
        );
    }
    for url in [
        "http://ci.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example/",
    ] {
        assert_eq!(
            Issuer::parse(url, Loopback::Allowed),
            Err(IssuerError::NotHttps),
            "{url}"
        );
    }
}

#[test]
fn discovery_is_below_the_url_without_its_last_slash() {
    for (url, expected) in [
        (
            "https://ci.example",
            "https://ci.example/.well-known/openid-configuration",
        ),
        (
            "https://ci.example/",
            "https://ci.example/.well-known/openid-configuration",
        ),
        (
            "https://ci.example/a/",
            "https://ci.example/a/.well-known/openid-configuration",
        ),
    ] {
        let issuer = Issuer::parse(url, Loopback::Refused).expect(url);
        assert_eq!(issuer.discovery_url(), expected);
    }
}

#[test]
fn a_list_of_issuers_has_each_url_once() {
    let issuers = issuers();
    assert_eq!(issuers.iter().count(), 4);
    assert_eq!(
        issuers.of_url("https://gitlab.com").map(Issuer::forge),
        Some(Forge::GitLab)
    );
    assert_eq!(issuers.of_url("https://gitlab.com/"), None);
    assert_eq!(issuers.of_url("gitlab"), None);
    assert_eq!(issuers.named("https://gitlab.com"), issuers.named("gitlab"));
    // The name of a forge alone means its only issuer.
    let of = |list: &str, name: &str| {
        let issuers = Issuers::parse(list, Loopback::Refused).expect("issuers");
        issuers.named(name).map(|issuer| issuer.url().to_owned())
    };
    let own = "gitlab=https://git.example";
    assert_eq!(of(own, "gitlab").as_deref(), Some("https://git.example"));
    assert_eq!(
        of(&format!("{own},gitlab"), "gitlab").as_deref(),
        Some("https://gitlab.com")
    );
    assert_eq!(
        of(&format!("{own},gitlab=https://two.example"), "gitlab"),
        None
    );
    for (list, name) in [(own, "github"), ("https://ci.example", ""), (own, "")] {
        assert_eq!(of(list, name), None, "{list} {name}");
    }
    let refused = |text: &str| Issuers::parse(text, Loopback::Refused).map(|_| ());
    assert_eq!(
        refused("github,gitlab=https://gitlab.com,gitlab"),
        Err((3, IssuerError::Twice))
    );
    assert_eq!(refused("github,"), Err((2, IssuerError::Empty)));
    let many: Vec<String> = (0..=MAX_ISSUERS)
        .map(|n| format!("https://ci{n}.example"))
        .collect();
    assert_eq!(
        refused(&many.join(",")),
        Err((MAX_ISSUERS + 1, IssuerError::TooMany))
    );
}

#[test]
fn texts_that_mislead_are_not_kept() {
    let long = "a".repeat(MAX_JOB_TEXT + 1);
    for (text, fault) in [
        ("", NoText::Empty),
        (long.as_str(), NoText::TooLong),
        ("a\nb", NoText::Character),
        ("a\u{0}", NoText::Character),
        ("a\u{7f}", NoText::Character),
        ("a\u{85}b", NoText::Character),
        ("a\u{202e}b", NoText::Character),
        ("a\u{2028}b", NoText::Character),
        ("prod\u{200b}uction", NoText::Character),
        ("prod\u{200c}uction", NoText::Character),
        ("prod\u{200d}uction", NoText::Character),
        ("prod\u{2060}uction", NoText::Character),
        ("\u{feff}production", NoText::Character),
        ("produc\u{ad}tion", NoText::Character),
        ("production\u{e0001}", NoText::Character),
        ("production\u{e0041}", NoText::Character),
        ("production\u{fff9}", NoText::Character),
        ("production\u{34f}", NoText::Character),
        ("production\u{3164}", NoText::Character),
        ("production\u{e0100}", NoText::Character),
    ] {
        assert_eq!(JobText::parse(text), Err(fault), "{text:?}");
    }
    for text in ["acme/shop", "fix/\u{2764}\u{fe0f}", " a "] {
        assert!(JobText::parse(text).is_ok(), "{text:?}");
    }
}

#[test]
fn references_are_full_and_without_patterns() {
    for text in [
        "refs/heads/main",
        "refs/tags/v1.0",
        "refs/pull/7/merge",
        "refs/heads/a/b@c",
        "refs/heads/\u{fc}",
    ] {
        assert!(GitRef::parse(text).is_ok(), "{text}");
    }
    let long = format!("refs/heads/{}", "a".repeat(MAX_GIT_REF));
    for (text, fault) in [
        ("", NoText::Empty),
        ("main", NoText::Form),
        ("refs/heads", NoText::Form),
        ("refs/heads/", NoText::Form),
        ("refs//main", NoText::Form),
        ("refs/heads/../main", NoText::Form),
        ("refs/heads/a.lock", NoText::Form),
        ("refs/heads/a@{1}", NoText::Form),
        ("refs/heads/*", NoText::Character),
        ("refs/heads/a b", NoText::Character),
        ("refs/heads/ma\u{200b}in", NoText::Character),
        (long.as_str(), NoText::TooLong),
    ] {
        assert_eq!(GitRef::parse(text), Err(fault), "{text}");
    }
}

#[test]
fn an_id_of_a_forge_has_one_text() {
    assert_eq!(ForgeId::parse("74"), Ok(number(74)));
    assert_eq!(
        ForgeId::parse("9007199254740991"),
        Ok(number((1 << 53) - 1))
    );
    for text in [
        "",
        "0",
        "074",
        "+74",
        "-74",
        "7.4",
        " 74",
        "9007199254740992",
        "99999999999999999",
    ] {
        assert!(ForgeId::parse(text).is_err(), "{text}");
    }
    for json in ["74", "\"74\""] {
        assert_eq!(
            serde_json::from_str::<ForgeId>(json).ok(),
            Some(number(74)),
            "{json}"
        );
    }
    for json in [
        "0",
        "74.0",
        "-74",
        "9007199254740992",
        "\"\"",
        "null",
        "[74]",
        "true",
    ] {
        assert!(serde_json::from_str::<ForgeId>(json).is_err(), "{json}");
    }
}
