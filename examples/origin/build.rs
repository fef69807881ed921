//! Generates the message types, the server traits and the clients from proto/ of the checkout.
//! Needs no protoc: protox reads the files, tonic-prost-build writes the code.

use std::error::Error;
use std::fs;

const PROTO: &str = "../../proto";
const PACKAGE: &str = "controlplane/v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    let mut files = Vec::new();
    for file in fs::read_dir(format!("{PROTO}/{PACKAGE}"))? {
        let name = file?
            .file_name()
            .into_string()
            .map_err(|_| "a name that is no text")?;
        files.push(format!("{PACKAGE}/{name}"));
    }
    files.sort();
    let files = protox::compile(files, [PROTO])?;
    tonic_prost_build::configure()
        // The client brings its own transport (src/client/), so no `connect` is generated.
        .build_transport(false)
        // A call that the sample does not answer is answered with UNIMPLEMENTED.
        .generate_default_stubs(true)
        .compile_fds(files)?;
    Ok(())
}
