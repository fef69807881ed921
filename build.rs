//! Generates the table of REST routes from routes.toml, or from the file that POSTERN_ROUTES
//! names. Refuses to build with a mistake in it: a route that is not understood guards nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

#[path = "src/wire/forwarding.rs"]
#[expect(
    dead_code,
    reason = "of these rules only the names of headers matter here"
)]
mod forwarding;
#[path = "src/domain/policy_text.rs"]
mod policy_text;
#[path = "src/routes/mod.rs"]
mod routes;

// The rules name these as the gate's own sources do.
mod domain {
    pub(crate) use super::policy_text;
}
mod wire {
    pub(crate) use super::forwarding;
}

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed=POSTERN_ROUTES");
    println!("cargo::rerun-if-changed=src/routes");
    println!("cargo::rerun-if-changed=src/wire/forwarding.rs");
    println!("cargo::rerun-if-changed=src/domain/policy_text.rs");
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistakes) => {
            for mistake in mistakes {
                println!("cargo::error={mistake}");
            }
            ExitCode::FAILURE
        }
    }
}

fn generate() -> Result<(), Vec<String>> {
    let told = env::var_os("POSTERN_ROUTES").filter(|name| !name.is_empty());
    // Cargo runs this in the package's folder, so a relative name starts there.
    let file = told.map_or_else(|| PathBuf::from("routes.toml"), PathBuf::from);
    let name = file.display().to_string();
    println!("cargo::rerun-if-changed={name}");
    let failed = |error: std::io::Error, name: &str| vec![format!("{name}: {error}")];
    let text = fs::read_to_string(&file).map_err(|error| failed(error, &name))?;
    let source = routes::compile(&name, &text)?;
    let folder = env::var_os("OUT_DIR").unwrap_or_default();
    let target = Path::new(&folder).join("routes.rs");
    fs::write(&target, source).map_err(|error| failed(error, "OUT_DIR/routes.rs"))
}
