//! The dashboard under a host of its own.

use postern_system_tests::cases;
use postern_system_tests::gateway::Serve;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use serde_json::{Value, json};

use crate::support::{Browsing, READ};

pub fn cases() -> Vec<Case<Browsing>> {
    cases![r45_the_dashboard_has_a_host_of_its_own,]
}

/// Under the dashboard's host there is nothing of the origin's, and nowhere else a dashboard or a session.
async fn r45_the_dashboard_has_a_host_of_its_own(browsing: &Browsing) {
    browsing.answer("200 OK", Some("application/json"), b"{}", &[]);
    let gateway = Serve::new(&browsing.origin.url, &browsing.keys)
        .set("REST_ROUTES", "open")
        .set("SESSION_VERIFY_URL", &browsing.sessions.url)
        .set("DASHBOARD_HOST", "Dash.Example:8443")
        .start()
        .await;
    let organization = Organization::new(&gateway, &browsing.keys.admin).await;
    let token = organization.mint(&gateway, &json!({})).await;
    let person = json!({ "user_id": "kim", "organizations": [{ "name": organization.name, "role": "admin" }] });
    let media = [("content-type", "application/json")];
    browsing
        .sessions
        .answer("200 OK", &media, person.to_string().as_bytes());

    let at = |host: &str, method: &str, path: &str| {
        gateway
            .call(method, path)
            .header("host", host)
            .from("10.9.8.7")
    };
    let session = |host: &str| {
        at(host, "GET", "/org/tokens")
            .header("cookie", "session=kim")
            .header("sec-fetch-site", "same-origin")
            .organization(&organization.name)
            .send()
    };
    let here = "dash.example:8443";
    for path in ["/dashboard", "/dashboard/", "/dashboard/app.js"] {
        let answer = at(here, "GET", path).send().await;
        assert!([200, 308].contains(&answer.status), "{}", answer.text());
        for host in [
            "gate.example",
            "dash.example",
            "127.0.0.1",
            "dash.example.:8443",
        ] {
            at(host, "GET", path).send().await.problem(404, "not_found");
        }
    }
    assert_eq!(session(here).await.status, 200);
    session("gate.example")
        .await
        .problem(401, "credential_missing");
    // Credentials of their own open the gate's routes under every host, and health is told.
    for host in [here, "gate.example"] {
        let call = at(host, "GET", "/org/tokens").bearer(&token.token);
        assert_eq!(call.send().await.status, 200, "{host}");
        assert_eq!(
            at(host, "GET", "/readyz").send().await.status,
            200,
            "{host}"
        );
    }
    browsing.origin.heads();
    for path in ["/infoz", "/statusz", "/discover/sha256:0", READ] {
        let call = || {
            let call = at(here, "GET", path).bearer(&token.token);
            call.header("attestation-workflow", RELEASE)
        };
        call().send().await.problem(404, "not_found");
    }
    let call = rpc::call(
        &gateway,
        FIND_OR_CREATE,
        &token.token,
        &rpc::names(SHOP, RELEASE),
    );
    call.clone()
        .header("host", here)
        .send()
        .await
        .refused(12, "no such route");
    assert_eq!(
        browsing.origin.heads(),
        Vec::<String>::new(),
        "nothing of the origin's is there"
    );
    let answer = at("gate.example", "GET", "/infoz").send().await;
    assert_eq!(answer.json(200), Value::Object(serde_json::Map::default()));
}
