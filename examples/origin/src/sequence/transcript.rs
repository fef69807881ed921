//! What was called and what became of it: a line for each call, made to be read by people and
//! compared by tests.

use std::fmt;

use tonic::Status;

/// One call.
#[derive(Debug, Clone)]
pub struct Step {
    /// `Service/Method`.
    pub call: &'static str,
    /// What the answer is about, or the refusal.
    pub outcome: Result<String, Status>,
}

/// The calls so far, in order.
#[derive(Debug, Clone, Default)]
pub struct Transcript(Vec<Step>);

impl Transcript {
    pub(super) fn add(&mut self, step: Step) {
        self.0.push(step);
    }

    /// The calls.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The calls by name.
    pub fn calls(&self) -> Vec<&'static str> {
        self.0.iter().map(|step| step.call).collect()
    }

    /// The first call that was refused.
    pub fn refused(&self) -> Option<(&'static str, &Status)> {
        let mut refusals = self.0.iter().filter_map(|step| {
            let status = step.outcome.as_ref().err()?;
            Some((step.call, status))
        });
        refusals.next()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(about) if about.is_empty() => write!(f, "{} OK", self.call),
            Ok(about) => write!(f, "{} OK {about}", self.call),
            Err(status) => write!(f, "{} {}", self.call, super::words(status)),
        }
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}
