//! Where things are: the checkout, its target folder and the per-user tool cache. Creates nothing.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::fail::{Outcome, failed};

/// The checkout this binary was built from.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask/ lies inside the checkout")
}

/// This program. Asked for at the start, for a rebuild meanwhile makes the system answer `… (deleted)`.
pub fn program() -> Outcome<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| env::current_exe().ok()).as_deref();
    program.ok_or_else(|| failed("this system does not say where this program is"))
}

/// Host builds and module builds use different compilers; one folder for both would make each rebuild the other's work.
pub fn wasm_target() -> PathBuf {
    target().join("wasm")
}

pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Tools are kept for each user and version, so that a second clone finds them.
pub fn cache() -> Outcome<PathBuf> {
    let base = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
        (Some(dir), _) if Path::new(&dir).is_absolute() => PathBuf::from(dir),
        (_, Some(home)) if !home.is_empty() => PathBuf::from(home).join(".cache"),
        _ => {
            return Err(failed(
                "neither XDG_CACHE_HOME nor HOME is set: there is no place to keep tools",
            ));
        }
    };
    Ok(base.join("postern"))
}

/// The program `name` on PATH, if there is one.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
