//! What the package's program leaves behind: a whole release, or nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::*;
use crate::digest;

/// A package with a release of two files, and somebody's folder beside it.
struct Laid {
    scratch: TempDir,
}

impl Laid {
    fn new() -> Self {
        let scratch = TempDir::new().unwrap();
        let template = scratch.path().join("package/template");
        fs::create_dir_all(template.join("build")).unwrap();
        let program = root().join(PACKAGE).join("index.mjs");
        fs::copy(program, scratch.path().join("package/index.mjs")).unwrap();
        let files = [
            ("build/index.js", "build/index.js", "code"),
            ("gitignore", ".gitignore", "node_modules\n"),
        ];
        let mut released = Content::new();
        for (packed, name, text) in files {
            fs::write(template.join(packed), text).unwrap();
            released.insert(name.to_owned(), File::plain(text));
        }
        let sums = digest::sums(&digest::of_files(&released));
        fs::write(template.join("SHA256SUMS"), sums).unwrap();
        Self { scratch }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn lay(&self, folder: &str) -> Output {
        let pinned = root().join("node_modules/.bin/node");
        let node = if pinned.is_file() {
            pinned
        } else {
            "node".into()
        };
        Command::new(node)
            .arg(self.path("package/index.mjs"))
            .arg(folder)
            .current_dir(self.scratch.path())
            .output()
            .expect("Node runs")
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let files = read_folder(&self.path(folder)).unwrap();
        files.into_keys().collect()
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[track_caller]
fn refused(output: &Output, code: i32, because: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(because), "{told}");
}

#[test]
fn a_release_is_laid_down_whole() {
    let laid = Laid::new();
    let output = laid.lay("a/b");
    assert!(output.status.success(), "{output:?}");
    let expected = [".gitignore", "SHA256SUMS", "build/index.js"];
    assert_eq!(laid.names("a/b"), expected);
    refused(&laid.lay("a/b"), 2, "is not empty: name a new folder");
    assert_eq!(laid.names("a/b"), expected);
}

#[test]
fn what_is_not_as_released_leaves_nothing_behind() {
    let laid = Laid::new();
    fs::write(laid.path("package/template/build/index.js"), "other code").unwrap();
    fs::create_dir_all(laid.path("there/already")).unwrap();
    fs::create_dir_all(laid.path("near")).unwrap();
    fs::write(laid.path("near/mine"), "").unwrap();
    for folder in ["new", "new/er", "near/new", "there/already"] {
        let because = "not as released: build/index.js; nothing was laid down";
        refused(&laid.lay(folder), 1, because);
    }
    assert!(!laid.path("new").exists());
    assert_eq!(laid.names("near"), ["mine"]);
    assert!(!laid.path("near/new").exists());
    assert!(laid.path("there/already").is_dir(), "it was there");
    assert_eq!(fs::read_dir(laid.path("there/already")).unwrap().count(), 0);
}

#[test]
fn a_part_of_a_release_leaves_nothing_behind() {
    let laid = Laid::new();
    fs::remove_file(laid.path("package/template/gitignore")).unwrap();
    refused(&laid.lay("new"), 1, "nothing was laid down");
    assert!(!laid.path("new").exists());
}
