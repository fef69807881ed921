//! What goes into a release beside the programs: man pages, completions, cargo's metadata for the list of licences, and
//! the facts that the provenance names.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fail::{Outcome, doing, failed};
use crate::release::program::Program;
use crate::{cargo, json, paths, process, wasm_std};

/// The shells, and what each calls a file of completions.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "postern.bash"),
    ("zsh", "_postern"),
    ("fish", "postern.fish"),
];

/// Writes what is about the module, and the facts, below `parts`.
pub fn of_module(parts: &Path) -> Outcome {
    keep(&parts.join("module.json"), &metadata(wasm_std::TARGET)?)?;
    keep(&parts.join("facts.json"), &facts()?)
}

/// Writes what is about the command below `parts`.
pub fn of_command(parts: &Path, programs: &[Program]) -> Outcome {
    let Some(program) = programs.first() else {
        return Err(failed("there is no program to ask for its man pages"));
    };
    let man = parts.join("man");
    doing("creating a folder", fs::create_dir_all(&man))?;
    process::read(Command::new(&program.path).args(["man", "--into"]).arg(man))?;
    let completions = parts.join("completions");
    doing("creating a folder", fs::create_dir_all(&completions))?;
    for (shell, file) in SHELLS {
        let script = process::read(Command::new(&program.path).args(["completion", shell]))?;
        keep(&completions.join(file), &format!("{script}\n"))?;
    }
    keep(&parts.join("cli.json"), &metadata(&program.target)?)
}

fn keep(file: &Path, text: &str) -> Outcome {
    doing(
        format_args!("writing {}", file.display()),
        fs::write(file, text),
    )
}

fn metadata(target: &str) -> Outcome<String> {
    let mut metadata = cargo::host()?;
    metadata
        .args(["metadata", "--locked", "--format-version", "1"])
        .args(["--filter-platform", target]);
    process::read(&mut metadata)
}

/// What was built, with what, and by whom. In GitHub's workflow its own variables say so.
fn facts() -> Outcome<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let git = |arguments: &[&str]| {
        process::read(
            Command::new("git")
                .args(arguments)
                .current_dir(paths::root()),
        )
    };
    let rustc = process::read(Command::new("rustc").arg("-V").current_dir(paths::root()))?;
    let (source, builder) = match (
        variable("GITHUB_SERVER_URL"),
        variable("GITHUB_REPOSITORY"),
        variable("GITHUB_WORKFLOW_REF"),
    ) {
        (Some(server), Some(repository), Some(workflow)) => (
            format!("git+{server}/{repository}"),
            format!("{server}/{workflow}"),
        ),
        _ => ("git+file:postern".to_owned(), "local".to_owned()),
    };
    let toolchain = crate::toolchain::choose()?;
    Ok(json::object([
        ("commit", json::string(&git(&["rev-parse", "HEAD"])?)),
        (
            "clean",
            git(&["status", "--porcelain"])?.is_empty().to_string(),
        ),
        ("source", json::string(&source)),
        ("builder", json::string(&builder)),
        ("rustc", json::string(&rustc)),
        ("toolchain", json::string(&toolchain.version)),
    ]))
}
