//! What signing in at the control plane through a browser needs of headers that are otherwise never
//! passed on (R45): three cookies, below one path, and a place to go on to.

use crate::site;

/// The cookies between the beginning and the end of a sign-in: the state that the identity provider
/// brings back, where the token goes, and how long it is to hold.
pub const COOKIES: [&str; 3] = ["oauthState", "oauthCallback", "longLived"];

/// The path below which they exist; nothing else of the gateway's is there.
pub const COOKIE_PATH: &str = "/auth";

/// How long they live, in seconds.
pub const COOKIE_SECONDS: u32 = 600;

/// Longest value of one, in bytes.
pub const MAX_COOKIE: usize = 2_048;

/// Longest place that an answer sends a browser to, in bytes.
pub const MAX_PLACE: usize = 16 * 1_024;

/// `Cookie` for the origin: the cookies of a sign-in out of those that came, and no other. `None`
/// where there are none.
pub fn for_origin(came: &str) -> Option<String> {
    let cookies = came.split(';').filter_map(one);
    let kept = first_of_each(cookies).map(|(name, value)| format!("{name}={value}"));
    let kept: Vec<String> = kept.collect();
    (!kept.is_empty()).then(|| kept.join("; "))
}

/// `Set-Cookie`, once for each cookie of a sign-in in an answer's own, joined by commas. Name and
/// value are the origin's; how far a cookie reaches, and for how long, is not. Where the gateway is
/// reached by https, they go to nobody else (`is_https`).
pub fn for_browser(came: &str, is_https: bool) -> Vec<String> {
    // A comma in quotes cannot be told from one between cookies: one could be smuggled in.
    if came.contains('"') {
        return Vec::new();
    }
    let mut cookies: Vec<(Option<(&str, &str)>, bool)> = Vec::new();
    for piece in came.split(',') {
        let (first, attributes) = piece.split_once(';').unwrap_or((piece, ""));
        // A comma within a date begins no cookie: the attributes of the one before go on.
        if first.contains('=') {
            cookies.push((one(first), false));
        }
        let is_secure = |attribute: &str| attribute.trim().eq_ignore_ascii_case("secure");
        if let Some((_, secure)) = cookies.last_mut() {
            *secure |= is_https || attributes.split(';').any(is_secure);
        }
    }
    let pieces = cookies
        .into_iter()
        .filter_map(|(cookie, is_secure)| cookie.map(|(name, value)| (name, (value, is_secure))));
    let written = |(name, (value, is_secure)): (&str, (&str, bool))| {
        let secure = if is_secure { "; Secure" } else { "" };
        format!(
            "{name}={value}; Path={COOKIE_PATH}; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}"
        )
    };
    first_of_each(pieces).map(written).collect()
}

/// Whether a browser may be sent there: to a path here, or to a page of the web.
pub fn is_place(location: &str) -> bool {
    let is_plain =
        location.len() <= MAX_PLACE && location.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let is_path = location.starts_with('/') && !location.starts_with("//");
    let is_page = ["https://", "http://"]
        .iter()
        .any(|scheme| location.len() > scheme.len() && location.starts_with(scheme));
    is_plain && (is_path || is_page)
}

/// Whether a browser may be sent there with a token in the address: to a path here, to a page of the
/// gateway itself, or to a program on the person's own machine.
pub fn is_end(location: &str, own_origin: &str) -> bool {
    let origin = site::origin(location);
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let is_here = matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1") && !host.contains('@');
    is_place(location) && (location.starts_with('/') || origin == own_origin || is_here)
}

/// A cookie of a sign-in.
fn one(text: &str) -> Option<(&'static str, &str)> {
    let (name, value) = text.trim().split_once('=')?;
    let name = COOKIES.into_iter().find(|known| *known == name)?;
    // RFC 6265, section 4.1.1, `cookie-octet`.
    let octet = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\');
    (value.len() <= MAX_COOKIE && value.bytes().all(octet)).then_some((name, value))
}

/// The first of each name.
fn first_of_each<V>(
    cookies: impl Iterator<Item = (&'static str, V)>,
) -> impl Iterator<Item = (&'static str, V)> {
    let mut seen: Vec<&str> = Vec::with_capacity(COOKIES.len());
    cookies.filter(move |(name, _)| {
        let is_new = !seen.contains(name);
        seen.push(name);
        is_new
    })
}

#[cfg(test)]
mod tests;
