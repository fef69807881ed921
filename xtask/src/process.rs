//! Children: every child runs in a process group of its own, and no group outlives this process.
//!
//! INVARIANT (nothing left behind): a group is registered, here and with the warden, before anyone waits for its
//! leader. It is killed when the leader ends, when the command ends in any way it can notice (ends.rs), and by the
//! warden when it is killed outright (warden.rs). A terminal's Ctrl-C reaches only us, because of the groups; we pass
//! it on.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::ends;
use crate::fail::{Outcome, doing, failed};
use crate::warden::Warden;

static GROUPS: Mutex<Groups> = Mutex::new(Groups {
    leaders: Vec::new(),
    warden: None,
});

const GRACE: Duration = Duration::from_secs(5);

/// The groups that have not ended, and who ends them after us.
pub struct Groups {
    leaders: Vec<i32>,
    warden: Option<Warden>,
}

impl Groups {
    /// Asks for the warden before there is anything for it to do.
    fn warden(&mut self) -> Outcome<&mut Warden> {
        match &mut self.warden {
            Some(warden) => Ok(warden),
            none => Ok(none.insert(Warden::start()?)),
        }
    }

    fn remove(&mut self, leader: i32) {
        self.leaders.retain(|other| *other != leader);
        if let Some(warden) = &mut self.warden {
            warden.remove(leader);
        }
    }
}

/// Ends all children when dropped: at the end of a command, and when it panics.
pub struct Ending;

impl Drop for Ending {
    fn drop(&mut self) {
        drop(stop_all());
    }
}

/// Starts a child in a group of its own, with an end tied to ours.
pub fn spawn(command: &mut Command) -> Outcome<Child> {
    let mut groups = groups();
    let warden = groups.warden()?;
    command.process_group(0);
    prepare(command);
    let mut child = command.spawn().map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        failed(format_args!("starting `{program}`: {error}"))
    })?;
    let leader = group_of(&child);
    if let Err(failure) = warden.add(leader) {
        signal_group(leader, libc::SIGKILL);
        let _ = child.wait();
        return Err(failure);
    }
    groups.leaders.push(leader);
    Ok(child)
}

/// Waits for a child, then ends what it left in its group.
pub fn wait(child: &mut Child) -> Outcome<ExitStatus> {
    let status = doing("waiting for a child", child.wait());
    release(group_of(child));
    status
}

/// Ends what a leader left in its group.
fn release(leader: i32) {
    signal_group(leader, libc::SIGKILL);
    groups().remove(leader);
}

fn groups() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(|broken| broken.into_inner())
}

/// Runs a command to its end; what it prints goes to stderr, for stdout belongs to the commands that promise a line
/// there.
pub fn run(command: &mut Command) -> Outcome<ExitStatus> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::from(doing("copying stderr", stderr_handle())?));
    let mut child = spawn(command)?;
    wait(&mut child)
}

/// Says `what` if `work` is not done after two seconds: cargo alone knows beforehand whether there is anything to do.
pub fn announced<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (done, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if wait.recv_timeout(Duration::from_secs(2)) == Err(RecvTimeoutError::Timeout) {
                note!("{what}");
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// Runs a command and shows what it printed only when it fails.
pub fn quiet(what: &str, command: &mut Command) -> Outcome {
    let (status, output) = collect(command)?;
    if status.success() {
        return Ok(());
    }
    Err(failed(format_args!(
        "{what} failed ({status}):\n{}",
        output.trim_end()
    )))
}

/// Runs a command and returns its standard output; its standard error only when it fails.
pub fn read(command: &mut Command) -> Outcome<String> {
    read_from(command, Stdio::null())
}

/// The same, on this standard input.
pub fn read_from(command: &mut Command, stdin: impl Into<Stdio>) -> Outcome<String> {
    command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = spawn(command)?;
    let leader = group_of(&child);
    let output = doing("waiting for a child", child.wait_with_output());
    release(leader);
    let output = output?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let program = command.get_program().to_string_lossy().into_owned();
    Err(failed(format_args!(
        "`{program}` failed ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    )))
}

/// The same, given up after `limit`: for tools that may wait for a server that does not answer.
pub fn succeeds_within(limit: Duration, command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut child) = spawn(command) else {
        return false;
    };
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if let Ok(Some(_)) = child.try_wait() {
            return wait(&mut child).is_ok_and(|status| status.success());
        }
        thread::sleep(Duration::from_millis(50));
    }
    signal_group(group_of(&child), libc::SIGKILL);
    let _ = wait(&mut child);
    false
}

/// Gives the child its signals back and, on Linux, has the kernel end it with us: sooner than the warden can, and in
/// the moment before the warden knows of it.
fn prepare(command: &mut Command) {
    let set = ends::signals();
    #[cfg(target_os = "linux")]
    let parent = i32::try_from(std::process::id()).expect("process ids fit in i32");
    // SAFETY: only async-signal-safe calls between fork and exec, on this stack.
    unsafe {
        command.pre_exec(move || {
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
            #[cfg(target_os = "linux")]
            {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
                if libc::getppid() != parent {
                    libc::_exit(1); // the parent died before the request was in force
                }
            }
            Ok(())
        });
    }
}

/// Ends all groups. The answer keeps children from being started, and the ends of those there were from being noticed,
/// while it is held.
pub fn stop_all() -> MutexGuard<'static, Groups> {
    let mut groups = groups();
    end(&groups.leaders);
    for leader in groups.leaders.clone() {
        groups.remove(leader);
    }
    groups
}

/// Asks every leader to end its group in its own way, then ends what is left.
pub fn end(leaders: &[i32]) {
    for leader in leaders {
        // SAFETY: kill has no memory effects.
        unsafe { libc::kill(*leader, libc::SIGTERM) };
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && leaders.iter().any(|leader| lives(*leader)) {
        thread::sleep(Duration::from_millis(20));
    }
    for leader in leaders {
        signal_group(*leader, libc::SIGKILL);
    }
}

fn collect(command: &mut Command) -> Outcome<(ExitStatus, String)> {
    let (mut reader, writer) = doing("opening a pipe", std::io::pipe())?;
    let copy = doing("copying a pipe", writer.try_clone())?;
    command.stdin(Stdio::null()).stdout(writer).stderr(copy);
    let mut child = spawn(command)?;
    command.stdout(Stdio::null()).stderr(Stdio::null()); // else our own copies keep the pipe open
    let mut output = Vec::new();
    doing(
        "reading a child's output",
        reader.read_to_end(&mut output).map(drop),
    )?;
    Ok((
        wait(&mut child)?,
        String::from_utf8_lossy(&output).into_owned(),
    ))
}

fn stderr_handle() -> std::io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::AsFd;
    std::io::stderr().as_fd().try_clone_to_owned()
}

fn group_of(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("process ids fit in i32")
}

fn signal_group(group: i32, signal: i32) {
    // SAFETY: kill has no memory effects.
    unsafe { libc::kill(-group, signal) };
}

/// Whether a process runs: one that has ended answers to signals until somebody has waited for it.
fn lives(leader: i32) -> bool {
    let id = libc::id_t::from(leader.unsigned_abs());
    let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: waitid writes to a live local, which was zeroed before; with WNOWAIT it leaves the end to whoever waits.
    let (mine, ended) = unsafe {
        let mut about: libc::siginfo_t = std::mem::zeroed();
        let mine = libc::waitid(libc::P_PID, id, &mut about, how) == 0;
        (mine, about.si_pid() != 0)
    };
    if mine {
        return !ended;
    }
    // Not a child of ours: the warden asks for those of a command that is gone.
    // SAFETY: kill has no memory effects.
    if unsafe { libc::kill(leader, 0) } != 0 {
        return false;
    }
    let stat = fs::read_to_string(format!("/proc/{leader}/stat"));
    let state = stat.map(|text| {
        text.rsplit(')')
            .next()
            .map(|rest| rest.trim_start().starts_with('Z'))
    });
    !matches!(state, Ok(Some(true)))
}
