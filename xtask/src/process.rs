//! Children and signals: every child runs in a process group of its own, and no group outlives this process.
//!
//! INVARIANT (nothing left behind): a group is registered before anyone waits for its leader, and it is killed when the
//! leader ends, when a signal arrives, and (Linux) when this process is killed outright. A terminal's Ctrl-C reaches
//! only us, because of the groups; we pass it on.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::fail::{Failure, Outcome, doing, failed};

static GROUPS: Mutex<Vec<i32>> = Mutex::new(Vec::new());
static SIGNAL_IS_SUCCESS: AtomicBool = AtomicBool::new(false);

const GRACE: Duration = Duration::from_secs(5);
const STOP_SIGNALS: [i32; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

/// Takes over the stop signals. Call it first, on the main thread, before any other thread exists: threads inherit the mask.
pub fn guard() {
    let set = stop_set();
    // SAFETY: the set is a live local.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) };
    thread::spawn(move || {
        let mut signal = 0;
        // SAFETY: both pointers are to live locals.
        unsafe { libc::sigwait(&set, &mut signal) };
        // Held to the end: whoever waits for a child must not report its end as a failure meanwhile.
        let _groups = stop_all();
        let code = if SIGNAL_IS_SUCCESS.load(Ordering::SeqCst) {
            0
        } else {
            128 + signal
        };
        std::process::exit(code);
    });
}

/// For commands that run until told to stop: being told to is not an error.
pub fn signal_is_success() {
    SIGNAL_IS_SUCCESS.store(true, Ordering::SeqCst);
}

/// Starts a child in a group of its own, with an end tied to ours.
pub fn spawn(command: &mut Command) -> Outcome<Child> {
    let mut groups = GROUPS.lock().unwrap_or_else(|broken| broken.into_inner());
    command.process_group(0);
    prepare(command);
    let child = command.spawn().map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        failed(format_args!("starting `{program}`: {error}"))
    })?;
    groups.push(group_of(&child));
    Ok(child)
}

/// Waits for a child, then ends what it left in its group.
pub fn wait(child: &mut Child) -> Outcome<ExitStatus> {
    let status = doing("waiting for a child", child.wait());
    let group = group_of(child);
    signal_group(group, libc::SIGKILL);
    GROUPS
        .lock()
        .unwrap_or_else(|broken| broken.into_inner())
        .retain(|other| *other != group);
    status
}

/// Runs a command to its end; what it prints goes to stderr, for stdout belongs to the commands that promise a line there.
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
                eprintln!("{what}");
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
    command.stdin(Stdio::null());
    prepare(command);
    let output = command
        .output()
        .map_err(|error| could_not_start(command, &error))?;
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

/// Gives the child its signals back and, on Linux, ties its end to ours, even by SIGKILL. Elsewhere the pipe that
/// serve.mjs reads does that duty.
fn prepare(command: &mut Command) {
    #[cfg(target_os = "linux")]
    let parent = i32::try_from(std::process::id()).expect("process ids fit in i32");
    // SAFETY: only async-signal-safe calls between fork and exec, on this stack.
    unsafe {
        command.pre_exec(move || {
            let set = stop_set();
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

fn stop_set() -> libc::sigset_t {
    // SAFETY: the set lives on this stack and is emptied before it is used.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in STOP_SIGNALS {
            libc::sigaddset(&mut set, signal);
        }
        set
    }
}

/// Asks every leader to end its group in its own way, then ends what is left.
/// The answer keeps children from being started, and the ends of those there were from being noticed, while it is held.
pub fn stop_all() -> MutexGuard<'static, Vec<i32>> {
    let groups = GROUPS.lock().unwrap_or_else(|broken| broken.into_inner());
    for leader in groups.iter() {
        // SAFETY: kill has no memory effects.
        unsafe { libc::kill(*leader, libc::SIGTERM) };
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && groups.iter().any(|leader| lives(*leader)) {
        thread::sleep(Duration::from_millis(20));
    }
    for group in groups.iter() {
        signal_group(*group, libc::SIGKILL);
    }
    groups
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

fn could_not_start(command: &Command, error: &std::io::Error) -> Failure {
    failed(format_args!(
        "starting `{}`: {error}",
        command.get_program().to_string_lossy()
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

/// A zombie still answers to signals, but does not live.
fn lives(leader: i32) -> bool {
    // SAFETY: kill has no memory effects.
    if unsafe { libc::kill(leader, 0) } != 0 {
        return false;
    }
    let stat = fs::read_to_string(format!("/proc/{leader}/stat"));
    stat.map_or(true, |text| {
        !text
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'))
    })
}
