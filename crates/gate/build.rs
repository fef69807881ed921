//! Generates the table of REST routes from routes.toml, or from the file that POSTERN_ROUTES names.
//! A mistake in it fails the build: a route that is not understood guards nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed=POSTERN_ROUTES");
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
    // A relative name starts at the top of the checkout, where routes.toml lies.
    let file = told.map_or_else(|| PathBuf::from("routes.toml"), PathBuf::from);
    let name = file.display().to_string();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = top.join(file);
    println!("cargo::rerun-if-changed={}", file.display());
    let failed = |error: std::io::Error, name: &str| vec![format!("{name}: {error}")];
    let text = fs::read_to_string(&file).map_err(|error| failed(error, &name))?;
    let source = postern_routes::compile(&name, &text)?;
    let folder = env::var_os("OUT_DIR").unwrap_or_default();
    let target = Path::new(&folder).join("routes.rs");
    fs::write(&target, source).map_err(|error| failed(error, "OUT_DIR/routes.rs"))
}
