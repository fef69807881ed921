//! Paths and a media type.

pub const PERSONS: &str = "/controlplane.v1.GroupService/Create";

pub const ATTESTATIONS: &str = "/v1/projects/shop/workflows/release/attestations";

pub const PROTO: &str = "application/proto";
