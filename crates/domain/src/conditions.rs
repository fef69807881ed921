//! Conditions on a token (R53): from which addresses it can be used, and how often. They are a part of its
//! facts. A child's and a successor's lie within its creator's, and an edit only narrows them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::limit::lower;

/// Most address ranges of a token.
pub const MAX_RANGES: usize = 32;
/// The highest number of calls per minute that can be set.
pub const MAX_CALLS_PER_MINUTE: u32 = 1_000_000;

/// A range of addresses: a network and the number of its leading bits that count (CIDR).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange {
    network: IpAddr,
    length: u8,
}

/// Why a text is no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeError {
    /// It is no address with a prefix length.
    Malformed,
    /// The network has bits beyond the prefix: this is the range that was perhaps meant.
    HostBits(AddressRange),
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("must be ranges such as `203.0.113.0/24` or `2001:db8::/32`")
            }
            Self::HostBits(range) => write!(
                f,
                "a range begins with its network: write `{range}`, or one address alone"
            ),
        }
    }
}

impl AddressRange {
    /// The range of a text: `address/length`, or one address alone. An IPv4 range that is written
    /// as IPv6 becomes IPv4, as addresses of clients do.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| RangeError::Malformed)?;
        let length = match length {
            None => bits(address),
            Some(digits) => digits_of(digits).ok_or(RangeError::Malformed)?,
        };
        if length > bits(address) {
            return Err(RangeError::Malformed);
        }
        let (address, length) = match (address.to_canonical(), length.checked_sub(96)) {
            (IpAddr::V4(mapped), Some(left)) if address.is_ipv6() => (IpAddr::V4(mapped), left),
            (IpAddr::V4(mapped), None) if address.is_ipv6() => return Err(meant(mapped, length)),
            _ => (address, length),
        };
        let range = Self {
            network: masked(address, length),
            length,
        };
        match range.network == address {
            true => Ok(range),
            false => Err(RangeError::HostBits(range)),
        }
    }

    /// Whether an address lies in the range. It is canonical: an IPv4 address is never written as IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.network.is_ipv4() && masked(address, self.length) == self.network
    }

    /// Whether all of the range lies in another.
    pub fn within(&self, other: &Self) -> bool {
        self.length >= other.length && other.contains(self.network)
    }
}

/// What is wrong with a range that is written as IPv6, and has the prefix length of an IPv4 range.
fn meant(mapped: Ipv4Addr, length: u8) -> RangeError {
    let address = IpAddr::V4(mapped);
    match length <= bits(address) {
        true => RangeError::HostBits(AddressRange {
            network: masked(address, length),
            length,
        }),
        false => RangeError::Malformed,
    }
}

/// How many bits an address of this kind has.
fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// A prefix length as people write it: digits, and no zero before them.
fn digits_of(text: &str) -> Option<u8> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text.len() <= 3 && (text == "0" || !text.starts_with('0'));
    (is_number && is_short).then(|| text.parse().ok()).flatten()
}

/// The first bits of an address; the others are 0.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    let length = u32::from(length);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length));
            IpAddr::V4(Ipv4Addr::from(u32::from(v4) & mask.unwrap_or(0)))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length));
            IpAddr::V6(Ipv6Addr::from(u128::from(v6) & mask.unwrap_or(0)))
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

impl TryFrom<String> for AddressRange {
    type Error = RangeError;

    fn try_from(text: String) -> Result<Self, RangeError> {
        Self::parse(&text)
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> Self {
        range.to_string()
    }
}

/// Why conditions were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionsError {
    /// Ranges were asked for, and none is named.
    NoRange,
    /// There are too many ranges.
    TooManyRanges,
    /// A range is none.
    Range(RangeError),
    /// The number of calls per minute is 0 or too high.
    Calls,
}

impl fmt::Display for ConditionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRange => f.write_str("`address_ranges`: name one, or leave the member out"),
            Self::TooManyRanges => write!(f, "`address_ranges` can have at most {MAX_RANGES}"),
            Self::Range(error) => write!(f, "`address_ranges`: {error}"),
            Self::Calls => write!(
                f,
                "`calls_per_minute` must be from 1 to {MAX_CALLS_PER_MINUTE}"
            ),
        }
    }
}

/// The conditions on a token. At least one is set: a token without any has no `Conditions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Conditions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address_ranges: Vec<AddressRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_per_minute: Option<u32>,
}

/// Conditions as stores have them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default)]
    address_ranges: Vec<AddressRange>,
    #[serde(default)]
    calls_per_minute: Option<u32>,
}

impl TryFrom<Stored> for Conditions {
    type Error = ConditionsError;

    fn try_from(stored: Stored) -> Result<Self, ConditionsError> {
        let conditions = Self::new(stored.address_ranges, stored.calls_per_minute)?;
        // Facts without conditions have none at all.
        conditions.ok_or(ConditionsError::Calls)
    }
}

impl Conditions {
    /// Conditions of these ranges, any of which an address must lie in, and of so many calls per
    /// minute. No range = from everywhere; `None` = as often as one likes; both = there are none.
    ///
    /// # Errors
    /// [`ConditionsError::TooManyRanges`], [`ConditionsError::Calls`].
    pub fn new(
        mut ranges: Vec<AddressRange>,
        calls_per_minute: Option<u32>,
    ) -> Result<Option<Self>, ConditionsError> {
        if ranges.len() > MAX_RANGES {
            return Err(ConditionsError::TooManyRanges);
        }
        if calls_per_minute.is_some_and(|calls| calls == 0 || calls > MAX_CALLS_PER_MINUTE) {
            return Err(ConditionsError::Calls);
        }
        ranges.sort_unstable();
        ranges.dedup();
        // One that lies in another says nothing.
        let all = ranges.clone();
        ranges.retain(|range| {
            !all.iter()
                .any(|other| other != range && range.within(other))
        });
        let none = ranges.is_empty() && calls_per_minute.is_none();
        Ok((!none).then_some(Self {
            address_ranges: ranges,
            calls_per_minute,
        }))
    }

    /// The ranges; none = an address does not matter.
    pub fn address_ranges(&self) -> &[AddressRange] {
        &self.address_ranges
    }

    /// How many calls a minute there can be.
    pub fn calls_per_minute(&self) -> Option<u32> {
        self.calls_per_minute
    }

    /// The same, of at most so many calls per minute.
    #[must_use]
    pub fn at_most(self, calls: u32) -> Self {
        Self {
            calls_per_minute: lower(self.calls_per_minute, Some(calls)),
            ..self
        }
    }

    /// Whether a caller with this address may use the token. Where ranges are set, one whose address
    /// is not known may not.
    pub fn allow(&self, address: Option<IpAddr>) -> bool {
        self.address_ranges.is_empty()
            || address.is_some_and(|address| {
                let mut ranges = self.address_ranges.iter();
                ranges.any(|range| range.contains(address))
            })
    }
}

/// Whether all that `inner` allows, `outer` allows as well. Each range must lie in one of the outer
/// ones.
pub fn within(inner: Option<&Conditions>, outer: Option<&Conditions>) -> bool {
    let Some(outer) = outer else {
        return true;
    };
    let (ranges, calls) = match inner {
        Some(inner) => (inner.address_ranges(), inner.calls_per_minute),
        None => (&[][..], None),
    };
    let in_one = |range: &AddressRange| outer.address_ranges.iter().any(|own| range.within(own));
    let has_ranges =
        outer.address_ranges.is_empty() || (!ranges.is_empty() && ranges.iter().all(in_one));
    let has_calls = match (calls, outer.calls_per_minute) {
        (_, None) => true,
        (Some(calls), Some(own)) => calls <= own,
        (None, Some(_)) => false,
    };
    has_ranges && has_calls
}

/// What a new token gets: what is asked for, and for what is left open, the creator's own.
pub fn inherited(asked: Option<&Conditions>, own: Option<&Conditions>) -> Option<Conditions> {
    let (Some(own), Some(asked)) = (own, asked) else {
        return asked.or(own).cloned();
    };
    let ranges = match asked.address_ranges.is_empty() {
        true => &own.address_ranges,
        false => &asked.address_ranges,
    };
    Some(Conditions {
        address_ranges: ranges.clone(),
        calls_per_minute: asked.calls_per_minute.or(own.calls_per_minute),
    })
}

/// What both allow. Where no range lies in one of the other's, or too many do, the ranges of the first stand:
/// no conditions say that a token can be used from nowhere.
pub fn both(own: Option<&Conditions>, other: Option<&Conditions>) -> Option<Conditions> {
    if within(own, other) {
        return own.cloned();
    }
    if within(other, own) {
        return other.cloned();
    }
    let (own, other) = (own?, other?);
    let in_one = |outer: &[AddressRange], range: &AddressRange| {
        outer.is_empty() || outer.iter().any(|other| range.within(other))
    };
    let (ours, theirs) = (&own.address_ranges, &other.address_ranges);
    let inner = ours.iter().filter(|range| in_one(theirs, range));
    let inner = inner.chain(theirs.iter().filter(|range| in_one(ours, range)));
    let inner: Vec<AddressRange> = inner.copied().collect();
    let ranges = match inner.is_empty() || inner.len() > MAX_RANGES {
        true => ours.clone(),
        false => inner,
    };
    let calls = lower(own.calls_per_minute, other.calls_per_minute);
    // Both have some, so there are some.
    Conditions::new(ranges, calls).ok().flatten()
}

#[cfg(test)]
mod tests;
