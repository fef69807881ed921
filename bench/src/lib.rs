//! The bench: Postern on workerd beside a Worker that only forwards and beside what one would write instead, in turn
//! and in one run. Without wrangler's dev server, which hides every difference.

pub mod chance;
pub mod cold;
pub mod distance;
pub mod finality;
pub mod growth;
pub mod load;
pub mod machine;
pub mod origin;
pub mod plan;
pub mod report;
pub mod soak;
pub mod statistics;
pub mod systems;
pub mod work;
