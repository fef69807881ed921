//! What `postern audit verify` has found, in words: exactly what was verified, and what was not.

use postern_domain::audit::mend::Mended;
use postern_domain::audit::verify::{MAX_FAULTS, Report};

use super::tree;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::print;
use crate::text::{counted, plain};

/// Tells what the check under the gateway's own keys has found.
///
/// # Errors
/// `Other` for a log that is not whole.
pub fn keyed(report: &Report) -> Outcome {
    for fault in &report.faults {
        print(&format!("line {}: {}\n", fault.line, fault.problem))?;
    }
    if report.faults_in_all > report.faults.len() {
        let more = report.faults_in_all - report.faults.len();
        print(&format!(
            "and {more} more; the first {MAX_FAULTS} are shown\n"
        ))?;
    }
    if !report.is_clean() {
        let what = match report.faults_in_all {
            1 => "the log is not whole: 1 fault".to_owned(),
            faults => format!("the log is not whole: {faults} faults"),
        };
        let failure = Failure::new(Kind::Other, what);
        return Err(match report.rows {
            0 => failure.hint("not one row fits: are the keys those of the gateway that wrote it?"),
            _ => failure,
        });
    }
    for (sequence, mended) in report.mended.iter().take(MAX_FAULTS) {
        let found = match mended {
            Mended::Missing => "no row",
            Mended::Differed => "another row",
        };
        print(&format!(
            "row {sequence}: D1 had {found}, and the Ledger's copy stands here\n"
        ))?;
    }
    if report.mended.len() > MAX_FAULTS {
        let more = report.mended.len() - MAX_FAULTS;
        print(&format!("and {more} more rows like that\n"))?;
    }
    match (report.organization, report.checkpoint) {
        (Some(organization), Some((sequence, at))) => print(&format!(
            "{} of organization {organization}: whole, in order and unchanged; \
             the checkpoint reaches row {sequence}, at {}\n",
            counted(report.rows, "row"),
            postern_wire::rfc3339::print(at),
        )),
        _ => print("the log is empty\n"),
    }
}

/// Tells what the check with public keys has found. `is_keyed`: the links are checked besides.
///
/// # Errors
/// `Other` for a log that does not fit.
pub fn public(report: &tree::Report, is_keyed: bool) -> Outcome {
    for fault in &report.faults.shown {
        print(&format!("{}\n", plain(fault)))?;
    }
    let faults = report.faults.in_all;
    if faults > report.faults.shown.len() {
        let more = faults - report.faults.shown.len();
        print(&format!(
            "and {more} more; the first {MAX_FAULTS} are shown\n"
        ))?;
    }
    if faults > 0 {
        let what = format!(
            "the log does not agree with its public checkpoints: {}",
            counted(faults as u64, "fault")
        );
        return Err(Failure::new(Kind::Other, what));
    }
    let (rows, proven) = (report.rows, report.proven);
    match report.organization {
        Some(organization) => print(&format!(
            "{} of organization {organization}: in order, and as the public checkpoints have them\n",
            counted(proven, "row"),
        ))?,
        None => print("the log is empty\n")?,
    }
    for opened in &report.fitting {
        print(&format!(
            "checkpoint of {}: {}\n",
            counted(opened.checkpoint.size, "row"),
            opened.signers()
        ))?;
    }
    if proven < rows {
        let behind = rows - proven;
        let mut fitting = report.fitting.iter();
        let why = match fitting.any(|opened| opened.checkpoint.size > proven) {
            true => "which no checkpoint has under it that every witness has cosigned",
            false => "which no checkpoint has under it yet",
        };
        print(&format!(
            "not proven: the last {}, {why}\n",
            counted(behind, "row")
        ))?;
    }
    match is_keyed {
        true => Ok(()),
        false => print("not checked: the keyed links, which take ROOT_KEYS\n"),
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::audit::verify::verify;
    use postern_domain::keys::{KeyRing, RootKeys};

    use super::*;

    #[test]
    fn a_log_that_is_not_whole_is_a_failure() {
        let ring = KeyRing::parse("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let audit = RootKeys::from_root(&ring).audit;
        // A line that is no row, and no checkpoint behind it.
        let report = verify(["nonsense"], &audit);
        let failure = keyed(&report).err().map(|failure| failure.message);
        assert_eq!(failure.as_deref(), Some("the log is not whole: 2 faults"));
        // Nothing at all proves nothing: the checkpoint is missing.
        let failure = keyed(&verify(Vec::<String>::new(), &audit)).err();
        assert_eq!(failure.map(|failure| failure.kind), Some(Kind::Other));
    }
}
