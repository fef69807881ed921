//! `cargo xtask build`: the module, from sources to `build/index.js` and `build/index_bg.wasm`.
//!
//! Cargo alone decides whether the wasm is out of date: it knows every input, also what `include_str!` pulls in. Only
//! if cargo made a new wasm file are wasm-bindgen, wasm-opt and the bundler run again. Silent when nothing is to do.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use crate::fail::{Outcome, doing, failed};
use crate::toolchain::{self, Toolchain};
use crate::{cache, cargo, node, paths, process, tools, wasm_std, wrappers};

/// Where the module is, once built.
pub fn folder() -> PathBuf {
    paths::root().join("build")
}

pub fn run() -> Outcome {
    // Two builds at once (wrangler's and a test's, say) would write the same files.
    let _lock = cache::lock(&paths::wasm_target().join("xtask-build.lock"))?;
    node::modules()?; // first, for it fails soonest
    let toolchain = toolchain::choose()?;
    let sysroot = wasm_std::sysroot(&toolchain)?;
    let bindgen = tools::wasm_bindgen(&toolchain)?;
    let worker_build = tools::worker_build(&toolchain)?;
    let environment = environment(&toolchain, &sysroot, &bindgen)?;

    compile(&environment)?;
    let stamp = stamp()?;
    let stamp_file = folder().join(".stamp");
    if is_complete() && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        return Ok(());
    }
    let _ = fs::remove_file(&stamp_file);
    pack(&worker_build, &environment)?;
    doing("writing the build stamp", fs::write(&stamp_file, stamp))
}

/// Cargo's part, with the very command worker-build will repeat (and find nothing to do).
fn compile(environment: &[(String, String)]) -> Outcome {
    let mut compiler = with(environment, &wrappers::folder()?.join("cargo"));
    compiler
        .args([
            "build",
            "--quiet",
            "--lib",
            "--release",
            "--target",
            wasm_std::TARGET,
        ])
        .env("WASM_BINDGEN_USE_JS_SYS", "1") // as worker-build does; proc macros read it
        .env(
            "CARGO_TERM_COLOR",
            if cargo::is_terminal() {
                "always"
            } else {
                "never"
            },
        );
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

fn pack(worker_build: &Path, environment: &[(String, String)]) -> Outcome {
    let mut command = with(environment, worker_build);
    process::quiet(
        "worker-build",
        command.args(["--release", "--panic-unwind"]),
    )
}

fn with(environment: &[(String, String)], program: &Path) -> Command {
    let mut command = cargo::clean(program);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

fn environment(
    toolchain: &Toolchain,
    sysroot: &Path,
    bindgen: &Path,
) -> Outcome<Vec<(String, String)>> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut path = vec![wrappers::folder()?, node::bin()];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let path = env::join_paths(path).map_err(|error| failed(format_args!("PATH: {error}")))?;
    let pairs = [
        ("PATH", path.to_string_lossy().into_owned()),
        ("RUSTC", text(&toolchain.rustc)),
        ("CARGO_TARGET_DIR", text(&paths::wasm_target())),
        (
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            text(&toolchain.linker),
        ),
        ("WASM_BINDGEN_BIN", text(bindgen)),
        ("WASM_OPT_BIN", text(&node::bin().join("wasm-opt"))),
        ("ESBUILD_BIN", text(&node::bin().join("esbuild"))),
        (wrappers::CARGO, text(&toolchain.cargo)),
        (wrappers::RUSTC, text(&toolchain.rustc)),
        (wrappers::LIBDIR, text(&wasm_std::libdir(sysroot))),
        (wrappers::CONFIG, cargo_config(sysroot)),
    ];
    Ok(pairs.map(|(name, value)| (name.to_owned(), value)).into())
}

/// As TOML, in literal strings: a path with a single quote in it cannot be written so, and cargo will say so.
fn cargo_config(sysroot: &Path) -> String {
    let sysroot = format!("--sysroot={}", sysroot.display());
    let flags: Vec<String> = wasm_std::FLAGS
        .iter()
        .copied()
        .chain([sysroot.as_str()])
        .map(|flag| format!("'{flag}'"))
        .collect();
    format!(
        "target.{}.rustflags=[{}]",
        wasm_std::TARGET,
        flags.join(",")
    )
}

fn wasm_file() -> PathBuf {
    paths::wasm_target()
        .join(wasm_std::TARGET)
        .join("release/postern.wasm")
}

fn is_complete() -> bool {
    folder().join("index.js").is_file() && folder().join("index_bg.wasm").is_file()
}

/// Names the wasm file cargo left and the tools that pack it.
fn stamp() -> Outcome<String> {
    let file = wasm_file();
    let about = doing(
        format_args!("looking at {}", file.display()),
        fs::metadata(&file),
    )?;
    let modified = doing("reading a file time", about.modified())?;
    let nanos = modified
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_nanos());
    Ok(format!(
        "{} bytes, {nanos} ns, {}\n",
        about.len(),
        tools::versions()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_one_toml_array() {
        assert_eq!(
            cargo_config(Path::new("/a b/std")),
            "target.wasm32-unknown-unknown.rustflags=['-Cpanic=unwind',\
             '-Cllvm-args=-wasm-use-legacy-eh','--sysroot=/a b/std']"
        );
    }
}
