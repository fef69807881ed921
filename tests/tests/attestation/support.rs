//! The stock client with a token, and what a call was at the origin.

use postern_origin::client::{self, Client, Wire};
use postern_origin::sha256_hex;
use postern_system_tests::organization::Minted;
use postern_system_tests::suite::Suite;
use tonic::Request;

/// What the gate says of a call or run outside the token's scope.
pub const OTHER_NAME: &str =
    "API token is workflow-scoped and cannot create or look up other workflows";

pub fn client(suite: &Suite, token: &Minted, wire: Wire) -> Client {
    client::connect_as(&suite.gateway.url(0), &token.token, wire).expect("a client")
}

pub async fn assert_run_open(suite: &Suite, run: &str) {
    assert_eq!(
        suite.origin.run(run).await["status"],
        "INITIALIZED",
        "run {run}"
    );
}

/// A message that comes from this address, as the platform tells.
pub fn from<T>(message: T, address: &str) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("cf-connecting-ip", address.parse().expect("an address"));
    request
}

pub fn authorization_sha256(token: &Minted) -> String {
    sha256_hex(format!("Bearer {}", token.token).as_bytes())
}
