//! The house rules that no compiler checks: a first line in each file that says what it is for,
//! and its length. There is no list of exceptions.

use crate::documents::{files, root, text};

const MAX_LINES: usize = 400;

/// Where our sources lie. Not whole packages: some have modules of other people's below them.
const FOLDERS: [&str; 16] = [
    "src",
    "crates",
    "tests/src",
    "tests/tests",
    "cli/src",
    "cli/tests",
    "xtask/src",
    "xtask/tests",
    "bench/src",
    "bench/benches",
    "examples/origin/src",
    "examples/origin/tests",
    "fuzz/bin",
    "fuzz/src",
    "fuzz/targets/src",
    "fuzz/targets/tests",
];

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    let folders = FOLDERS.iter().map(|folder| root().join(folder));
    for path in folders.flat_map(|folder| files(&folder, ".rs")) {
        let text = text(&path);
        assert!(text.starts_with("//!"), "{} does not", path.display());
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_oldest_rust_is_the_one_that_is_checked() {
    let manifest = text(&root().join("Cargo.toml"));
    let (_, rest) = manifest.split_once("rust-version = \"").expect("a version");
    let (oldest, _) = rest.split_once('"').expect("its end");
    let workflow = text(&root().join(".github/workflows/ci.yml"));
    let installs = format!("rustup toolchain install {oldest} ");
    assert!(workflow.contains(&installs), "{oldest} is not checked");
}

/// Texts that may stand in the JavaScript of src/shell: members of the runtime and of its requests, the forms in which the
/// module writes to it, and files. A header, a path, a status or a sentence would be a decision.
const SHELL_TEXTS: [&str; 18] = [
    "gateway",
    "./calls.js",
    "./instance.js",
    "./objects.js", // files
    "error",
    "unhandledrejection", // events
    "manual",
    "convert",
    "TimeoutError", // what `fetch` takes
    "\\n",
    ":",
    "-",
    "=",
    "1",
    "", // the forms of crates/gate/src/lines.rs
    "\\n${name}:${headers.get(name)}",
    "\\n${name}",
    "${request.method}\\n${request.url}${lines(request.headers, wanted.call)}",
];

#[test]
fn the_shell_holds_no_policy() {
    let mut scripts = 0;
    for path in files(&root().join("src/shell"), ".js") {
        scripts += 1;
        let text = text(&path);
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for found in texts(line) {
                let known = SHELL_TEXTS.contains(&found);
                assert!(
                    known,
                    "{}: `{found}` is not the shell's to say",
                    path.display()
                );
            }
            let number = |word: &str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_digit());
            let mut words = line.split(|c: char| !c.is_ascii_alphanumeric());
            assert!(!words.any(number), "{}: {line}: a number", path.display());
        }
    }
    assert!(scripts >= 4, "src/shell was not found");
}

/// The texts in quotes of a line, which ends none of them in the middle.
fn texts(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(begin) = rest.find(['"', '`', '\'']) {
        let (quote, after) = rest.split_at(begin).1.split_at(1);
        let (text, left) = after.split_once(quote).expect("an open text");
        found.push(text);
        rest = left;
    }
    found
}
