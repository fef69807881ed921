//! This program in its second role: it becomes workerd, tied to the life of the process that started it.
//!
//! Node cannot ask for that (PR_SET_PDEATHSIG), and a workerd whose Node was killed would keep the ports and the
//! stores.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Set by guard.mjs for workerd alone: the program to become.
const WORKERD: &str = "POSTERN_GUARDED_WORKERD";

/// The process id of the Node that has workerd started, which getppid cannot tell us once it is gone.
const PARENT: &str = "POSTERN_GUARD_PARENT";

/// Returns only if this run is not in that role, or if it failed.
pub fn become_workerd() -> Option<ExitCode> {
    let workerd = env::var_os(WORKERD)?;
    #[cfg(target_os = "linux")]
    // SAFETY: prctl with these arguments only sets a number in the kernel; it stays in force through exec.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
    // SAFETY: getppid cannot fail.
    let parent = unsafe { libc::getppid() };
    if parent.to_string() != env::var(PARENT).unwrap_or_default() {
        return Some(ExitCode::FAILURE); // the parent died before the request was in force
    }
    let error = Command::new(&workerd)
        .args(env::args_os().skip(1))
        .env_remove(WORKERD)
        .exec();
    note!("error: starting {}: {error}", workerd.display());
    Some(ExitCode::FAILURE)
}
