//! Packs a release from what `cargo xtask release` has built: archives, licences, checksums and provenance. Builds
//! nothing, asks nobody, and makes the same bytes of the same parts.

mod archive;
mod content;
mod digest;
mod licences;
mod lock;
mod npm;
mod provenance;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use archive::Files;

type Outcome<T = ()> = Result<T, String>;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where things are. Below `parts` lie `module.json` and `cli.json` (cargo's metadata), `facts.json`, `man/`,
/// `completions/`, `bin/<target>/postern` and `sbom/`.
struct Places {
    root: PathBuf,
    parts: PathBuf,
    out: PathBuf,
}

fn main() -> ExitCode {
    let mut words: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let alone = words
        .pop_if(|word| word.as_os_str() == "--command")
        .is_some();
    let Ok([root, parts, out]) = <[PathBuf; 3]>::try_from(words) else {
        eprintln!("usage: xtask-dist ROOT PARTS OUT [--command]");
        return ExitCode::from(2);
    };
    let places = Places { root, parts, out };
    let packed = match alone {
        true => pack_command(&places),
        false => pack(&places),
    };
    match packed {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn pack(places: &Places) -> Outcome {
    let version = VERSION;
    empty(&places.out)?;
    let module = content::module(places)?;
    write(places, &format!("postern-{version}.tar.gz"), |name| {
        archive::tar_gz(&name, &module)
    })?;
    write(places, &format!("create-postern-{version}.tgz"), |_| {
        archive::tar_gz("package", &npm::package(places, &module)?)
    })?;
    write_commands(places)?;
    let statement = provenance::statement(places, version, &digest::of_folder(&places.out)?)?;
    write(places, &format!("postern-{version}.intoto.json"), |_| {
        Ok(statement)
    })?;
    let sums = digest::sums(&digest::of_folder(&places.out)?);
    write(places, "SHA256SUMS", |_| Ok(sums.into_bytes()))
}

/// The command alone: provenance and checksums are made where all of a release is.
fn pack_command(places: &Places) -> Outcome {
    empty(&places.out)?;
    write_commands(places)
}

fn empty(out: &Path) -> Outcome {
    if out.exists() {
        doing("emptying the folder", fs::remove_dir_all(out))?;
    }
    doing("creating the folder", fs::create_dir_all(out))
}

/// The archives of the command, and the SBOMs that there are.
fn write_commands(places: &Places) -> Outcome {
    for (target, program) in content::programs(places)? {
        let files = content::command_line(places, program)?;
        write(
            places,
            &format!("postern-cli-{VERSION}-{target}.tar.gz"),
            |name| archive::tar_gz(&name, &files),
        )?;
    }
    for (name, bytes) in archive::read_folder(&places.parts.join("sbom"))? {
        write(places, &name, |_| Ok(bytes.bytes))?;
    }
    Ok(())
}

/// Writes an artifact. `make` is given its name without the ending.
fn write(places: &Places, name: &str, make: impl FnOnce(String) -> Outcome<Vec<u8>>) -> Outcome {
    let folder = name.strip_suffix(".tar.gz").unwrap_or(name);
    let bytes = make(folder.to_owned())?;
    doing(name, fs::write(places.out.join(name), bytes))
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    doing(path.display(), fs::read(path))
}

fn read_json(path: &Path) -> Outcome<serde_json::Value> {
    serde_json::from_slice(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

/// Adds what was being done to an I/O error, which never says.
fn doing<T>(what: impl std::fmt::Display, result: std::io::Result<T>) -> Outcome<T> {
    result.map_err(|error| format!("{what}: {error}"))
}

/// Files of a release by their path in it.
type Content = Files;
