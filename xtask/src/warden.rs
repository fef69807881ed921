//! This program in its third role: it stays when a command is killed outright, and ends the groups that it left.
//!
//! Nothing announces a SIGKILL, and Linux alone ties a child's end to its parent's. A pipe ends with whoever held it,
//! everywhere.

use std::env;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, ExitCode, Stdio};

use crate::fail::{Outcome, doing, failed};
use crate::{ends, paths, process};

/// Set for the warden alone.
const ROLE: &str = "POSTERN_WARDEN";

/// The way to the warden of this process.
pub struct Warden(ChildStdin);

impl Warden {
    /// Starts it in a group of its own, so that no signal for ours reaches it, and without our outputs, so that nobody
    /// waits for it to close them.
    pub fn start() -> Outcome<Self> {
        let mut command = Command::new(paths::program()?);
        command
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = doing("starting the warden", command.spawn())?;
        let pipe = child.stdin.take();
        pipe.map(Self)
            .ok_or_else(|| failed("the warden has no pipe"))
    }

    /// From now on this group is to end with us.
    pub fn add(&mut self, group: i32) -> Outcome {
        doing("telling the warden", writeln!(self.0, "+{group}"))
    }

    /// This group has ended.
    pub fn remove(&mut self, group: i32) {
        let _ = writeln!(self.0, "-{group}");
    }
}

/// Returns only if this run is not in that role, or when its work is done.
pub fn become_warden() -> Option<ExitCode> {
    env::var_os(ROLE)?;
    ends::block(&ends::signals());
    let mut groups: Vec<i32> = Vec::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        follow(&line, &mut groups);
    }
    process::end(&groups);
    Some(ExitCode::SUCCESS)
}

fn follow(line: &str, groups: &mut Vec<i32>) {
    // 0 and 1 are everybody, and init: never ours.
    let number = |text: &str| text.parse().ok().filter(|group| *group > 1);
    match (line.strip_prefix('+'), line.strip_prefix('-')) {
        (Some(group), _) => groups.extend(number(group)),
        (_, Some(group)) => groups.retain(|other| Some(*other) != number(group)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_and_go() {
        let mut groups = Vec::new();
        for line in [
            "+20", "+30", "-20", "+1", "+0", "+-5", "40", "", "+x", "-99",
        ] {
            follow(line, &mut groups);
        }
        assert_eq!(groups, [30]);
    }
}
