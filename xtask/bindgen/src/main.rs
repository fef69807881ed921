//! Writes the JavaScript side of a compiled wasm file: `xtask-bindgen FILE FOLDER` leaves `index.js` and `index_bg.wasm`
//! in FOLDER. A program of its own, so that commands which build no module need not compile wasm-bindgen.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let [wasm, folder] = arguments.as_slice() else {
        return fail("give a wasm file and a folder".into());
    };
    match write(wasm, folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error),
    }
}

fn write(wasm: &OsString, folder: &OsString) -> Result<(), Box<dyn Error>> {
    let mut bindgen = Bindgen::new();
    bindgen
        .module(true)?
        .input_path(wasm)
        .out_name("index")
        .typescript(false)
        // A trap ends the instance: src/shell/instance.js makes another.
        .reset_state_function(true)
        .generate(folder)?;
    Ok(())
}

fn fail(error: Box<dyn Error>) -> ExitCode {
    let _ = writeln!(io::stderr(), "{error}");
    ExitCode::FAILURE
}
