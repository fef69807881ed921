//! Things made once and kept: each appears under its final name whole or not at all, whoever else is making it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::fail::{Outcome, doing};
use crate::paths;

/// Held while one process makes something; released when dropped, also by a crash.
pub struct Lock(#[expect(dead_code, reason = "held for its drop, which releases the lock")] File);

/// Waits for the lock kept in `file`.
pub fn lock(file: &Path) -> Outcome<Lock> {
    let open = open_lock(file)?;
    doing(format_args!("locking {}", file.display()), open.lock())?;
    Ok(Lock(open))
}

/// The lock, or `None` if somebody holds it.
pub fn try_lock(file: &Path) -> Outcome<Option<Lock>> {
    let open = open_lock(file)?;
    match open.try_lock() {
        Ok(()) => Ok(Some(Lock(open))),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => {
            doing(format_args!("locking {}", file.display()), Err(error))
        }
    }
}

fn open_lock(file: &Path) -> Outcome<File> {
    if let Some(dir) = file.parent() {
        doing(
            format_args!("creating {}", dir.display()),
            fs::create_dir_all(dir),
        )?;
    }
    let open = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(file);
    doing(format_args!("opening {}", file.display()), open)
}

/// The folder `name` in the cache, made by `make` in a temporary folder the first time and renamed when complete.
pub fn once(name: &str, make: impl FnOnce(&Path) -> Outcome) -> Outcome<PathBuf> {
    let whole = paths::cache()?.join(name);
    if whole.is_dir() {
        return Ok(whole);
    }
    let _lock = lock(&paths::cache()?.join("locks").join(name))?;
    if whole.is_dir() {
        return Ok(whole);
    }
    let partial = paths::cache()?.join(format!(".partial-{name}"));
    if partial.exists() {
        doing(
            "removing what an interrupted run left",
            fs::remove_dir_all(&partial),
        )?;
    }
    doing(
        format_args!("creating {}", partial.display()),
        fs::create_dir_all(&partial),
    )?;
    make(&partial)?;
    doing(
        format_args!("naming {}", whole.display()),
        fs::rename(&partial, &whole),
    )?;
    Ok(whole)
}
