//! What a release has in it: the folder that is deployed, and the `postern` command with what an installed command has.

use std::fs;
use std::path::Path;

use crate::archive::{File, read_folder};
use crate::{Content, Outcome, Places, digest, doing, licences, lock, read, read_json};

/// Below `packages/create-postern`: what is in a deployed folder and nowhere else.
pub const TEMPLATE: &str = "packages/create-postern/template";

/// npm leaves a `.gitignore` out of packages, so the template's has another name.
const GITIGNORE: &str = "gitignore";

/// What the folder must have, whatever else it has. A release without one of them would not run.
const NEEDED: [&str; 10] = [
    "build/index.js",
    "build/index_bg.wasm",
    "dashboard/index.html",
    "dashboard/openapi.json",
    "migrations/0001_create_records.sql",
    "wrangler.jsonc",
    "package.json",
    "package-lock.json",
    "README.md",
    ".gitignore",
];

/// The folder that is deployed.
pub fn module(places: &Places) -> Outcome<Content> {
    let root = &places.root;
    let mut files = read_folder(&root.join(TEMPLATE))?;
    if let Some(ignored) = files.remove(GITIGNORE) {
        files.insert(".gitignore".to_owned(), ignored);
    }
    for name in ["index.js", "index_bg.wasm"] {
        copy(
            &mut files,
            &format!("build/{name}"),
            root,
            &format!("build/{name}"),
        )?;
    }
    for folder in ["dashboard", "migrations"] {
        let below = read_folder(&root.join(folder))?;
        files.extend(
            below
                .into_iter()
                .map(|(path, file)| (format!("{folder}/{path}"), file)),
        );
    }
    let manifest = read_json(&root.join(TEMPLATE).join("package.json"))?;
    let lock = lock::of(&manifest, &read_json(&root.join("package-lock.json"))?)?;
    files.insert("package-lock.json".to_owned(), File::plain(lock));
    copy(&mut files, "openapi.json", root, "docs/openapi.json")?;
    copy(&mut files, ".dev.vars.example", root, ".dev.vars.example")?;
    copy(&mut files, "LICENSE", root, "LICENSE")?;
    let third = licences::of(&places.parts.join("module.json"), "postern")?;
    files.insert("THIRD-PARTY.txt".to_owned(), File::plain(third));
    if let Some(missing) = NEEDED.iter().find(|name| !files.contains_key(**name)) {
        return Err(format!("the release has no {missing}"));
    }
    let sums = digest::sums(&digest::of_files(&files));
    files.insert("SHA256SUMS".to_owned(), File::plain(sums));
    Ok(files)
}

/// The built programs, by target.
pub fn programs(places: &Places) -> Outcome<Vec<(String, Vec<u8>)>> {
    let folder = places.parts.join("bin");
    let mut programs = Vec::new();
    for entry in doing(folder.display(), fs::read_dir(&folder))? {
        let entry = doing(folder.display(), entry)?;
        let target = entry.file_name().to_string_lossy().into_owned();
        programs.push((target, read(&entry.path().join("postern"))?));
    }
    programs.sort();
    Ok(programs)
}

/// The archive of the command line.
pub fn command_line(places: &Places, program: Vec<u8>) -> Outcome<Content> {
    let mut files = Content::new();
    let program = File {
        bytes: program,
        program: true,
    };
    files.insert("postern".to_owned(), program);
    for folder in ["man", "completions"] {
        let below = read_folder(&places.parts.join(folder))?;
        if below.is_empty() {
            return Err(format!("the release has no {folder}"));
        }
        files.extend(
            below
                .into_iter()
                .map(|(path, file)| (format!("{folder}/{path}"), file)),
        );
    }
    copy(&mut files, "LICENSE", &places.root, "LICENSE")?;
    let third = licences::of(&places.parts.join("cli.json"), "postern-cli")?;
    files.insert("THIRD-PARTY.txt".to_owned(), File::plain(third));
    Ok(files)
}

fn copy(files: &mut Content, to: &str, root: &Path, from: &str) -> Outcome {
    let file = File::plain(read(&root.join(from))?);
    files.insert(to.to_owned(), file);
    Ok(())
}

#[cfg(test)]
mod tests;
