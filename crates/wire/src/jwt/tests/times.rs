//! The times of a JWT against a clock that is a little off.

use super::*;

#[test]
fn leeway_widens_both_ends_and_is_zero_unless_given() {
    let token = sign(&header().to_string(), &with("exp", json!(NOW - 5)), 1);
    assert_eq!(verify(&token, &ours(), now(), 5), Err(JwtError::Expired));
    assert!(verify(&token, &ours(), now(), 6).is_ok());
    let token = sign(&header().to_string(), &with("nbf", json!(NOW + 5)), 1);
    assert_eq!(
        verify(&token, &ours(), now(), 4),
        Err(JwtError::NotYetValid)
    );
    assert!(verify(&token, &ours(), now(), 5).is_ok());
}
