//! What becomes of one call, as a machine without I/O, clock or chance: [`Gate::open`] looks at the
//! head of a request, and each [`Step`] is a question, a request for the origin that cannot exist
//! without a permit, or an end.
//!
//! **The driver of a [`Gate`] does five things:** it reads its clock after every wait and hands the
//! reading in; answers each question once, or says that there is no answer; sends what goes to the
//! origin exactly as [`Outbound`] says; gives the client what stands in the last step; and after each
//! step sees to what is due behind answers ([`Leases::due`], [`Reports::due`]). It decides nothing.
//!
//! ```
//! use std::rc::Rc;
//!
//! use postern_domain::time::Timestamp;
//! use postern_gate::config::Config;
//! use postern_gate::question::Arrived;
//! use postern_gate::{Entropy, Gate, Head, Outage, Reply, Step};
//!
//! let variable = |name: &str| match name {
//!     "ORIGIN_URL" => Some("http://127.0.0.1:1".to_owned()),
//!     "TOKEN_KEYS" => Some(format!("k1:{}", "A".repeat(43))),
//!     _ => None,
//! };
//! let config = Config::read(variable).expect("a good configuration");
//! let mut gate = Gate::new(Rc::new(config), [7; 16]);
//! let clock = || Timestamp::from_millis(1_800_000_000_000);
//! fn down<T>() -> Result<T, Outage> {
//!     Err(Outage::Failed("not in this example".to_owned()))
//! }
//!
//! let headers = vec![("content-type".to_owned(), "application/grpc-web+proto".to_owned())];
//! let head = Head {
//!     method: "POST",
//!     path: "/controlplane.v1.StatusService/Statusz",
//!     query: "",
//!     origin: "https://gate.example",
//!     headers: &headers,
//!     request_id: "r1",
//! };
//! let entropy = Entropy { trace: [1; 24], assertions: [[2; 16], [3; 16]] };
//! let mut step = gate.open(&head, clock(), &entropy);
//! let pass = loop {
//!     step = match step {
//!         Step::Body(ask) => ask.answer(&mut gate, clock(), Ok(Arrived::whole(vec![0; 5]))),
//!         Step::Window(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Discard(ask) => ask.answer(&mut gate, clock(), Ok(())),
//!         Step::Stream(ask) => ask.answer(&mut gate, clock(), Ok(true)),
//!         Step::Find(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Admit(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Bind(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Lookup(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Content(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Count(ask) => ask.answer(&mut gate, clock(), Ok(())),
//!         Step::Identify(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Reserve(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Settle(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Attempt(ask) => ask.answer(&mut gate, clock(), Ok(down())),
//!         Step::Record(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Download(ask) => ask.answer(&mut gate, clock(), down()),
//!         Step::Forward(ask) => {
//!             assert_eq!(ask.question.0.target(), head.path);
//!             let answered = vec![
//!                 ("content-type".to_owned(), "application/grpc-web+proto".to_owned()),
//!                 ("set-cookie".to_owned(), "a=b".to_owned()),
//!             ];
//!             ask.answer(&mut gate, clock(), Ok(Reply::read(200, &answered)))
//!         }
//!         Step::Pass(pass) => break pass,
//!         Step::Refuse(refusal) => panic!("{:?}", refusal.error),
//!     };
//! };
//! assert_eq!(pass.headers.drop, ["set-cookie"]);
//! ```

#![warn(missing_docs)]

pub mod activity;
mod admission;
mod allowances;
pub mod artifacts;
pub mod ask;
pub mod assertion;
mod binding;
mod call;
pub mod client_addresses;
pub mod config;
pub mod credential;
mod ended;
pub mod ending;
mod entry;
pub mod error;
pub mod error_answer;
mod head;
pub mod issuer_keys;
pub mod job_bearer;
pub mod leases;
pub mod limits;
pub mod lines;
mod lookup;
mod memory;
mod named;
mod onward;
mod origin_answer;
pub mod own_tokens;
mod patience;
mod people;
mod pins;
pub mod proof;
pub mod question;
mod reply;
pub mod reports;
pub mod request_log;
pub mod rest;
pub mod routes;
mod rpc;
mod runs;
pub mod upstream;
mod verified;
mod vouch;

#[cfg(feature = "testing")]
pub mod origin_tokens;
#[cfg(feature = "testing")]
pub mod testing;

use std::rc::Rc;

pub use activity::{Activity, Ended, KnownToken};
pub use admission::{About, Admitted, Home, home, sought};
pub use ask::{Ask, Outage, Question};
pub use call::{Call, Made, Next, Notes, Pass, Refusal, RefusalForm, Step};
pub use entry::{Entering, Entry, Knocker};
pub use head::{Entropy, Head};
pub use leases::{Due, Leases};
pub use memory::Memory;
pub use onward::{Outbound, Outgoing};
pub use patience::Patience;
pub use reply::{MAX_ANSWER, Reply};
pub use reports::{Reports, RunReport};

use config::Config;

#[cfg(test)]
mod tests;

/// The gateway of an isolate: its configuration, and what it has learned.
#[derive(Debug)]
pub struct Gate {
    config: Rc<Config>,
    /// What it has learned.
    pub memory: Memory,
}

impl Gate {
    /// A gateway that has learned nothing yet. The bytes are random, and this isolate's alone.
    pub fn new(config: Rc<Config>, isolate: [u8; 16]) -> Self {
        let isolate = u128::from_be_bytes(isolate);
        let leases = Leases::new(isolate, config.revocation_lease_ms);
        Self {
            config,
            memory: Memory::new(leases, Activity::new(isolate)),
        }
    }

    /// The configuration.
    pub fn config(&self) -> Rc<Config> {
        Rc::clone(&self.config)
    }
}
