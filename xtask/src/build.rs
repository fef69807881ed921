//! `cargo xtask build`: the module, from sources to `build/index.js` and `build/index_bg.wasm`.
//!
//! Cargo alone decides whether the wasm is out of date: it knows every input, also what `include_str!` pulls in. Only
//! if cargo made a new wasm file, or the JavaScript beside it changed, is it packed again (pack.rs). Silent when nothing
//! is to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::fail::{Outcome, doing, failed};
use crate::toolchain::{self, Toolchain};
use crate::{cache, cargo, node, pack, paths, process, tools, wasm_std};

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

    compile(&toolchain, &sysroot)?;
    let stamp = stamp()?;
    let stamp_file = folder().join(".stamp");
    if is_complete() && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        return Ok(());
    }
    let _ = fs::remove_file(&stamp_file);
    pack::pack(&wasm_file(), &bindgen, &folder())?;
    doing("writing the build stamp", fs::write(&stamp_file, stamp))
}

fn compile(toolchain: &Toolchain, sysroot: &Path) -> Outcome {
    let mut compiler = cargo::clean(&toolchain.cargo);
    compiler
        .args(["build", "--quiet", "--lib", "--release"])
        .args(["--target", wasm_std::TARGET])
        // Adds to .cargo/config.toml, which RUSTFLAGS would replace.
        .args(["--config", &cargo_config(sysroot)])
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

/// Names the wasm file cargo left, the JavaScript beside it, and what packs them.
fn stamp() -> Outcome<String> {
    let mut lines = vec![state(&wasm_file())?];
    for input in pack::inputs()? {
        lines.push(state(&input)?);
    }
    lines.push(tools::versions());
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
            cargo_config(Path::new("/a b/std")),
            "target.wasm32-unknown-unknown.rustflags=['-Cpanic=unwind',\
             '-Cllvm-args=-wasm-use-legacy-eh','--sysroot=/a b/std']"
        );
    }
}
