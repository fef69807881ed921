//! `DASHBOARD_HOST`: the host that is the dashboard's alone.

/// Reads it. `None` = every host has the dashboard.
pub(super) fn read(text: Option<&str>, problems: &mut Vec<String>) -> Option<String> {
    let host = host(text?);
    if host.is_none() {
        problems.push(
            "DASHBOARD_HOST must be a host name in ASCII, and its port where that is not 443 or \
             80: `dashboard.example.com`"
                .into(),
        );
    }
    host
}

/// A host with its port, as browsers write it into URLs.
fn host(text: &str) -> Option<String> {
    let host = text.trim().to_ascii_lowercase();
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host.as_str(), None),
    };
    let label = |label: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.bytes().all(inner)
    };
    // 80 and 443 never stand in the URL of their own scheme.
    let number = |port: &str| {
        let number = port.parse::<u16>().ok()?;
        (number.to_string() == port && ![0, 80, 443].contains(&number)).then_some(number)
    };
    let is_host = name.split('.').all(label) && port.is_none_or(|port| number(port).is_some());
    is_host.then_some(host)
}
