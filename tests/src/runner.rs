//! Runs the cases of one file, one after the other, and reports like the standard harness.
//!
//! Not the standard harness, because a gateway takes seconds to start and must end with its tests: here the file's
//! shared world is a value that is dropped when the last case is through, whatever became of it.

use std::fmt::Write as _;
use std::fs::File;
use std::future::Future;
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest time for one case: far above any, so that only a hang meets it.
const LIMIT: Duration = Duration::from_secs(300);

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A named test over the file's world.
pub struct Case<W> {
    name: String,
    run: Box<dyn FnOnce(Arc<W>) -> Running>,
}

impl<W> Case<W> {
    /// A case; it fails by panicking.
    pub fn new<F>(name: &str, run: impl FnOnce(Arc<W>) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            name: name.to_owned(),
            run: Box::new(move |world| Box::pin(run(world))),
        }
    }
}

/// Cases named like the functions they are.
#[macro_export]
macro_rules! cases {
    ($($function:ident),+ $(,)?) => {
        vec![$($crate::runner::Case::new(stringify!($function), $function)),+]
    };
}

/// What panics said, with their places, while the present case runs.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Runs the cases that the command line asks for: `[FILTER]… [--exact] [--skip FILTER]… [--list]`.
pub fn run<W, F>(start: impl FnOnce() -> F, cases: Vec<Case<W>>) -> ExitCode
where
    W: Send + Sync + 'static,
    F: Future<Output = W>,
{
    let selection = Selection::parse(std::env::args().skip(1));
    let (selected, filtered): (Vec<_>, Vec<_>) = cases
        .into_iter()
        .partition(|case| selection.takes(&case.name));
    if selection.list {
        for case in &selected {
            println!("{}: test", case.name);
        }
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", selected.len());
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("the machine can start threads");
    let (passed, failures) = if selected.is_empty() {
        (0, Vec::new())
    } else {
        let _quiet = Quiet::begin();
        std::panic::set_hook(Box::new(|panic| lock().push(panic.to_string())));
        let all =
            AssertUnwindSafe(|| runtime.block_on(async { run_all(start().await, selected).await }));
        let ended = catch_unwind(all);
        let _ = std::panic::take_hook();
        // Only the start can panic here: cases are tasks of their own.
        ended.unwrap_or_else(|_| (0, vec![("the start".to_owned(), lock().join("\n"))]))
    };
    report(passed, &failures, filtered.len(), began.elapsed());
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn run_all<W: Send + Sync + 'static>(
    world: W,
    cases: Vec<Case<W>>,
) -> (usize, Vec<(String, String)>) {
    let world = Arc::new(world);
    let (mut passed, mut failures) = (0, Vec::new());
    for case in cases {
        lock().clear();
        let mut task = tokio::spawn((case.run)(Arc::clone(&world)));
        let ended = tokio::time::timeout(LIMIT, &mut task).await;
        let failure = match ended {
            Ok(Ok(())) => None,
            Ok(Err(_)) => Some(lock().join("\n")),
            Err(_) => {
                task.abort();
                let _ = task.await;
                Some(format!("no end after {} s", LIMIT.as_secs()))
            }
        };
        println!(
            "test {} ... {}",
            case.name,
            if failure.is_none() { "ok" } else { "FAILED" }
        );
        match failure {
            None => passed += 1,
            Some(why) => failures.push((case.name, why)),
        }
    }
    (passed, failures)
}

/// Keeps stderr quiet while it lives: the origin in this process writes a line there for each call, thousands in all.
/// What panics say goes to stdout with the report.
struct Quiet(Option<OwnedFd>);

impl Quiet {
    fn begin() -> Self {
        let kept = std::io::stderr().as_fd().try_clone_to_owned().ok();
        if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
            replace_stderr(&nowhere);
        }
        Self(kept)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(kept) = &self.0 {
            replace_stderr(kept);
        }
    }
}

fn replace_stderr(with: &impl AsRawFd) {
    // SAFETY: both descriptors are open; dup2 changes no memory of ours.
    unsafe { libc::dup2(with.as_raw_fd(), libc::STDERR_FILENO) };
}

fn report(passed: usize, failures: &[(String, String)], filtered: usize, time: Duration) {
    let mut text = String::new();
    if !failures.is_empty() {
        text.push_str("\nfailures:\n");
        for (name, why) in failures {
            let _ = write!(text, "\n---- {name} ----\n{why}\n");
        }
    }
    let result = if failures.is_empty() { "ok" } else { "FAILED" };
    println!(
        "{text}\ntest result: {result}. {passed} passed; {} failed; 0 ignored; 0 measured; {filtered} filtered out; \
         finished in {:.2}s\n",
        failures.len(),
        time.as_secs_f64()
    );
}

fn lock() -> std::sync::MutexGuard<'static, Vec<String>> {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
    exact: bool,
    list: bool,
}

impl Selection {
    fn parse(mut words: impl Iterator<Item = String>) -> Self {
        let mut selection = Self::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--exact" => selection.exact = true,
                "--list" => selection.list = true,
                "--skip" => selection.skip.extend(words.next()),
                // Of the standard harness; nothing to do for them here.
                "--test-threads" | "--format" | "--color" => drop(words.next()),
                flag if flag.starts_with('-') => {}
                _ => selection.only.push(word),
            }
        }
        selection
    }

    fn takes(&self, name: &str) -> bool {
        let fits = |filter: &String| {
            if self.exact {
                name == filter
            } else {
                name.contains(filter.as_str())
            }
        };
        (self.only.is_empty() || self.only.iter().any(fits)) && !self.skip.iter().any(fits)
    }
}
