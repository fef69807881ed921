//! Compiles proto/ into what server reflection gives out: the descriptors, and the names of the
//! services in them. Needs no protoc.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use prost::Message as _;

const PROTO: &str = "../proto";
const PACKAGE: &str = "controlplane/v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    let mut files = Vec::new();
    for file in fs::read_dir(format!("{PROTO}/{PACKAGE}"))? {
        let name = file?.file_name();
        let name = name.into_string().map_err(|_| "a name that is no text")?;
        files.push(format!("{PACKAGE}/{name}"));
    }
    files.sort();
    let descriptors = protox::compile(files, [PROTO])?;
    let services: Vec<String> = descriptors
        .file
        .iter()
        .flat_map(|file| {
            let package = file.package();
            let services = file.service.iter();
            services.map(move |service| format!("{package}.{}", service.name()))
        })
        .collect();
    let folder = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let folder = Path::new(&folder);
    fs::write(folder.join("descriptors.bin"), descriptors.encode_to_vec())?;
    fs::write(folder.join("services.rs"), format!("&{services:?}"))?;
    Ok(())
}
