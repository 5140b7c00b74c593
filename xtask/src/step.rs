//! The steps of `ci`.

use crate::budget::{Budget, Error, Outcome};
use std::fmt;
use std::time::{Duration, Instant};

/// A part of `ci` that passes or fails as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) limit: Duration,
    pub(crate) task: fn(Budget) -> Outcome,
}

impl Step {
    /// Runs it; says when it begins and how it ended. Where it can't run, that's a failure unless it `may_skip`.
    pub(crate) fn run(&self, may_skip: bool) -> Report {
        println!("==> {} (within {} s)", self.name, self.limit.as_secs());
        let started = Instant::now();
        let verdict = match (self.task)(Budget::new(self.limit)) {
            Ok(()) => Verdict::Passed,
            Err(Error::Unavailable(reason)) if may_skip => Verdict::Skipped(reason),
            Err(error) => Verdict::Failed(error.to_string()),
        };
        let report = Report { name: self.name, verdict, took: started.elapsed() };
        println!("<== {report}\n");
        report
    }
}

/// How a step ended.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    name: &'static str,
    pub(crate) verdict: Verdict,
    took: Duration,
}

/// Whether a step passed, and if not, why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// A line of a table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        write!(f, "{:<16} {seconds:>6.1} s  ", self.name)?;
        match &self.verdict {
            Verdict::Passed => f.write_str("passed"),
            Verdict::Failed(reason) => write!(f, "failed: {reason}"),
            Verdict::Skipped(reason) => write!(f, "skipped: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_run_may_be_skipped() {
        let verdict = |task, may_skip| {
            let step = Step { name: "step", limit: Duration::from_mins(1), task };
            step.run(may_skip).verdict
        };
        let unavailable = |_| Err(Error::unavailable("a tool"));
        let failed = |_| Err(Error::Failed("status 1".to_owned()));

        assert_eq!(verdict(|_| Ok(()), true), Verdict::Passed);
        assert_eq!(verdict(unavailable, true), Verdict::Skipped("a tool".to_owned()));
        assert_eq!(verdict(unavailable, false), Verdict::Failed("can't run here: a tool".to_owned()));
        assert_eq!(verdict(failed, true), Verdict::Failed("status 1".to_owned()));
    }
}
