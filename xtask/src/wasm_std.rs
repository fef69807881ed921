//! Builds the standard library for wasm32 where the compiler came without one, once for each compiler, into a sysroot
//! in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache;
use crate::fail::{Outcome, doing, failed};
use crate::paths;
use crate::process;
use crate::toolchain::Toolchain;

pub const TARGET: &str = "wasm32-unknown-unknown";

/// Raise it when what is built below changes, so that caches made by an older checkout are not used.
const RECIPE: u32 = 2;

pub fn is_cached(toolchain: &Toolchain) -> bool {
    paths::cache().is_ok_and(|cache| cache.join(name(toolchain)).is_dir())
}

/// The sysroot that holds the library, which is built if there is none yet; `None` where the compiler has one itself.
pub fn sysroot(toolchain: &Toolchain) -> Outcome<Option<PathBuf>> {
    if toolchain.ships_library {
        return Ok(None);
    }
    let made = cache::once(&name(toolchain), |partial| {
        note!("building the standard library for wasm32, once for this compiler (about 1 min) ...");
        let library = libdir(partial);
        doing("creating the sysroot", fs::create_dir_all(&library))?;
        let project = partial.join("project");
        write_project(&project)?;
        process::quiet(
            "building the wasm32 standard library",
            &mut cargo(toolchain, &project),
        )?;
        keep_libraries(
            &project.join("target").join(TARGET).join("release/deps"),
            &library,
        )?;
        doing("removing the build folder", fs::remove_dir_all(&project))
    })?;
    Ok(Some(made))
}

/// Where a compiler looks for the target's libraries under `sysroot`.
pub fn libdir(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

fn name(toolchain: &Toolchain) -> String {
    format!("wasm-std-{}-{RECIPE}", toolchain.version)
}

/// An empty crate: `-Z build-std` builds the library as its dependency.
fn write_project(project: &Path) -> Outcome {
    let manifest =
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    doing("writing a project", fs::create_dir_all(project.join("src")))?;
    doing(
        "writing a project",
        fs::write(project.join("Cargo.toml"), manifest),
    )?;
    doing(
        "writing a project",
        fs::write(project.join("src/lib.rs"), "#![no_std]\n"),
    )
}

fn cargo(toolchain: &Toolchain, project: &Path) -> Command {
    let mut cargo = Command::new(&toolchain.cargo);
    cargo
        .current_dir(project)
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "-Z",
            "build-std=std,panic_abort",
        ])
        .env("RUSTC", &toolchain.rustc)
        .env("RUSTC_BOOTSTRAP", "1") // `-Z build-std` on a stable compiler
        .env("CARGO_TARGET_DIR", project.join("target"))
        // The module is linked with fat LTO, which needs bitcode in the libraries.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

fn keep_libraries(from: &Path, to: &Path) -> Outcome {
    let mut kept = 0;
    for entry in doing("listing the built libraries", fs::read_dir(from))? {
        let path = doing("listing the built libraries", entry)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            doing(
                format_args!("keeping {name}"),
                fs::copy(&path, to.join(&name)),
            )?;
            kept += 1;
        }
    }
    if kept == 0 {
        Err(failed("cargo built no standard library"))
    } else {
        Ok(())
    }
}
