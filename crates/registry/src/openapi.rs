//! The OpenAPI description of everything but attestation calls. It is written by hand in
//! docs/openapi.json; the tests here, in `documents` and beside the table of routes compare it with the
//! code.

/// The document. `/openapi.json` is a file of its own, so the module does not carry it.
#[cfg(test)]
pub(crate) const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

#[cfg(test)]
mod examples;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod pauses;
#[cfg(test)]
mod searches;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::DOCUMENT;
    use crate::adopt::adopt;
    use crate::error::{Error, Result};
    use crate::leaks::receive;
    use crate::mint::{Client, mint};
    use crate::organization::{self, OrganizationView};
    use crate::page::Page;
    use crate::registry::create_project;
    use crate::testing::{self, World, now_or_never, project, requester, workflow};
    use crate::tokens::{self, TokenRecord, TokenView};
    use crate::{audit, oauth, rebuild, registry, upstream};
    use postern_domain::audit::verify::Row;
    use postern_domain::caller::Caller;
    use postern_domain::id::Id;
    use postern_domain::name::TokenName;
    use postern_domain::scope::{Named, Scope};
    use postern_domain::time::Timestamp;
    use postern_domain::token::{TokenFacts, Verifier};
    use postern_gate::origin_tokens;
    use postern_wire::{jwt, problem::Problem};

    pub(super) type Names = BTreeSet<String>;

    /// The schema of that name, or of the body of a request of that name.
    fn schema(name: &str) -> Value {
        let document: Value = serde_json::from_str(DOCUMENT).expect("the document is JSON");
        let components = &document["components"];
        match components["requestBodies"].get(name) {
            Some(body) => body["content"]["application/json"]["schema"].clone(),
            None => components["schemas"][name].clone(),
        }
    }

    /// The members that a schema knows, and of those the required ones.
    pub(super) fn documented(name: &str) -> (Names, Names) {
        let schema = schema(name);
        let properties = schema["properties"].as_object().expect(name);
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let required = required.iter().filter_map(Value::as_str);
        (
            properties.keys().cloned().collect(),
            required.map(str::to_owned).collect(),
        )
    }

    pub(super) fn members(value: &impl serde::Serialize) -> Names {
        let value = serde_json::to_value(value).expect("an answer serializes");
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    }

    fn from() -> Client {
        Client {
            bucket: "unknown".to_owned(),
            requester: requester(),
        }
    }

    pub(super) fn facts() -> TokenFacts {
        TokenFacts {
            id: Id::from_u128(7),
            name: TokenName::parse("ci").expect("a name"),
            organization: Named {
                id: Id::from_u128(1),
                name: "acme".to_owned(),
            },
            scope: Scope::Workflow {
                project: project(),
                workflow: workflow(),
            },
            verifier: Verifier::Jwt { signed: None },
            policies: Vec::new(),
            is_system: false,
            expires_at: Some(Timestamp::from_millis(1_900_000_000_000)),
            ci_job: None,
            conditions: None,
            revision: 0,
        }
    }

    pub(super) fn record() -> TokenRecord {
        testing::record(facts())
    }

    fn event() -> audit::EventView {
        let content = r#"{"organization_id":"00000000-0000-0000-0000-000000000001","sequence":1,"at":1,"action":"token.mint","origin":{"actor":"a","tier":"t","address":null,"user_agent":null,"request_id":"r"}}"#;
        let text = String::new;
        audit::EventView::of(Row {
            content: content.to_owned(),
            previous: text(),
            link: text(),
            kid: text(),
            mended: None,
        })
        .expect("an event")
    }

    fn planned() -> rebuild::RebuildView {
        let world = World::new();
        let told = crate::rebuild::tests::lost(&world);
        now_or_never(rebuild::rebuild(
            &Caller::Administrator(None),
            ("acme", told, requester()),
            &testing::config(),
            &world,
        ))
        .expect("a plan")
    }

    fn fault() -> audit::FaultView {
        let problem = postern_domain::audit::verify::Problem::Genesis;
        let sequence = 1;
        postern_domain::audit::links::PageFault { sequence, problem }.into()
    }

    #[test]
    fn answers_have_exactly_the_documented_members() {
        let (world, config) = (World::new(), testing::config());
        let (admin, acme) = (Caller::Administrator(None), Some("acme"));
        let page = Page::parse(None, None).expect("a page");
        let minted = now_or_never(mint(&admin, acme, b"", from(), &config, &world));
        let token = origin_tokens::jwt(&origin_tokens::claims());
        let body = format!(r#"{{"token":"{token}"}}"#);
        let adopted = adopt(&admin, acme, body.as_bytes(), from(), &config, &world);
        let adopted = now_or_never(adopted);
        let bulk = br#"{"never_used":true}"#;
        let revoked = now_or_never(tokens::revoke_many(&admin, acme, bulk, requester(), &world));
        let entry = now_or_never(create_project(
            &admin,
            acme,
            br#"{"name":"x"}"#,
            requester(),
            &world,
        ));
        let now = Timestamp::from_millis(0);
        let asked = tokens::TokenQuery::parse(tokens::Asked::default(), now);
        let asked = asked.expect("a filter");
        let list = now_or_never(tokens::list(&admin, acme, asked, &page, &world));
        let organizations = now_or_never(organization::list(&admin, &page, &config, &world));
        let projects = now_or_never(registry::list_projects(&admin, acme, &page, &world));
        let workflows = now_or_never(registry::list_workflows(
            &admin, acme, "shop", &page, &world,
        ));
        let span = audit::Span::parse(None, None).expect("the defaults");
        let filter = audit::EventQuery::default();
        let events = audit::list(&admin, acme, &filter, &span, &config, &world);
        let events = now_or_never(events);
        let signed = now_or_never(audit::checkpoint(&admin, acme, &world));
        let signatures = audit::checkpoints(&admin, acme, &span, &config, &world);
        let signatures = now_or_never(signatures);
        world.keep(facts());
        let id = facts().id.to_string();
        let rotated = tokens::rotate(&admin, acme, &id, b"", from(), &config, &world);
        let rotated = now_or_never(rotated);
        let released = now_or_never(tokens::release(&admin, acme, &id, requester(), &world));
        let (body, from) = (br#"{"name":"x"}"#.as_slice(), requester());
        let edited = now_or_never(tokens::edit(&admin, acme, &id, (body, from), &world));
        let rows = [
            ("Rebuild", members(&planned())),
            ("Edited", members(&edited.expect("edits"))),
            ("Token", members(&TokenView::from(record()))),
            ("Minted", members(&minted.expect("mints"))),
            ("Rotated", members(&rotated.expect("rotates"))),
            ("Adopted", members(&adopted.expect("adopts"))),
            (
                "Organization",
                members(&OrganizationView::new(testing::organization(), &config)),
            ),
            ("BulkRevoked", members(&revoked.expect("revokes"))),
            ("Entry", members(&entry.expect("creates"))),
            ("TokenList", members(&list.expect("lists"))),
            ("OrganizationList", members(&organizations.expect("lists"))),
            ("ProjectList", members(&projects.expect("lists"))),
            ("WorkflowList", members(&workflows.expect("lists"))),
            ("Released", members(&released.expect("releases"))),
            ("Named", members(&project())),
            ("AuditEvent", members(&event())),
            ("AuditFault", members(&fault())),
            ("AuditList", members(&events.expect("lists"))),
            ("Checkpoint", members(&signed.expect("signs"))),
            ("CheckpointList", members(&signatures.expect("lists"))),
        ];
        for (name, found) in rows {
            let (known, required) = documented(name);
            // Members that most tokens do not have.
            let rare = ["ci_job", "address_ranges", "calls_per_minute"];
            let is_there = |one: &String| !rare.contains(&one.as_str());
            let known = known.into_iter().filter(is_there);
            let known: Names = known.collect();
            assert_eq!(found, known, "{name}");
            assert_eq!(required, known, "{name}: every member is always there");
        }
    }

    #[test]
    fn an_upstream_credential_has_the_documented_members_where_it_has_any() {
        let (world, config) = (World::new(), testing::config());
        let (admin, acme) = (Caller::Administrator(None), Some("acme"));
        let of = upstream::ReachNamed {
            project: Some("shop"),
            workflow: Some("release"),
        };
        let body = br#"{"credential":"a"}"#.as_slice();
        let set = || {
            let set = upstream::set(&admin, acme, of, (body, requester()), &config, &world);
            serde_json::to_value(now_or_never(set).expect("sets")).expect("serializes")
        };
        let (known, required) = documented("Upstream");
        let first = set();
        assert_eq!(members(&first), required);
        assert_eq!(members(&first["scope"]), documented("UpstreamScope").0);
        if let Some(state) = world.upstream_state.borrow_mut().as_mut() {
            let (digest, until) = (state.digest.clone(), state.set_at);
            state.replaced = Some(postern_ledger::ReplacedUpstream { digest, until });
        }
        let read = now_or_never(upstream::read(&admin, acme, of, &world)).expect("reads");
        assert_eq!(members(&read), known);
    }

    #[test]
    fn introspection_and_problems_have_the_documented_members_where_they_have_any() {
        let (world, config) = (World::new(), testing::config());
        world.keep(super::jobs::facts_of_job());
        let token = jwt::issue(&facts(), &config.token_keys)
            .expect("issues")
            .token;
        let look = |token: &str| {
            let admin = Caller::Administrator(None);
            let seen = now_or_never(oauth::introspect(&admin, token, &config, &world));
            members(&seen.expect("answers"))
        };
        let (known, required) = documented("Introspection");
        assert_eq!(look("unknown"), required);
        // An administrator key with a name, asked about by itself.
        let (named, ops) = testing::named_administrator("ops");
        let seen = now_or_never(oauth::introspect(&ops, testing::ADMIN, &named, &world));
        let told = members(&seen.expect("answers"));
        assert_eq!(&look(token.expose()) | &told, known);

        let mut problem = Problem::new(400, "body_invalid", "…".into(), "r".into());
        let (known, required) = documented("Problem");
        assert_eq!(members(&problem), required);
        problem.error = Some("invalid_request");
        problem.error_description = Some("…".to_owned());
        problem.problems.push("…".to_owned());
        assert_eq!(members(&problem), known);
    }

    /// The fields that a body may have, as its refusal of another one lists them.
    pub(super) fn expected<T>(answer: Result<T>) -> Names {
        let Err(Error::Invalid { code, detail }) = answer else {
            panic!("a body with a field `?` was taken")
        };
        assert_eq!(code, "body_invalid");
        let (_, list) = detail.split_once("expected").expect("a list of fields");
        let names = list.split('`').skip(1).step_by(2);
        names.map(str::to_owned).collect()
    }

    #[test]
    fn bodies_may_have_exactly_the_documented_members() {
        let (world, config) = (World::new(), testing::config());
        let (admin, acme, wrong) = (Caller::Administrator(None), Some("acme"), br#"{"?":1}"#);
        let id = facts().id.to_string();
        let edited = tokens::edit(&admin, acme, &id, (wrong, requester()), &world);
        let rows = [
            (
                "CreateOrganization",
                expected(now_or_never(organization::create(
                    &admin,
                    wrong,
                    requester(),
                    &config,
                    &world,
                ))),
            ),
            (
                "UpdateOrganization",
                expected(now_or_never(organization::update(
                    &admin,
                    "acme",
                    wrong,
                    requester(),
                    &config,
                    &world,
                ))),
            ),
            (
                "RebuildRequest",
                expected(now_or_never(rebuild::rebuild(
                    &admin,
                    ("acme", wrong, requester()),
                    &config,
                    &world,
                ))),
            ),
            ("EditRequest", expected(now_or_never(edited))),
            (
                "CreateEntry",
                expected(now_or_never(create_project(
                    &admin,
                    acme,
                    wrong,
                    requester(),
                    &world,
                ))),
            ),
            (
                "MintRequest",
                expected(now_or_never(mint(
                    &admin,
                    acme,
                    wrong,
                    from(),
                    &config,
                    &world,
                ))),
            ),
            (
                "AdoptRequest",
                expected(now_or_never(adopt(
                    &admin,
                    acme,
                    wrong,
                    from(),
                    &config,
                    &world,
                ))),
            ),
            (
                "RotateRequest",
                expected(now_or_never(tokens::rotate(
                    &admin,
                    acme,
                    &id,
                    wrong,
                    from(),
                    &config,
                    &world,
                ))),
            ),
            (
                "LeakReport",
                expected(now_or_never(receive(wrong, "unknown", &config, &world))),
            ),
            (
                "SetUpstream",
                expected(now_or_never(upstream::set(
                    &admin,
                    acme,
                    upstream::ReachNamed::default(),
                    (wrong, requester()),
                    &config,
                    &world,
                ))),
            ),
            (
                "RevokeRequest",
                expected(now_or_never(tokens::revoke_many(
                    &admin,
                    acme,
                    wrong,
                    requester(),
                    &world,
                ))),
            ),
        ];
        for (name, found) in rows {
            assert_eq!(found, documented(name).0, "{name}");
        }
    }
}
