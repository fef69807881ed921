//! Gateways of two releases on one set of stores: this checkout's, and the one before, which xtask builds from the
//! repository's history.

use crate::gateway::Serve;

/// Which module an isolate, or the Durable Objects, run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Module {
    /// That of this checkout.
    Current,
    /// That of the previous release.
    Previous,
}

/// What a gateway runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Releases {
    /// What each isolate runs, where they are not all of this checkout.
    modules: Vec<Module>,
    /// What the Durable Objects run, where that is not what the first isolate does.
    ledgers: Option<Module>,
}

impl Module {
    fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }
}

impl Serve {
    /// Takes an isolate for each of these modules. The first runs the Durable Objects too, unless they have one of their
    /// own.
    #[must_use]
    pub fn modules(mut self, modules: &[Module]) -> Self {
        self.isolates = u16::try_from(modules.len()).expect("a few");
        self.releases.modules = modules.to_vec();
        self
    }

    /// Has the Durable Objects run this module.
    #[must_use]
    pub fn ledgers(mut self, module: Module) -> Self {
        self.releases.ledgers = Some(module);
        self
    }

    /// The arguments that say what runs, and how often.
    pub(crate) fn which(&self) -> Vec<String> {
        let Releases { modules, ledgers } = &self.releases;
        let mut arguments = match modules.is_empty() {
            true => vec!["--isolates".to_owned(), self.isolates.to_string()],
            false => {
                let words: Vec<_> = modules.iter().map(|module| module.word()).collect();
                vec!["--modules".to_owned(), words.join(",")]
            }
        };
        if let Some(module) = ledgers {
            arguments.extend(["--ledgers".to_owned(), module.word().to_owned()]);
        }
        arguments
    }
}
