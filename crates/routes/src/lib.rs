//! The table of REST routes, from routes.toml to Rust. The build script compiles this module, and
//! the tests; the gateway itself never does. Any mistake in the file is an error, and all of them
//! are named.

#![warn(missing_docs)]

mod file;
mod pattern;
mod places;
mod rules;
mod write;

#[cfg(test)]
mod tests;

/// Turns the text of a table into the source of `ROUTES`, an array of `domain::route::Route`.
///
/// # Errors
/// Every mistake, as `file:line: what is wrong and what to do`.
pub fn compile(file: &str, text: &str) -> Result<String, Vec<String>> {
    let rows = file::read(text).map_err(|mistake| vec![mistake.show(file, text)])?;
    match rules::check(rows) {
        Ok(routes) => Ok(write::table(&routes)),
        Err(mistakes) => Err(mistakes
            .iter()
            .map(|mistake| mistake.show(file, text))
            .collect()),
    }
}

/// What is wrong, and where in the text.
#[derive(Debug)]
struct Mistake {
    /// Offset into the text, in bytes.
    at: usize,
    what: String,
}

impl Mistake {
    fn show(&self, file: &str, text: &str) -> String {
        let before = text.as_bytes().iter().take(self.at);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        format!("{file}:{line}: {}", self.what)
    }
}
