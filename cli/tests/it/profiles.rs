//! Profiles of the configuration file: which gateway and credential a command uses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use crate::commands::page;
use crate::gateway::{Gateway, Output, program};
use crate::golden;

fn home(text: &str) -> TempDir {
    let home = TempDir::new().unwrap();
    let folder = home.path().join(".config/postern");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.toml");
    fs::write(&file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    home
}

async fn run(home: &TempDir, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = program(words);
    command
        .env("HOME", home.path())
        .envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    Output {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_profile_is_chosen_by_flag_or_variable() {
    let (staging, production) = (
        Gateway::start(vec![page(&[]); 4]).await,
        Gateway::start(vec![page(&[]); 2]).await,
    );
    let home = home(&format!(
        "url = \"{}\"\ntoken = \"unnamed\"\n[profile.staging]\nurl = \"{}\"\ntoken = \"of-staging\"\norganization = \"acme\"\n",
        production.url, staging.url
    ));
    let list = ["token", "list"];
    let before = ["--profile", "staging", "token", "list"];
    let after = ["token", "list", "--profile", "staging"];
    for (words, variables, of_staging) in [
        (&list[..], &[][..], false),
        (&before, &[], true),
        (&after, &[], true),
        (&list, &[("POSTERN_PROFILE", "staging")], true),
        // A flag counts before variables.
        (
            &before,
            &[
                ("POSTERN_TOKEN", "variable"),
                ("POSTERN_URL", "http://127.0.0.1:1"),
            ],
            true,
        ),
        (&list, &[("POSTERN_PROFILE", " ")], false),
    ] {
        let output = run(&home, words, variables).await;
        assert_eq!(output.code, 0, "{words:?} {variables:?}: {}", output.stderr);
        let gateway = if of_staging { &staging } else { &production };
        let came = gateway.came.lock().unwrap();
        let headers = &came.last().unwrap().headers;
        let (token, organization) = match of_staging {
            true => ("Bearer of-staging", Some("acme")),
            false => ("Bearer unnamed", None),
        };
        assert_eq!(headers["authorization"], token);
        let named = headers
            .get("postern-organization")
            .map(|name| name.to_str().unwrap());
        assert_eq!(named, organization);
    }
    assert_eq!((staging.asked().len(), production.asked().len()), (4, 2));
}

#[tokio::test]
async fn no_credential_of_another_gateway_fills_a_gap() {
    let gateway = Gateway::start(vec![page(&[]); 3]).await;
    let home = home(&format!(
        "url = \"http://127.0.0.1:1\"\ntoken = \"unnamed\"\n[profile.bare]\nurl = \"{}\"\n",
        gateway.url
    ));
    let of_production = [
        ("POSTERN_TOKEN", "production"),
        ("POSTERN_HEADERS", "X-Production:secret"),
        ("POSTERN_ORGANIZATION", "production"),
    ];
    let chosen = [("POSTERN_PROFILE", "bare")];
    let named = ["--profile", "bare", "token", "list"];
    let note = "note: POSTERN_TOKEN is not sent to the gateway of a profile\n";
    for (words, variables, told) in [
        (&named[..], vec![], ""),
        (&named, of_production.to_vec(), note),
        (
            &["token", "list"],
            [&chosen[..], &of_production].concat(),
            note,
        ),
    ] {
        let output = run(&home, words, &variables).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert!(output.stderr.starts_with(told), "{}", output.stderr);
        let came = gateway.came.lock().unwrap();
        for name in ["authorization", "x-production", "postern-organization"] {
            let sent = came.last().unwrap().headers.contains_key(name);
            assert!(!sent, "{words:?} {variables:?}: {name}");
        }
    }
}

#[tokio::test]
async fn profiles_are_listed_without_their_credentials() {
    let home = home(
        "url = \"https://gate.example\"\ntoken = \"secret-1\"\n[profile.staging]\nurl = \"https://staging.example\"\n\
         token = \"secret-2\"\norganization = \"acme\"\n[profile.bare]\nurl = \"https://bare.example\"\n",
    );
    let output = run(
        &home,
        &["profile", "list"],
        &[("POSTERN_PROFILE", "staging")],
    )
    .await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert!(!output.stdout.contains("secret"), "{}", output.stdout);
    golden::check("output/profile-list.txt", &output.stdout);
    let output = run(&home, &["profile", "list", "-o", "json"], &[]).await;
    assert!(!output.stdout.contains("secret"), "{}", output.stdout);
    for words in [
        &["--profile", "stagign", "token", "list"][..],
        &["--profile", "stagign", "profile", "list"],
    ] {
        let output = run(&home, words, &[]).await;
        assert_eq!(output.code, 3);
        let told = "postern: the configuration file has no profile `stagign`\n  hint: did you mean `staging`?\n";
        assert_eq!(output.stderr, told);
    }
}
