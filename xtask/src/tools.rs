//! Installs the Rust program that writes the JavaScript side of a wasm file: the wasm-bindgen command.
//!
//! From source, with its own lock file: no binary from elsewhere. In the debug profile: it takes some two minutes
//! instead of ten, and runs no slower than anyone would notice.

use std::path::PathBuf;
use std::process::Command;

use crate::cache;
use crate::fail::Outcome;
use crate::process;
use crate::toolchain::Toolchain;

struct Tool {
    /// Also the cache folder's name and the program's.
    name: &'static str,
    package: &'static str,
    version: &'static str,
    purpose: &'static str,
}

/// It must equal the library's version in Cargo.lock.
const WASM_BINDGEN: Tool = Tool {
    name: "wasm-bindgen",
    package: "wasm-bindgen-cli",
    version: "0.2.129",
    purpose: "writes the JavaScript side of the wasm",
};

pub fn wasm_bindgen(toolchain: &Toolchain) -> Outcome<PathBuf> {
    installed(&WASM_BINDGEN, toolchain)
}

/// What the module is made with, for the build stamp.
pub fn versions() -> String {
    format!("{}-{}", WASM_BINDGEN.name, WASM_BINDGEN.version)
}

fn installed(tool: &Tool, toolchain: &Toolchain) -> Outcome<PathBuf> {
    let folder = cache::once(&format!("{}-{}", tool.name, tool.version), |partial| {
        let Tool {
            name,
            package,
            version,
            purpose,
        } = tool;
        note!("installing {name} {version}, which {purpose}, once for this user (2 to 5 min) ...");
        let target = partial.with_extension("target");
        let mut install = Command::new(&toolchain.cargo);
        install
            .args([
                "install",
                "--quiet",
                "--locked",
                "--debug",
                package,
                "--version",
                version,
                "--root",
            ])
            .arg(partial)
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        let result = process::quiet(&format!("installing {name}"), &mut install);
        let _ = std::fs::remove_dir_all(&target); // a gigabyte that nobody needs again
        result
    })?;
    Ok(folder.join("bin").join(tool.name))
}
