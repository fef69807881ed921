//! The rate limits of a mint, taken before the Ledger is asked: one from the bucket of its address
//! and, where creators are limited too, one from the creator's (R26). A mint that wrote nothing
//! gives both back.

use super::config::Config;
use super::error::{Error, Result};
use super::ports::MintBuckets;
use postern_domain::bucket::Rate;
use postern_domain::caller::Caller;

/// What was taken.
pub struct Taken<'a> {
    address: (&'a str, Rate),
    minter: Option<(String, Rate)>,
}

/// Takes one of each; `address` is the bucket of the client's address.
///
/// # Errors
/// `MintRate`, `MinterRate`, `Unavailable`.
pub async fn take<'a, P: MintBuckets>(
    address: &'a str,
    caller: &Caller,
    config: &Config,
    ports: &P,
) -> Result<Taken<'a>> {
    let rate = config.mint_rate;
    ports
        .take(address, rate)
        .await?
        .map_err(|empty| Error::MintRate {
            limit: rate.limit(),
            retry_after_seconds: empty.retry_after_seconds,
        })?;
    let mut taken = Taken {
        address: (address, rate),
        minter: None,
    };
    let Some(rate) = config.minter_rate else {
        return Ok(taken);
    };
    let minter = format!("minter/{}", caller.minter());
    if let Err(empty) = ports.take(&minter, rate).await? {
        taken.give_back(ports).await;
        return Err(Error::MinterRate {
            limit: rate.limit(),
            retry_after_seconds: empty.retry_after_seconds,
        });
    }
    taken.minter = Some((minter, rate));
    Ok(taken)
}

impl Taken<'_> {
    /// Which buckets were taken from.
    pub fn buckets(self) -> Vec<(String, Rate)> {
        let (address, rate) = self.address;
        let address = (address.to_owned(), rate);
        [address].into_iter().chain(self.minter).collect()
    }

    /// Gives back what was taken, after a refusal for which nothing was written. If that fails, the
    /// address can create its next token a little later.
    pub async fn give_back<P: MintBuckets>(&self, ports: &P) {
        let (address, rate) = self.address;
        let _ = ports.give_back(address, rate).await;
        if let Some((minter, rate)) = &self.minter {
            let _ = ports.give_back(minter, *rate).await;
        }
    }
}
