//! Generates the message types, the server traits and the clients from proto/ of the checkout, and
//! for the artifact store from proto/ here.
//! Needs no protoc: protox reads the files, tonic-prost-build writes the code.

use std::error::Error;
use std::fs;

const PROTO: &str = "../../proto";
const PACKAGE: &str = "controlplane/v1";

/// The artifact store's, which only strict mode has.
const STORE: [&str; 2] = [
    "google/bytestream/bytestream.proto",
    "cas/v1/resource.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    println!("cargo:rerun-if-changed=proto");
    let mut files = Vec::new();
    for file in fs::read_dir(format!("{PROTO}/{PACKAGE}"))? {
        let name = file?
            .file_name()
            .into_string()
            .map_err(|_| "a name that is no text")?;
        files.push(format!("{PACKAGE}/{name}"));
    }
    files.sort();
    files.extend(STORE.map(str::to_owned));
    let files = protox::compile(files, [PROTO, "proto"])?;
    tonic_prost_build::configure()
        // The client brings its own transport (src/client/), so no `connect` is generated.
        .build_transport(false)
        // A call that the sample does not answer is answered with UNIMPLEMENTED.
        .generate_default_stubs(true)
        .compile_fds(files)?;
    Ok(())
}
