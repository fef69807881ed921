//! What ends a command from outside: the stop signals, and a reader of its output that has gone. Both end the children
//! first. What no program can notice (SIGKILL) is the warden's business (warden.rs).

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::process;

static STOP_IS_SUCCESS: AtomicBool = AtomicBool::new(false);

/// For commands that run until told to stop: being told to is not an error.
pub fn stop_is_success() {
    STOP_IS_SUCCESS.store(true, Ordering::SeqCst);
}

/// Takes over the stop signals and watches the outputs. Call it first, on the main thread, before any other thread
/// exists: threads inherit the mask.
pub fn watch() {
    let set = signals();
    block(&set);
    thread::spawn(move || {
        let mut signal = 0;
        // SAFETY: both pointers are to live locals.
        unsafe { libc::sigwait(&set, &mut signal) };
        end(signal)
    });
    thread::spawn(|| {
        wait_for_readers_to_go();
        end(libc::SIGPIPE)
    });
}

/// Shuts the stop signals out of this thread and of those that it will start.
pub fn block(set: &libc::sigset_t) {
    // SAFETY: the set is a live reference.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set, std::ptr::null_mut()) };
}

/// SIGTERM, SIGINT and SIGHUP, but none that we were started to ignore: `nohup` means what it says.
pub fn signals() -> libc::sigset_t {
    // SAFETY: set and action live on this stack; both are written before they are read.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &mut now);
            if now.sa_sigaction != libc::SIG_IGN {
                libc::sigaddset(&mut set, signal);
            }
        }
        set
    }
}

fn end(signal: i32) -> ! {
    // Held to the end: whoever waits for a child must not report its end as a failure meanwhile.
    let _groups = process::stop_all();
    let code = if STOP_IS_SUCCESS.load(Ordering::SeqCst) {
        0
    } else {
        128 + signal
    };
    std::process::exit(code)
}

/// Returns when stdout or stderr is a pipe that nobody reads any more, or a terminal that is gone. Files never are.
fn wait_for_readers_to_go() {
    let mut outputs = [libc::STDOUT_FILENO, libc::STDERR_FILENO].map(|fd| libc::pollfd {
        fd,
        events: 0, // the end is reported unasked
        revents: 0,
    });
    loop {
        // SAFETY: the array is a live local of two.
        let found = unsafe { libc::poll(outputs.as_mut_ptr(), 2, -1) };
        for output in &mut outputs {
            if found > 0 && output.revents & (libc::POLLERR | libc::POLLHUP) != 0 {
                return;
            }
            if found > 0 && output.revents != 0 {
                output.fd = -1; // what cannot be watched (POLLNVAL) is left out
            }
        }
    }
}
