//! Why the tree over an audit log does not answer (R54).

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditTreeFault {
    /// No keys are configured.
    KeysNotSet,
    /// The tree has not caught up with the log.
    Behind {
        /// How many events it has.
        size: u64,
        /// How many the log has.
        log: u64,
    },
}

impl AuditTreeFault {
    /// The stable word.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::KeysNotSet => "audit_keys_not_set",
            Self::Behind { .. } => "audit_tree_behind",
        }
    }

    /// The sentence for the client.
    pub(super) fn public(&self) -> String {
        match self {
            Self::KeysNotSet => {
                "this gateway signs no public checkpoints: AUDIT_KEYS is not set".to_owned()
            }
            Self::Behind { size, log } => format!(
                "the tree has taken in {size} of the {log} events of this log: each call takes in \
                 more, so try again"
            ),
        }
    }
}
