//! Requests with good credentials and everything else wrong, each refused in its own protocol with nothing changed;
//! the limits on minting; and an origin that is down, slow, or not one at all.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Organization, RELEASE, SHOP, id};
use postern_system_tests::rpc::{self, CANCEL, FIND_OR_CREATE, INIT, STORE, TEXT};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_address, random_id, root, runner};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// The gate's patience with the origin here, in seconds: short, for the slow ones below.
const PATIENCE: u64 = 2;
const UNAVAILABLE: &str = "the origin is not available: try again";

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| {
            let patience = PATIENCE.to_string();
            serve.set("ORIGIN_TIMEOUT_SECONDS", &patience).isolates(2)
        }),
        cases![
            r1_r7_r8_mints_that_ask_for_the_wrong_thing,
            organizations_projects_and_workflows_with_wrong_fields,
            bodies_that_are_no_json_objects,
            bodies_of_another_media_type,
            bodies_that_are_too_large,
            organizations_that_are_not_named_or_unknown,
            ids_that_are_none_or_unknown,
            names_that_are_taken,
            mints_at_the_same_time_cannot_take_one_name_twice,
            r27_mints_at_the_same_time_cannot_pass_the_ceiling,
            r26_r28_an_address_mints_as_often_as_it_may,
            bodies_that_are_not_one_frame,
            messages_that_cannot_be_read,
            attestation_bodies_that_are_too_large,
            protocols_other_than_grpc_web,
            r33_calls_that_are_not_in_the_table,
            an_origin_that_is_slow,
            an_origin_that_is_down_or_none,
            an_origin_that_points_elsewhere,
            an_origin_that_breaks_off_its_answer_to_init,
        ],
    )
}

/// Asserts that each request is refused with status and code, and that nothing in the organization changed.
async fn refuse_all(
    suite: &Suite,
    organization: &Organization,
    rows: Vec<(&str, Call, u16, &str)>,
) -> Vec<Value> {
    let before = organization.snapshot(&suite.gateway).await;
    let mut problems = Vec::new();
    for (what, call, status, code) in rows {
        let answer = call.send().await;
        assert_eq!((what, answer.status), (what, status), "{}", answer.text());
        problems.push(answer.problem(status, code));
        assert_eq!(
            organization.snapshot(&suite.gateway).await,
            before,
            "{what} changed something"
        );
    }
    problems
}

async fn r1_r7_r8_mints_that_ask_for_the_wrong_thing(suite: &Suite) {
    let organization = suite.organization().await;
    organization.create_project(&suite.gateway, "second").await;
    organization
        .create_workflow(&suite.gateway, "second", "elsewhere")
        .await;
    let long = |count: usize| "é".repeat(count);
    let many: Vec<String> = (0..101)
        .map(|index| format!("a{}:read", "b".repeat(index)))
        .collect();
    let row = |body: Value, code: &'static str| (body, 400, code);
    let rows = [
        row(json!({ "name": long(101) }), "name_invalid"),
        row(json!({ "name": "" }), "name_invalid"),
        row(json!({ "name": "   " }), "name_invalid"),
        row(json!({ "name": "a\nb" }), "name_invalid"),
        row(json!({ "description": long(501) }), "description_invalid"),
        row(json!({ "description": "a\u{0}b" }), "description_invalid"),
        row(json!({ "workflow": RELEASE }), "workflow_without_project"),
        row(
            json!({ "project": SHOP, "workflow": "elsewhere" }),
            "workflow_of_other_project",
        ),
        row(
            json!({ "project": "second", "workflow": RELEASE }),
            "workflow_of_other_project",
        ),
        (json!({ "project": "nowhere" }), 404, "not_found"),
        (json!({ "project": "" }), 404, "not_found"),
        (
            json!({ "project": "nowhere", "workflow": RELEASE }),
            404,
            "not_found",
        ),
        (
            json!({ "project": SHOP, "workflow": "nowhere" }),
            404,
            "not_found",
        ),
        row(
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
            "expiry_in_the_past",
        ),
        row(json!({ "expires_at": "2099-01-01" }), "expires_at_invalid"),
        row(
            json!({ "expires_at": "2099-01-01T00:00:00" }),
            "expires_at_invalid",
        ),
        row(json!({ "expires_at": "" }), "expires_at_invalid"),
        row(json!({ "expires_in": "0s" }), "expires_in_invalid"),
        row(json!({ "expires_in": "-1d" }), "expires_in_invalid"),
        row(json!({ "expires_in": "1y" }), "expires_in_invalid"),
        row(json!({ "expires_in": "36501d" }), "expires_in_invalid"),
        row(
            json!({ "expires_at": "2099-01-01T00:00:00Z", "expires_in": "1d" }),
            "expiry_ambiguous",
        ),
        row(
            json!({ "policies": ["workflw_run:read"] }),
            "policy_unknown",
        ),
        row(
            json!({ "policies": ["workflow:read", "everything:*"] }),
            "policy_unknown",
        ),
        row(json!({ "policies": ["everything"] }), "policies_invalid"),
        row(json!({ "policies": ["*"] }), "policies_invalid"),
        row(json!({ "policies": ["*:a"] }), "policies_invalid"),
        row(json!({ "policies": ["*:*"] }), "policies_invalid"),
        row(json!({ "policies": ["a:**"] }), "policies_invalid"),
        row(json!({ "policies": ["a:b*"] }), "policies_invalid"),
        row(
            json!({ "policies": ["workflow:read", "Workflow:read"] }),
            "policies_invalid",
        ),
        row(json!({ "policies": many }), "policies_invalid"),
        row(json!({ "policies": "workflow:read" }), "body_invalid"),
        row(json!({ "format": "pem" }), "body_invalid"),
        row(json!({ "name": 7 }), "body_invalid"),
        row(json!({ "system": "yes" }), "body_invalid"),
        row(json!({ "expires_in": 3600 }), "body_invalid"),
        row(json!({ "scope": "organization" }), "body_invalid"),
    ];
    let bodies: Vec<String> = rows.iter().map(|(body, ..)| body.to_string()).collect();
    let calls = rows
        .iter()
        .zip(&bodies)
        .map(|((body, status, code), text)| {
            (
                text.as_str(),
                organization.minting(&suite.gateway, body),
                *status,
                *code,
            )
        })
        .collect();
    let problems = refuse_all(suite, &organization, calls).await;
    let detail = |what: &str| {
        let at = bodies
            .iter()
            .position(|body| body.contains(what))
            .unwrap_or_else(|| panic!("no row with {what}"));
        problems[at]["detail"]
            .as_str()
            .expect("a detail")
            .to_owned()
    };
    // R1: the message says which of the two it is; R7, R8: what to do.
    assert_eq!(
        detail("{\"workflow\":\"release\"}"),
        "`workflow` needs a `project`: name the project of the workflow too"
    );
    assert_eq!(
        detail("elsewhere"),
        "`workflow` does not belong to the requested `project`"
    );
    assert_eq!(detail("{\"project\":\"nowhere\"}"), "no such project");
    assert_eq!(detail("\"workflow\":\"nowhere\""), "no such workflow");
    assert_eq!(
        detail(&long(101)),
        "`name` must be at most 100 characters long"
    );
    // The control: what is just inside is minted.
    let policies = policies();
    assert!(policies.len() > 40, "{policies:?}");
    let just = json!({ "name": long(100), "description": long(500), "policies": policies, "expires_in": "36500d" });
    organization.mint(&suite.gateway, &just).await;
}

/// Every policy that a call of the control plane asks for, and each of their resources as a whole.
fn policies() -> BTreeSet<String> {
    let calls = std::fs::read_to_string(root().join("docs/RPCS.md")).expect("the list of calls");
    let is_policy = |text: &&str| {
        let letter = |b: u8| b.is_ascii_lowercase() || b == b'_';
        text.split_once(':').is_some_and(|(resource, action)| {
            [resource, action]
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(letter))
        })
    };
    calls
        .split('`')
        .filter(is_policy)
        .flat_map(|policy| {
            let resource = policy.split(':').next().unwrap_or_default();
            [policy.to_owned(), format!("{resource}:*")]
        })
        .collect()
}

async fn organizations_projects_and_workflows_with_wrong_fields(suite: &Suite) {
    let organization = suite.organization().await;
    let long = "x".repeat(64);
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let mut rows = Vec::new();
    for path in ["/orgs", "/org/projects", &workflows] {
        let call = |body: Value| organization.call(&suite.gateway, "POST", path).json(&body);
        for name in ["", "Shop", "-a", "a-", "a.b", "a/b", "é", "a b", &long] {
            rows.push((path, call(json!({ "name": name })), 400, "name_invalid"));
        }
        rows.push((
            path,
            call(json!({ "name": "fine", "id": "x" })),
            400,
            "id_invalid",
        ));
        rows.push((
            path,
            call(json!({ "name": "fine", "id": "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d" })),
            400,
            "id_invalid",
        ));
        rows.push((path, call(json!({})), 400, "body_invalid"));
        rows.push((path, call(json!({ "name": null })), 400, "body_invalid"));
        rows.push((
            path,
            call(json!({ "name": "fine", "owner": "me" })),
            400,
            "body_invalid",
        ));
    }
    let call = |body: Value| {
        organization
            .call(&suite.gateway, "POST", "/orgs")
            .json(&body)
    };
    rows.push((
        "idle",
        call(json!({ "name": "fine", "max_idle_days": 366 })),
        400,
        "max_idle_days_invalid",
    ));
    rows.push((
        "ceiling",
        call(json!({ "name": "fine", "mint_ceiling": 10_000_001 })),
        400,
        "mint_ceiling_invalid",
    ));
    rows.push((
        "negative",
        call(json!({ "name": "fine", "mint_ceiling": -1 })),
        400,
        "body_invalid",
    ));
    let nowhere = organization.call(&suite.gateway, "POST", "/org/projects/nowhere/workflows");
    rows.push((
        "no project",
        nowhere.json(&json!({ "name": "fine" })),
        404,
        "not_found",
    ));
    rows.push((
        "no project",
        organization.call(&suite.gateway, "GET", "/org/projects/nowhere/workflows"),
        404,
        "not_found",
    ));
    refuse_all(suite, &organization, rows).await;
    let list = suite
        .gateway
        .call("GET", "/orgs?limit=500")
        .bearer(&suite.keys.admin)
        .send()
        .await
        .json(200);
    let made = list["organizations"]
        .as_array()
        .expect("a list")
        .iter()
        .any(|row| row["name"] == "fine");
    assert!(!made, "a refused organization was made");
}

async fn bodies_that_are_no_json_objects(suite: &Suite) {
    let organization = suite.organization().await;
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let mut bodies: Vec<Vec<u8>> = [
        "{",
        "{}}",
        "[]",
        "null",
        "7",
        "\"name\"",
        "{\"name\":\"a\"",
        "{'name':'a'}",
        "{\"name\":\"a\",}",
        " ",
        "{\"name\":\"a\",\"name\":\"b\"}",
        "{\"name\":\"a\",\"unknown\":1}",
        "name=a",
        // A struct can be read from a list too, by readers that are not careful.
        "[\"in-a-list\",null]",
        "[\"in-a-list\",null,null,null]",
        "[\"in-a-list\",null,null,null,null,null,null,null,false]",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bodies.push(b"{\"name\":\"\xff\"}".to_vec());
    // One byte order mark is passed over, a second is not.
    bodies.push(b"\xef\xbb\xbf\xef\xbb\xbf{\"name\":\"a\"}".to_vec());
    bodies.push(
        ["{\"name\":".repeat(300), "1".to_owned(), "}".repeat(300)]
            .concat()
            .into_bytes(),
    );
    let bodies: Vec<(String, Vec<u8>)> = bodies
        .into_iter()
        .map(|body| {
            (
                String::from_utf8_lossy(&body).chars().take(60).collect(),
                body,
            )
        })
        .collect();
    for path in ["/orgs", "/org/projects", &workflows, "/org/tokens"] {
        let rows = bodies
            .iter()
            .map(|(what, body)| {
                let call = organization
                    .call(&suite.gateway, "POST", path)
                    .header("content-type", "application/json");
                (what.as_str(), call.body(body.clone()), 400, "body_invalid")
            })
            .collect();
        refuse_all(suite, &organization, rows).await;
    }
    for path in ["/orgs", "/org/projects", &workflows] {
        let empty = organization.call(&suite.gateway, "POST", path);
        refuse_all(
            suite,
            &organization,
            vec![("nothing", empty, 400, "body_invalid")],
        )
        .await;
    }
}

async fn bodies_of_another_media_type(suite: &Suite) {
    let organization = suite.organization().await;
    let workflows = format!("/org/projects/{SHOP}/workflows");
    for path in ["/orgs", "/org/projects", &workflows, "/org/tokens"] {
        let body = json!({ "name": "typed" }).to_string();
        let call = || {
            organization
                .call(&suite.gateway, "POST", path)
                .body(body.clone())
        };
        let mut rows = vec![("none", call(), 415, "unsupported_media_type")];
        for media in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/jsonx",
            "json",
        ] {
            rows.push((
                media,
                call().header("content-type", media),
                415,
                "unsupported_media_type",
            ));
        }
        refuse_all(suite, &organization, rows).await;
    }
    let call = organization
        .call(&suite.gateway, "POST", "/org/tokens")
        .body("{}");
    id(&call
        .header("content-type", "Application/JSON; charset=utf-8")
        .send()
        .await
        .json(201));
}

async fn bodies_that_are_too_large(suite: &Suite) {
    let organization = suite.organization().await;
    let large = |bytes: usize| {
        let frame = json!({ "description": "" }).to_string().len();
        json!({ "description": "x".repeat(bytes - frame) })
    };
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let before = organization.snapshot(&suite.gateway).await;
    for path in ["/orgs", "/org/projects", &workflows, "/org/tokens"] {
        for bytes in [2_000_000, 64 * 1024 + 1] {
            let told = organization
                .call(&suite.gateway, "POST", path)
                .json(&large(bytes));
            for call in [told.clone(), told.chunked()] {
                let problem = call
                    .send_while_reading()
                    .await
                    .problem(413, "body_too_large");
                assert_eq!(
                    problem["detail"],
                    "the body is larger than the 65536 bytes that are read here"
                );
            }
        }
        assert_eq!(
            organization.snapshot(&suite.gateway).await,
            before,
            "{path}"
        );
    }
    // The largest that is read is read: what is wrong with it is something else.
    let call = organization.minting(&suite.gateway, &large(64 * 1024));
    let rows = vec![
        ("told", call.clone(), 400, "description_invalid"),
        ("untold", call.chunked(), 400, "description_invalid"),
    ];
    refuse_all(suite, &organization, rows).await;
    let chunked = organization
        .minting(&suite.gateway, &json!({ "name": "in chunks" }))
        .chunked()
        .send()
        .await
        .json(201);
    assert_eq!(chunked["name"], "in chunks");
}

async fn organizations_that_are_not_named_or_unknown(suite: &Suite) {
    let organization = suite.organization().await;
    let token = format!("/org/tokens/{}", random_id());
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let calls = [
        ("POST", "/org/projects"),
        ("GET", "/org/projects"),
        ("POST", &workflows),
        ("GET", &workflows),
        ("POST", "/org/tokens"),
        ("GET", "/org/tokens"),
        ("GET", &token),
        ("DELETE", &token),
    ];
    let mut rows = Vec::new();
    for (method, path) in calls {
        let call = || {
            let call = suite
                .gateway
                .call(method, path)
                .bearer(&suite.keys.admin)
                .from(&organization.address);
            if method == "POST" {
                call.json(&json!({ "name": "somewhere" }))
            } else {
                call
            }
        };
        rows.push((path, call(), 400, "organization_required"));
        rows.push((path, call().organization(" "), 400, "organization_required"));
        rows.push((
            path,
            call().organization("no-such-organization"),
            404,
            "not_found",
        ));
        rows.push((
            path,
            call().organization(&organization.id),
            404,
            "not_found",
        ));
        rows.push((
            path,
            call().organization(&format!("{0}, {0}", organization.name)),
            404,
            "not_found",
        ));
    }
    refuse_all(suite, &organization, rows).await;
}

async fn ids_that_are_none_or_unknown(suite: &Suite) {
    let organization = suite.organization().await;
    let live = organization.mint(&suite.gateway, &json!({})).await;
    let malformed = [
        "x".to_owned(),
        live.id.replace('-', ""),
        live.id[..35].to_owned(),
        format!("{}0", live.id),
        format!("%7B{}%7D", live.id),
        format!("urn:uuid:{}", live.id),
        format!("{}g", &live.id[..35]),
        format!("{}%20", live.id),
        live.answer["prefix"].as_str().expect("a prefix").to_owned(),
    ];
    let paths: Vec<String> = malformed
        .iter()
        .map(|id| format!("/org/tokens/{id}"))
        .collect();
    let unknown = format!("/org/tokens/{}", random_id());
    let mut rows = Vec::new();
    for method in ["GET", "DELETE"] {
        for path in &paths {
            rows.push((
                path.as_str(),
                organization.call(&suite.gateway, method, path),
                400,
                "token_id_invalid",
            ));
        }
        rows.push((
            unknown.as_str(),
            organization.call(&suite.gateway, method, &unknown),
            404,
            "not_found",
        ));
        // No id at all is no route, not the list's and not a token's.
        rows.push((
            "/org/tokens/",
            organization.call(&suite.gateway, method, "/org/tokens/"),
            404,
            "not_found",
        ));
    }
    refuse_all(suite, &organization, rows).await;
    // In an organization that has never minted, too.
    let fresh = suite.organization().await;
    fresh
        .call(&suite.gateway, "DELETE", &unknown)
        .send()
        .await
        .problem(404, "not_found");
}

async fn names_that_are_taken(suite: &Suite) {
    let organization = suite.organization().await;
    organization
        .mint(&suite.gateway, &json!({ "name": "mine" }))
        .await;
    let workflows = format!("/org/projects/{SHOP}/workflows");
    let call =
        |path: &str, body: Value| organization.call(&suite.gateway, "POST", path).json(&body);
    let rows = vec![
        (
            "organization",
            call("/orgs", json!({ "name": organization.name })),
            409,
            "name_taken",
        ),
        (
            "organization's id",
            call("/orgs", json!({ "name": "fresh", "id": organization.id })),
            409,
            "id_taken",
        ),
        (
            "project",
            call("/org/projects", json!({ "name": SHOP })),
            409,
            "name_taken",
        ),
        (
            "project's id",
            call(
                "/org/projects",
                json!({ "name": "fresh", "id": organization.shop }),
            ),
            409,
            "id_taken",
        ),
        (
            "workflow",
            call(&workflows, json!({ "name": RELEASE })),
            409,
            "name_taken",
        ),
        (
            "workflow's id",
            call(
                &workflows,
                json!({ "name": "fresh", "id": organization.release }),
            ),
            409,
            "id_taken",
        ),
        (
            "token",
            call("/org/tokens", json!({ "name": "mine" })),
            409,
            "name_taken",
        ),
        (
            "token of the other format",
            call("/org/tokens", json!({ "name": "mine", "format": "jwt" })),
            409,
            "name_taken",
        ),
    ];
    refuse_all(suite, &organization, rows).await;
}

/// Sends all at once, over both isolates.
async fn at_once(
    suite: &Suite,
    organization: &Organization,
    count: u16,
    body: impl Fn(u16) -> Value,
) -> Vec<Answer> {
    let calls: Vec<_> = (0..count)
        .map(|index| {
            let call = organization
                .call_on(&suite.gateway, index % 2, "POST", "/org/tokens")
                .json(&body(index));
            tokio::spawn(call.send())
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.expect("an answer"));
    }
    answers
}

async fn mints_at_the_same_time_cannot_take_one_name_twice(suite: &Suite) {
    let organization = suite.organization().await;
    let answers = at_once(suite, &organization, 12, |_| json!({ "name": "one" })).await;
    let minted: Vec<String> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| id(&answer.json(201)))
        .collect();
    assert_eq!(minted.len(), 1, "{minted:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(409, "name_taken");
    }
    assert_eq!(
        organization.token_ids(&suite.gateway, "status=all").await,
        minted.into_iter().collect()
    );
}

async fn r27_mints_at_the_same_time_cannot_pass_the_ceiling(suite: &Suite) {
    let organization = Organization::with(
        &suite.gateway,
        &suite.keys.admin,
        &json!({ "mint_ceiling": 5 }),
    )
    .await;
    let answers = at_once(
        suite,
        &organization,
        20,
        |index| json!({ "format": if index % 2 == 0 { "opaque" } else { "jwt" } }),
    )
    .await;
    let minted: Vec<Value> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json(201))
        .collect();
    assert_eq!(minted.len(), 5, "of 20 at once");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let problem = answer.problem(429, "mint_ceiling_reached");
        let told = "the organization has reached its limit of 5 active tokens: revoke one, let one expire, or raise the limit";
        assert_eq!(problem["detail"], told);
    }
    let ids = minted.iter().map(id).collect();
    assert_eq!(
        organization.token_ids(&suite.gateway, "status=all").await,
        ids,
        "only what was answered exists"
    );
    for token in &minted {
        let token = token["token"].as_str().expect("the plaintext");
        rpc::call(
            &suite.gateway,
            FIND_OR_CREATE,
            token,
            &rpc::names(SHOP, RELEASE),
        )
        .send()
        .await
        .accepted();
    }
    // Only live tokens count: a revoked one makes room for one, and an expired one too.
    organization.revoke(&suite.gateway, &id(&minted[0])).await;
    organization
        .mint(&suite.gateway, &json!({ "expires_in": "1s" }))
        .await;
    organization
        .minting(&suite.gateway, &json!({}))
        .send()
        .await
        .problem(429, "mint_ceiling_reached");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    organization.mint(&suite.gateway, &json!({})).await;
    organization
        .minting(&suite.gateway, &json!({}))
        .send()
        .await
        .problem(429, "mint_ceiling_reached");
}

async fn r26_r28_an_address_mints_as_often_as_it_may(suite: &Suite) {
    let serve = suite.serve().set("MINT_PER_HOUR", "3").isolates(2);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let mint = |gateway: &Gateway, isolate: u16, address: &str| {
        let call = gateway
            .call_on(isolate, "POST", "/org/tokens")
            .bearer(&suite.keys.admin);
        call.organization(&organization.name)
            .from(address)
            .json(&json!({}))
    };
    let limited = |answer: &Answer| {
        let problem = answer.problem(429, "mint_rate_exceeded");
        let wait: u64 = answer
            .header("retry-after")
            .expect("a wait")
            .parse()
            .expect("seconds");
        assert!(
            (1_100..=1_200).contains(&wait),
            "one of three an hour comes back after 20 minutes, not {wait} s"
        );
        let told = format!("this address can create 3 tokens an hour: try again in {wait} s");
        assert_eq!(problem["detail"], told);
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some(r#""mint";q=3;w=3600"#)
        );
        assert_eq!(
            answer.header("ratelimit"),
            Some(format!(r#""mint";r=0;t={wait}"#).as_str())
        );
    };

    let address = "192.0.2.7";
    // What mints nothing costs nothing.
    for _ in 0..5 {
        let wrong = mint(&gateway, 0, address)
            .json(&json!({ "name": 7 }))
            .without("content-type");
        wrong
            .header("content-type", "application/json")
            .send()
            .await
            .problem(400, "body_invalid");
    }
    mint(&gateway, 0, address)
        .body(json!({ "name": "taken" }).to_string())
        .send()
        .await
        .json(201);
    for _ in 0..5 {
        let taken = mint(&gateway, 1, address).body(json!({ "name": "taken" }).to_string());
        taken.send().await.problem(409, "name_taken");
    }
    let mut ids = vec![];
    for isolate in [1, 0] {
        ids.push(id(&mint(&gateway, isolate, address).send().await.json(201)));
    }
    // One count for all isolates, and not to be talked out of.
    for isolate in [0, 1] {
        limited(&mint(&gateway, isolate, address).send().await);
        let forged = mint(&gateway, isolate, address).header("x-forwarded-for", &random_address());
        limited(
            &forged
                .header("x-real-ip", &random_address())
                .header("forwarded", "for=10.1.1.1")
                .send()
                .await,
        );
        limited(&mint(&gateway, isolate, "::ffff:192.0.2.7").send().await);
    }
    // Only minting is limited, and only there.
    organization.token_ids(&gateway, "").await;
    gateway
        .call("DELETE", &format!("/org/tokens/{}", ids[0]))
        .bearer(&suite.keys.admin)
        .organization(&organization.name)
        .from(address)
        .send()
        .await
        .json(200);
    limited(&mint(&gateway, 0, address).send().await);
    mint(&gateway, 0, "192.0.2.8").send().await.json(201);

    // An IPv6 network counts as one; its neighbour by itself.
    for host in [
        "2001:db8:1:2::1",
        "2001:db8:1:2:ffff::2",
        "2001:db8:1:2:1:2:3:4",
    ] {
        mint(&gateway, 1, host).send().await.json(201);
    }
    limited(&mint(&gateway, 0, "2001:db8:1:2::9").send().await);
    mint(&gateway, 0, "2001:db8:1:3::1").send().await.json(201);

    // Whoever has no address shares one bucket with all who have none.
    for address in ["nonsense", "192.0.2.9, 192.0.2.10", "fe80::1%eth0"] {
        mint(&gateway, 0, address).send().await.json(201);
    }
    limited(&mint(&gateway, 0, "more nonsense").send().await);
    limited(
        &mint(&gateway, 0, "192.0.2.99")
            .without("cf-connecting-ip")
            .send()
            .await,
    );
    gateway.stop();

    let gateway = serve.start().await;
    limited(&mint(&gateway, 1, address).send().await);
    limited(&mint(&gateway, 1, "2001:db8:1:2::77").send().await);
    mint(&gateway, 1, "192.0.2.8").send().await.json(201);
    gateway.kill();
    let gateway = serve.start().await;
    limited(&mint(&gateway, 0, address).send().await);
    mint(&gateway, 0, "192.0.2.8").send().await.json(201);
    limited(&mint(&gateway, 0, "192.0.2.8").send().await);
    gateway.stop();
}

async fn bodies_that_are_not_one_frame(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let message = rpc::names(SHOP, RELEASE);
    let frame = rpc::frame(0, &message);
    let length = |length: u32| [&[0][..], &length.to_be_bytes(), &message].concat();
    const COMPRESSED: &str =
        "the message is compressed, which is not read here: send it uncompressed";
    let status = |told: &str| if told == COMPRESSED { 12 } else { 3 };
    const TRUNCATED: &str = "the body ends before its message does";
    const SEVERAL: &str = "the body has more than one message";
    const UNKNOWN: &str = "the body has a frame that is not a message";
    const NOT_BASE64: &str = "the body is not base64";
    let binary: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", vec![], TRUNCATED),
        ("half a head", frame[..3].to_vec(), TRUNCATED),
        ("a head alone", frame[..5].to_vec(), TRUNCATED),
        ("a byte short", frame[..frame.len() - 1].to_vec(), TRUNCATED),
        ("a length beyond the end", length(u32::MAX), TRUNCATED),
        ("a message without a frame", message.clone(), TRUNCATED),
        ("compressed", rpc::frame(1, &message), COMPRESSED),
        ("an unknown flag", rpc::frame(2, &message), UNKNOWN),
        (
            "trailers in its place",
            rpc::frame(0x80, b"grpc-status:0\r\n"),
            UNKNOWN,
        ),
        (
            "two messages",
            [frame.clone(), frame.clone()].concat(),
            SEVERAL,
        ),
        (
            "an empty message and another",
            [rpc::frame(0, b""), frame.clone()].concat(),
            SEVERAL,
        ),
        (
            "a message and trailers",
            [frame.clone(), rpc::frame(0x80, b"")].concat(),
            SEVERAL,
        ),
        (
            "a message and a byte",
            [frame.clone(), vec![0]].concat(),
            SEVERAL,
        ),
        (
            "a length before the end",
            length(u32::try_from(message.len() - 1).expect("short")),
            SEVERAL,
        ),
    ];
    let encoded = STANDARD.encode(&frame);
    let text: Vec<(&str, Vec<u8>, &str)> = vec![
        ("frames as they are", frame.clone(), NOT_BASE64),
        (
            "a letter short",
            encoded.as_bytes()[..encoded.len() - 1].to_vec(),
            NOT_BASE64,
        ),
        (
            "a line break",
            format!("{encoded}\r\n").into_bytes(),
            NOT_BASE64,
        ),
        (
            "the other alphabet",
            [b"-_--".to_vec(), encoded.clone().into_bytes()].concat(),
            NOT_BASE64,
        ),
        ("padding alone", b"====".to_vec(), NOT_BASE64),
        (
            "two messages",
            STANDARD
                .encode([frame.clone(), frame.clone()].concat())
                .into_bytes(),
            SEVERAL,
        ),
        (
            "two messages, each in a piece",
            format!("{encoded}{encoded}").into_bytes(),
            SEVERAL,
        ),
        (
            "compressed",
            STANDARD.encode(rpc::frame(1, &message)).into_bytes(),
            COMPRESSED,
        ),
        ("cut", STANDARD.encode(&frame[..4]).into_bytes(), TRUNCATED),
    ];
    suite.origin.reset().await;
    for path in [FIND_OR_CREATE, INIT, STORE, CANCEL] {
        for (what, body, told) in &binary {
            for chunked in [false, true] {
                let call = rpc::anonymous(&suite.gateway, 0, path, body.clone()).bearer(&token);
                let answer = if chunked { call.chunked() } else { call }.send().await;
                assert_eq!(
                    (*what, answer.header("grpc-message")),
                    (*what, Some(*told)),
                    "{path}"
                );
                answer.refused(status(told), told);
                assert_eq!(answer.header("content-type"), Some(rpc::BINARY), "{what}");
            }
        }
        for (what, body, told) in &text {
            let call = rpc::anonymous(&suite.gateway, 0, path, body.clone())
                .bearer(&token)
                .without("content-type");
            let answer = call.header("content-type", TEXT).send().await;
            assert_eq!(
                (*what, answer.header("grpc-message")),
                (*what, Some(*told)),
                "{path}"
            );
            answer.refused(status(told), told);
            assert_eq!(answer.header("content-type"), Some(TEXT), "{what}");
        }
    }
    suite
        .origin
        .assert_untouched("bodies that are not one frame")
        .await;
    // The control: a frame is one, whatever it comes in, and goes on as it came. (The sample origin itself reads no text
    // in padded pieces; the control plane does.)
    let (first, rest) = frame.split_at(7);
    let pieces = format!("{}{}", STANDARD.encode(first), STANDARD.encode(rest));
    let call = rpc::anonymous(
        &suite.gateway,
        0,
        FIND_OR_CREATE,
        pieces.clone().into_bytes(),
    )
    .bearer(&token);
    let answer = call
        .without("content-type")
        .header("content-type", TEXT)
        .send()
        .await;
    let calls = suite.origin.calls().await;
    assert_eq!(
        (calls.len(), &calls[0]["body_len"]),
        (1, &json!(pieces.len())),
        "{}",
        answer.text()
    );
    rpc::call(&suite.gateway, FIND_OR_CREATE, &token, &message)
        .chunked()
        .send()
        .await
        .accepted();
}

async fn messages_that_cannot_be_read(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "jwt")
        .await
        .token;
    let good = rpc::names(SHOP, RELEASE);
    let after = |tail: &[u8]| [good.as_slice(), tail].concat();
    let run = random_id();
    let rows: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        (
            "cut",
            INIT,
            good[..good.len() - 1].to_vec(),
            "the message ends in the middle of a field",
        ),
        (
            "a tag alone",
            INIT,
            after(b"\x22"),
            "the message ends in the middle of a field",
        ),
        (
            "a length beyond the end",
            INIT,
            after(b"\x22\x7fab"),
            "the message ends in the middle of a field",
        ),
        (
            "an endless number",
            INIT,
            after(&[0xff; 11]),
            "the message has an integer of more than 64 bits",
        ),
        (
            "field 0",
            INIT,
            after(b"\x02\x00"),
            "the message has an impossible field number",
        ),
        (
            "a group",
            INIT,
            after(b"\x23\x24"),
            "the message has a group or an unknown wire type",
        ),
        (
            "wire type 7",
            INIT,
            after(b"\x27"),
            "the message has a group or an unknown wire type",
        ),
        (
            "a name that is a number",
            INIT,
            after(b"\x20\x01"),
            "a field that is needed to decide has another type",
        ),
        (
            "a project that is a number",
            FIND_OR_CREATE,
            after(b"\x28\x01"),
            "a field that is needed to decide has another type",
        ),
        (
            "a name that is not UTF-8",
            FIND_OR_CREATE,
            after(b"\x22\x01\xff"),
            "a field that names something is not UTF-8",
        ),
        (
            "a fault behind the names",
            FIND_OR_CREATE,
            after(b"\x3a\x05ab"),
            "the message ends in the middle of a field",
        ),
        (
            "JSON",
            STORE,
            b"{\"workflow_run_id\":\"x\"}".to_vec(),
            "the message has a group or an unknown wire type",
        ),
        (
            "a run that is a number",
            STORE,
            b"\x10\x01".to_vec(),
            "a field that is needed to decide has another type",
        ),
        (
            "a run that is cut",
            CANCEL,
            rpc::cancel(&run).encode_to_vec()[..20].to_vec(),
            "the message ends in the middle of a field",
        ),
        (
            "no run",
            STORE,
            Vec::new(),
            "the message names no workflow run",
        ),
        (
            "no run",
            CANCEL,
            b"\x10\x02".to_vec(),
            "the message names no workflow run",
        ),
        (
            "a run in the other call's field",
            STORE,
            rpc::cancel(&run).encode_to_vec(),
            "a field that is needed to decide has another type",
        ),
    ];
    suite.origin.reset().await;
    for (what, path, message, told) in rows {
        let answer = rpc::call(&suite.gateway, path, &token, &message)
            .send()
            .await;
        assert_eq!(
            (what, answer.header("grpc-message")),
            (what, Some(told)),
            "{path}"
        );
        answer.refused(3, told);
    }
    suite
        .origin
        .assert_untouched("messages that cannot be read")
        .await;
    rpc::call(&suite.gateway, FIND_OR_CREATE, &token, &good)
        .send()
        .await
        .accepted();
}

async fn attestation_bodies_that_are_too_large(suite: &Suite) {
    const LIMIT: usize = 10 * 1024 * 1024;
    let told = format!("the body is larger than the {LIMIT} bytes that are read here");
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let run = rpc::begin(&suite.gateway, &token, SHOP, RELEASE).await;
    // Field numbers and lengths of the frame and the message around the bundle.
    let around = rpc::frame(0, &rpc::store(&run, &vec![0; LIMIT]).encode_to_vec()).len() - LIMIT;
    let body = |bytes: usize| {
        rpc::frame(
            0,
            &rpc::store(&run, &vec![b'x'; bytes - around]).encode_to_vec(),
        )
    };
    suite.origin.reset().await;
    for bytes in [LIMIT + 1, 2 * LIMIT] {
        let call = rpc::anonymous(&suite.gateway, 0, STORE, body(bytes)).bearer(&token);
        call.clone().send_while_reading().await.refused(8, &told);
        call.clone()
            .chunked()
            .send_while_reading()
            .await
            .refused(8, &told);
    }
    suite
        .origin
        .assert_untouched("bodies that are too large")
        .await;
    // The largest that is read goes on, and the origin has its own opinion of it.
    for chunked in [false, true] {
        suite.origin.reset().await;
        let call = rpc::anonymous(&suite.gateway, 0, STORE, body(LIMIT)).bearer(&token);
        let (ending, _) = if chunked { call.chunked() } else { call }
            .send()
            .await
            .ending();
        assert!(ending.code != 0 && ending.message != told, "{ending:?}");
        let calls = suite.origin.calls().await;
        assert_eq!((calls.len(), &calls[0]["body_len"]), (1, &json!(LIMIT)));
    }
    assert_eq!(suite.origin.run(&run).await["status"], "INITIALIZED");
}

async fn protocols_other_than_grpc_web(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let call = |method: &str, media: Option<&str>| {
        let body = if ["GET", "HEAD"].contains(&method) {
            vec![]
        } else {
            rpc::frame(0, &rpc::names(SHOP, RELEASE))
        };
        let call = suite
            .gateway
            .call(method, INIT)
            .bearer(&token)
            .from("10.9.8.7")
            .body(body);
        media.map_or(call.clone(), |media| call.header("content-type", media))
    };
    suite.origin.reset().await;
    for media in [None, Some("text/plain"), Some("application/x-protobuf")] {
        call("POST", media)
            .send()
            .await
            .problem(415, "unsupported_media_type");
    }
    for media in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc+json",
        "application/grpc-web+json",
    ] {
        let answer = call("POST", Some(media)).send().await;
        assert_eq!(
            (media, answer.status, answer.header("grpc-status")),
            (media, 200, Some("12"))
        );
        assert_eq!(
            answer.header("grpc-message"),
            Some(
                "native gRPC cannot reach this gateway: send gRPC-Web, or call through `postern bridge`"
            ),
            "{media}"
        );
        assert_eq!(
            (answer.header("content-type"), answer.body.len()),
            (Some("application/grpc"), 0),
            "{media}"
        );
    }
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = call(method, None).send().await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("OPTIONS, POST"), "{method}");
        call(method, Some(rpc::BINARY))
            .send()
            .await
            .refused(12, "use POST here");
    }
    suite.origin.assert_untouched("other protocols").await;
}

async fn r33_calls_that_are_not_in_the_table(suite: &Suite) {
    let organization = suite.organization().await;
    let wide = organization.mint(&suite.gateway, &json!({})).await.token;
    let denied = [
        // In the table, but for people whom the origin has signed in.
        "/controlplane.v1.OrganizationService/Update",
        "/controlplane.v1.UserService/ListMemberships",
        "/controlplane.v1.CASBackendService/Delete",
        // In nobody's.
        "/controlplane.v1.AttestationService/Delete",
        "/controlplane.v1.APITokenService/Rotate",
        "/controlplane.v1.",
        "/controlplane.v1.AttestationService",
        "/controlplane.v1.AttestationService/",
        "/controlplane.v1.AttestationService/Init/",
        "/controlplane.v1.AttestationService/init",
        "/controlplane.v1.AttestationService/INIT",
        "/controlplane.v1.attestationservice/Init",
        "/controlplane.v1.AttestationService//Init",
        "/controlplane.v1.AttestationService/Init/Init",
        "/controlplane.v1.AttestationService%2FInit",
        "/controlplane.v1.AttestationService/%49nit",
        "/controlplane.v1.AttestationService/Init%00",
        "/controlplane.v1.AttestationService/Init%20",
        "/controlplane.v1.AttestationService/Init;x",
        "/controlplane.v1.AttestationService/Init?x=1",
        "/controlplane.v1.AttestationService/x/../Init",
        "/controlplane.v1.AttestationService/./Init",
        "/controlplane.v1.AttestationService/x/%2e%2e/Init",
    ];
    // Not even below the prefix: no call of any protocol that this gate knows.
    let nowhere = [
        "//controlplane.v1.AttestationService/Init",
        "/%63ontrolplane.v1.AttestationService/Init",
        "/Controlplane.v1.AttestationService/Init",
        "/x/controlplane.v1.AttestationService/Init",
        "/controlplane.v1%2EAttestationService/Init",
        "/controlplane.v2.AttestationService/Init",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ];
    suite.origin.reset().await;
    for token in [&wide, &suite.keys.admin] {
        for path in denied {
            let answer = rpc::call(&suite.gateway, path, token, &rpc::names(SHOP, RELEASE))
                .send()
                .await;
            assert_eq!(
                (path, answer.header("grpc-status")),
                (path, Some("7")),
                "{}",
                answer.text()
            );
            answer.refused(7, "operation not allowed");
        }
        for path in nowhere {
            let answer = rpc::call(&suite.gateway, path, token, &rpc::names(SHOP, RELEASE))
                .send()
                .await;
            assert_eq!((path, answer.status), (path, 404), "{}", answer.text());
            answer.problem(404, "not_found");
        }
    }
    for path in denied {
        let body = rpc::frame(0, &rpc::names(SHOP, RELEASE));
        rpc::anonymous(&suite.gateway, 0, path, body)
            .send()
            .await
            .refused(16, "JWT token is missing");
    }
    suite
        .origin
        .assert_untouched("calls that are not in the table")
        .await;
}

async fn an_origin_that_is_slow(suite: &Suite) {
    let token = suite
        .organization()
        .await
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let run = rpc::begin(&suite.gateway, &token, SHOP, RELEASE).await;
    suite.origin.delay(Duration::from_secs(PATIENCE * 3)).await;
    let calls = [
        (FIND_OR_CREATE, rpc::names(SHOP, RELEASE)),
        (INIT, rpc::names(SHOP, RELEASE)),
        (STORE, rpc::store(&run, b"{}").encode_to_vec()),
    ];
    for (path, message) in calls {
        let began = Instant::now();
        let answer = rpc::call(&suite.gateway, path, &token, &message)
            .send()
            .await;
        let took = began.elapsed();
        answer.refused(14, UNAVAILABLE);
        assert!(
            took >= Duration::from_millis(PATIENCE * 1000 - 100),
            "gave up after {took:?}"
        );
        assert!(
            took < Duration::from_secs(PATIENCE * 3),
            "gave up after {took:?}"
        );
        let line = suite
            .gateway
            .log_line(answer.header("x-request-id").expect("a request id"))
            .await;
        assert_eq!(
            (&line["outcome"], &line["grpc_status"]),
            (&json!("origin_unavailable"), &json!(14)),
            "{line}"
        );
    }
    suite.origin.delay(Duration::ZERO).await;
    rpc::call(
        &suite.gateway,
        FIND_OR_CREATE,
        &token,
        &rpc::names(SHOP, RELEASE),
    )
    .send()
    .await
    .accepted();
    assert_eq!(suite.origin.run(&run).await["status"], "INITIALIZED");
}

/// One canned answer for every connection; counts them.
struct Canned {
    task: tokio::task::JoinHandle<()>,
    heard: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Canned {
    /// `hold`: say nothing more, and keep the connection open.
    fn serve(listener: TcpListener, answer: String, hold: bool) -> Self {
        let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, hearing) = (answer.clone(), Arc::clone(&hearing));
                tokio::spawn(async move {
                    let mut bytes = vec![0; 65_536];
                    let length = stream.read(&mut bytes).await.unwrap_or(0);
                    let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
                    hearing.lock().expect("nobody panics with it").push(request);
                    let _ = stream.write_all(answer.as_bytes()).await;
                    if hold {
                        tokio::time::sleep(Duration::from_secs(PATIENCE * 5)).await;
                    }
                });
            }
        });
        Self { task, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panics with it").clone()
    }

    async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn answer(head: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A gateway whose origin is ours to play, with a token; the place is free at first.
struct Stage {
    gateway: Gateway,
    organization: Organization,
    token: String,
    place: std::net::SocketAddr,
}

impl Stage {
    async fn set(suite: &Suite) -> Self {
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let place = closed.local_addr().expect("an address");
        drop(closed);
        let serve = Serve::new(&format!("http://{place}"), &suite.keys);
        let gateway = serve
            .set("ORIGIN_TIMEOUT_SECONDS", &PATIENCE.to_string())
            .start()
            .await;
        let organization = Organization::new(&gateway, &suite.keys.admin).await;
        let token = organization
            .mint_for_release(&gateway, "opaque")
            .await
            .token;
        Self {
            gateway,
            organization,
            token,
            place,
        }
    }

    async fn origin(&self, canned: &str, hold: bool) -> Canned {
        Canned::serve(
            TcpListener::bind(self.place)
                .await
                .expect("the port is ours"),
            canned.to_owned(),
            hold,
        )
    }

    async fn call(&self, path: &str) -> Answer {
        rpc::call(&self.gateway, path, &self.token, &rpc::names(SHOP, RELEASE))
            .send()
            .await
    }

    async fn assert_unavailable(&self, what: &str, path: &str) {
        let answer = self.call(path).await;
        assert_eq!(
            (what, answer.header("grpc-status")),
            (what, Some("14")),
            "{path}: {}",
            answer.text()
        );
        answer.refused(14, UNAVAILABLE);
    }
}

const FRAMES: &str = "Content-Type: application/grpc-web+proto";

async fn an_origin_that_is_down_or_none(suite: &Suite) {
    let stage = Stage::set(suite).await;
    for path in [FIND_OR_CREATE, INIT] {
        stage.assert_unavailable("nothing listens", path).await;
    }
    // The gate itself is well: it refuses and mints as before.
    let other = rpc::call(
        &stage.gateway,
        INIT,
        &stage.token,
        &rpc::names(SHOP, "other"),
    )
    .send()
    .await;
    other.refused(
        7,
        "API token is workflow-scoped and cannot create or look up other workflows",
    );
    stage.organization.mint(&stage.gateway, &json!({})).await;

    let rows = [
        (
            "a web page",
            answer("200 OK\r\nContent-Type: text/html", "<h1>hello</h1>"),
            false,
        ),
        (
            "JSON",
            answer("200 OK\r\nContent-Type: application/json", "{}"),
            false,
        ),
        ("no content type", answer("200 OK", "hello"), false),
        ("500", answer("500 Internal Server Error", "oops"), false),
        (
            "502 in gRPC-Web",
            answer(&format!("502 Bad Gateway\r\n{FRAMES}"), ""),
            false,
        ),
        ("404", answer("404 Not Found", ""), false),
        (
            "401 as a page",
            answer("401 Unauthorized\r\nWWW-Authenticate: Basic", "log in"),
            false,
        ),
        ("no HTTP", "hello\r\n\r\n".to_owned(), false),
        ("nothing, then the end", String::new(), false),
        ("nothing, for ever", String::new(), true),
    ];
    for (what, canned, hold) in rows {
        let origin = stage.origin(&canned, hold).await;
        for path in [FIND_OR_CREATE, INIT] {
            stage.assert_unavailable(what, path).await;
        }
        assert!(!origin.heard().is_empty(), "{what}: the gate asked");
        origin.stop().await;
    }
    stage.gateway.stop();
}

/// A redirect is no answer in gRPC-Web; following it would carry the caller's credential to wherever it points.
async fn an_origin_that_points_elsewhere(suite: &Suite) {
    let stage = Stage::set(suite).await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let away = format!(
        "http://{}/elsewhere",
        elsewhere.local_addr().expect("an address")
    );
    let elsewhere = Canned::serve(
        elsewhere,
        answer(&format!("200 OK\r\n{FRAMES}\r\ngrpc-status: 0"), ""),
        false,
    );
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let origin = stage
            .origin(&answer(&format!("{status}\r\nLocation: {away}"), ""), false)
            .await;
        for path in [FIND_OR_CREATE, INIT] {
            let answered = stage.call(path).await;
            assert_eq!(
                elsewhere.heard(),
                Vec::<String>::new(),
                "{status}: the gate went where the origin pointed"
            );
            answered.refused(14, UNAVAILABLE);
        }
        assert!(!origin.heard().is_empty(), "{status}: the gate asked");
        origin.stop().await;
    }
    stage.gateway.stop();
}

/// An Init whose answer teaches no run: the client must not get it (R32).
async fn an_origin_that_breaks_off_its_answer_to_init(suite: &Suite) {
    let stage = Stage::set(suite).await;
    let half = format!("HTTP/1.1 200 OK\r\n{FRAMES}\r\nContent-Length: 100\r\n\r\n\0\0\0");
    let rows = [
        ("nothing", answer(&format!("200 OK\r\n{FRAMES}"), ""), false),
        (
            "no frame",
            answer(&format!("200 OK\r\n{FRAMES}"), "hello"),
            false,
        ),
        (
            "a message without trailers",
            answer(&format!("200 OK\r\n{FRAMES}"), "\0\0\0\0\0"),
            false,
        ),
        ("half an answer", half.clone(), false),
        ("half an answer, and then silence", half, true),
    ];
    for (what, canned, hold) in rows {
        let origin = stage.origin(&canned, hold).await;
        stage.assert_unavailable(what, INIT).await;
        assert!(!origin.heard().is_empty(), "{what}: the gate asked");
        origin.stop().await;
    }
    stage.gateway.stop();
}
