//! The command of an administrator.

use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::program::Postern;
use postern_system_tests::suite::Suite;

/// The command of an administrator in that organization.
pub fn administrator(suite: &Suite, organization: &str) -> Postern {
    Postern::new(&[
        ("POSTERN_URL", &suite.gateway.url(0)),
        ("POSTERN_TOKEN", &suite.keys.admin),
        ("POSTERN_ORGANIZATION", organization),
    ])
}

/// The options that name the workflow which scoped tokens are for.
pub const FOR_RELEASE: [&str; 4] = ["--project", SHOP, "--workflow", RELEASE];
