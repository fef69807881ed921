//! `cargo xtask supply-chain`: what the project is made of, and whether that is what it says. What needs nothing from
//! outside is a step of `cargo xtask test` too.

mod crates;
mod deny;
mod npm;
mod rust;
mod secrets;

use std::time::Instant;

use crate::args::SupplyChain;
use crate::fail::{Failure, Outcome};
use crate::release;

/// What a check found, or why it was left out.
enum Ended {
    Fits,
    Fails,
    LeftOut,
}

/// What needs nothing but the checkout and the sources that cargo has.
pub fn quick() -> Outcome {
    for line in crates::check()? {
        say!("{line}");
    }
    say!("{}", npm::check()?);
    say!("{}", secrets::check()?);
    Ok(())
}

pub fn run(request: &SupplyChain) -> Outcome {
    let offline = request.offline;
    let clone = request.advisories.as_deref();
    let database = "their database is fetched, or `--advisories DIR` names a clone of it";
    let ended = [
        step("licences, bans, sources", None, deny::check),
        step(
            "advisories",
            (offline && clone.is_none()).then_some(database),
            || deny::advisories(clone),
        ),
        step("crates that meet secrets", None, || {
            crates::check().map(|lines| lines.join("\n"))
        }),
        step("npm locks", None, npm::check),
        step(
            "npm audit",
            offline.then_some("the registry has to be asked"),
            npm::audit,
        ),
        step("secrets in the history", None, secrets::check),
        step(
            "the module is reproducible",
            request.no_module.then_some("`--no-module` was given"),
            || release::check().map(|()| String::new()),
        ),
    ];
    let count = |wanted: fn(&Ended) -> bool| ended.iter().filter(|one| wanted(one)).count();
    let failed = count(|one| matches!(one, Ended::Fails));
    say!(
        "\n{} passed, {failed} failed, {} skipped",
        count(|one| matches!(one, Ended::Fits)),
        count(|one| matches!(one, Ended::LeftOut))
    );
    match failed {
        0 => Ok(()),
        _ => Err(Failure {
            code: 1,
            message: String::new(),
        }),
    }
}

/// Runs one check, unless there is a reason not to.
fn step(name: &str, why_not: Option<&str>, check: impl FnOnce() -> Outcome<String>) -> Ended {
    if let Some(why) = why_not {
        say!("\n== {name}: not checked: {why}");
        return Ended::LeftOut;
    }
    let start = Instant::now();
    let ended = check();
    say!("\n== {name} ({:.1} s)", start.elapsed().as_secs_f64());
    match ended {
        Ok(told) => {
            if !told.is_empty() {
                say!("{told}");
            }
            Ended::Fits
        }
        Err(failure) => {
            let _ = failure.report();
            Ended::Fails
        }
    }
}
