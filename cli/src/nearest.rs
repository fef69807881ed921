//! Which of several names was probably meant.

/// The name that a mistyped one is nearest to, if one is near: one slip of the keys in four letters.
pub fn nearest<'n>(meant: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let meant = meant.to_lowercase();
    let most = 1 + meant.chars().count() / 4;
    let distance = |name: &str| strsim::damerau_levenshtein(&meant, &name.to_lowercase());
    let near = names.into_iter().map(|name| (distance(name), name));
    let near = near.filter(|(distance, name)| *distance <= most && *distance < name.len());
    Some(near.min()?.1)
}

/// The same as a question.
pub fn did_you_mean<'n>(meant: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(meant, names).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_names_are_not() {
        let names = ["ci-release", "ci-nightly", "prefix", "a"];
        for (meant, expected) in [
            ("ci-relase", Some("ci-release")),
            ("ci-raelese", Some("ci-release")),
            ("CI-Release", Some("ci-release")),
            ("prefex", Some("prefix")),
            ("deploy", None),
            ("b", None),
            ("", None),
        ] {
            assert_eq!(nearest(meant, names), expected, "{meant}");
        }
    }
}
