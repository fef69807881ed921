//! What a terminal gets: tables of its width, with marks and colours, and no more columns than it has room for.

use std::io::Read as _;
use std::process::Stdio;

use chrono::{TimeDelta, Utc};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

use crate::commands::{page, token};
use crate::gateway::{Gateway, TOKEN, program};
use crate::golden;

/// Runs the program on a terminal of this width.
async fn on_terminal(
    gateway: &Gateway,
    width: u16,
    words: &[&str],
    variables: &[(&str, &str)],
) -> String {
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
    let outer = rustix::pty::openpt(flags).unwrap();
    rustix::pty::grantpt(&outer).unwrap();
    rustix::pty::unlockpt(&outer).unwrap();
    let name = rustix::pty::ptsname(&outer, Vec::new()).unwrap();
    let open = || {
        std::fs::File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
    };
    let inner = open().unwrap();
    let size = Winsize {
        ws_row: 50,
        ws_col: width,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&inner, size).unwrap();
    let mut command = program(words);
    command
        .env("POSTERN_URL", &gateway.url)
        .env("POSTERN_TOKEN", TOKEN)
        .env("LANG", "C.UTF-8")
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(inner.try_clone().unwrap())
        .stderr(inner);
    let reading = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // Its ends of the terminal are the only ones now: reading ends with the program.
        drop(command);
        let mut text = Vec::new();
        let mut outer = std::fs::File::from(outer);
        let mut piece = [0; 4096];
        // A terminal that nobody holds is an error to read (EIO), not an end.
        while let Ok(length @ 1..) = outer.read(&mut piece) {
            text.extend_from_slice(&piece[..length]);
        }
        assert!(child.wait().unwrap().success());
        String::from_utf8(text).unwrap().replace("\r\n", "\n")
    });
    let text = reading.await.unwrap();
    // Progress, which is gone again.
    text.rsplit('\r')
        .next()
        .unwrap()
        .trim_start_matches("\u{1b}[K")
        .to_owned()
}

/// Tokens whose moments are the same from now at any time.
fn tokens() -> Vec<Value> {
    let from_now = |minutes: i64| (Utc::now() + TimeDelta::minutes(minutes)).to_rfc3339();
    let day = 24 * 60;
    let of = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut token = token(name);
        token["created_at"] = from_now(-90 * day - 5).into();
        token["last_used_at"] = from_now(-3 * 60 - 5).into();
        token["expires_at"] = from_now(60 * day + 5).into();
        token["created_by"] = "org-token:pst_7aBcDeFg".into();
        token["creator_name"] = "ci-bootstrap".into();
        change(&mut token);
        token
    };
    vec![
        of("shop-release", &|_| ()),
        of(
            "infra-nightly-jenkins-with-a-rather-long-name-10",
            &|token| {
                token["expires_at"] = from_now(3 * day + 5).into();
            },
        ),
        of("rotated", &|token| {
            token["revoked_at"] = from_now(55).into()
        }),
        of("quarantined", &|token| {
            token["quarantined_at"] = from_now(-60).into();
            (token["project"], token["workflow"]) = (Value::Null, Value::Null);
        }),
        of("\u{6771}\u{4eac}", &|token| {
            (token["expires_at"], token["last_used_at"]) = (Value::Null, Value::Null);
        }),
        of("ended", &|token| {
            token["revoked_at"] = from_now(-120).into()
        }),
    ]
}

#[tokio::test]
async fn a_table_is_as_wide_as_the_terminal() {
    for width in [80, 120, 200] {
        let gateway = Gateway::start(vec![page(&tokens())]).await;
        let words = ["token", "list", "--all"];
        let text = on_terminal(&gateway, width, &words, &[("NO_COLOR", "1")]).await;
        assert!(!text.contains('\u{1b}'), "{text:?}");
        for line in text.lines().filter(|line| !line.starts_with("not shown")) {
            let drawn = unicode_width::UnicodeWidthStr::width(line);
            assert!(drawn <= usize::from(width), "{drawn}: {line}");
        }
        golden::check(&format!("output/terminal-{width}.txt"), &text);
    }
}

#[tokio::test]
async fn a_terminal_gets_colours_and_a_pipe_of_it_none() {
    for (variables, coloured) in [
        (&[][..], true),
        (&[("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ] {
        let gateway = Gateway::start(vec![page(&tokens())]).await;
        let text = on_terminal(&gateway, 120, &["token", "list"], variables).await;
        assert_eq!(
            text.contains("\u{1b}[32m✓ active\u{1b}[0m"),
            coloured,
            "{text:?}"
        );
    }
}

#[tokio::test]
async fn wide_is_whole_on_a_terminal_too() {
    let gateway = Gateway::start(vec![page(&[token("ci")])]).await;
    let variables = [("NO_COLOR", "1")];
    let text = on_terminal(&gateway, 80, &["token", "list", "-o", "wide"], &variables).await;
    for part in [
        "CREATED BY",
        "2026-11-22 01:14:20 UTC",
        "1e217d87-0e6f-4d57-aa1b-616722c1c5d6",
    ] {
        assert!(text.contains(part), "{text}");
    }
}
