//! Tokens that are made and ended through the gateway: they work at once, limits hold, the audit log tells, and an
//! end is one at both places.

use postern_origin::proto::ApiTokenServiceListResponse;
use postern_system_tests::audit::{events, verified};
use postern_system_tests::cases;
use postern_system_tests::life::REFUSED;
use postern_system_tests::organization::{Organization, SHOP};
use postern_system_tests::rpc;
use postern_system_tests::runner::Case;
use prost::Message as _;
use serde_json::json;

use crate::support::{CREATE, LIST, Plane, create, creating, made, revoking};

pub fn cases() -> Vec<Case<Plane>> {
    cases![
        r43_a_token_made_through_the_gateway_attests_through_it_at_once,
        r43_what_is_made_counts_against_every_limit,
        r43_an_end_is_one_here_first_and_then_there,
        r43_an_end_that_fails_there_says_so_and_is_in_the_log,
        r43_who_may_not_makes_nothing_anywhere,
    ]
}

async fn r43_a_token_made_through_the_gateway_attests_through_it_at_once(plane: &Plane) {
    let gateway = &plane.gateway;
    let organization = plane.organization(gateway).await;
    let manager = plane.manager(gateway, &organization).await;
    let message = create("ci", Some(SHOP));
    let answer = creating(gateway, &organization, &manager, &message).await;
    let token = made(&answer.accepted());
    plane.attests(gateway, &token.jwt).await;

    let row = organization.token(gateway, &token.id.to_string()).await;
    assert_eq!(
        (&row["name"], &row["adopted"], &row["project"]["name"]),
        (&json!("ci"), &json!(true), &json!(SHOP))
    );
    assert_eq!(row["minted_by"], manager.id);
    let told = events(gateway, &organization, "action=token.adopt").await;
    let told: Vec<_> = told.iter().map(|event| &event["token_id"]).collect();
    assert!(told.contains(&&json!(token.id.to_string())), "{told:?}");
    verified(gateway, &organization, &plane.keys).await;
    // The token itself is kept nowhere.
    let signature = token.jwt.rsplit('.').next().expect("a signature");
    let holding = gateway.serve().holding(signature);
    assert!(holding.is_empty(), "{holding:?}");
    assert!(!gateway.serve().log().contains(signature));

    // In Connect, and as base64.
    let call = gateway.call("POST", CREATE).bearer(&manager.token);
    let call = call.from(&organization.address);
    let call = call.header("content-type", "application/proto");
    let answer = call
        .header("connect-protocol-version", "1")
        .body(create("connect", Some(SHOP)))
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    plane.attests(gateway, &made(&answer.body).jwt).await;
    let frames = {
        use base64::Engine as _;
        let frame = rpc::frame(0, &create("text", Some(SHOP)));
        base64::engine::general_purpose::STANDARD.encode(frame)
    };
    let call = rpc::anonymous(gateway, 0, CREATE, frames.into_bytes()).bearer(&manager.token);
    let call = call.without("content-type");
    let answer = call.header("content-type", rpc::TEXT).send().await;
    plane.attests(gateway, &made(&answer.accepted()).jwt).await;

    // The list is the origin's own.
    let answer = rpc::call(gateway, LIST, &manager.token, b"").send().await;
    let listed = ApiTokenServiceListResponse::decode(&answer.accepted()[..]).expect("a list");
    let mut names: Vec<_> = listed
        .result
        .iter()
        .map(|item| item.name.as_str())
        .collect();
    names.retain(|name| !name.starts_with("seed"));
    assert_eq!(names, ["ci", "connect", "text"]);
}

async fn r43_what_is_made_counts_against_every_limit(plane: &Plane) {
    let full = "the organization has reached its limit of 2 active tokens: revoke one, let one expire, or raise the \
                limit";
    let serve = plane.serve().set("ORG_TOKEN_MINT_CEILING", "2");
    let gateway = serve.start().await;
    let organization = plane.organization(&gateway).await;
    let manager = plane.manager(&gateway, &organization).await;
    let message = create("first", Some(SHOP));
    creating(&gateway, &organization, &manager, &message)
        .await
        .accepted();
    let before = plane.names_there(&organization).await;
    let message = create("second", Some(SHOP));
    creating(&gateway, &organization, &manager, &message)
        .await
        .refused(8, full);
    assert_eq!(plane.names_there(&organization).await, before);
    drop(gateway);

    // Of many at the same time so many are made as there is room for, here and there.
    let serve = plane.serve().set("ORG_TOKEN_MINT_CEILING", "4");
    let gateway = serve.isolates(2).start().await;
    let organization = plane.organization(&gateway).await;
    let manager = plane.manager(&gateway, &organization).await;
    let calls: Vec<_> = (0..12)
        .map(|index| {
            let message = create(&format!("t{index}"), Some(SHOP));
            let call = rpc::call_on(&gateway, index % 2, CREATE, &manager.token, &message);
            tokio::spawn(call.from(&organization.address).send())
        })
        .collect();
    let mut accepted = 0;
    for call in calls {
        let answer = call.await.expect("an answer");
        let (ending, _) = answer.ending();
        accepted += usize::from(ending.code == 0);
        assert!(matches!(ending.code, 0 | 8), "{ending:?}");
    }
    assert_eq!(accepted, 3);
    let mut there = plane.names_there(&organization).await;
    there.retain(|name| name.starts_with('t'));
    assert_eq!(there.len(), 3, "{there:?}");
    drop(gateway);

    // The bucket of the address, from which what the origin refuses comes back.
    let serve = plane.serve().set("MINT_PER_HOUR", "3");
    let gateway = serve.start().await;
    let organization = plane.organization(&gateway).await;
    // Adopting takes one.
    let manager = plane.manager(&gateway, &organization).await;
    for _ in 0..4 {
        let message = create("Not a label", Some(SHOP));
        let answer = creating(&gateway, &organization, &manager, &message).await;
        assert_eq!(answer.ending().0.code, 3, "the origin's own refusal");
    }
    for name in ["first", "second"] {
        let message = create(name, Some(SHOP));
        creating(&gateway, &organization, &manager, &message)
            .await
            .accepted();
    }
    let message = create("third", Some(SHOP));
    let answer = creating(&gateway, &organization, &manager, &message).await;
    let (ending, _) = answer.ending();
    assert_eq!(ending.code, 8, "{ending:?}");
    assert!(
        ending
            .message
            .starts_with("this address can create 3 tokens an hour")
    );
    let told = events(&gateway, &organization, "action=token.mint_refused").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["outcome"], "mint_rate_exceeded");
}

async fn r43_an_end_is_one_here_first_and_then_there(plane: &Plane) {
    let gateway = &plane.gateway;
    let organization = plane.organization(gateway).await;
    let manager = plane.manager(gateway, &organization).await;
    let answer = creating(gateway, &organization, &manager, &create("ci", Some(SHOP))).await;
    let token = made(&answer.accepted());
    plane.attests(gateway, &token.jwt).await;
    revoking(gateway, &manager, &token.id.to_string())
        .await
        .accepted();
    let call = rpc::call(
        gateway,
        rpc::FIND_OR_CREATE,
        &token.jwt,
        &rpc::names(SHOP, "release"),
    );
    call.send().await.refused(16, REFUSED);
    let names = plane.names_there(&organization).await;
    assert!(!names.contains(&"ci".to_owned()), "{names:?}");
    let told = events(gateway, &organization, "action=token.revoke").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["token_id"], token.id.to_string());
}

async fn r43_an_end_that_fails_there_says_so_and_is_in_the_log(plane: &Plane) {
    let gateway = &plane.gateway;
    let organization = plane.organization(gateway).await;
    let manager = plane.manager(gateway, &organization).await;
    let answer = creating(gateway, &organization, &manager, &create("ci", Some(SHOP))).await;
    let token = made(&answer.accepted());
    plane.strict.revoke(token.id).expect("revoked there");
    let failed = "the token has ended here, and the origin did not revoke it: revoke it there, or repeat the call";
    let answer = revoking(gateway, &manager, &token.id.to_string()).await;
    answer.refused(9, failed);
    let told = events(gateway, &organization, "action=token.origin_revoke_failed").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["target"], format!("token:{}", token.id));
    let log = gateway
        .log_line(answer.header("x-request-id").expect("an id"))
        .await;
    assert_eq!(log["outcome"], "origin_revoke_failed", "{log}");
}

async fn r43_who_may_not_makes_nothing_anywhere(plane: &Plane) {
    let gateway = &plane.gateway;
    let organization = plane.organization(gateway).await;
    let manager = plane.manager(gateway, &organization).await;
    let before = plane.names_there(&organization).await;
    let not_allowed = "operation not allowed";
    let wide = "org-level API tokens must specify a project when creating new tokens";
    let unknown = "the project of the new token is not registered here: create it first, with the id that it has at the \
                   origin";
    // The defaults do not suffice.
    let issued = plane.issued(&organization);
    let call = organization.call(gateway, "POST", "/org/tokens/adopt");
    call.json(&json!({ "token": issued.jwt }))
        .send()
        .await
        .json(201);
    let plain = rpc::call(gateway, CREATE, &issued.jwt, &create("x", Some(SHOP)));
    plain.send().await.refused(7, not_allowed);
    for (message, code, told) in [
        (create("x", None), 7, wide),
        (create("x", Some("unknown")), 3, unknown),
    ] {
        creating(gateway, &organization, &manager, &message)
            .await
            .refused(code, told);
    }
    let mut names = plane.names_there(&organization).await;
    names.retain(|name| name == "x");
    assert_eq!(names, Vec::<String>::new(), "{before:?}");

    // Another organization's token is as unknown as one that is none.
    let other = plane.organization(gateway).await;
    let foreign = plane.manager(gateway, &other).await;
    let told = "operation not allowed: no token of the origin with this id is registered here: adopt it first, or revoke \
                it at the origin itself";
    let own = organization.mint(gateway, &json!({})).await;
    for id in [
        foreign.id.as_str(),
        own.id.as_str(),
        "00000000-0000-4000-8000-000000000000",
    ] {
        revoking(gateway, &manager, id).await.refused(7, told);
    }
    assert_eq!(
        organization.token(gateway, &own.id).await["revoked_at"],
        json!(null)
    );

    // Where nobody asked for it, the calls are closed.
    let closed = plane.serve().set("ORIGIN_TOKENS", "deny").start().await;
    let organization =
        Organization::of_control_plane(&closed, &plane.keys.admin, &plane.strict).await;
    let manager = plane.manager(&closed, &organization).await;
    let answer = creating(&closed, &organization, &manager, &create("x", Some(SHOP))).await;
    let (ending, _) = answer.ending();
    assert_eq!(ending.code, 7);
    assert!(
        ending.message.contains("none is managed through it"),
        "{}",
        ending.message
    );
}
