//! Packs a compiled wasm file as a Worker: wasm-bindgen writes its JavaScript side, wasm-opt makes it smaller and
//! faster, and esbuild bundles the entry in src/shell with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::Purpose;
use crate::fail::{Outcome, doing, failed};
use crate::{cargo, node, paths, process};

/// What the pinned workerd takes of WebAssembly beyond its first version: what the compiler emits. Named one by one, so that a newer wasm-opt writes nothing that the runtime does not read.
const FEATURES: [&str; 6] = [
    "--enable-mutable-globals",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-reference-types",
];

/// How wasm-bindgen imports the module.
const SOURCE_PHASE: &str = "import source ";

/// What the packed module depends on beside the wasm: the JavaScript that is written by hand, this file, and the lock
/// file of the tools.
pub fn inputs() -> Outcome<Vec<PathBuf>> {
    let root = paths::root();
    let folder = root.join("src/shell");
    let mut scripts = vec![
        root.join("xtask/bindgen/src/main.rs"),
        root.join("xtask/src/pack.rs"),
        root.join("package-lock.json"),
    ];
    for entry in doing("listing src/shell", fs::read_dir(&folder))? {
        let path = doing("listing src/shell", entry)?.path();
        if path.extension().is_some_and(|extension| extension == "js") {
            scripts.push(path);
        }
    }
    scripts.sort();
    Ok(scripts)
}

/// Writes `index.js` and `index_bg.wasm` into `folder`.
pub fn pack(wasm: &Path, folder: &Path, purpose: Purpose) -> Outcome {
    let bound = paths::wasm_target().join("bound");
    let _ = fs::remove_dir_all(&bound);
    let _ = fs::remove_dir_all(folder);
    doing("creating the build folder", fs::create_dir_all(folder))?;
    bind(wasm, &bound)?;
    let (from, to) = (bound.join("index_bg.wasm"), folder.join("index_bg.wasm"));
    match purpose {
        Purpose::Release => optimize(&from, &to)?,
        Purpose::Development => {
            doing("copying the module", fs::copy(&from, &to))?;
        }
    }
    bundle(&bound.join("index.js"), &folder.join("index.js"))?;
    doing(
        "hiding the build folder from git",
        fs::write(folder.join(".gitignore"), "*\n"),
    )
}

fn bind(wasm: &Path, bound: &Path) -> Outcome {
    process::quiet("wasm-bindgen", Command::new(bindgen()?).args([wasm, bound]))?;
    // The runtime compiles the module that is imported, and knows no other phase of an import.
    let script = bound.join("index.js");
    let text = doing("reading index.js", fs::read_to_string(&script))?;
    if !text.contains(SOURCE_PHASE) {
        return Err(failed(
            "wasm-bindgen imports the module in another way than this knows",
        ));
    }
    let text = text.replace(SOURCE_PHASE, "import ");
    doing("writing index.js", fs::write(&script, text))
}

/// The program that xtask/bindgen is, built like any other of the workspace.
fn bindgen() -> Outcome<PathBuf> {
    let what =
        "compiling wasm-bindgen, which writes the JavaScript side of the module (about 1 min) ...";
    let arguments = ["--locked", "--package", "xtask-bindgen"];
    cargo::build(&arguments, what, "wasm-bindgen")?;
    Ok(paths::target().join("debug/xtask-bindgen"))
}

fn optimize(wasm: &Path, to: &Path) -> Outcome {
    process::quiet(
        "wasm-opt",
        Command::new(node::bin().join("wasm-opt"))
            .arg(wasm)
            .arg("-o")
            .arg(to)
            .arg("-O")
            .args(FEATURES),
    )
}

fn bundle(bound: &Path, to: &Path) -> Outcome {
    process::quiet(
        "esbuild",
        Command::new(node::bin().join("esbuild"))
            .current_dir(paths::root())
            .arg("src/shell/entry.js")
            .arg(format!("--alias:gateway={}", bound.display()))
            .arg(format!("--outfile={}", to.display()))
            .args([
                "--bundle",
                "--format=esm",
                "--minify",
                "--log-level=warning",
            ])
            .args(["--external:./index_bg.wasm", "--external:cloudflare:*"]),
    )
}
