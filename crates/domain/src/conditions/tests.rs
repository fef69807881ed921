//! Ranges and conditions as rows, and what must hold of all of them (R53).

use core::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn range(text: &str) -> AddressRange {
    AddressRange::parse(text).expect("a range")
}

fn conditions(ranges: &[&str], calls: Option<u32>) -> Option<Conditions> {
    let ranges = ranges.iter().map(|text| range(text)).collect();
    Conditions::new(ranges, calls).expect("good conditions")
}

#[test]
fn r53_what_is_a_range() {
    let hint = |text| Err(RangeError::HostBits(range(text)));
    let rows = [
        ("203.0.113.0/24", Ok("203.0.113.0/24")),
        ("203.0.113.7", Ok("203.0.113.7/32")),
        ("0.0.0.0/0", Ok("0.0.0.0/0")),
        ("255.255.255.255/32", Ok("255.255.255.255/32")),
        ("2001:db8::/32", Ok("2001:db8::/32")),
        ("2001:DB8:0:0::1", Ok("2001:db8::1/128")),
        ("::/0", Ok("::/0")),
        ("::ffff:203.0.113.0/120", Ok("203.0.113.0/24")),
        ("::ffff:0:0/96", Ok("0.0.0.0/0")),
        ("203.0.113.7/24", hint("203.0.113.0/24")),
        ("::ffff:10.0.0.0/8", hint("10.0.0.0/8")),
        ("::ffff:10.1.0.0/8", hint("10.0.0.0/8")),
        ("::ffff:10.0.0.0/64", Err(RangeError::Malformed)),
        ("2001:db8::1/32", hint("2001:db8::/32")),
        ("", Err(RangeError::Malformed)),
        ("203.0.113.0/33", Err(RangeError::Malformed)),
        ("2001:db8::/129", Err(RangeError::Malformed)),
        ("203.0.113.0/", Err(RangeError::Malformed)),
        ("203.0.113.0/024", Err(RangeError::Malformed)),
        ("203.0.113.0/+24", Err(RangeError::Malformed)),
        ("203.0.113.0/24/8", Err(RangeError::Malformed)),
        ("203.0.113.0/256", Err(RangeError::Malformed)),
        ("203.0.113", Err(RangeError::Malformed)),
        ("010.0.0.0/8", Err(RangeError::Malformed)),
        ("fe80::1%eth0/64", Err(RangeError::Malformed)),
        (" 203.0.113.0/24", Err(RangeError::Malformed)),
        ("office", Err(RangeError::Malformed)),
    ];
    for (text, expected) in rows {
        let read = AddressRange::parse(text);
        assert_eq!(read, expected.map(range), "{text}");
        if let Ok(read) = read {
            assert_eq!(AddressRange::parse(&read.to_string()), Ok(read), "{text}");
        }
    }
}

#[test]
fn r53_which_addresses_are_allowed() {
    let office = conditions(&["203.0.113.0/25", "2001:db8::/32"], None);
    let counted = conditions(&[], Some(5));
    let rows = [
        (&office, Some("203.0.113.0"), true),
        (&office, Some("203.0.113.127"), true),
        (&office, Some("203.0.113.128"), false),
        (&office, Some("2001:db8:ffff::1"), true),
        (&office, Some("2001:db9::1"), false),
        // The same bits, in the other family.
        (&office, Some("::203.0.113.1"), false),
        (&office, None, false),
        (&counted, Some("198.51.100.1"), true),
        (&counted, None, true),
    ];
    for (conditions, address, expected) in rows {
        let parsed = address.map(|text| text.parse::<IpAddr>().expect("an address"));
        let conditions = conditions.as_ref().expect("conditions");
        assert_eq!(
            conditions.allow(parsed),
            expected,
            "{conditions:?} {address:?}"
        );
    }
}

#[test]
fn r53_conditions_have_limits_and_one_form() {
    let many = |count: u32| (0..count).map(|n| range(&format!("10.0.0.{n}"))).collect();
    assert!(Conditions::new(many(32), None).is_ok());
    assert_eq!(
        Conditions::new(many(33), None),
        Err(ConditionsError::TooManyRanges)
    );
    for calls in [0, MAX_CALLS_PER_MINUTE + 1] {
        let made = Conditions::new(Vec::new(), Some(calls));
        assert_eq!(made, Err(ConditionsError::Calls), "{calls}");
    }
    assert_eq!(Conditions::new(Vec::new(), None), Ok(None));
    let folded = conditions(&["10.1.0.0/16", "10.0.0.0/8", "10.1.0.0/16"], None);
    assert_eq!(folded, conditions(&["10.0.0.0/8"], None));
}

/// Facts keep them for good.
#[test]
fn the_serialized_form_is_pinned() {
    let rows = [
        (
            conditions(&["10.0.0.0/8", "2001:db8::/32"], Some(60)),
            r#"{"address_ranges":["10.0.0.0/8","2001:db8::/32"],"calls_per_minute":60}"#,
        ),
        (
            conditions(&["10.0.0.0/8"], None),
            r#"{"address_ranges":["10.0.0.0/8"]}"#,
        ),
        (conditions(&[], Some(1)), r#"{"calls_per_minute":1}"#),
    ];
    for (conditions, text) in rows {
        let conditions = conditions.expect("conditions");
        assert_eq!(
            serde_json::to_string(&conditions).ok().as_deref(),
            Some(text)
        );
        assert_eq!(serde_json::from_str(text).ok(), Some(conditions));
    }
    for wrong in [
        "{}",
        r#"{"calls_per_minute":0}"#,
        r#"{"address_ranges":["10.0.0.1/8"]}"#,
        r#"{"calls_per_minute":1,"days":["monday"]}"#,
    ] {
        assert!(
            serde_json::from_str::<Conditions>(wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn r53_which_conditions_lie_within_others() {
    let rows = [
        (conditions(&[], None), conditions(&[], None), true),
        (conditions(&["10.0.0.0/8"], Some(1)), None, true),
        (None, conditions(&["10.0.0.0/8"], None), false),
        (None, conditions(&[], Some(60)), false),
        (
            conditions(&["10.1.0.0/16"], None),
            conditions(&["10.0.0.0/8"], None),
            true,
        ),
        (
            conditions(&["10.0.0.0/7"], None),
            conditions(&["10.0.0.0/8"], None),
            false,
        ),
        (
            conditions(&["10.1.0.0/16", "192.0.2.1"], None),
            conditions(&["10.0.0.0/8"], None),
            false,
        ),
        (
            conditions(&["::/0"], None),
            conditions(&["0.0.0.0/0"], None),
            false,
        ),
        (conditions(&[], Some(60)), conditions(&[], Some(60)), true),
        (conditions(&[], Some(61)), conditions(&[], Some(60)), false),
        (
            conditions(&["10.0.0.0/8"], None),
            conditions(&["10.0.0.0/8"], Some(60)),
            false,
        ),
    ];
    for (inner, outer, expected) in rows {
        let found = within(inner.as_ref(), outer.as_ref());
        assert_eq!(found, expected, "{inner:?} in {outer:?}");
    }
}

/// Networks that often meet: few bits differ.
fn ranges() -> impl Strategy<Value = Vec<AddressRange>> {
    let v4 = (0..4u32, 6..=9u8)
        .prop_map(|(high, length)| (IpAddr::V4(Ipv4Addr::from(high << 24)), length));
    let v6 = (0..4u128, 6..=9u8)
        .prop_map(|(high, length)| (IpAddr::V6(Ipv6Addr::from(high << 120)), length));
    let one = prop_oneof![v4, v6].prop_map(|(address, length)| AddressRange {
        network: masked(address, length),
        length,
    });
    prop::collection::vec(one, 0..4)
}

fn any_conditions() -> impl Strategy<Value = Option<Conditions>> {
    (ranges(), prop::option::of(1..4u32))
        .prop_map(|(ranges, calls)| Conditions::new(ranges, calls).ok().flatten())
}

fn any_address() -> impl Strategy<Value = Option<IpAddr>> {
    let v4 = (0..5u32, any::<u8>())
        .prop_map(|(high, low)| IpAddr::V4(Ipv4Addr::from((high << 24) | u32::from(low))));
    let v6 = (0..5u128).prop_map(|high| IpAddr::V6(Ipv6Addr::from(high << 120)));
    prop::option::of(prop_oneof![v4, v6])
}

fn allows(conditions: Option<&Conditions>, address: Option<IpAddr>) -> bool {
    conditions.is_none_or(|conditions| conditions.allow(address))
}

proptest! {
    /// What lies within opens nowhere else, and no more often.
    #[test]
    fn r53_within_means_less(
        inner in any_conditions(),
        outer in any_conditions(),
        address in any_address(),
    ) {
        if within(inner.as_ref(), outer.as_ref()) {
            if allows(inner.as_ref(), address) {
                prop_assert!(allows(outer.as_ref(), address));
            }
            let calls = |conditions: &Option<Conditions>| {
                conditions.as_ref().and_then(Conditions::calls_per_minute).unwrap_or(u32::MAX)
            };
            prop_assert!(calls(&inner) <= calls(&outer));
        }
    }

    /// What is left open is the creator's own, and so within it.
    #[test]
    fn r53_what_is_inherited_is_within_unless_more_was_asked_for(
        asked in any_conditions(),
        own in any_conditions(),
    ) {
        let given = inherited(asked.as_ref(), own.as_ref());
        if asked.is_none() {
            prop_assert_eq!(&given, &own);
        }
        // Whatever it gives lies within what was asked for.
        prop_assert!(within(given.as_ref(), asked.as_ref()));
    }

    /// The stored form means the same as the value.
    #[test]
    fn r53_conditions_are_read_as_they_are_written(made in any_conditions()) {
        let Some(made) = made else { return Ok(()) };
        let text = serde_json::to_string(&made).expect("serializes");
        prop_assert_eq!(serde_json::from_str::<Conditions>(&text).ok(), Some(made));
    }
}
