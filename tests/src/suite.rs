//! What the cases of one file share: keys, an origin and, where all of them can use the same one, a gateway.

use crate::forge::Keys;
use crate::gateway::{Gateway, Serve};
use crate::organization::Organization;
use crate::origin::Origin;

/// A gateway in front of an origin. All of it ends when dropped.
pub struct Suite {
    /// What the gateway keeps secret.
    pub keys: Keys,
    /// The origin behind it.
    pub origin: Origin,
    /// The gateway.
    pub gateway: Gateway,
}

impl Suite {
    /// Starts one with the settings of [`Serve::new`].
    pub async fn start() -> Self {
        Self::with(|serve| serve).await
    }

    /// Starts one with settings of its own.
    pub async fn with(settings: impl FnOnce(Serve) -> Serve) -> Self {
        let Setup { keys, origin } = Setup::start().await;
        let gateway = settings(Serve::new(&origin.url, &keys)).start().await;
        Self {
            keys,
            origin,
            gateway,
        }
    }

    /// How to start another gateway with these keys, in front of the same origin.
    pub fn serve(&self) -> Serve {
        Serve::new(&self.origin.url, &self.keys)
    }

    /// A fresh organization.
    pub async fn organization(&self) -> Organization {
        Organization::new(&self.gateway, &self.keys.admin).await
    }
}

/// Keys and an origin, for cases that start gateways of their own.
pub struct Setup {
    /// What such a gateway keeps secret.
    pub keys: Keys,
    /// The origin behind it.
    pub origin: Origin,
}

impl Setup {
    /// Starts the origin.
    pub async fn start() -> Self {
        Self {
            keys: Keys::random(),
            origin: Origin::start().await,
        }
    }

    /// How to start a gateway here.
    pub fn serve(&self) -> Serve {
        Serve::new(&self.origin.url, &self.keys)
    }
}
