//! The control plane's plain HTTP, and what tests find under `/debug`.

use postern_origin::strict::{NewToken, Role};
use serde_json::{Value, json};

use super::support::Plane;

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn metrics_ask_for_no_row() {
    let plane = Plane::start().await;
    let token = plane.token("wide", None, None);
    let authorization = bearer(&token.jwt);
    let headers = [("authorization", authorization.as_str())];
    let check =
        |(status, _, body): (axum::http::StatusCode, String, String), code: u16, said: &str| {
            assert_eq!(status, code, "{body}");
            assert!(body.starts_with(said), "{body}");
        };
    let path = "/prom/acme/metrics";
    check(plane.get(path, &[]).await, 401, "JWT token is missing\n");
    check(
        plane.get(path, &[("authorization", "Bearer x")]).await,
        401,
        "invalid token\n",
    );
    let other = "Organization [acme] on API Token does not match the organization in the request\n";
    check(plane.get("/prom/rival/metrics", &headers).await, 400, other);
    let none = "Organization does not have a Prometheus integration activated\n";
    check(plane.get(path, &headers).await, 404, none);
    plane.strict.with_metrics("acme").unwrap();
    check(
        plane.get(path, &headers).await,
        200,
        "# TYPE sample_runs_total counter\n",
    );
    // The gap of the release that this emulates: a revoked token still reads them.
    plane.strict.revoke(token.id).unwrap();
    check(plane.get(path, &headers).await, 200, "# TYPE");
    plane.stop().await;
}

#[tokio::test]
async fn downloads_are_for_people() {
    let plane = Plane::start().await;
    let (wide, owner) = (plane.wide("wide"), plane.user(Role::Owner));
    let run = plane.begin(&wide, "shop", "release").await;
    let made = postern_origin::attestation::attest("f", b"x")
        .unwrap()
        .bundle;
    plane
        .attestation(&wide)
        .store(crate::support::bundle(&run, &made))
        .await
        .unwrap();
    let path = format!("/download/sha256:{}", postern_origin::sha256_hex(b"x"));
    let (status, to, _) = plane.get(&path, &[]).await;
    let login = format!("/auth/login?callback={}", path.replace(':', "%3A"));
    assert_eq!((status.as_u16(), to), (307, login));
    let (status, _, body) = plane.get(&path, &[("authorization", &bearer(&wide))]).await;
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status.as_u16(), &said["message"]),
        (403, &json!("operation not allowed"))
    );
    for (path, headers) in [
        (path.clone(), vec![("authorization", bearer(&owner))]),
        (format!("{path}?t={owner}"), vec![]),
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let (status, to, _) = plane.get(&path, &headers).await;
        assert_eq!(status, 302);
        assert!(
            to.starts_with(&format!("{}/download/sha256:", plane.store)),
            "{to}"
        );
    }
    // What came in is shown without a bearer.
    let calls = crate::support::send(&plane.url, "GET", "/debug/calls", &[], Vec::new()).await;
    let calls = String::from_utf8(calls.body.to_vec()).unwrap();
    assert!(!calls.contains(&owner) && !calls.contains(&wide));
    let hash = postern_origin::sha256_hex(owner.as_bytes());
    assert!(
        calls.contains(&format!("\"query\":\"t_sha256={hash}\"")),
        "{calls}"
    );
    plane.stop().await;
}

#[tokio::test]
async fn signing_in() {
    let plane = Plane::start().await;
    plane.user(Role::Owner);
    let back = "http://localhost:7000/cli?x=1";
    let login = "/auth/login?callback=http%3A%2F%2Flocalhost%3A7000%2Fcli%3Fx%3D1&email=owner%40example.com";
    let answer = crate::support::send(&plane.url, "GET", login, &[], Vec::new()).await;
    assert_eq!(answer.status, 302);
    let cookies: Vec<_> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| {
            cookie
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    let cookies = cookies.join("; ");
    let callback = answer.headers["location"].to_str().unwrap().to_owned();
    let (status, to, _) = plane.get(&callback, &[("cookie", &cookies)]).await;
    assert_eq!(status, 302);
    let token = to.strip_prefix(&format!("{back}&t=")).unwrap();
    let claims = super::support::claims(token);
    assert_eq!(claims["aud"], json!(["user-auth.chainloop"]));

    let (status, _, body) = plane.get(&callback, &[]).await;
    let expired = "the authentication process has expired, please try again\n";
    assert_eq!((status.as_u16(), &*body), (401, expired));
    let other = callback.replace("state=", "state=0");
    let (status, _, body) = plane.get(&other, &[("cookie", &cookies)]).await;
    let invalid = "the authentication was invalid, please try again\n";
    assert_eq!((status.as_u16(), &*body), (401, invalid));
    let (status, _, body) = plane
        .get("/auth/login?callback=https://evil.example/", &[])
        .await;
    assert_eq!((status.as_u16(), &*body), (400, "invalid callback URL\n"));
    plane.stop().await;
}

#[tokio::test]
async fn what_is_open_and_what_is_not_there() {
    let plane = Plane::start().await;
    for (path, status) in [
        ("/infoz", 200),
        ("/statusz", 200),
        ("/openapi.yaml", 200),
        ("/v1/runs", 404),
        ("/controlplane.v1.StatusService/Infoz", 404),
    ] {
        assert_eq!(plane.get(path, &[]).await.0, status, "{path}");
    }
    let discover = format!("/discover/sha256:{}", postern_origin::sha256_hex(b"x"));
    let (status, _, body) = plane.get(&discover, &[]).await;
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status.as_u16(), &said["message"]),
        (401, &json!("JWT token is missing"))
    );
    let (status, _, _) = plane
        .get(&discover, &[("authorization", &bearer(&plane.wide("ci")))])
        .await;
    assert_eq!(status, 404);
    plane.stop().await;
}

#[tokio::test]
async fn what_tests_can_make() {
    let plane = Plane::start().await;
    let (status, _) = plane
        .debug("organizations", &json!({"name": "rival"}))
        .await;
    assert_eq!(status, 200);
    let token = json!({"organization": "rival", "name": "ci", "project": "p", "workflow": "w", "expires_in_s": 60});
    let (status, made) = plane.debug("tokens", &token).await;
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(status, 200);
    let jwt = made["jwt"].as_str().unwrap();
    let claims = super::support::claims(jwt);
    assert_eq!(
        (&claims["org_name"], &claims["workflow_name"]),
        (&json!("rival"), &json!("w"))
    );
    plane.begin(jwt, "p", "w").await;
    let runs = crate::support::send(&plane.url, "GET", "/debug/runs", &[], Vec::new()).await;
    let runs: Value = serde_json::from_slice(&runs.body).unwrap();
    assert_eq!(runs[0]["organization"], "rival");

    let (status, body) = plane.debug("tokens", &token).await;
    assert_eq!(
        (status.as_u16(), &*body),
        (409, "duplicated: name already taken\n")
    );
    let (status, _) = plane.debug("revoke", &json!({"id": made["id"]})).await;
    assert_eq!(status, 200);
    let (status, body) = plane
        .debug(
            "suspend",
            &json!({"organization": "none", "suspended": true}),
        )
        .await;
    let none = "no organization is named `none`: make it first\n";
    assert_eq!((status.as_u16(), &*body), (409, none));
    let (status, _) = plane
        .debug(
            "users",
            &json!({"organization": "rival", "email": "a@b", "role": "x"}),
        )
        .await;
    assert_eq!(status, 409);
    assert_eq!(plane.debug("users", &json!({})).await.0, 400);
    for (path, asked) in [
        (
            "users",
            json!({"organization": "rival", "email": "a@b", "role": "owner"}),
        ),
        (
            "suspend",
            json!({"organization": "rival", "suspended": true}),
        ),
        ("metrics", json!({"organization": "rival"})),
        ("falsify", json!({"digest": "00", "wrong": "cut_off"})),
        ("falsify", json!({"digest": "00", "wrong": null})),
        ("retire-key", json!({})),
    ] {
        assert_eq!(plane.debug(path, &asked).await.0, 200, "{path}");
    }
    let loose = NewToken {
        name: "loose".to_owned(),
        workflow: Some("w".to_owned()),
        ..NewToken::default()
    };
    let refused = plane
        .strict
        .api_token("acme", &loose)
        .unwrap_err()
        .to_string();
    assert_eq!(
        refused,
        "validation error: workflow scope requires a project scope"
    );
    plane.stop().await;
}
