//! Messages as bytes, and what is found in them.

use super::*;

#[test]
fn finds_strings_and_keeps_the_last() {
    let bytes = b"\x22\x01a\x2a\x01p\x08\x96\x01\x22\x02bc";
    assert_eq!(strings(bytes, [&[4], &[5]]), Ok(["bc", "p"]));
    assert_eq!(strings(bytes, [&[9]]), Ok([""]));
    assert_eq!(strings(b"", [&[1]]), Ok([""]));
}

#[test]
fn unreadable_messages_are_refused() {
    let rows: [(&[u8], ProtobufError); 11] = [
        (b"\x22", ProtobufError::Truncated),
        (b"\x22\x05ab", ProtobufError::Truncated),
        (
            b"\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
            ProtobufError::Truncated,
        ),
        (b"\x22\x01a\x80", ProtobufError::Truncated),
        (b"\x09\x00", ProtobufError::Truncated),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            ProtobufError::Varint,
        ),
        (b"\x02\x00", ProtobufError::FieldNumber),
        (b"\x23\x24", ProtobufError::WireType),
        (b"\x26\x01", ProtobufError::WireType),
        (b"\x20\x01", ProtobufError::OtherType),
        (b"\x22\x01\xff", ProtobufError::Utf8),
    ];
    for (bytes, expected) in rows {
        assert_eq!(strings(bytes, [&[4]]), Err(expected), "{bytes:x?}");
    }
}

#[test]
fn embedded_messages_are_merged_as_the_origin_merges_them() {
    let rows: [(&[u8], &str, &str); 6] = [
        (b"\x0a\x03\x12\x01a", "", "a"),
        (b"\x0a\x06\x0a\x01i\x12\x01a", "i", "a"),
        // Two occurrences: each field's last value counts, wherever it is.
        (b"\x0a\x06\x0a\x01i\x12\x01a\x0a\x03\x12\x01b", "i", "b"),
        (b"\x0a\x03\x12\x01a\x0a\x00", "", "a"),
        // Field 2 of the outer message is not a field of the inner one.
        (b"\x12\x01x", "", ""),
        (b"", "", ""),
    ];
    for (bytes, id, name) in rows {
        assert_eq!(
            strings(bytes, [&[1, 1], &[1, 2]]),
            Ok([id, name]),
            "{bytes:x?}"
        );
    }
    // What is entered must be a message; what is not entered is skipped.
    assert_eq!(
        strings(b"\x08\x01", [&[1, 2]]),
        Err(ProtobufError::OtherType)
    );
    assert_eq!(
        strings(b"\x0a\x01\x12", [&[1, 2]]),
        Err(ProtobufError::Truncated)
    );
    assert_eq!(strings(b"\x0a\x01\x12", [&[2, 2]]), Ok([""]));
}

#[test]
fn a_bad_value_that_another_replaces_is_refused() {
    // It is still a message that the origin refuses.
    let mut wanted = [Wanted::new(&[3])];
    find(b"\x1a\x01\xff\x1a\x01b", &mut wanted).expect("a message");
    assert_eq!(wanted[0].text(), Err(ProtobufError::Utf8));
}

#[test]
fn fields_may_be_repeated_so_often() {
    let times = |count: usize| b"\x22\x00".repeat(count);
    assert_eq!(strings(&times(MAX_VALUES), [&[4]]), Ok([""]));
    assert_eq!(
        strings(&times(MAX_VALUES + 1), [&[4]]),
        Err(ProtobufError::Repeated)
    );
    // What is not looked for is not counted.
    assert_eq!(strings(&times(MAX_VALUES + 1), [&[5]]), Ok([""]));
    assert!(
        ProtobufError::Repeated
            .to_string()
            .contains(&MAX_VALUES.to_string())
    );
}

#[test]
fn a_message_may_have_so_many_fields_wherever_they_are() {
    let times = |count: usize| b"\x08\x00".repeat(count);
    assert_eq!(strings(&times(MAX_FIELDS), [&[4]]), Ok([""]));
    let many = Err(ProtobufError::Fields);
    assert_eq!(strings(&times(MAX_FIELDS + 1), [&[4]]), many);
    // Inside of what is entered, too.
    let mut inside = vec![0x22, 0xa2, 0x9c, 0x01];
    inside.extend(times(MAX_FIELDS + 1));
    assert_eq!(strings(&inside, [&[4, 2]]), many);
    assert_eq!(strings(&inside, [&[5, 2]]), Ok([""]));
    let told = ProtobufError::Fields.to_string();
    assert!(told.contains(&MAX_FIELDS.to_string()), "{told}");
}

#[test]
fn no_byte_string_makes_the_reader_panic() {
    for seed in 0..20_000u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let bytes: Vec<u8> = (0..seed % 24)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[0]
            })
            .collect();
        let _ = strings(&bytes, [&[1], &[4, 1], &[4, 2, 1]]);
    }
}
