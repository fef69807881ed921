//! What the module and the command are made of, in CycloneDX, by the tool of that project for cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fail::{Outcome, doing, failed};
use crate::release::program::Program;
use crate::{cache, cargo, paths, process, wasm_std};

/// Makes the documents. Raise it when a newer one is wanted.
const TOOL: (&str, &str) = ("cargo-cyclonedx", "0.5.9");
const SPECIFICATION: &str = "1.5";

/// No moment of its own and no random serial number, so that the documents are the same each time.
const EPOCH: &str = "0";

/// Writes `postern.cdx.json` and `postern-cli.cdx.json`.
pub fn write(folder: &Path, programs: &[Program]) -> Outcome {
    let tool = tool()?;
    doing("creating a folder", fs::create_dir_all(folder))?;
    describe(&tool, wasm_std::TARGET, paths::root(), "postern", folder)?;
    for program in programs {
        describe_command(&tool, program, "postern-cli", folder)?;
    }
    Ok(())
}

/// Writes `postern-cli-<target>.cdx.json`: beside the release's own, which is for another target.
pub fn of_command(folder: &Path, programs: &[Program]) -> Outcome {
    let tool = tool()?;
    doing("creating a folder", fs::create_dir_all(folder))?;
    for program in programs {
        let name = format!("postern-cli-{}", program.target);
        describe_command(&tool, program, &name, folder)?;
    }
    Ok(())
}

fn describe_command(tool: &Path, program: &Program, name: &str, folder: &Path) -> Outcome {
    let package = paths::root().join("cli");
    describe(tool, &program.target, &package, name, folder)
}

/// The tool writes a file beside the manifest of each package of the workspace; one is kept.
fn describe(tool: &Path, target: &str, package: &Path, name: &str, folder: &Path) -> Outcome {
    const FILE: &str = "sbom-of-release";
    let mut describe = cargo::clean(tool);
    describe
        .args([
            "cyclonedx",
            "--format",
            "json",
            "--spec-version",
            SPECIFICATION,
        ])
        .args(["--target", target, "--override-filename", FILE])
        .args([
            "--manifest-path".as_ref(),
            package.join("Cargo.toml").as_os_str(),
        ])
        .env("SOURCE_DATE_EPOCH", EPOCH)
        .env("CARGO", cargo::program()?);
    let described = process::quiet("cargo-cyclonedx", &mut describe);
    let kept = described.and_then(|()| {
        let from = package.join(format!("{FILE}.json"));
        let text = doing(
            format_args!("reading {}", from.display()),
            fs::read_to_string(&from),
        )?;
        // Paths of this machine say nothing to others.
        let root = paths::root().to_string_lossy();
        let text = text.replace(&*root, "/postern");
        let to = folder.join(format!("{name}.cdx.json"));
        doing(
            format_args!("writing {}", to.display()),
            fs::write(&to, text),
        )
    });
    remove(paths::root(), &format!("{FILE}.json"))?;
    kept
}

/// Removes what the tool left beside the manifests.
fn remove(folder: &Path, name: &str) -> Outcome {
    for entry in doing("listing the checkout", fs::read_dir(folder))? {
        let path = doing("listing the checkout", entry)?.path();
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        let is_folder = path.is_dir() && !path.is_symlink();
        if is_folder && !own.starts_with('.') && own != "target" && own != "node_modules" {
            remove(&path, name)?;
        } else if own == name {
            doing("removing a file", fs::remove_file(&path))?;
        }
    }
    Ok(())
}

fn tool() -> Outcome<PathBuf> {
    let (package, version) = TOOL;
    let folder = cache::once(&format!("{package}-{version}"), |partial| {
        note!("cargo install: {package}, which lists what a program is made of (1 to 2 min) ...");
        let mut install: Command = cargo::host()?;
        install
            .args(["install", "--locked", "--quiet", "--debug", package])
            .args(["--version", version, "--root"])
            .arg(partial)
            .env("CARGO_TARGET_DIR", partial.join("target"));
        process::quiet("cargo install", &mut install)?;
        doing(
            "removing the build folder",
            fs::remove_dir_all(partial.join("target")),
        )
    })?;
    let program = folder.join("bin").join(package);
    match program.is_file() {
        true => Ok(program),
        false => Err(failed(format_args!("{} is not there", program.display()))),
    }
}
