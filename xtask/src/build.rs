//! `cargo xtask build`: the module, from sources to `build/index.js` and `build/index_bg.wasm`.
//!
//! Cargo alone decides whether the wasm is out of date: it knows every input, also what `include_str!` pulls in. Only
//! if cargo made a new wasm file, or the JavaScript beside it changed, is it packed again (pack.rs). Silent when nothing
//! is to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use crate::fail::{Outcome, doing, failed};
use crate::toolchain::{self, Toolchain};
use crate::{cache, cargo, node, pack, paths, process, remap, wasm_std};

/// Where the module is, once built.
pub fn folder() -> PathBuf {
    paths::root().join("build")
}

/// What the module is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be looked at on this machine: whatever is up to date will do, and what is made for it skips wasm-opt, the
    /// longest step of packing.
    Development,
    /// To be deployed, tested or measured.
    Release,
}

pub fn run(purpose: Purpose) -> Outcome {
    if let Some(command) = deploying() {
        preflight(&command)?;
    }
    // Two builds at once (wrangler's and a test's, say) would write the same files.
    let _lock = cache::lock(&paths::wasm_target().join("xtask-build.lock"))?;
    node::modules()?; // first, for it fails soonest
    publish_description()?;
    let toolchain = toolchain::choose()?;
    let sysroot = wasm_std::sysroot(&toolchain)?;

    compile(&toolchain, sysroot.as_deref())?;
    let stamp_file = folder().join(".stamp");
    let old = fs::read_to_string(&stamp_file).unwrap_or_default();
    let enough = match purpose {
        Purpose::Development => [Purpose::Release, Purpose::Development].as_slice(),
        Purpose::Release => &[Purpose::Release],
    };
    for purpose in enough {
        if is_complete() && old == stamp(*purpose)? {
            return Ok(());
        }
    }
    let _ = fs::remove_file(&stamp_file);
    pack::pack(&wasm_file(), &folder(), purpose)?;
    let stamp = stamp(purpose)?;
    doing("writing the build stamp", fs::write(&stamp_file, stamp))
}

/// What wrangler, which runs this as its `[build]`, is about to do with the module: `dev`, `deploy` or `versions upload`.
fn deploying() -> Option<String> {
    let command = std::env::var("WRANGLER_COMMAND").ok()?;
    (command != "dev" && command != "types").then_some(command)
}

/// Refuses placeholders before minutes of compiling. A trial run is no exception: wrangler does not tell it apart.
fn preflight(command: &str) -> Outcome {
    let what =
        "compiling the postern command, which checks what is to be deployed (1 to 2 min) ...";
    cargo::build(
        &["--locked", "--package", "postern-cli"],
        what,
        "the postern command",
    )?;
    let mut check = Command::new(paths::target().join("debug/postern"));
    check
        .args(["preflight", "--config"])
        .arg(paths::root().join("wrangler.toml"));
    match process::run(&mut check)?.success() {
        true => Ok(()),
        false => Err(failed(format_args!(
            "`wrangler {command}` would deploy placeholders; what to mend is above"
        ))),
    }
}

fn compile(toolchain: &Toolchain, sysroot: Option<&Path>) -> Outcome {
    let mut compiler = cargo::clean(&toolchain.cargo);
    compiler
        .args(["build", "--quiet", "--lib", "--profile", "module"])
        .args(["--target", wasm_std::TARGET])
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTC", &toolchain.rustc)
        .env("CARGO_TARGET_DIR", paths::wasm_target())
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            &toolchain.linker,
        )
        // The platform's crate asks that its bindings take js-sys from here.
        .env("WASM_BINDGEN_USE_JS_SYS", "1")
        .env(
            "CARGO_TERM_COLOR",
            if cargo::is_terminal() {
                "always"
            } else {
                "never"
            },
        );
    let mut flags = remap::flags(toolchain)?;
    flags.extend(sysroot.map(|sysroot| format!("--sysroot={}", sysroot.display())));
    // Adds to .cargo/config.toml, which RUSTFLAGS would replace.
    compiler.args(["--config", &cargo_config(&flags)]);
    let what =
        "compiling the module to wasm (2 to 4 min from nothing, less than 1 after a change) ...";
    let status = process::announced(what, || process::run(&mut compiler))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(
            "the module does not compile; cargo's messages are above",
        ))
    }
}

/// As TOML, in literal strings: a path with a single quote in it cannot be written so, and cargo will say so.
fn cargo_config(flags: &[String]) -> String {
    let flags: Vec<String> = flags.iter().map(|flag| format!("'{flag}'")).collect();
    format!(
        "target.{}.rustflags=[{}]",
        wasm_std::TARGET,
        flags.join(",")
    )
}

/// `/openapi.json` is a file among the dashboard's, which are served as they are.
fn publish_description() -> Outcome {
    let document = paths::root().join("docs/openapi.json");
    let published = paths::root().join("dashboard/openapi.json");
    let text = doing("reading docs/openapi.json", fs::read(document))?;
    if fs::read(&published).is_ok_and(|old| old == text) {
        return Ok(());
    }
    doing("writing dashboard/openapi.json", fs::write(published, text))
}

fn wasm_file() -> PathBuf {
    paths::wasm_target()
        .join(wasm_std::TARGET)
        .join("module/postern.wasm")
}

fn is_complete() -> bool {
    folder().join("index.js").is_file() && folder().join("index_bg.wasm").is_file()
}

/// Names the wasm file cargo left, the JavaScript beside it, what packs them, and for what.
fn stamp(purpose: Purpose) -> Outcome<String> {
    let mut lines = vec![format!("{purpose:?}"), state(&wasm_file())?];
    for input in pack::inputs()? {
        lines.push(state(&input)?);
    }
    Ok(lines.join("\n") + "\n")
}

fn state(file: &Path) -> Outcome<String> {
    let about = doing(
        format_args!("looking at {}", file.display()),
        fs::metadata(file),
    )?;
    let modified = doing("reading a file time", about.modified())?;
    let nanos = modified
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_nanos());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{name}: {} bytes, {nanos} ns", about.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_one_toml_array() {
        assert_eq!(
            cargo_config(&["--sysroot=/a b/std".into(), "-Cx".into()]),
            "target.wasm32-unknown-unknown.rustflags=['--sysroot=/a b/std','-Cx']"
        );
    }
}
