//! Which URL a forge is asked at, and which of its answers tell ids.

use postern_domain::trust::{ForgeId, Identity, Issuer, Loopback};
use serde_json::{Value, json};

use crate::job::{AskForge, ForgeFault, JsonFault, LookupError, MAX_FORGE_ANSWER};

fn asked(issuer: &str, repository: &str) -> Result<AskForge, LookupError> {
    let issuer = Issuer::parse(issuer, Loopback::Allowed).expect("an issuer");
    AskForge::new(&issuer, repository)
}

#[test]
fn each_forge_has_its_api() {
    let rows = [
        (
            "github",
            "acme/shop",
            "https://api.github.com/repos/acme/shop",
        ),
        (
            "github=https://token.actions.githubusercontent.com/acme-inc",
            "acme/shop",
            "https://api.github.com/repos/acme/shop",
        ),
        (
            "github=https://token.actions.acme.ghe.com",
            "acme/shop.js",
            "https://api.acme.ghe.com/repos/acme/shop.js",
        ),
        (
            "github=https://github.acme.example:8443/_services/token",
            "acme/shop_1",
            "https://github.acme.example:8443/api/v3/repos/acme/shop_1",
        ),
        (
            "github=https://github.acme.example/_services/token/acme-inc",
            "acme/shop",
            "https://github.acme.example/api/v3/repos/acme/shop",
        ),
        (
            "gitlab",
            "acme/shop",
            "https://gitlab.com/api/v4/projects/acme%2Fshop",
        ),
        (
            "gitlab=https://git.acme.example/gitlab/",
            "acme/web/shop",
            "https://git.acme.example/gitlab/api/v4/projects/acme%2Fweb%2Fshop",
        ),
        (
            "gitlab=http://127.0.0.1:9191",
            "acme/shop",
            "http://127.0.0.1:9191/api/v4/projects/acme%2Fshop",
        ),
    ];
    for (issuer, repository, url) in rows {
        let ask = asked(issuer, repository);
        assert_eq!(ask.as_ref().map(AskForge::url), Ok(url), "{issuer}");
    }
    for issuer in [
        "https://ci.example",
        "github=https://github.acme.example",
        "github=https://github.acme.example/_services/tokens",
        "github=https://acme.ghe.com",
    ] {
        assert_eq!(
            asked(issuer, "acme/shop"),
            Err(LookupError::NoApi),
            "{issuer}"
        );
    }
}

#[test]
fn nothing_but_a_name_goes_into_a_url() {
    let long = format!("acme/{}", "a".repeat(508));
    let deep = ["a"; 22].join("/");
    for wrong in [
        "",
        "acme",
        "/shop",
        "acme/",
        "acme//shop",
        "acme/..",
        "../shop",
        "acme/.",
        "acme/shop?x",
        "acme/shop#x",
        "acme/sh op",
        "acme/sh%2Fop",
        "acme/shop\\x",
        "acme/shop\n",
        "acme@evil/shop",
        "acme/sh\u{f6}p",
        "acme/shop:x",
        "acme/shop;x",
        &long,
        &deep,
    ] {
        for issuer in ["github", "gitlab"] {
            assert_eq!(
                asked(issuer, wrong),
                Err(LookupError::Name),
                "{issuer} {wrong}"
            );
        }
    }
    assert_eq!(asked("github", "acme/web/shop"), Err(LookupError::Name));
    assert!(asked("gitlab", &["a"; 21].join("/")).is_ok());
}

fn github() -> Value {
    json!({
        "id": 74, "node_id": "R_kgDO", "name": "Shop", "full_name": "Acme/Shop", "private": false,
        "owner": {"login": "Acme", "id": 65, "type": "Organization"}, "license": null,
        "parent": {"id": 1, "owner": {"id": 2}, "license": {"key": "mit"}},
    })
}

fn gitlab() -> Value {
    json!({
        "id": 278_964, "name": "Shop", "path_with_namespace": "acme/web/shop", "topics": ["a", "b"],
        "namespace": {"id": 9970, "kind": "group", "full_path": "acme/web", "parent_id": null},
    })
}

#[test]
fn an_answer_tells_the_ids() {
    let id = |number| ForgeId::new(number).expect("an id");
    let ask = asked("github", "acme/shop").expect("a question");
    let identity = Identity::Repository {
        repository_id: id(74),
        repository_owner_id: id(65),
    };
    let answer = github().to_string();
    assert_eq!(
        ask.read(answer.as_bytes()),
        Ok(("Acme/Shop".to_owned(), identity))
    );
    let ask = asked("gitlab", "acme/web/shop").expect("a question");
    let identity = Identity::Project {
        project_id: id(278_964),
        namespace_id: id(9970),
    };
    let answer = gitlab().to_string();
    assert_eq!(
        ask.read(answer.as_bytes()),
        Ok(("acme/web/shop".to_owned(), identity))
    );
}

#[test]
fn an_answer_that_is_none_tells_nothing() {
    let with = |mut answer: Value, name: &str, value: Value| {
        answer[name] = value;
        answer.to_string()
    };
    let (hub, lab) = ("acme/shop", "acme/web/shop");
    let member = ForgeFault::Member;
    let rows = [
        (
            hub,
            "[]".to_owned(),
            ForgeFault::Json(JsonFault::NotAnObject),
        ),
        (
            hub,
            "<html>".to_owned(),
            ForgeFault::Json(JsonFault::NotJson),
        ),
        (
            hub,
            r#"{"id":1,"id":74}"#.to_owned(),
            ForgeFault::Json(JsonFault::Twice),
        ),
        (
            hub,
            with(github(), "x", json!("a".repeat(MAX_FORGE_ANSWER))),
            ForgeFault::Json(JsonFault::TooLong),
        ),
        (hub, with(github(), "id", json!("74")), member("id")),
        (hub, with(github(), "id", json!(0)), member("id")),
        (hub, with(github(), "id", json!(-74)), member("id")),
        (hub, with(github(), "id", json!(74.5)), member("id")),
        (hub, with(github(), "owner", json!(65)), member("owner")),
        (
            hub,
            with(github(), "owner", json!({"login": "acme"})),
            member("owner.id"),
        ),
        (
            hub,
            with(github(), "full_name", json!(null)),
            member("full_name"),
        ),
        (
            hub,
            with(github(), "full_name", json!("acme/other")),
            ForgeFault::Other,
        ),
        (
            lab,
            with(gitlab(), "namespace", json!(null)),
            member("namespace"),
        ),
        (
            lab,
            with(gitlab(), "namespace", json!({"id": "9970"})),
            member("namespace.id"),
        ),
        (
            lab,
            with(gitlab(), "path_with_namespace", json!("acme/shop")),
            ForgeFault::Other,
        ),
        // The other forge's.
        (lab, github().to_string(), member("path_with_namespace")),
    ];
    for (repository, answer, fault) in rows {
        let issuer = match repository {
            "acme/shop" => "github",
            _ => "gitlab",
        };
        let ask = asked(issuer, repository).expect("a question");
        assert_eq!(ask.read(answer.as_bytes()), Err(fault), "{answer:.100}");
    }
}
