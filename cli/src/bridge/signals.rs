//! The signals that a bridge is told things with: to stop, or to pass them on to the command that
//! it runs.

use std::io;

use rustix::process::{Signal, getpgrp};
use tokio::signal::unix::{self, SignalKind, signal};

/// SIGINT and SIGTERM: what a bridge without a command ends at. SIGHUP is left as it was found, so
/// that `nohup` keeps it away.
pub struct Stop {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Stop {
    /// Takes them over, from now on.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for either.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
        }
    }
}

/// All that a command wants to be told; the bridge itself ends with the command only.
pub struct Signals {
    stop: Stop,
    hang_up: unix::Signal,
    quit: unix::Signal,
}

impl Signals {
    /// Takes them over, from now on.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            stop: Stop::new()?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    /// Waits for any of them.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            signal = self.stop.next() => signal,
            _ = self.hang_up.recv() => Signal::HUP,
            _ = self.quit.recv() => Signal::QUIT,
        }
    }
}

/// Whether a terminal has sent this signal to the command as well: it tells all of the group in
/// front of it, where the command is too unless it has left.
pub fn reaches_the_group(sent: Signal) -> bool {
    if sent == Signal::TERM {
        return false;
    }
    let terminal = std::fs::File::open("/dev/tty");
    let front = terminal.and_then(|terminal| Ok(rustix::termios::tcgetpgrp(terminal)?));
    front.is_ok_and(|group| group == getpgrp())
}
