//! The grammar of policies, which the build script holds routes.toml to as well. Which policies
//! exist is not known here.

/// Whether the text is `resource:action`: each part of 1 to 64 lower case letters and `_`; the
/// action may be `*`.
pub fn is_policy(text: &str) -> bool {
    let word = |part: &str| {
        (1..=64).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    match text.split_once(':') {
        Some((resource, action)) => word(resource) && (word(action) || action == "*"),
        None => false,
    }
}
