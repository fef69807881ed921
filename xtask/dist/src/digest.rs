//! SHA-256 of files, and lists of them as `sha256sum --check` reads them.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::Outcome;
use crate::archive::{Files, read_folder};

/// Digests in hexadecimal, by path.
pub type Digests = BTreeMap<String, String>;

pub fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn of_files(files: &Files) -> Digests {
    let digest = |(path, file): (&String, &crate::archive::File)| (path.clone(), hex(&file.bytes));
    files.iter().map(digest).collect()
}

pub fn of_folder(folder: &Path) -> Outcome<Digests> {
    Ok(of_files(&read_folder(folder)?))
}

pub fn sums(digests: &Digests) -> String {
    let line = |(path, digest): (&String, &String)| format!("{digest}  {path}\n");
    digests.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_sha256sum() {
        let files = Files::from([("a/b".into(), crate::archive::File::plain("abc"))]);
        // FIPS 180-2, appendix B.1.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sums(&of_files(&files)), format!("{digest}  a/b\n"));
    }
}
