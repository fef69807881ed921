//! `cargo xtask dev`: the gateway, a sample origin and the dashboard on this machine, with something to try at once.

mod ci;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::args::{Dev, Serve};
use crate::build::Purpose;
use crate::fail::{Failure, Outcome, doing, failed};
use crate::{ends, http, issuer, origin, paths, secret, serve};

pub fn run(dev: &Dev) -> Outcome {
    ends::stop_is_success();
    let (port, origin_port) = (dev.port, dev.origin_port);
    let ports = [
        ("--port", Some(port)),
        ("--origin-port", Some(origin_port)),
        ("--issuer-port", dev.issuer_port),
    ];
    for (name, port) in ports {
        let free = port.map_or(Ok(()), serve::require_free);
        free.map_err(|failure| suggest(name, failure))?;
    }
    let in_checkout = || paths::root().join(".postern/dev");
    let home = dev.state.clone().unwrap_or_else(in_checkout);
    let (mut origin, _) = origin::start(origin_port, &[])?;
    let mut issuer = dev.issuer_port.map(issuer::start).transpose()?;
    let key = secret::random()?;
    let request = request(dev, &home, &key)?;
    let (mut gateway, _) = serve::start(&request, Purpose::Development)?;
    furnish(port, &key)?;
    let session = secret::random()?;
    sign_in(origin_port, &session)?;
    let jobs = match dev.issuer_port {
        None => String::new(),
        Some(issuer_port) => {
            ci::trust(port, issuer_port, &key)?;
            ci::welcome(port, issuer_port)
        }
    };
    say!("{}", welcome(port, origin_port, &key, &session, &jobs));
    loop {
        thread::sleep(Duration::from_millis(200));
        let issuer = issuer.as_mut().and_then(|(issuer, _)| issuer.ended());
        if let Some(failure) = gateway.ended().or_else(|| origin.ended()).or(issuer) {
            return Err(failure);
        }
    }
}

fn request(dev: &Dev, home: &Path, key: &str) -> Outcome<Serve> {
    let (port, origin_port) = (dev.port, dev.origin_port);
    doing(
        format_args!("creating {}", home.display()),
        fs::create_dir_all(home),
    )?;
    let token_keys = secret::kept(&home.join("keys"), || {
        Ok(format!("dev:{}", secret::random()?))
    })?;
    let mut set = vec![
        ("ADMIN_TOKEN".to_owned(), key.to_owned()),
        ("TOKEN_KEYS".to_owned(), token_keys),
        (
            "SESSION_VERIFY_URL".to_owned(),
            format!("http://127.0.0.1:{origin_port}/session"),
        ),
    ];
    if let Some(issuer_port) = dev.issuer_port {
        set.extend(ci::variables(port, issuer_port));
    }
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
    let in_demo = in_demo(&authorization);
    create(port, "/orgs", &as_admin, "demo")?;
    create(port, "/org/projects", &in_demo, "shop")?;
    create(port, "/org/projects/shop/workflows", &in_demo, "release")
}

/// As the administrator, about `demo`.
fn in_demo(authorization: &str) -> [(&str, &str); 2] {
    [
        ("Authorization", authorization),
        ("Postern-Organization", "demo"),
    ]
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
    send("POST", port, path, headers, body)
}

/// A request that must go well.
fn send(method: &str, port: u16, path: &str, headers: &[(&str, &str)], body: &str) -> Outcome {
    let answer = http::send(method, port, path, headers, body)?;
    match answer.status {
        200 | 201 => Ok(()),
        status => Err(failed(format_args!(
            "port {port} answered {status} to {method} {path} {body}: {}",
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

fn welcome(port: u16, origin_port: u16, key: &str, session: &str, jobs: &str) -> String {
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
{jobs}
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
    let attest = attesting(gateway);
    let revoke = format!("curl -sS -X DELETE {gateway}/org/tokens/$TOKEN_ID {who}");
    [mint, attest, revoke]
}

/// One attestation with the token in POSTERN_TOKEN.
fn attesting(gateway: &str) -> String {
    format!(
        "(cd '{}' && cargo xtask attest --gateway {gateway} --project shop --workflow release)",
        paths::root().display()
    )
}

/// What a pasted command leaves in a real shell, with `curl` replaced by this body of a function.
#[cfg(test)]
fn pasted(curl: &str, command: &str, left: &str) -> String {
    let script = format!("curl() {{ {curl}; }}; {command}; printf '\\n%s' \"{left}\"");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("sh runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_mint_command_finds_id_and_token() {
        let answer = r#"{"id":"0198-a","name":"n","format":"opaque","token":"pst_x-Y_z","prefix":"pst_x",
            "organization":{"id":"o-1","name":"demo"},"project":{"id":"p-1","name":"shop"}}"#;
        let [mint, _, _] = commands("http://127.0.0.1:1", "key");
        let curl = format!("printf '%s' '{}'", answer.replace('\n', ""));
        let printed = pasted(&curl, &mint, "$TOKEN_ID $POSTERN_TOKEN");
        assert!(printed.ends_with("\n0198-a pst_x-Y_z"), "{printed}");
    }
}
