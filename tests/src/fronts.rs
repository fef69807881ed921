//! Gateways with modules in front of the built one, that look into it, slow it down or take it apart.

use crate::gateway::Serve;

impl Serve {
    /// Counts the calls out of wasm: each answer tells them in `x-crossings`.
    #[must_use]
    pub fn counting(self) -> Self {
        self.front("tests/crossings")
    }

    /// Has the instance of the module end where a path or a name has a mark, `trap-` and letters or digits: once for each.
    #[must_use]
    pub fn trapped(self) -> Self {
        self.front("tests/trapped")
    }

    /// Runs on a runtime that knows jurisdictions; `GET /asked` tells which Ledgers were asked for.
    #[must_use]
    pub fn with_jurisdictions(self) -> Self {
        self.front("tests/jurisdictions")
    }

    /// Has some calls to Ledgers, and some answers, be as another release would send them: see `tests/other_release`.
    #[must_use]
    pub fn other_release(self) -> Self {
        self.front("tests/other_release")
    }

    /// Has the answers of D1 come that many milliseconds late: those of batches, and those of single statements.
    #[must_use]
    pub fn slow_record(self, batches: u32, statements: u32) -> Self {
        self.front("tests/slow_record")
            .set("SLOW_WRITES_MS", &batches.to_string())
            .set("SLOW_READS_MS", &statements.to_string())
    }

    /// Has its dependencies fail as `POST /faults` says: see `tests/failing`.
    #[must_use]
    pub fn failing(self) -> Self {
        self.front("tests/failing")
    }

    /// Runs that many milliseconds from its Ledgers, there and back.
    #[must_use]
    pub fn ledgers_away(self, ms: u32) -> Self {
        self.front("bench/distance")
            .set("LEDGER_AWAY_MS", &ms.to_string())
    }

    /// Has its Ledgers live at `url`, which [`Serve::only_ledgers`] serves.
    #[must_use]
    pub(crate) fn ledgers_at(self, url: &str) -> Self {
        self.front("tests/ledgers_elsewhere")
            .set("LEDGERS_URL", url)
    }

    /// Serves nothing but Ledgers, for the gateway at `url`, which has their D1.
    #[must_use]
    pub(crate) fn only_ledgers(self, url: &str) -> Self {
        self.front("tests/only_ledgers").set("RECORD_URL", url)
    }
}
