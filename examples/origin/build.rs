//! Generates the message types, the server trait and the client from proto/.
//! Needs no protoc: protox reads the files, tonic-prost-build writes the code.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(["controlplane/v1/attestation.proto"], ["proto"])?;
    tonic_prost_build::configure()
        // The client brings its own transport (src/client/), so no `connect` is generated.
        .build_transport(false)
        .compile_fds(files)?;
    Ok(())
}
