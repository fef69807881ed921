//! Files that arguments name: how messages call them, who else can use them, and how those are opened that are
//! read to their end.

use std::fs::{self, File, Metadata};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A file as messages call it; `-` is standard input.
pub fn named(file: &Path) -> String {
    match file == Path::new("-") {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    }
}

/// Whether anybody but its owner can use a file.
pub fn is_open_to_others(about: &Metadata) -> bool {
    about.permissions().mode() & 0o077 != 0
}

/// Opens a regular file: no device and no pipe, which may have no end. Anything else is not even opened: a pipe would wait for a writer.
///
/// # Errors
/// As opening; `InvalidInput` for what is no regular file.
pub fn open_regular(path: &Path) -> Result<File> {
    let no_file = || Error::new(ErrorKind::InvalidInput, "it is not a regular file");
    if !fs::metadata(path)?.is_file() {
        return Err(no_file());
    }
    let file = File::open(path)?;
    // Another one may have its name by now.
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(no_file()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_not_opened() {
        let folder = tempfile::TempDir::new().unwrap();
        for path in [
            Path::new("/dev/zero"),
            Path::new("/dev/null"),
            folder.path(),
        ] {
            let error = open_regular(path).unwrap_err();
            assert_eq!(
                error.to_string(),
                "it is not a regular file",
                "{}",
                path.display()
            );
        }
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(
            open_regular(&pipe).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        let missing = open_regular(&folder.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        assert_eq!(open_regular(&file).unwrap().metadata().unwrap().len(), 1);
    }
}
