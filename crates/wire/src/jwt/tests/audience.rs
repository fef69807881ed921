//! The audience of a JWT is a set (R5).

use super::*;

#[test]
fn r5_the_audience_never_depends_on_order() {
    let all = [
        "chainloop",
        "user-auth.chainloop",
        "api-token-auth.chainloop",
        "x",
    ];
    for chosen in 0..16u8 {
        let set: Vec<String> = (0..4)
            .filter(|i| chosen & (1 << i) != 0)
            .map(|i| all[i].to_owned())
            .collect();
        let mut reversed = set.clone();
        reversed.reverse();
        let expected = match chosen & 7 {
            0 => None,
            bits if bits & 4 != 0 => Some(Audience::ApiToken),
            bits if bits & 2 != 0 => Some(Audience::User),
            _ => Some(Audience::Generic),
        };
        assert_eq!(audience(&set), expected, "{set:?}");
        assert_eq!(audience(&reversed), expected, "{reversed:?}");
    }
}
