//! Client addresses from the platform's trusted header (R28). Refuses lists, zone ids and
//! anything else that is not one plain address.

use std::net::{IpAddr, Ipv6Addr};

/// The address in the header; IPv4-mapped IPv6 becomes IPv4.
pub fn parse(header: &str) -> Option<IpAddr> {
    header
        .trim()
        .parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

/// The name of the bucket that counts for an address: IPv4 by itself, IPv6 by its /64 (R26).
pub fn bucket(address: IpAddr) -> String {
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
            ("192.0.2.7", Some("192.0.2.7")),
            (" 192.0.2.7 ", Some("192.0.2.7")),
            ("::ffff:192.0.2.7", Some("192.0.2.7")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:2::1", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:3::1", Some("2001:db8:1:3::/64")),
            ("fe80::1%eth0", None),
            ("192.0.2.7, 192.0.2.8", None),
            ("192.0.2.7:80", None),
            ("[::1]", None),
            ("192.0.2", None),
            ("", None),
        ];
        for (header, expected) in rows {
            assert_eq!(parse(header).map(bucket).as_deref(), expected, "{header}");
        }
    }
}
