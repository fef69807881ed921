//! The values of the examples: ids of stores that are nobody's, keys that everybody knows, origins that are a laptop.
//! They make a first run easy, and production refuses them (R51).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The administrator key of `.dev.vars.example`.
pub const ADMIN_TOKEN: &str = "only-for-local-trials-only-for-local-trials";
/// The bytes of the key there in `TOKEN_KEYS`.
pub const KEY: &[u8] = b"only-for-local-trials-not-a-secret!";
/// The D1 database of `wrangler.toml`.
pub const DATABASE_ID: &str = "00000000-0000-4000-8000-000000000001";
/// The KV namespace there.
pub const NAMESPACE_ID: &str = "00000000000040008000000000000002";

/// Whether a URL leads to the machine that asks: a deployed gateway has no such origin. `false` for what is no URL.
pub fn is_loopback(url: &str) -> bool {
    let Some((_, rest)) = url.trim().split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => is_local_v4(address),
        Ok(IpAddr::V6(address)) => is_local_v6(address),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

fn is_local_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

fn is_local_v6(address: Ipv6Addr) -> bool {
    let inside = address.to_ipv4_mapped();
    address.is_loopback() || address.is_unspecified() || inside.is_some_and(is_local_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_this_machine() {
        for url in [
            "http://127.0.0.1:9090",
            "https://127.9.9.9/base",
            "http://localhost",
            "http://LOCALHOST.:80/",
            "http://api.localhost:1",
            "http://[::1]:9090",
            "http://[::ffff:127.0.0.1]/",
            "http://0.0.0.0:9090",
            "http://[::]",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://origin.example",
            "https://localhost.example",
            "https://127.0.0.1.example",
            "http://10.0.0.1",
            "http://[2001:db8::1]",
            "localhost",
            "",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
