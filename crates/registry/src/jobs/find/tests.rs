//! What a forge is asked, and what each answer of it becomes.

use super::*;
use crate::testing::{World, now_or_never};
use postern_domain::trust::{ForgeId, Loopback};

const URL: &str = "https://api.github.com/repos/acme/shop";

fn found(world: &World, issuer: &str, repository: &str) -> Result<FoundRepository> {
    let issuer = Issuer::parse(issuer, Loopback::Refused).expect("an issuer");
    now_or_never(find(&issuer, repository, world))
}

fn answering(answer: core::result::Result<&str, NotFetched>) -> World {
    let world = World::new();
    let answer = answer.map(|text| text.as_bytes().to_vec());
    world
        .published
        .documents
        .borrow_mut()
        .insert(URL.to_owned(), answer);
    world
}

#[test]
fn a_repository_that_everybody_sees_is_found() {
    let world = answering(Ok(r#"{"id":74,"full_name":"Acme/shop","owner":{"id":65}}"#));
    let id = |number| ForgeId::new(number).expect("an id");
    let expected = FoundRepository {
        repository: "Acme/shop".to_owned(),
        identity: Identity::Repository {
            repository_id: id(74),
            repository_owner_id: id(65),
        },
    };
    assert_eq!(found(&world, "github", "acme/shop"), Ok(expected));
    assert_eq!(world.take_asked(), [format!("fetch {URL}")]);
}

#[test]
fn what_is_no_name_asks_nobody() {
    let world = World::new();
    let code = |issuer, repository| {
        found(&world, issuer, repository)
            .expect_err("refused")
            .code()
    };
    assert_eq!(code("github", "acme/shop?x"), "repository_invalid");
    assert_eq!(
        code("https://ci.example", "acme/shop"),
        "repository_unknown"
    );
    assert!(world.take_asked().is_empty());
}

#[test]
fn whoever_cannot_be_told_is_told_of_the_other_way() {
    let status = |status| Err(NotFetched::Status(status));
    let rows = [
        (status(404), "repository_unknown", ""),
        (status(301), "repository_unknown", ""),
        (status(401), "repository_unknown", ""),
        // GitHub answers strangers so often an hour.
        (
            status(403),
            "forge_unavailable",
            "it answered with status 403",
        ),
        (
            status(429),
            "forge_unavailable",
            "it answered with status 429",
        ),
        (
            Err(NotFetched::Failed("no answer".to_owned())),
            "forge_unavailable",
            "no answer",
        ),
        (Ok("<html>"), "forge_unavailable", "the answer is not JSON"),
        (
            Ok(r#"{"id":74,"full_name":"acme/other","owner":{"id":65}}"#),
            "forge_unavailable",
            "the answer is about another repository",
        ),
    ];
    for (answer, code, cause) in rows {
        let world = answering(answer);
        let error = found(&world, "github", "acme/shop").expect_err(code);
        assert_eq!(error.code(), code, "{error:?}");
        assert!(
            error.public().contains("a job token of it instead"),
            "{error:?}"
        );
        if let Error::Forge { cause: told } = &error {
            assert_eq!(told, &format!("{URL}: {cause}"));
        }
    }
}
