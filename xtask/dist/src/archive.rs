//! Folders in memory, and gzipped tar archives of them: sorted, of one moment, owned by nobody in particular, so that
//! the same files are the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::{Outcome, doing, read};

/// When every file was changed, for the archive: 1985-10-26T08:15:00Z, as npm has it.
const MODIFIED: u64 = 499_162_500;
const PLAIN: u32 = 0o644;
const PROGRAM: u32 = 0o755;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub bytes: Vec<u8>,
    /// Whether it can be run.
    pub program: bool,
}

impl File {
    pub fn plain(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            program: false,
        }
    }
}

/// Files by their path, with `/` between folders.
pub type Files = BTreeMap<String, File>;

/// Every file below a folder; none if it is not there.
pub fn read_folder(folder: &Path) -> Outcome<Files> {
    let mut files = Files::new();
    if folder.is_dir() {
        collect(folder, "", &mut files)?;
    }
    Ok(files)
}

fn collect(folder: &Path, below: &str, files: &mut Files) -> Outcome {
    for entry in doing(folder.display(), fs::read_dir(folder))? {
        let path = doing(folder.display(), entry)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(format!("{}: a name that is not UTF-8", path.display()));
        };
        let inside = format!("{below}{name}");
        match path.is_dir() {
            true => collect(&path, &format!("{inside}/"), files)?,
            false => drop(files.insert(inside, File::plain(read(&path)?))),
        }
    }
    Ok(())
}

/// The archive of these files below one folder.
pub fn tar_gz(folder: &str, files: &Files) -> Outcome<Vec<u8>> {
    // Without a name and a time in its head.
    let gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    let mut archive = Builder::new(gzip);
    for (path, file) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(if file.program { PROGRAM } else { PLAIN });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(MODIFIED);
        header.set_size(file.bytes.len() as u64);
        let path = format!("{folder}/{path}");
        let added = archive.append_data(&mut header, &path, file.bytes.as_slice());
        doing(&path, added)?;
    }
    let gzip = doing("closing an archive", archive.into_inner())?;
    doing("closing an archive", gzip.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn an_archive_knows_no_machine_and_no_moment() {
        let folder = tempfile::TempDir::new().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b/two"), "2").unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        let mut files = read_folder(folder.path()).unwrap();
        files.get_mut("b/two").unwrap().program = true;
        let bytes = tar_gz("postern-1", &files).unwrap();
        assert_eq!(bytes, tar_gz("postern-1", &files).unwrap());
        // RFC 1952: no flags, no time.
        assert_eq!(bytes[3..8], [0; 5]);
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let seen: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                let header = entry.header().clone();
                assert_eq!(header.mtime().unwrap(), MODIFIED);
                assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
                let path = entry.path().unwrap().display().to_string();
                (path, header.mode().unwrap(), text)
            })
            .collect();
        let expected = [("postern-1/a", 0o644, "1"), ("postern-1/b/two", 0o755, "2")];
        let expected = expected.map(|(path, mode, text)| (path.into(), mode, text.into()));
        assert_eq!(seen, expected);
    }
}
