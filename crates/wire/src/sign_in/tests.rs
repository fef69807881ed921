//! Cookies and places as rows.

use super::*;

#[test]
fn r45_only_the_cookies_of_a_sign_in_reach_the_origin() {
    let longest = format!("oauthState={}", "a".repeat(MAX_COOKIE));
    let too_long = format!("{longest}a");
    let rows = [
        ("", None),
        ("session=secret", None),
        ("oauthState=a", Some("oauthState=a")),
        (
            "session=secret; oauthState=a==; x=y;longLived=true ; oauthCallback=",
            Some("oauthState=a==; longLived=true; oauthCallback="),
        ),
        // The first of a name.
        ("oauthState=a; oauthState=b", Some("oauthState=a")),
        ("OauthState=a", None),
        ("oauthState", None),
        ("oauthState=a b", None),
        ("oauthState=\"a\"", None),
        ("oauthState=a,b", None),
        ("oauthState=\u{e9}", None),
        (longest.as_str(), Some(longest.as_str())),
        (too_long.as_str(), None),
    ];
    for (came, expected) in rows {
        assert_eq!(for_origin(came).as_deref(), expected, "{came}");
    }
}

#[test]
fn r45_cookies_of_a_sign_in_reach_no_further_than_it() {
    let set = |pair: &str, secure: &str| {
        format!("{pair}; Path=/auth; Max-Age=600; HttpOnly; SameSite=Lax{secure}")
    };
    let dated = "oauthState=a; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly; Secure, \
                 oauthCallback=http://127.0.0.1:7/x?y=z; Domain=example.com; SameSite=None, \
                 session=stolen; Path=/";
    let rows: [(&str, Vec<String>); 5] = [
        ("", vec![]),
        ("session=a; Path=/", vec![]),
        (
            dated,
            vec![
                set("oauthState=a", "; Secure"),
                set("oauthCallback=http://127.0.0.1:7/x?y=z", ""),
            ],
        ),
        (
            "longLived=; Path=/, longLived=b",
            vec![set("longLived=", "")],
        ),
        ("oauthState=\"a,b\"; Path=/", vec![]),
    ];
    for (came, expected) in rows {
        assert_eq!(for_browser(came, false), expected, "{came}");
    }
    let secure = set("oauthState=a", "; Secure");
    assert_eq!(for_browser("oauthState=a; Path=/", true), [secure]);
}

/// Go quotes a value with commas in it, such as an address that somebody else has written.
#[test]
fn r45_no_cookie_is_smuggled_in_quotes() {
    let came = "oauthState=a; Path=/, oauthCallback=\"http://127.0.0.1/,oauthCallback=https://evil.example/,\"; Path=/";
    assert!(for_browser(came, true).is_empty());
}

#[test]
fn r45_a_token_goes_to_nobody_elses_page() {
    for (location, good) in [
        ("/auth/done?t=a", true),
        ("https://gateway.example/x?t=a", true),
        ("http://localhost:7000/?t=a", true),
        ("http://127.0.0.1:7000?t=a", true),
        ("http://[::1]:7000/?t=a", true),
        ("https://evil.example/?t=a", false),
        ("http://localhost.evil.example/?t=a", false),
        ("http://localhost:7000@evil.example/?t=a", false),
        ("http://127.0.0.1@evil.example/?t=a", false),
        ("https://gateway.example.evil.example/?t=a", false),
        ("https://gateway.example@evil.example/?t=a", false),
        ("//evil.example", false),
        ("javascript:alert(1)", false),
        ("", false),
    ] {
        assert_eq!(
            is_end(location, "https://gateway.example"),
            good,
            "{location}"
        );
    }
}

#[test]
fn browsers_are_sent_to_paths_and_pages() {
    let long = |length: usize| format!("/{}", "a".repeat(length - 1));
    for (location, good) in [
        ("/auth/callback?state=a&code=b", true),
        ("https://idp.example/authorize?x=y", true),
        ("http://localhost:7000/?t=a", true),
        (long(MAX_PLACE).as_str(), true),
        (long(MAX_PLACE + 1).as_str(), false),
        ("", false),
        ("https://", false),
        ("//evil.example", false),
        ("/\\evil.example", false),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("relative", false),
        ("HTTPS://example.com", false),
        ("https://example.com/a b", false),
    ] {
        assert_eq!(is_place(location), good, "{location}");
    }
}
