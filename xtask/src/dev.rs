//! `cargo xtask dev`: the gateway, a sample origin and the dashboard on this machine, with something to try at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::args::Serve;
use crate::build::Purpose;
use crate::fail::{Failure, Outcome, doing, failed};
use crate::{ends, http, origin, paths, secret, serve};

pub fn run(port: u16, origin_port: u16, state: Option<PathBuf>) -> Outcome {
    ends::stop_is_success();
    for (name, port) in [("--port", port), ("--origin-port", origin_port)] {
        serve::require_free(port).map_err(|failure| suggest(name, failure))?;
    }
    let home = state.unwrap_or_else(|| paths::root().join(".postern/dev"));
    let (mut origin, _) = origin::start(origin_port, &[])?;
    let key = secret::random()?;
    let request = request(port, origin_port, &home, &key)?;
    let (mut gateway, _) = serve::start(&request, Purpose::Development)?;
    furnish(port, &key)?;
    let session = secret::random()?;
    sign_in(origin_port, &session)?;
    say!("{}", welcome(port, origin_port, &key, &session));
    loop {
        thread::sleep(Duration::from_millis(200));
        if let Some(failure) = gateway.ended().or_else(|| origin.ended()) {
            return Err(failure);
        }
    }
}

fn request(port: u16, origin_port: u16, home: &Path, key: &str) -> Outcome<Serve> {
    doing(
        format_args!("creating {}", home.display()),
        fs::create_dir_all(home),
    )?;
    let token_keys = secret::kept(&home.join("keys"), || {
        Ok(format!("dev:{}", secret::random()?))
    })?;
    let set = vec![
        ("ADMIN_TOKEN".to_owned(), key.to_owned()),
        ("TOKEN_KEYS".to_owned(), token_keys),
        (
            "SESSION_VERIFY_URL".to_owned(),
            format!("http://127.0.0.1:{origin_port}/session"),
        ),
    ];
    let origin = format!("http://127.0.0.1:{origin_port}");
    Ok(Serve {
        port,
        origin,
        state: home.join("state"),
        set,
        isolates: 1,
        brake: Some(20),
        modules: Vec::new(),
        ledgers: None,
    })
}

/// Makes what the three commands name. The gateway's own interface is the only way in, here as elsewhere.
fn furnish(port: u16, key: &str) -> Outcome {
    let authorization = format!("Bearer {key}");
    let as_admin = [("Authorization", authorization.as_str())];
    let in_demo = [
        ("Authorization", authorization.as_str()),
        ("Postern-Organization", "demo"),
    ];
    create(port, "/orgs", &as_admin, "demo")?;
    create(port, "/org/projects", &in_demo, "shop")?;
    create(port, "/org/projects/shop/workflows", &in_demo, "release")
}

/// A browser session that the sample origin knows, of a person who administers `demo`.
fn sign_in(origin_port: u16, session: &str) -> Outcome {
    let body = format!(
        r#"{{"cookie":"session={session}","user_id":"demo-admin","organizations":[{{"name":"demo","role":"admin"}}]}}"#
    );
    post(origin_port, "/debug/sessions", &[], &body)
}

/// Creates an entry of this name, unless an earlier run did.
fn create(port: u16, path: &str, headers: &[(&str, &str)], name: &str) -> Outcome {
    let list = http::get(port, path, headers)?;
    if list.status == 200 && list.body.contains(&format!(r#""name":"{name}""#)) {
        return Ok(());
    }
    post(port, path, headers, &format!(r#"{{"name":"{name}"}}"#))
}

fn post(port: u16, path: &str, headers: &[(&str, &str)], body: &str) -> Outcome {
    let answer = http::post(port, path, headers, body)?;
    match answer.status {
        200 | 201 => Ok(()),
        status => Err(failed(format_args!(
            "port {port} answered {status} to POST {path} {body}: {}",
            answer.body
        ))),
    }
}

fn suggest(option: &str, failure: Failure) -> Failure {
    Failure {
        message: format!("{}; choose another with {option}", failure.message),
        ..failure
    }
}

fn welcome(port: u16, origin_port: u16, key: &str, session: &str) -> String {
    let gateway = format!("http://127.0.0.1:{port}");
    let [mint, attest, revoke] = commands(&gateway, key);
    format!(
        "
gateway        {gateway}
dashboard      {gateway}/dashboard/
sample origin  http://127.0.0.1:{origin_port}
administrator  {key}   (for this run)
a session      Cookie: session={session}   (for this run; administers demo)

Try it, in another terminal:

1. Create a token that may attest one workflow:

{mint}

2. Attest this build with it (once more after step 3: refused):

{attest}

3. Revoke it:

{revoke}

Ctrl-C stops everything.
"
    )
}

/// To be pasted in this order into one shell. They need curl and sed, no JSON tool; what is printed stays readable.
fn commands(gateway: &str, key: &str) -> [String; 3] {
    let who = format!("-H 'Authorization: Bearer {key}' -H 'Postern-Organization: demo'");
    let mint = format!(
        "ANSWER=$(curl -sS {gateway}/org/tokens {who} -H 'Content-Type: application/json' \
         -d '{{\"project\":\"shop\",\"workflow\":\"release\"}}'); printf '%s\\n' \"$ANSWER\"; \
         TOKEN_ID=$(printf '%s' \"$ANSWER\" | sed -E 's/^[^:]*\"id\": *\"([^\"]*)\".*/\\1/'); \
         export POSTERN_TOKEN=$(printf '%s' \"$ANSWER\" | sed -E 's/.*\"token\": *\"([^\"]*)\".*/\\1/')"
    );
    let attest = format!(
        "(cd '{}' && cargo xtask attest --gateway {gateway} --project shop --workflow release)",
        paths::root().display()
    );
    let revoke = format!("curl -sS -X DELETE {gateway}/org/tokens/$TOKEN_ID {who}");
    [mint, attest, revoke]
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The mint command in a real shell, with `curl` replaced by what the gateway would answer.
    #[test]
    fn the_mint_command_finds_id_and_token() {
        let answer = r#"{"id":"0198-a","name":"n","format":"opaque","token":"pst_x-Y_z","prefix":"pst_x",
            "organization":{"id":"o-1","name":"demo"},"project":{"id":"p-1","name":"shop"}}"#;
        let [mint, _, _] = commands("http://127.0.0.1:1", "key");
        let script = format!(
            "curl() {{ printf '%s' '{}'; }}; {mint}; printf '%s %s' \"$TOKEN_ID\" \"$POSTERN_TOKEN\"",
            answer.replace('\n', "")
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .output()
            .expect("sh runs");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(printed.ends_with("\n0198-a pst_x-Y_z"), "{printed}");
    }
}
