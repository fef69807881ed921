//! URLs of the configuration.

/// Reads the URL of the artifact store.
pub(super) fn store_url(text: Option<String>, problems: &mut Vec<String>) -> Option<String> {
    let checked = origin_url(&text?);
    if let Err(problem) = checked {
        problems.push(format!("ARTIFACT_CAS_URL {problem}"));
    }
    checked.ok()
}

/// Checks a URL: http or https, a host, no user, query or fragment.
pub(super) fn origin_url(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or("must begin with http:// or https://")?;
    if rest.contains(['?', '#', '@', '\\'])
        || rest.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err("must have neither user, query nor fragment");
    }
    if rest.starts_with(['/', ':']) || rest.is_empty() {
        return Err("has no host");
    }
    Ok(text.trim_end_matches('/').to_owned())
}
