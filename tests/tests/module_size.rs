//! How large the built module is: pinned, so that growth is a decision. Smaller: lower the numbers.

use std::fs;
use std::process::ExitCode;

use postern_system_tests::{cases, node, root, runner};

/// Most bytes of the wasm file, as built and as gzip packs it.
const RAW: u64 = 3_545_000;
const PACKED: u64 = 1_436_000;

fn main() -> ExitCode {
    runner::run(async {}, cases![the_module_is_within_its_budget])
}

async fn the_module_is_within_its_budget(_: &()) {
    let file = root().join("build/index_bg.wasm");
    let raw = fs::metadata(&file).expect("a built module").len();
    let script = "const { gzipSync } = require('node:zlib'); const { readFileSync } = require('node:fs'); \
                  console.log(gzipSync(readFileSync(process.argv[1]), { level: 9 }).length)";
    let told = node()
        .args(["-e", script])
        .arg(&file)
        .output()
        .expect("node runs");
    let packed = String::from_utf8_lossy(&told.stdout);
    let packed: u64 = packed.trim().parse().expect("a number of bytes");
    println!("module: {raw} bytes, {packed} as gzip packs it");
    assert!(raw <= RAW, "{raw} bytes are more than {RAW}");
    assert!(
        packed <= PACKED,
        "{packed} packed bytes are more than {PACKED}"
    );
}
