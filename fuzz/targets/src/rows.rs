//! The calls of the control plane, to pick one by its number.

use std::sync::LazyLock;

use postern_domain::rpc::{Rpc, rpcs};

/// All rows of the table.
pub static ROWS: LazyLock<Vec<&'static Rpc>> = LazyLock::new(|| rpcs().collect());
