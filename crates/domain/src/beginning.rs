//! From the beginning of a token's visible part to the ids that have it, so that a token is found by
//! what a log or a list shows of it (R48).

use super::id::TokenId;
use super::token::{BASE62, OPAQUE_ID_DIGITS};

/// The ids whose text in an opaque key begins with these digits, from the first to the last; `None` where
/// no id does.
pub fn ids_of_base62(digits: &str) -> Option<(TokenId, TokenId)> {
    let left = OPAQUE_ID_DIGITS.checked_sub(digits.len())?;
    let value = digits.bytes().try_fold(0u128, |value, byte| {
        let digit = BASE62.iter().position(|&symbol| symbol == byte)?;
        value.checked_mul(62)?.checked_add(digit as u128)
    })?;
    let (mut first, mut last) = (value, value);
    for _ in 0..left {
        first = first.checked_mul(62)?;
        last = last.saturating_mul(62).saturating_add(61);
    }
    Some((TokenId::from_u128(first), TokenId::from_u128(last)))
}

/// The ids whose own text begins so, in lower case, from the first to the last; `None` where no id
/// does.
pub fn ids_of_text(text: &str) -> Option<(TokenId, TokenId)> {
    let filled = |with: char| {
        let form = "00000000-0000-0000-0000-000000000000";
        let rest = form.get(text.len()..)?;
        let rest = rest.replace('0', with.encode_utf8(&mut [0; 4]));
        TokenId::parse(&format!("{text}{rest}")).ok()
    };
    Some((filled('0')?, filled('f')?))
}

#[cfg(test)]
mod tests {
    use super::super::id::Id;
    use super::super::token::base62_id;
    use super::*;

    #[test]
    fn r48_a_beginning_stands_for_the_ids_that_have_it() {
        for bits in [
            0,
            1,
            62,
            u128::MAX,
            0x1234_5678_9abc_def0_1234_5678_9abc_def0,
        ] {
            let id = Id::from_u128(bits);
            let (digits, text) = (base62_id(id), id.to_string());
            for length in 0..=OPAQUE_ID_DIGITS {
                let beginning = digits.get(..length).expect("digits");
                let (first, last) = ids_of_base62(beginning).expect(beginning);
                assert!((first.as_u128()..=last.as_u128()).contains(&bits));
                assert!(base62_id(first).starts_with(beginning), "{beginning}");
                assert!(base62_id(last).starts_with(beginning), "{beginning}");
            }
            for length in 0..=text.len() {
                let beginning = text.get(..length).expect("digits");
                let (first, last) = ids_of_text(beginning).expect(beginning);
                assert!((first.as_u128()..=last.as_u128()).contains(&bits));
                assert!(last.to_string().starts_with(beginning), "{beginning}");
            }
        }
        // The ids next to it do not have it.
        let (first, last) = ids_of_base62("1613").expect("ids");
        for beside in [first.as_u128() - 1, last.as_u128() + 1] {
            assert!(!base62_id(Id::from_u128(beside)).starts_with("1613"));
        }
        let nothing = ["zzzz", "7n42DGM5Tflk9n8mt7Fhc8", "-", "é", &"0".repeat(23)];
        for text in nothing {
            assert_eq!(ids_of_base62(text), None, "{text}");
            assert_eq!(ids_of_text(text), None, "{text}");
        }
    }
}
