//! Which SQL files are migrations, and in which order: as wrangler sees `migrations/`. Reads names, never contents.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fail::{Outcome, doing};

#[derive(Debug, PartialEq, Eq)]
pub struct Migration {
    /// The name recorded in `d1_migrations`.
    pub name: String,
    pub path: PathBuf,
}

/// The migrations in `folder`, first to last; none if there is no such folder.
pub fn list(folder: &Path) -> Outcome<Vec<Migration>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in doing(
        format_args!("listing {}", folder.display()),
        fs::read_dir(folder),
    )? {
        let entry = doing("listing migrations", entry)?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(ordered(names)
        .into_iter()
        .map(|name| Migration {
            path: folder.join(&name),
            name,
        })
        .collect())
}

/// By leading number, then by name, so that `10_` comes after `9_`.
fn ordered(mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| name.ends_with(".sql"));
    names.sort_by_cached_key(|name| (leading_number(name), name.clone()));
    names
}

/// Names without a number come last.
fn leading_number(name: &str) -> u64 {
    let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let names = [
            "0010_c.sql",
            "0002_b.sql",
            "README.md",
            "extra.sql",
            "0001_a.sql",
            "9_early.sql",
            "0002_a.sql",
        ];
        let expected = [
            "0001_a.sql",
            "0002_a.sql",
            "0002_b.sql",
            "9_early.sql",
            "0010_c.sql",
            "extra.sql",
        ];
        assert_eq!(ordered(names.map(str::to_owned).into()), expected);
    }

    #[test]
    fn no_folder_means_no_migrations() {
        assert_eq!(list(Path::new("/nonexistent/migrations")), Ok(Vec::new()));
    }
}
