//! What is asked: the calls of a CI job, as bytes on the wire.

use std::sync::Arc;

use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, INIT, STORE};
use prost::Message as _;

use crate::origin::RUN;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// A Store of 300 bytes: a write.
    Store,
    /// A call that reads, of 300 bytes.
    Read,
    /// An Init, whose answer makes a run.
    Init,
    /// A Store with a bundle of 64 KiB.
    Bundle64K,
    /// A Store with a bundle of 1 MiB.
    Bundle1M,
}

impl Work {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "Store, 300 bytes",
            Self::Read => "Read, 300 bytes",
            Self::Init => "Init",
            Self::Bundle64K => "Store, 64 KiB",
            Self::Bundle1M => "Store, 1 MiB",
        }
    }

    fn call(self) -> (&'static str, Vec<u8>) {
        const READ: &str = "/controlplane.v1.AttestationStateService/Read";
        let stored = |size: usize| rpc::store(RUN, &vec![b'b'; size]).encode_to_vec();
        match self {
            Self::Store => (STORE, stored(250)),
            Self::Read => (READ, padded(rpc::cancel(RUN).encode_to_vec())),
            Self::Init => (INIT, rpc::init(SHOP, RELEASE).encode_to_vec()),
            Self::Bundle64K => (STORE, stored(64 << 10)),
            Self::Bundle1M => (STORE, stored(1 << 20)),
        }
    }

    /// Bytes of the body.
    pub fn size(self) -> usize {
        self.call().1.len() + 5
    }

    /// The request, whole, with this credential.
    pub fn request(self, credential: &str) -> Arc<Vec<u8>> {
        let (path, message) = self.call();
        let body = rpc::frame(0, &message);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: gate.example\r\nauthorization: Bearer {credential}\r\n\
             content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\naccept: */*\r\n\
             user-agent: grpc-go/1.70.0\r\ngrpc-timeout: 30S\r\ncf-connecting-ip: 203.0.113.9\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        Arc::new([head.as_bytes(), &body].concat())
    }
}

/// The message with a field behind it that nobody reads.
fn padded(mut message: Vec<u8>) -> Vec<u8> {
    const SIZE: usize = 295;
    let size = SIZE.saturating_sub(message.len() + 3);
    // Field 15, up to 16383 bytes.
    let low = u8::try_from(size & 0x7f).unwrap_or(0) | 0x80;
    let high = u8::try_from(size >> 7).unwrap_or(0);
    message.extend([0x7a, low, high]);
    message.extend(std::iter::repeat_n(b'x', size));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert!((290..=310).contains(&Work::Store.size()));
        assert!((295..=305).contains(&Work::Read.size()));
        assert!(Work::Bundle1M.size() > 1 << 20);
    }
}
