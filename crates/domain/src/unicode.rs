//! What can be seen of a text: characters that nobody sees, and the form in which two texts that
//! look the same are equal. Normalization itself comes in as a function: every platform has it, and
//! its tables would be the largest part of the module.

/// `Default_Ignorable_Code_Point`, from Unicode's DerivedCoreProperties. Places without a character
/// yet are in it, so that later versions change nothing.
const DEFAULT_IGNORABLE: [(char, char); 17] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a character is one that programs draw as nothing (`Default_Ignorable_Code_Point`):
/// joiners, direction marks, variation selectors, tags.
pub fn is_default_ignorable(character: char) -> bool {
    !character.is_ascii()
        && DEFAULT_IGNORABLE
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&character))
}

/// The category `Cf`, format characters, as of Unicode 16.
const FORMAT: [(char, char); 21] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{2064}'),
    ('\u{2066}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0001}', '\u{e0001}'),
    ('\u{e0020}', '\u{e007f}'),
];

/// Whether a character formats others and is none to be read itself (category `Cf`): joiners, marks of
/// direction, soft hyphens, tags.
pub fn is_format(character: char) -> bool {
    !character.is_ascii()
        && FORMAT
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&character))
}

/// Whether a character leaves no mark on a page: the default-ignorable ones, white space, control
/// characters, the blank of Braille, the marks around annotations, and what Unicode keeps for
/// private use or for no character at all.
pub fn is_invisible(character: char) -> bool {
    is_default_ignorable(character)
        || character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{2800}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff9}'..='\u{fffb}' | '\u{f0000}'..
        )
        // The last two places of every plane (Unicode Standard, section 23.7).
        || u32::from(character) & 0xfffe == 0xfffe
}

/// A normalization form (Unicode Standard Annex 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Letters and marks together.
    Composed,
    /// Letters and marks apart.
    Decomposed,
}

impl Form {
    /// The name that the standard gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Composed => "NFC",
            Self::Decomposed => "NFD",
        }
    }
}

/// The form in which texts that look the same are equal: without default-ignorable characters,
/// then in NFC. ASCII is that already.
pub fn likeness(text: &str, normalize: impl Fn(&str, Form) -> String) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let seen: String = text
        .chars()
        .filter(|character| !is_default_ignorable(*character))
        .collect();
    normalize(&seen, Form::Composed)
}

/// What other tests compare with.
#[cfg(test)]
pub mod tests {
    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    /// What the platform does, of another library.
    pub fn normalize(text: &str, form: Form) -> String {
        match form {
            Form::Composed => text.nfc().collect(),
            Form::Decomposed => text.nfd().collect(),
        }
    }

    /// The table against another one, of the authors of the regular expressions.
    #[test]
    fn the_table_is_that_of_unicode() {
        let property =
            regex::Regex::new(r"^\p{Default_Ignorable_Code_Point}$").expect("a property");
        let mut buffer = [0; 4];
        for character in '\0'..=char::MAX {
            let text = character.encode_utf8(&mut buffer);
            let expected = property.is_match(text);
            assert_eq!(is_default_ignorable(character), expected, "{character:?}");
        }
    }

    /// The same of the other table.
    #[test]
    fn the_format_characters_are_those_of_unicode() {
        let property = regex::Regex::new(r"^\p{Cf}$").expect("a property");
        let mut buffer = [0; 4];
        for character in '\0'..=char::MAX {
            let text = character.encode_utf8(&mut buffer);
            let expected = property.is_match(text);
            assert_eq!(is_format(character), expected, "{character:?}");
        }
    }

    #[test]
    fn what_leaves_no_mark() {
        for character in [
            ' ',
            '\t',
            '\u{a0}',
            '\u{200b}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{e000}',
            '\u{fdd0}',
            '\u{fffe}',
            '\u{1ffff}',
            '\u{10fffd}',
        ] {
            assert!(is_invisible(character), "{character:?}");
        }
        for character in ['a', '-', '\u{301}', '\u{e9}', '\u{1f600}', '\u{fffd}'] {
            assert!(!is_invisible(character), "{character:?}");
        }
    }

    #[test]
    fn what_looks_the_same_is_equal() {
        for (one, other) in [
            ("caf\u{e9}", "cafe\u{301}"),
            ("ci", "c\u{200b}i\u{feff}"),
            ("\u{c5}", "\u{212b}"),
            // A mark that a joiner kept apart from its letter.
            ("e\u{34f}\u{301}", "\u{e9}"),
            ("\u{ac00}", "\u{1100}\u{1161}"),
        ] {
            assert_eq!(
                likeness(one, normalize),
                likeness(other, normalize),
                "{one:?} {other:?}"
            );
        }
        for (one, other) in [
            ("ci", "CI"),
            ("a b", "ab"),
            ("e", "\u{e9}"),
            ("\u{fb01}", "fi"),
        ] {
            assert_ne!(
                likeness(one, normalize),
                likeness(other, normalize),
                "{one:?} {other:?}"
            );
        }
    }
}
