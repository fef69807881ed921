//! What stdout is: how wide, whether colours are wanted, whether it draws a tick. Decides from the
//! environment that it is given (no-color.org, bixense.com/clicolors).

use std::io::IsTerminal as _;

use crate::settings::Environment;

/// Width of a terminal that does not tell it.
const USUAL: usize = 80;
/// Narrowest width that anything is fitted to.
const LEAST: usize = 40;

/// How text is written for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Columns of the terminal; `None` where stdout is none, and lines may have any length.
    pub width: Option<usize>,
    /// Whether colours are wanted.
    pub colour: bool,
    /// Whether it is a terminal that draws marks such as a tick.
    pub marks: bool,
}

impl Screen {
    /// No terminal: plain text, at full width.
    pub const NONE: Self = Self {
        width: None,
        colour: false,
        marks: false,
    };

    /// This process's stdout.
    pub fn stdout() -> Self {
        let environment: Environment<'_> = &|name| std::env::var_os(name);
        let stdout = std::io::stdout();
        let is_terminal = stdout.is_terminal();
        let size = rustix::termios::tcgetwinsize(&stdout);
        let columns = size.ok().map(|size| usize::from(size.ws_col));
        Self {
            width: is_terminal.then(|| width(columns, environment)),
            colour: colour(is_terminal, environment),
            marks: is_terminal && is_utf8(environment),
        }
    }
}

fn text(environment: Environment<'_>, name: &str) -> String {
    let value = environment(name).unwrap_or_default();
    value.to_string_lossy().into_owned()
}

/// What the terminal says, else what the shell says.
fn width(columns: Option<usize>, environment: Environment<'_>) -> usize {
    let told = columns.filter(|columns| *columns > 0);
    let told = told.or_else(|| text(environment, "COLUMNS").parse().ok());
    told.unwrap_or(USUAL).max(LEAST)
}

/// Whether colours are wanted: `NO_COLOR` ends the question, then `CLICOLOR_FORCE`.
fn colour(is_terminal: bool, environment: Environment<'_>) -> bool {
    let set = |name: &str| !text(environment, name).is_empty();
    let zero = |name: &str| text(environment, name) == "0";
    if set("NO_COLOR") {
        return false;
    }
    if set("CLICOLOR_FORCE") && !zero("CLICOLOR_FORCE") {
        return true;
    }
    is_terminal && !zero("CLICOLOR") && text(environment, "TERM") != "dumb"
}

/// Whether the locale has more than ASCII: the first variable that is set says so (POSIX).
fn is_utf8(environment: Environment<'_>) -> bool {
    let mut names = ["LC_ALL", "LC_CTYPE", "LANG"].iter();
    let locale = names.find_map(|name| Some(text(environment, name)).filter(|it| !it.is_empty()));
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// How a text is coloured, where colours are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// As everything else.
    #[default]
    Plain,
    /// In order.
    Good,
    /// To be looked at.
    Warning,
    /// Refused, revoked, broken.
    Bad,
    /// Less important than the rest.
    Quiet,
    /// A heading.
    Strong,
}

impl Tone {
    /// The text in this tone.
    pub fn paint(self, text: &str, screen: Screen) -> String {
        let code = match self {
            _ if !screen.colour || text.is_empty() => return text.to_owned(),
            Self::Plain => return text.to_owned(),
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
            Self::Quiet => "2",
            Self::Strong => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// The sign before a text in this tone, where a terminal draws it.
    pub fn mark(self, screen: Screen) -> &'static str {
        match self {
            _ if !screen.marks => "",
            Self::Good => "✓ ",
            Self::Warning => "! ",
            Self::Bad => "✗ ",
            Self::Plain | Self::Quiet | Self::Strong => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn of<'r>(rows: &'r [(&'r str, &'r str)]) -> impl Fn(&str) -> Option<OsString> + 'r {
        |name| {
            let row = rows.iter().find(|(known, _)| *known == name);
            row.map(|(_, value)| OsString::from(value))
        }
    }

    #[test]
    fn colours_are_for_terminals_unless_somebody_says_otherwise() {
        for (is_terminal, variables, wanted) in [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (true, &[("TERM", "dumb")], false),
            (true, &[("CLICOLOR", "0")], false),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (false, &[("CLICOLOR_FORCE", "")], false),
            (true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (false, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true),
        ] {
            assert_eq!(colour(is_terminal, &of(variables)), wanted, "{variables:?}");
        }
    }

    #[test]
    fn a_terminal_tells_its_width_or_the_shell_does() {
        for (columns, variables, expected) in [
            (Some(120), &[("COLUMNS", "90")][..], 120),
            (Some(0), &[("COLUMNS", "90")], 90),
            (None, &[("COLUMNS", "wide")], USUAL),
            (Some(0), &[], USUAL),
            (Some(7), &[], LEAST),
        ] {
            assert_eq!(width(columns, &of(variables)), expected, "{columns:?}");
        }
    }

    #[test]
    fn marks_need_a_locale_that_has_them() {
        for (variables, expected) in [
            (&[("LANG", "de_DE.UTF-8")][..], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LANG", "")], false),
            (&[], false),
        ] {
            assert_eq!(is_utf8(&of(variables)), expected, "{variables:?}");
        }
    }

    #[test]
    fn tones_are_colours_only_where_they_are_wanted() {
        let coloured = Screen {
            colour: true,
            ..Screen::NONE
        };
        assert_eq!(Tone::Bad.paint("x", coloured), "\x1b[31mx\x1b[0m");
        assert_eq!(Tone::Bad.paint("", coloured), "");
        assert_eq!(Tone::Plain.paint("x", coloured), "x");
        assert_eq!(Tone::Bad.paint("x", Screen::NONE), "x");
    }
}
