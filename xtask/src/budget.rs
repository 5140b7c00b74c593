//! Running commands, within the time there is.

use std::fmt;
use std::io::ErrorKind;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How a task went.
pub(crate) type Outcome = Result<(), Error>;

/// Why a task didn't succeed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Error {
    /// It can't run here: something it needs is missing and can't be installed.
    Unavailable(String),
    /// It ran and failed.
    Failed(String),
}

impl Error {
    pub(crate) fn unavailable(reason: impl fmt::Display) -> Self {
        Self::Unavailable(reason.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(reason) => write!(f, "can't run here: {reason}"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

/// The time that all the commands of a task have together.
///
/// A command is a line of words, divided by blanks. It's ended, with every process of its group, when the time is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    deadline: Option<Instant>,
}

impl Budget {
    /// As long as it takes.
    pub(crate) const UNLIMITED: Self = Self { deadline: None };

    /// From now on.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { deadline: Instant::now().checked_add(limit) }
    }

    /// Runs a command.
    pub(crate) fn run(self, line: &str) -> Outcome {
        self.run_with(&[], line)
    }

    /// Runs a command with these variables added to its environment.
    pub(crate) fn run_with(self, variables: &[(&str, &str)], line: &str) -> Outcome {
        print!("$ ");
        for (name, value) in variables {
            print!("{name}={value:?} ");
        }
        println!("{line}");
        self.finish(line, self.command(line).envs(variables.iter().copied())).map(drop)
    }

    /// Runs a command for what it prints.
    pub(crate) fn read(self, line: &str) -> Result<String, Error> {
        self.finish(line, self.command(line).stdout(Stdio::piped()))
    }

    fn command(self, line: &str) -> Command {
        let limited = self.left().map(|left| {
            // `timeout` makes a process group, so that it can end all of it. An interrupt from the terminal doesn't
            // reach that group: hence `setpriv`, by which it ends with this process.
            let seconds = left.as_secs_f64() + 0.001; // zero would be no limit
            format!("setpriv --pdeathsig TERM timeout --kill-after=10 {seconds:.3} {line}")
        });
        let mut words = limited.as_deref().unwrap_or(line).split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).stdin(Stdio::null());
        command
    }

    fn finish(self, line: &str, command: &mut Command) -> Result<String, Error> {
        let output =
            command.spawn().and_then(Child::wait_with_output).map_err(|error| match error.kind() {
                ErrorKind::NotFound => Error::Unavailable(format!("no such program: {line}")),
                _ => Error::Failed(format!("{error}: {line}")),
            })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::Failed(match self.left() {
            Some(Duration::ZERO) => format!("out of time: {line}"),
            _ => format!("{}: {line}", output.status),
        }))
    }

    fn left(self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_command_is_judged_by_its_status() {
        for budget in [Budget::UNLIMITED, Budget::new(LONG)] {
            assert_eq!(budget.run("true"), Ok(()));
            assert_eq!(budget.read("echo one two").as_deref(), Ok("one two\n"));
            assert_eq!(budget.run_with(&[("NAME", "value")], "printenv NAME"), Ok(()));
            assert!(matches!(budget.run("false"), Err(Error::Failed(_))));
        }
        assert!(matches!(Budget::UNLIMITED.run("/no/such/program"), Err(Error::Unavailable(_))));
    }

    #[test]
    fn a_command_is_ended_when_the_time_is_over() {
        let started = Instant::now();
        let budget = Budget::new(SHORT);
        assert_eq!(budget.run("sleep 60"), Err(Error::Failed("out of time: sleep 60".to_owned())));
        assert_eq!(budget.run("sleep 60"), Err(Error::Failed("out of time: sleep 60".to_owned())));
        assert!(started.elapsed() < LONG);
    }
}
