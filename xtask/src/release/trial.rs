//! `cargo xtask release --test`: what is in `target/dist`, tried as somebody without Rust would. The folder that
//! `create-postern` lays down runs under `wrangler dev`, and the static command makes a first token there, with which
//! the release's own provenance is attested.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::fail::{Outcome, doing, failed};
use crate::{http, origin, paths, process};

/// The administrator key of `.dev.vars.example`, which a first run locally has.
const ADMINISTRATOR: &str = "only-for-local-trials-only-for-local-trials";

/// Loading wrangler, and a first compilation of the module by workerd.
const START: Duration = Duration::from_secs(120);

/// # Errors
/// If a file is missing or not as released, or a step does not succeed.
pub fn test() -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    let scratch = paths::target().join("release-trial");
    if scratch.exists() {
        doing(
            "emptying the folder of the trial",
            fs::remove_dir_all(&scratch),
        )?;
    }
    doing("creating a folder", fs::create_dir_all(&scratch))?;
    let dist = super::folder();
    let package = dist.join(format!("create-postern-{version}.tgz"));
    let user = User::new(&scratch)?;

    say!("== the package lays the release down");
    user.done(
        &scratch,
        "npm",
        &[
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            "maker",
            &text(&package),
        ],
    )?;
    user.done(
        &scratch,
        "node",
        &["maker/node_modules/create-postern/index.mjs", "gateway"],
    )?;
    let folder = scratch.join("gateway");
    same_as_archive(
        &user,
        &scratch,
        &dist.join(format!("postern-{version}.tar.gz")),
        version,
    )?;

    say!("== npm installs what deploys it");
    user.done(&folder, "npm", &["ci", "--no-audit", "--no-fund"])?;
    say!("== wrangler takes its configuration");
    user.done(
        &folder,
        "wrangler",
        &["deploy", "--dry-run", "--outdir", "uploaded"],
    )?;
    for name in ["index.js", "index_bg.wasm"] {
        if find(&folder.join("uploaded"), name)?.is_none() {
            return Err(failed(format_args!("wrangler would not upload {name}")));
        }
    }
    let postern = user.command_line(&scratch, &dist, version)?;
    refused_by_preflight(&user, &folder, &postern)?;
    let attempt = first_token(
        &user,
        &folder,
        &postern,
        &dist.join(format!("postern-{version}.intoto.json")),
    );
    doing(
        "removing the folder of the trial",
        fs::remove_dir_all(&scratch),
    )?;
    attempt?;
    say!("the release works without Rust: 1 passed, 0 failed");
    Ok(())
}

/// Somebody with Node and no Rust, and a home of their own.
struct User {
    home: PathBuf,
    node: PathBuf,
}

impl User {
    fn new(scratch: &Path) -> Outcome<Self> {
        let home = scratch.join("home");
        doing("creating a home", fs::create_dir_all(&home))?;
        let node = crate::node::node()?;
        let node = node.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { home, node })
    }

    /// A program, found as they would find it; `cargo` is not among what can be found.
    fn command(&self, folder: &Path, program: &str) -> Outcome<Command> {
        let npm = paths::on_path("npm").ok_or_else(|| failed("`npm` is not on PATH"))?;
        let npm = npm.parent().map(Path::to_owned).unwrap_or_default();
        let own = folder.join("node_modules/.bin");
        let all = [
            own,
            self.node.clone(),
            npm,
            "/usr/bin".into(),
            "/bin".into(),
        ];
        if all.iter().any(|folder| folder.join("cargo").is_file()) {
            return Err(failed(
                "cargo is on the PATH of the trial, which is to show that none is needed",
            ));
        }
        let place = all
            .iter()
            .map(|folder| folder.join(program))
            .find(|file| file.is_file());
        let place = place.ok_or_else(|| failed(format_args!("`{program}` is not there")))?;
        let path = doing(
            "making a PATH",
            env::join_paths(&all).map_err(std::io::Error::other),
        )?;
        let mut command = Command::new(place);
        command
            .env_clear()
            .envs(env::vars_os().filter(|(name, _)| {
                // How npm reaches its registry here is the machine's business.
                let name = name.to_string_lossy().to_ascii_lowercase();
                name.starts_with("npm_config_")
                    || name.ends_with("_proxy")
                    || name.starts_with("ssl_")
                    || name.starts_with("node_extra")
            }))
            .env("PATH", path)
            .env("HOME", &self.home)
            .env("CI", "1")
            .env("WRANGLER_SEND_METRICS", "false")
            .current_dir(folder);
        if let Some(config) = env::var_os("HOME").map(|home| Path::new(&home).join(".npmrc")) {
            command.env("npm_config_userconfig", config);
        }
        Ok(command)
    }

    fn done(&self, folder: &Path, program: &str, words: &[&str]) -> Outcome {
        let what = format!("`{program} {}`", words.join(" "));
        process::quiet(&what, self.command(folder, program)?.args(words))
    }

    /// The static command, out of its archive.
    fn command_line(&self, scratch: &Path, dist: &Path, version: &str) -> Outcome<PathBuf> {
        let start = format!("postern-cli-{version}-");
        let archive = fs::read_dir(dist)
            .ok()
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let mut archive = archive.filter(|path| text(path).contains(&start));
        let archive = archive
            .next()
            .ok_or_else(|| failed("target/dist has no archive of the command"))?;
        self.done(scratch, "tar", &["-xzf", &text(&archive)])?;
        find(scratch, "postern")?.ok_or_else(|| failed("the archive has no `postern`"))
    }
}

/// The two ways to the folder lead to the same one.
fn same_as_archive(user: &User, scratch: &Path, archive: &Path, version: &str) -> Outcome {
    user.done(scratch, "tar", &["-xzf", &text(archive)])?;
    let unpacked = scratch.join(format!("postern-{version}"));
    user.done(
        &unpacked,
        "sha256sum",
        &["--quiet", "--check", "SHA256SUMS"],
    )?;
    user.done(scratch, "diff", &["-r", &text(&unpacked), "gateway"])
}

fn refused_by_preflight(user: &User, folder: &Path, postern: &Path) -> Outcome {
    say!("== its placeholders are refused");
    let mut check = user.command(folder, "env")?;
    match process::read(check.arg(postern).arg("preflight")) {
        Ok(_) => Err(failed("`postern preflight` lets placeholders pass")),
        Err(told) if told.message.contains("ORIGIN_URL leads to this machine") => Ok(()),
        Err(other) => Err(other),
    }
}

/// `wrangler dev`, the quick start, and an attestation of the provenance, at the sample origin.
fn first_token(user: &User, folder: &Path, postern: &Path, provenance: &Path) -> Outcome {
    say!("== it runs on this machine");
    let (port, origin_port) = (free_port()?, free_port()?);
    let (_origin, _) = origin::start(origin_port, &[])?;
    doing(
        "copying the local secrets",
        fs::copy(folder.join(".dev.vars.example"), folder.join(".dev.vars")),
    )?;
    user.done(
        folder,
        "wrangler",
        &["d1", "migrations", "apply", "DB", "--local"],
    )?;
    let mut dev = user.command(folder, "wrangler")?;
    dev.args(["dev", "--port", &port.to_string(), "--inspector-port", "0"])
        .args([
            "--var",
            &format!("ORIGIN_URL:http://127.0.0.1:{origin_port}"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut dev = process::spawn(&mut dev)?;
    ready(port, &mut dev)?;

    say!("== a first token, and a call with it");
    let ask = |words: &[&str]| -> Outcome<String> {
        let mut ask = user.command(folder, "env")?;
        ask.arg(postern)
            .args(words)
            .env("POSTERN_URL", format!("http://127.0.0.1:{port}"))
            .env("POSTERN_TOKEN", ADMINISTRATOR)
            .env("POSTERN_ORGANIZATION", "acme");
        process::read(&mut ask)
    };
    ask(&["org", "create", "acme"])?;
    ask(&["project", "create", "shop"])?;
    ask(&["workflow", "create", "release", "--project", "shop"])?;
    let words = [
        "api-token",
        "create",
        "--name",
        "first",
        "--project",
        "shop",
        "--workflow",
        "release",
        "-o",
        "token",
    ];
    let token = ask(&words)?;
    ask(&["doctor"])?;
    let mut attest = Command::new(paths::target().join("debug/attest"));
    attest
        .args([
            "--gateway",
            &format!("http://127.0.0.1:{port}"),
            "--project",
            "shop",
            "--workflow",
            "release",
        ])
        .arg("--file")
        .arg(provenance)
        .env("POSTERN_TOKEN", token);
    let stored = process::read(&mut attest)?;
    match stored.contains("stored sha256:") {
        true => say!("{stored}"),
        false => return Err(failed(format_args!("nothing was stored: {stored}"))),
    }
    process::end(&[i32::try_from(dev.id()).unwrap_or_default()]);
    process::wait(&mut dev).map(drop)
}

fn ready(port: u16, dev: &mut Child) -> Outcome {
    let began = Instant::now();
    let mut last = "it does not listen".to_owned();
    while began.elapsed() < START {
        match http::get(port, "/readyz", &[]) {
            Ok(answer) if answer.status == 200 => return Ok(()),
            Ok(answer) => last = format!("{} {}", answer.status, answer.body),
            Err(failure) => last = failure.message,
        }
        if !matches!(dev.try_wait(), Ok(None)) {
            return Err(failed(
                "`wrangler dev` ended; run it in a folder with the release to see why",
            ));
        }
        thread::sleep(Duration::from_millis(500));
    }
    Err(failed(format_args!(
        "`wrangler dev` was not ready within {} s: {last}",
        START.as_secs()
    )))
}

fn free_port() -> Outcome<u16> {
    let listener = doing("finding a free port", TcpListener::bind(("127.0.0.1", 0)))?;
    doing("finding a free port", listener.local_addr()).map(|address| address.port())
}

/// The file of this name below a folder, `node_modules` left out.
fn find(folder: &Path, name: &str) -> Outcome<Option<PathBuf>> {
    for entry in doing(folder.display(), fs::read_dir(folder))? {
        let path = doing(folder.display(), entry)?.path();
        let own = path.file_name().unwrap_or_default();
        if path.is_file() && (own == name || own.to_string_lossy().ends_with(&format!("-{name}"))) {
            return Ok(Some(path));
        }
        if path.is_dir()
            && own != "node_modules"
            && let Some(found) = find(&path, name)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
