//! Children that cannot outlive the tests, and the processes below them.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// Has the kernel end the child when the thread that starts it is gone. (Linux; elsewhere a test run that is killed
/// outright leaves its gateway.) The threads of our runtime live as long as the tests.
pub fn tie(command: &mut Command) {
    #[cfg(target_os = "linux")]
    // SAFETY: prctl with these arguments only sets a number in the kernel; it is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            Ok(())
        });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Sends a signal to one process.
pub fn signal(process: u32, signal: i32) {
    if let Ok(process) = i32::try_from(process) {
        // SAFETY: kill has no memory effects.
        unsafe { libc::kill(process, signal) };
    }
}

/// Waits for a child, but not forever.
pub fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() > deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// The processes below this one, with their names, parents first. Empty where there is no /proc.
pub fn descendants(of: u32) -> Vec<(u32, String)> {
    let all: Vec<(u32, u32, String)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let (parent, name) = parent_and_name(id)?;
            Some((id, parent, name))
        })
        .collect();
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        for (id, _, name) in all.iter().filter(|(_, of, _)| *of == parent) {
            found.push((*id, name.clone()));
            parents.push(*id);
        }
    }
    found
}

/// Whether the process of that name still lives; a zombie does not.
pub fn lives((id, name): &(u32, String)) -> bool {
    parent_and_name(*id).is_some_and(|(_, now)| now == *name)
}

/// `None` for processes that are gone, zombies included.
fn parent_and_name(id: u32) -> Option<(u32, String)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (start, rest) = stat.rsplit_once(')')?;
    let (_, name) = start.split_once('(')?;
    let mut rest = rest.split_whitespace();
    let state = rest.next()?;
    let parent = rest.next()?.parse().ok()?;
    (state != "Z").then(|| (parent, name.to_owned()))
}
