//! Client addresses from the platform's trusted header (R28). Lists, zone ids and anything else
//! that is not one address, with its port or without, are refused.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Why the header tells no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Several, as proxies make by adding theirs: which of them is the client's would be a guess.
    List,
    /// Something else.
    NoAddress,
}

impl Unread {
    /// What is wrong, for operators.
    pub fn describe(self) -> &'static str {
        match self {
            Self::List => "it has a list of addresses: name a header that has the client's alone",
            Self::NoAddress => "it has no address: name the header that has the client's alone",
        }
    }
}

/// An address alone. IPv4-mapped IPv6 becomes IPv4.
pub fn plain(text: &str) -> Option<IpAddr> {
    let address = text.trim_ascii().parse::<IpAddr>().ok()?;
    Some(address.to_canonical())
}

/// The address in the header: `address`, `address:port`, `[v6]` or `[v6]:port`; as [`plain`]
/// has it.
///
/// # Errors
/// What it has instead.
pub fn parse(header: &str) -> Result<IpAddr, Unread> {
    let text = header.trim_ascii();
    let bare = || {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    };
    let ported = || {
        text.parse::<SocketAddr>()
            .ok()
            .filter(|_| !text.contains('%'))
    };
    plain(text)
        .or_else(bare)
        .or_else(|| ported().map(|socket| socket.ip()))
        .map(|address| address.to_canonical())
        .ok_or(if text.contains(',') {
            Unread::List
        } else {
            Unread::NoAddress
        })
}

/// The bucket of all clients whose address is not known.
const UNKNOWN: &str = "unknown";

/// The name of the bucket of a client's address, or of the one for all whose address is not known.
pub fn bucket_of(address: Option<IpAddr>) -> String {
    address.map_or_else(|| UNKNOWN.to_owned(), bucket)
}

/// The name of the bucket of an address: an IPv4 address has its own, an IPv6 address shares that of
/// its /64 (R26).
fn bucket(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r26_buckets_by_address_and_by_network() {
        let rows = [
            ("192.0.2.7", Ok("192.0.2.7")),
            (" 192.0.2.7 ", Ok("192.0.2.7")),
            ("192.0.2.7:80", Ok("192.0.2.7")),
            ("::ffff:192.0.2.7", Ok("192.0.2.7")),
            ("[::ffff:192.0.2.7]:80", Ok("192.0.2.7")),
            ("2001:db8:1:2:3:4:5:6", Ok("2001:db8:1:2::/64")),
            ("2001:db8:1:2::1", Ok("2001:db8:1:2::/64")),
            ("[2001:db8:1:2::1]", Ok("2001:db8:1:2::/64")),
            ("[2001:db8:1:2::1]:65535", Ok("2001:db8:1:2::/64")),
            ("2001:db8:1:3::1", Ok("2001:db8:1:3::/64")),
            ("192.0.2.7, 192.0.2.8", Err(Unread::List)),
            ("192.0.2.7,", Err(Unread::List)),
            ("192.0.2.7:80, 192.0.2.8:80", Err(Unread::List)),
            ("fe80::1%eth0", Err(Unread::NoAddress)),
            ("[fe80::1%1]:80", Err(Unread::NoAddress)),
            ("192.0.2.7:", Err(Unread::NoAddress)),
            ("192.0.2.7:x", Err(Unread::NoAddress)),
            ("192.0.2.7:65536", Err(Unread::NoAddress)),
            ("[192.0.2.7]", Err(Unread::NoAddress)),
            ("[192.0.2.7]:80", Err(Unread::NoAddress)),
            ("[::1", Err(Unread::NoAddress)),
            ("::1]:80", Err(Unread::NoAddress)),
            ("[[::1]]", Err(Unread::NoAddress)),
            ("for=192.0.2.7", Err(Unread::NoAddress)),
            ("unknown", Err(Unread::NoAddress)),
            ("192.0.2", Err(Unread::NoAddress)),
            ("", Err(Unread::NoAddress)),
        ];
        for (header, expected) in rows {
            let found = parse(header).map(bucket);
            let found = found.as_deref().map_err(|unread| *unread);
            assert_eq!(found, expected, "{header}");
        }
    }
}
