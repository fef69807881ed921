//! Stand-ins for `cargo`, `rustc` and `rustup`, seen only by worker-build.
//!
//! `worker-build --panic-unwind` calls for a nightly compiler from rustup and rebuilds the standard library each time.
//! The stand-ins hand it the compiler we chose and the library we built. They are constant texts; what varies comes in
//! through the environment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cache;
use crate::fail::{Outcome, doing};

/// Cargo's configuration for the module's target: `--config` adds to .cargo/config.toml, RUSTFLAGS would replace it.
pub const CONFIG: &str = "POSTERN_WASM_CONFIG";
pub const CARGO: &str = "POSTERN_WASM_CARGO";
pub const RUSTC: &str = "POSTERN_WASM_RUSTC";
pub const LIBDIR: &str = "POSTERN_WASM_LIBDIR";

/// Drops the choice of nightly and the rebuilding of std.
const CARGO_TEXT: &str = r#"#!/bin/sh
n=$#
while [ "$n" -gt 0 ]; do
    argument=$1
    shift
    n=$((n - 1))
    case $argument in
        +nightly | -Z | build-std=*) ;;
        *) set -- "$@" "$argument" ;;
    esac
done
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
[ "$1" = build ] && set -- "$@" --config "$POSTERN_WASM_CONFIG"
exec "$POSTERN_WASM_CARGO" "$@"
"#;

/// Answers where the target's libraries are; everything else goes to the compiler.
const RUSTC_TEXT: &str = r#"#!/bin/sh
[ "$1" = +nightly ] && shift
case "$*" in
    *target-libdir*) echo "$POSTERN_WASM_LIBDIR" ;;
    *) exec "$POSTERN_WASM_RUSTC" "$@" ;;
esac
"#;

/// Everything worker-build would ask rustup to install is there.
const RUSTUP_TEXT: &str = "#!/bin/sh\necho 'rust-src (installed)'\n";

/// Raise it when a text above changes.
const EDITION: u32 = 1;

/// The folder of the stand-ins, to be put first on worker-build's PATH.
pub fn folder() -> Outcome<PathBuf> {
    cache::once(&format!("wrappers-{EDITION}"), |partial| {
        write(&partial.join("cargo"), CARGO_TEXT)?;
        write(&partial.join("rustc"), RUSTC_TEXT)?;
        write(&partial.join("rustup"), RUSTUP_TEXT)
    })
}

fn write(file: &Path, text: &str) -> Outcome {
    doing(
        format_args!("writing {}", file.display()),
        fs::write(file, text),
    )?;
    doing(
        "making it executable",
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)),
    )
}
