//! The `postern` command as it is published: for Linux a static program that runs on every distribution, elsewhere the
//! host's own.
//!
//! rustup has the standard library for musl. Where its server cannot be reached and the compiler has its own sources,
//! the library is built with the program, by cargo's `build-std`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::fail::{Outcome, doing, failed};
use crate::{cargo, paths, process, toolchain};

/// A program for a target, and where it lies.
pub struct Program {
    pub target: String,
    pub path: PathBuf,
}

/// The unwinder's files, with the flags for their languages.
const UNWINDER: [(&str, &[&str]); 5] = [
    ("UnwindLevel1.c", &["-std=c99"]),
    ("UnwindLevel1-gcc-ext.c", &["-std=c99"]),
    ("UnwindRegistersSave.S", &[]),
    ("UnwindRegistersRestore.S", &[]),
    ("libunwind.cpp", &["-std=c++17", "-nostdinc++", "-fno-rtti"]),
];

/// As Rust's own build has them.
const UNWINDER_FLAGS: [&str; 10] = [
    "-O2",
    "-fPIC",
    "-fno-exceptions",
    "-funwind-tables",
    "-fvisibility=hidden",
    "-fno-stack-protector",
    "-D_LIBUNWIND_DISABLE_VISIBILITY_ANNOTATIONS",
    "-D_LIBUNWIND_IS_NATIVE_ONLY",
    "-DNDEBUG",
    "-w",
];

/// Builds the program for this machine's kind, and copies it to `bin/<target>/postern`.
pub fn build(bin: &Path) -> Outcome<Vec<Program>> {
    let target = target()?;
    let built = paths::target()
        .join("static")
        .join(&target)
        .join("release/postern");
    let mut build = cargo::host()?;
    build
        .args(["build", "--quiet", "--locked", "--release"])
        .args(["--package", "postern-cli", "--target", &target])
        // It waits for the network most of its time: what LTO takes in minutes it gives back in microseconds.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .env("CARGO_TARGET_DIR", paths::target().join("static"));
    if target.ends_with("-musl") {
        statically(&mut build, &target)?;
    }
    let what = "compiling the postern command as a static program (2 to 5 min from nothing) ...";
    if !process::announced(what, || process::run(&mut build))?.success() {
        return Err(failed(
            "the postern command does not compile; cargo's messages are above",
        ));
    }
    let path = bin.join(&target).join("postern");
    let folder = bin.join(&target);
    doing("creating a folder", fs::create_dir_all(folder))?;
    doing("copying the postern command", fs::copy(built, &path))?;
    Ok(vec![Program { target, path }])
}

/// `POSTERN_RELEASE_TARGET`, or musl instead of the host's C library on Linux.
fn target() -> Outcome<String> {
    if let Ok(target) = std::env::var("POSTERN_RELEASE_TARGET") {
        return Ok(target);
    }
    let about = process::read(Command::new("rustc").arg("-vV").current_dir(paths::root()))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| failed("`rustc -vV` does not name its host"))?;
    Ok(host.replace("-linux-gnu", "-linux-musl"))
}

/// What linking against musl takes: its C compiler, for ring, and the standard library.
fn statically(build: &mut Command, target: &str) -> Outcome {
    if paths::on_path("musl-gcc").is_none() {
        if paths::on_path("apt-get").is_none() {
            return Err(failed(
                "no `musl-gcc` on PATH: install musl's C compiler (musl-tools)",
            ));
        }
        note!(
            "apt-get: installing musl-tools, the C compiler for static programs (a few seconds) ..."
        );
        toolchain::install(&["musl-tools"])?;
    }
    let variable = target.replace('-', "_");
    build
        .env(format!("CC_{variable}"), "musl-gcc")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    let mut flags = crate::remap::of_host()?;
    flags.push("-Ctarget-feature=+crt-static".to_owned());
    if !has_library(target)? {
        build
            .env("RUSTC_BOOTSTRAP", "1") // `-Z build-std` on a stable compiler
            .env(format!("CARGO_TARGET_{}_LINKER", variable.to_ascii_uppercase()), "musl-gcc")
            .args(["-Z", "build-std=std,panic_abort"]);
        // Debian's musl-gcc has no start files for static programs that can lie anywhere.
        flags.push("-Crelocation-model=static".to_owned());
        flags.push("-Clink-self-contained=no".to_owned());
        flags.push(format!("-Lnative={}", unwinder()?.display()));
    }
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    Ok(())
}

/// Whether the compiler has the standard library for the target, or rustup brings it.
fn has_library(target: &str) -> Outcome<bool> {
    let library = cargo::active_sysroot()?
        .join("lib/rustlib")
        .join(target)
        .join("lib");
    if library.is_dir() {
        return Ok(true);
    }
    let sources = cargo::active_sysroot()?.join("lib/rustlib/src/rust/library/Cargo.lock");
    // A way that failed once is not tried at every release.
    let was_built = paths::target().join("static").join(target).is_dir();
    if sources.is_file() && was_built {
        return Ok(false);
    }
    if paths::on_path("rustup").is_some() {
        note!("rustup: adding the standard library for {target} (gives up after 60 s) ...");
        let mut add = Command::new("rustup");
        add.args(["target", "add", target])
            .current_dir(paths::root());
        if process::succeeds_within(Duration::from_secs(60), &mut add) {
            return Ok(true);
        }
    }
    match sources.is_file() {
        true => Ok(false),
        false => Err(failed(format_args!(
            "no standard library for {target}: run `rustup target add {target}`, or `rustup component add rust-src`"
        ))),
    }
}

/// Builds the unwinder that Rust's own library for musl has in it, from the sources beside the library's.
fn unwinder() -> Outcome<PathBuf> {
    let sources = cargo::active_sysroot()?.join("lib/rustlib/src/rust/src/llvm-project/libunwind");
    let folder = paths::target().join("static/unwinder");
    let _ = fs::remove_dir_all(&folder);
    doing("creating a folder", fs::create_dir_all(&folder))?;
    let mut archive = Command::new("ar");
    archive.arg("rcs").arg(folder.join("libunwind.a"));
    for (file, flags) in UNWINDER {
        let object = folder.join(file).with_extension("o");
        let mut compile = Command::new("musl-gcc");
        compile
            .args(UNWINDER_FLAGS)
            .args(flags)
            .arg("-I")
            .arg(sources.join("include"))
            .arg("-c")
            .arg(sources.join("src").join(file))
            .arg("-o")
            .arg(&object);
        process::quiet(&format!("compiling {file} of the unwinder"), &mut compile)?;
        archive.arg(object);
    }
    process::quiet("archiving the unwinder", &mut archive)?;
    Ok(folder)
}
