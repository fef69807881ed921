//! Links to artifacts in the origin's answers, and the gateway's own in their place.

use crate::artifacts::Digest;
use crate::error::Result;
use crate::reply::foreign;

/// The path of the gateway's own downloads, before the digest.
pub const DOWNLOADS: &str = "/cas/download/";
/// The path of the store's downloads, before the digest.
pub const STORE_DOWNLOADS: &str = "/download/";

/// The gateway's own link for the artifact that the origin's link leads to. It has no credential: who
/// follows it shows a token of its own.
///
/// # Errors
/// A link that is none of the artifact store's, or is one to another artifact than was asked for: it
/// could have a credential anywhere, so it reaches nobody.
pub(super) fn own(link: &str, digest: &str, origin: &str) -> Result<String> {
    let unlike = |why: &str| foreign(format!("the origin's link to an artifact {why}"));
    let digest = Digest::parse(digest).ok_or_else(|| unlike("is for no SHA-256"))?;
    let rest = link
        .strip_prefix("https://")
        .or_else(|| link.strip_prefix("http://"))
        .ok_or_else(|| unlike("is no URL of http or https"))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let ends = format!("{STORE_DOWNLOADS}{digest}");
    // Go writes the colon of a path as it is; other servers may escape it.
    let place = place.replace("%3A", ":").replace("%3a", ":");
    if !place.ends_with(&ends) || place.starts_with('/') || place.contains('#') {
        return Err(unlike("does not end in `/download/` and the digest"));
    }
    if query.contains('#') || !query.is_empty() && !query.starts_with("t=") {
        return Err(unlike("has another query than `t`"));
    }
    Ok(format!("{origin}{DOWNLOADS}{digest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r46_only_a_link_to_the_artifact_is_replaced() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let good = format!("https://gate.example/cas/download/{digest}");
        let other = format!("sha256:{}", "0b".repeat(32));
        let rows = [
            (
                format!("https://cas.example/download/{digest}?t=e.y.J"),
                None,
            ),
            (
                format!("http://127.0.0.1:8003/a/download/{digest}?t=x"),
                None,
            ),
            (format!("https://cas.example/download/{digest}"), None),
            (
                format!(
                    "https://cas.example/download/{}?t=x",
                    digest.replace(':', "%3A")
                ),
                None,
            ),
            (
                format!("https://cas.example/download/{other}?t=x"),
                Some("does not end in"),
            ),
            (
                format!("https://cas.example/files/{digest}?t=x"),
                Some("does not end in"),
            ),
            (
                format!("https://cas.example/t=x/download/{digest}/more"),
                Some("does not end in"),
            ),
            (
                format!("https:///download/{digest}"),
                Some("does not end in"),
            ),
            (
                format!("ftp://cas.example/download/{digest}"),
                Some("no URL"),
            ),
            (format!("/download/{digest}?t=x"), Some("no URL")),
            (
                format!("https://cas.example/download/{digest}?token=x"),
                Some("another query"),
            ),
            (
                format!("https://cas.example/download/{digest}?t=x#y"),
                Some("another query"),
            ),
        ];
        for (link, refused) in rows {
            match (own(&link, &digest, "https://gate.example"), refused) {
                (Ok(found), None) => assert_eq!(found, good, "{link}"),
                (Err(error), Some(why)) => {
                    assert_eq!(error.code(), "origin_unavailable");
                    let cause = error.private();
                    assert!(cause.contains(why) && !cause.contains("t=x"), "{cause}");
                }
                (found, _) => panic!("{link}: {found:?}"),
            }
        }
        let refused = own(
            "https://cas.example/download/x",
            "x",
            "https://gate.example",
        );
        assert!(
            refused
                .expect_err("refused")
                .private()
                .contains("no SHA-256")
        );
    }
}
