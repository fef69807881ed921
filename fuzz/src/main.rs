//! Writes what the targets begin with into the folder that POSTERN_SEEDS names, one folder for each, and beside it the
//! words in it, as libFuzzer takes them; prints a line for each target: its name, and the longest input that is made. It
//! is linked as the targets are, since everything below it counts for the fuzzer.
#![no_main]

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs, io, process};

use postern_fuzz_targets::TARGETS;

libfuzzer_sys::fuzz_target!(init: begin(), |_data: &[u8]| {});

/// Writes, and ends before the fuzzer begins.
fn begin() {
    let folder = env::var_os("POSTERN_SEEDS").unwrap_or_else(|| "seeds".into());
    write(Path::new(&folder)).expect("a folder to write into");
    process::exit(0);
}

fn write(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let seeds = (target.seeds)();
        let own = folder.join(target.name);
        fs::create_dir_all(&own)?;
        for (at, seed) in seeds.iter().enumerate() {
            fs::write(own.join(format!("seed-{at:03}")), seed)?;
        }
        let words: BTreeSet<&str> = seeds.iter().flat_map(|seed| words(seed)).collect();
        let lines: String = words
            .into_iter()
            .map(|word| format!("\"{word}\"\n"))
            .collect();
        fs::write(folder.join(format!("{}.dict", target.name)), lines)?;
        println!("{} {}", target.name, target.longest);
    }
    Ok(())
}

/// Names and the like in a seed.
fn words(seed: &[u8]) -> impl Iterator<Item = &str> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    seed.split(move |byte| !is_word(byte))
        .filter(|word| (3..=40).contains(&word.len()))
        .filter_map(|word| str::from_utf8(word).ok())
}
