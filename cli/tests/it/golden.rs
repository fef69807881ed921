//! Texts that only change on purpose. `POSTERN_REWRITE_GOLDEN=1` writes them anew.

use std::fs;
use std::path::Path;

/// Compares with the file of that name.
pub fn check(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("POSTERN_REWRITE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        text == expected,
        "{} differs; POSTERN_REWRITE_GOLDEN=1 writes it anew. Now:\n{text}",
        file.display()
    );
}
