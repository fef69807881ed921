//! The two stores: D1 keeps the record, KV keeps token facts near the caller. Neither says whether
//! a token is active.

pub mod audit;
pub mod d1;
pub mod facts;
pub mod figures;
pub mod first_token;
mod limits;
pub mod public_log;
pub mod rebuild;
pub mod record_changes;
pub mod records;
pub mod token_list;
pub mod token_rows;
pub mod token_words;
