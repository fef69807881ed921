//! The check of a content against the digest that its artifact is named by, while it passes.

use sha2::{Digest as _, Sha256};

use postern_wire::digest::Digest;

/// The content is not the artifact's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongContent;

/// A content on its way. The piece that came last is held back until more has come, or the digest is
/// known to be right: nobody gets all of a wrong content.
#[derive(Debug)]
pub struct Checking {
    expected: Digest,
    so_far: Sha256,
    held: Option<Vec<u8>>,
}

impl Checking {
    /// Of a content that has not begun.
    pub fn new(expected: Digest) -> Self {
        Self {
            expected,
            so_far: Sha256::new(),
            held: None,
        }
    }

    /// Takes the next piece in, and gives the one before it to pass on.
    pub fn take(&mut self, piece: Vec<u8>) -> Option<Vec<u8>> {
        if piece.is_empty() {
            return None;
        }
        self.so_far.update(&piece);
        self.held.replace(piece)
    }

    /// Ends the content, and gives the last piece.
    ///
    /// # Errors
    /// What has come is not the artifact; the last piece passes to nobody.
    pub fn end(self) -> Result<Option<Vec<u8>>, WrongContent> {
        let sha256: [u8; 32] = self.so_far.finalize().into();
        let found = Digest::from(sha256);
        match found == self.expected {
            true => Ok(self.held),
            false => Err(WrongContent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `hello`.
    const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// What passes of a content in these pieces, and whether it was the artifact.
    fn passed(expected: &str, pieces: &[&str]) -> (String, Result<(), WrongContent>) {
        let mut checking = Checking::new(Digest::parse(expected).expect("a digest"));
        let mut passed = Vec::new();
        for piece in pieces {
            passed.extend(checking.take(piece.as_bytes().to_vec()).unwrap_or_default());
        }
        let ended = checking.end();
        let ended = ended.map(|last| passed.extend(last.unwrap_or_default()));
        (String::from_utf8(passed).expect("a text"), ended)
    }

    #[test]
    fn r46_nobody_gets_all_of_a_wrong_content() {
        let rows: [(&str, &[&str], &str, bool); 10] = [
            (HELLO, &["hello"], "hello", true),
            (HELLO, &["he", "l", "lo"], "hello", true),
            (HELLO, &["", "hello", ""], "hello", true),
            (EMPTY, &[], "", true),
            (EMPTY, &["x"], "", false),
            (HELLO, &[], "", false),
            // Another content, a shorter and a longer one.
            (HELLO, &["hellp"], "", false),
            (HELLO, &["hel", "l"], "hel", false),
            (HELLO, &["hello", "!"], "hello", false),
            (HELLO, &["hell", "o", "o"], "hello", false),
        ];
        for (expected, pieces, passes, good) in rows {
            let (found, ended) = passed(expected, pieces);
            assert_eq!(
                (found.as_str(), ended.is_ok()),
                (passes, good),
                "{pieces:?}"
            );
        }
    }
}
