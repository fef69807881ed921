//! Runs the cases of one file, one after the other, with the command line and the report of cargo's own harness.
//!
//! Not that harness itself, because a gateway takes seconds to start and must end with its tests: the file's fixture is
//! a value here. It starts before the first case that runs, and ends after the last one, whatever became of it.

use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Builder, Runtime};

/// Longest time for one case: far above any, so that only a hang meets it.
const LIMIT: Duration = Duration::from_secs(300);

/// A named test with the file's fixture.
pub struct Case<T> {
    name: String,
    run: Run<T>,
}

type Run<T> = Box<dyn FnOnce(&T, &Runtime) -> Result<(), Failed> + Send>;

impl<T: 'static> Case<T> {
    /// A case; it fails by panicking.
    pub fn new(name: &str, run: impl AsyncFnOnce(&T) + Send + 'static) -> Self {
        let run = move |fixture: &T, runtime: &Runtime| {
            runtime.block_on(async {
                let ended = tokio::time::timeout(LIMIT, run(fixture)).await;
                ended.map_err(|_| format!("no end after {} s", LIMIT.as_secs()).into())
            })
        };
        Self {
            name: name.to_owned(),
            run: Box::new(run),
        }
    }

    /// A case with the path of its function for a name, less the crate, as cargo's harness has it.
    pub fn at(path: &str, run: impl AsyncFnOnce(&T) + Send + 'static) -> Self {
        Self::new(path.split_once("::").map_or(path, |(_, name)| name), run)
    }
}

/// Cases named like the functions they are.
#[macro_export]
macro_rules! cases {
    ($($function:ident),+ $(,)?) => {
        vec![$($crate::runner::Case::at(concat!(module_path!(), "::", stringify!($function)), $function)),+]
    };
}

/// Runs the cases that the command line asks for, with the fixture that `start` gives; without a case, it is not
/// started.
pub fn run<T: Send + Sync + 'static>(
    start: impl Future<Output = T> + Send + 'static,
    cases: impl IntoIterator<Item = Case<T>>,
) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The cases share their gateway; and with one thread they run in the main one, to whose life children are tied.
    arguments.test_threads = Some(1);
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("the machine can start threads");
    let stage = Arc::new(Stage {
        runtime,
        start: Mutex::new(Some(Box::pin(start))),
        fixture: OnceLock::new(),
    });
    let trial = |case: Case<T>| {
        let stage = Arc::clone(&stage);
        Trial::test(case.name, move || stage.run(case.run))
    };
    let trials = cases.into_iter().map(trial).collect();
    let _quiet = Quiet::begin(&arguments);
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(stage);
    conclusion.exit_code()
}

type Start<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Where cases run.
struct Stage<T> {
    // Dropped before the runtime that it lives on.
    fixture: OnceLock<Option<T>>,
    start: Mutex<Option<Start<T>>>,
    runtime: Runtime,
}

impl<T> Stage<T> {
    fn run(&self, case: Run<T>) -> Result<(), Failed> {
        let mut failed = None;
        let fixture = self.fixture.get_or_init(|| {
            let start = lock(&self.start).take()?;
            let started = caught(|| self.runtime.block_on(start));
            started.map_err(|why| failed = Some(why)).ok()
        });
        if let Some(why) = failed {
            return Err(format!("the fixture does not start:\n{why}").into());
        }
        let fixture = fixture.as_ref().ok_or("the fixture has not started")?;
        caught(|| case(fixture, &self.runtime)).unwrap_or_else(|why| Err(why.into()))
    }
}

/// What panics said, with their places, since the last call of [`caught`].
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Gives what was said by all that panicked meanwhile, when `run` does.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    lock(&PANICS).clear();
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| lock(&PANICS).join("\n"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps stderr quiet while it lives: the origin in this process writes a line there for each call, thousands in all.
/// What panics say goes to stdout with the report.
struct Quiet(Option<OwnedFd>);

impl Quiet {
    fn begin(arguments: &Arguments) -> Self {
        if arguments.list {
            return Self(None);
        }
        let kept = std::io::stderr().as_fd().try_clone_to_owned().ok();
        if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
            replace_stderr(&nowhere);
        }
        std::panic::set_hook(Box::new(|panic| lock(&PANICS).push(panic.to_string())));
        Self(kept)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(kept) = &self.0 {
            let _ = std::panic::take_hook();
            replace_stderr(kept);
        }
    }
}

fn replace_stderr(with: &impl AsRawFd) {
    // SAFETY: both descriptors are open; dup2 changes no memory of ours.
    unsafe { libc::dup2(with.as_raw_fd(), libc::STDERR_FILENO) };
}
