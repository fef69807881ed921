//! What becomes of a refused credential: it is counted for the bucket of its address, and a bucket
//! that has had too many gets another refusal. A good credential is never counted.

use crate::error::Error;
use crate::ports::Brake;

/// Counts a refused credential, and gives the refusal to answer with. Nothing else is counted.
pub async fn slow<P: Brake>(error: Error, bucket: String, ports: &P) -> Error {
    let Some(cause) = error.guessed() else {
        return error;
    };
    match ports.count(bucket, cause).await {
        Ok(()) => error,
        Err(too_many) => too_many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CredentialError::{self, *};
    use crate::testing::{World, now_or_never};
    use postern_domain::decide::Denial;

    #[test]
    fn refused_credentials_are_counted_and_nothing_else() {
        let credential = |cause: CredentialError| (Error::Credential(cause), Some(cause));
        let rows = [
            (Error::Credential(Missing), None),
            credential(Malformed("x")),
            credential(NoForm),
            credential(Expired("x")),
            credential(Stale),
            credential(Refused("x")),
            (Denial::Operation.into(), None),
            (Error::CrossSite, None),
            (Error::unavailable("x"), None),
        ];
        for (error, counted) in rows {
            let world = World::new();
            let bucket = || "192.0.2.7".to_owned();
            let answered = now_or_never(slow(error.clone(), bucket(), &world));
            assert_eq!(answered, error, "the brake is not on");
            let expected: Vec<_> = counted.map(|cause| (bucket(), cause)).into_iter().collect();
            assert_eq!(world.brake.counted.take(), expected, "{error:?}");

            world.brake.is_on.set(true);
            let answered = now_or_never(slow(error.clone(), bucket(), &world));
            let expected = match counted {
                Some(cause) => Error::TooManyFailures {
                    retry_after_seconds: 60,
                    cause,
                },
                None => error,
            };
            assert_eq!(answered, expected);
        }
    }
}
