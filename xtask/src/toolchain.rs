//! Chooses the compiler that builds the module: the active one, as soon as it has the standard library for wasm32.
//!
//! rustup fetches that library. Where its server cannot be reached, the library is built (wasm_std.rs), and for that a
//! compiler needs *its own* library sources: rustup's `rust-src`, if it is there already, or Debian's matched pair
//! `rustc-web` and `rust-web-src`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::fail::{Failure, Outcome, failed, misuse};
use crate::{cargo, paths, process, wasm_std};

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// A compiler that can build the module, with what it needs beside it.
#[derive(Debug, Clone)]
pub struct Toolchain {
    pub rustc: PathBuf,
    pub cargo: PathBuf,
    pub linker: PathBuf,
    /// Names this compiler in cache folders: release and commit.
    pub version: String,
    /// Whether the standard library for wasm32 is with it.
    pub ships_library: bool,
}

/// `POSTERN_TOOLCHAIN=rustup` or `debian` takes the choice away from us; unset, whatever is ready comes first, and what
/// must be fetched comes after, so that a way that failed once is not tried at every build.
pub fn choose() -> Outcome<Toolchain> {
    let forced = env::var("POSTERN_TOOLCHAIN").ok();
    match forced.as_deref() {
        Some("rustup") => {
            return shipped()
                .or_else(|_| through_rustup())
                .or_else(|_| with_sources());
        }
        Some("debian") => return installed_debian().or_else(|_| through_apt()),
        Some(other) => {
            return Err(misuse(format_args!(
                "POSTERN_TOOLCHAIN is `{other}`; use `rustup` or `debian`"
            )));
        }
        None => {}
    }
    if let Ok(ready) = shipped() {
        return Ok(ready);
    }
    let built = [with_sources, installed_debian];
    let mut built = built.iter().filter_map(|find| find().ok());
    if let Some(ready) = built.find(wasm_std::is_cached) {
        return Ok(ready);
    }
    let first = match through_rustup() {
        Ok(ready) => return Ok(ready),
        Err(failure) => failure,
    };
    with_sources()
        .or_else(|_| installed_debian())
        .or_else(|_| through_apt())
        .map_err(|second| neither(&first, &second))
}

/// The active compiler, if it has the library for wasm32.
fn shipped() -> Outcome<Toolchain> {
    let sysroot = cargo::active_sysroot()?;
    let library = wasm_std::libdir(&sysroot);
    if !library.is_dir() {
        return Err(failed(format_args!("no library at {}", library.display())));
    }
    describe(&sysroot.join("bin/rustc"), &sysroot, true)
}

/// The active compiler, if its sources are there.
fn with_sources() -> Outcome<Toolchain> {
    let sysroot = cargo::active_sysroot()?;
    require_sources(&sysroot)?;
    describe(&sysroot.join("bin/rustc"), &sysroot, false)
}

fn through_rustup() -> Outcome<Toolchain> {
    if paths::on_path("rustup").is_none() {
        return Err(failed("rustup is not installed"));
    }
    note!("rustup: adding the standard library for wasm32 (20 MB; gives up after 60 s) ...");
    let mut add = Command::new("rustup");
    add.args(["target", "add", wasm_std::TARGET])
        .current_dir(paths::root());
    if !process::succeeds_within(Duration::from_secs(60), &mut add) {
        return Err(failed(format_args!(
            "`rustup target add {}` did not succeed (is rustup's server reachable?)",
            wasm_std::TARGET
        )));
    }
    shipped()
}

fn installed_debian() -> Outcome<Toolchain> {
    let rustc = Path::new(DEBIAN_RUSTC);
    if !rustc.is_file() {
        return Err(failed(format_args!("{DEBIAN_RUSTC} is not there")));
    }
    let sysroot = PathBuf::from(process::read(
        Command::new(rustc).args(["--print", "sysroot"]),
    )?);
    require_sources(&sysroot)?;
    describe(rustc, &sysroot, false)
}

fn through_apt() -> Outcome<Toolchain> {
    if paths::on_path("apt-get").is_none() {
        return Err(failed("this machine has no apt-get"));
    }
    note!(
        "apt-get: installing {}, a compiler with library sources (about 30 s) ...",
        DEBIAN_PACKAGES.join(" and ")
    );
    install(&DEBIAN_PACKAGES)?;
    installed_debian()
}

/// Installs Debian packages, refreshing the package lists only if they do not know the packages.
pub fn install(packages: &[&str]) -> Outcome {
    let apt = |arguments: &[&str]| {
        let mut command = as_root(packages)?;
        process::quiet(
            &format!("apt-get {}", arguments[0]),
            command.args(arguments),
        )
    };
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(packages);
    apt(&install).or_else(|_| {
        apt(&["update"])?;
        apt(&install)
    })
}

fn as_root(packages: &[&str]) -> Outcome<Command> {
    // SAFETY: geteuid cannot fail and touches nothing.
    let root = unsafe { libc::geteuid() } == 0;
    let mut command = Command::new(if root { "apt-get" } else { "sudo" });
    command.env("DEBIAN_FRONTEND", "noninteractive");
    if root {
        return Ok(command);
    }
    let mut sudo = Command::new("sudo");
    let limit = Duration::from_secs(5);
    if !process::succeeds_within(limit, sudo.args(["-n", "true"])) {
        let packages = packages.join(" ");
        return Err(failed(format_args!(
            "installing needs root, and sudo asks for a password or is missing; \
             run `apt-get install {packages}` as root and try again"
        )));
    }
    command.args(["-n", "--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
    Ok(command)
}

fn require_sources(sysroot: &Path) -> Outcome {
    // Building std resolves against this lock file, so its presence is what "has sources" means.
    let lock = sysroot.join("lib/rustlib/src/rust/library/Cargo.lock");
    if lock.is_file() {
        Ok(())
    } else {
        Err(failed(format_args!(
            "no library sources at {}",
            lock.display()
        )))
    }
}

fn describe(rustc: &Path, sysroot: &Path, ships_library: bool) -> Outcome<Toolchain> {
    let about = process::read(Command::new(rustc).arg("-vV"))?;
    let field = |name: &str| {
        about
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or("unknown")
            .trim()
            .to_owned()
    };
    let commit: String = field("commit-hash:").chars().take(9).collect();
    Ok(Toolchain {
        rustc: rustc.to_owned(),
        cargo: cargo::program()?,
        linker: find_linker(sysroot, &field("host:"), &field("LLVM version:"))?,
        version: format!("{}-{commit}", field("release:")),
        ships_library,
    })
}

/// rustup's toolchains carry a wasm linker; Debian's compiler borrows that one, or uses LLVM's of the same release.
fn find_linker(sysroot: &Path, host: &str, llvm: &str) -> Outcome<PathBuf> {
    let in_sysroot = |root: &Path| root.join("lib/rustlib").join(host).join("bin/rust-lld");
    let active = cargo::active_sysroot().unwrap_or_default();
    let carried = [in_sysroot(sysroot), in_sysroot(&active)];
    if let Some(found) = carried.into_iter().find(|file| file.is_file()) {
        return Ok(found);
    }
    let major = llvm.split('.').next().unwrap_or_default();
    let on_path =
        || paths::on_path(&format!("wasm-ld-{major}")).or_else(|| paths::on_path("wasm-ld"));
    if let Some(found) = on_path() {
        return Ok(found);
    }
    if paths::on_path("apt-get").is_some() {
        note!("apt-get: installing lld-{major}, the linker for wasm (about 20 s) ...");
        install(&[&format!("lld-{major}")])?;
    }
    on_path().ok_or_else(|| {
        failed("no wasm linker: neither `rust-lld` in the Rust toolchain nor `wasm-ld` on PATH")
    })
}

fn neither(rustup: &Failure, debian: &Failure) -> Failure {
    failed(format_args!(
        "no compiler for the wasm module. It needs Rust's standard library for wasm32, in one of two ways:\n  \
         rustup: {}\n  Debian: {}\nMake one of them work and run the command again.",
        rustup.message, debian.message,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_with_neither_way_is_told_both() {
        let told = neither(&failed("no server"), &failed("no root"));
        assert!(told.message.contains("rustup: no server"));
        assert!(told.message.contains("Debian: no root"));
    }
}
