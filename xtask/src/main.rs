//! The developer's front door: `cargo xtask` lists what there is to do.

#![forbid(unsafe_code)]

mod budget;
mod install;
mod step;
mod metadata;
mod published;
mod dependencies;
mod nightly;
mod test;
mod loom;
mod thumbv7m;
mod no_std;
mod firmware;
mod surface;
mod order;
mod msrv;
mod foreign;
mod minimal_versions;
mod package;
mod downstream;
mod fuzz;
mod bench;
mod peers;
mod faults;
mod ci;

use budget::{Budget, Outcome};
use std::env;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask TASK

Tasks:
  test                 run the tests that need no other program
  loom                 run every interleaving of a few threads at what has a lock and a waker
  no-std               build without std for the host and for a Cortex-M3, and run it on the host
  surface              check that the adapters of the runtimes have the same public names and docs
  order                check that no module uses what stands after it in the list of modules
  msrv                 check that the published crates and what they depend on build with the oldest Rust they say
  foreign              check the list of other crates' types in public signatures, of docs/architecture.md
  minimal-versions     build the published crates with the oldest versions of what they depend on
  package              make and build what's uploaded when the crates are published
  downstream           run the programs of tests/downstream, which use the published crates as anybody would
  firmware             build the examples for a Cortex-M3, print their sizes, and run them under QEMU
  fuzz [TARGET] [--time SECONDS] [--runs N]
                       fuzz one target or each, for 60 seconds or as long as asked for
  bench NAME [ARGUMENT ...]
                       run a benchmark, codec, channel, clients or fanout, with arguments of its own: a part of a case's name,
                       to run that alone, and for channel and fanout --quick; or crowd, 5,000 clients of the hub
  peers                run the tests that need curl, Chromium, Node, RabbitMQ, nginx, HAProxy and Caddy
  faults [--only PART] serve the faults that a client meets to ours and its peers, or have only those meet that have this part in
                       their names, and print what each does
  ci [--allow-skip=STEP ...]
                       run everything that has to pass; a step that can't run here fails, unless it may be skipped

What a task needs is installed if it's missing: Debian packages (as root), cargo's tools, a Node.
";

fn main() -> ExitCode {
    let task = match Task::parse(env::args().skip(1)) {
        Ok(task) => task,
        Err(error) => {
            eprint!("error: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match task.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, PartialEq)]
enum Task {
    Help,
    Test,
    Loom,
    NoStd,
    Firmware,
    Surface,
    Order,
    Msrv,
    Foreign,
    MinimalVersions,
    Package,
    Downstream,
    Fuzz(fuzz::Options),
    Bench { name: String, arguments: Vec<String> },
    Peers,
    Faults { arguments: Vec<String> },
    Ci(ci::Options),
}

impl Task {
    fn parse(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = split_assignments(args).into_iter();
        let task = match args.next().as_deref() {
            None | Some("help" | "-h" | "--help") => Self::Help,
            Some("test") => Self::Test,
            Some("loom") => Self::Loom,
            Some("no-std") => Self::NoStd,
            Some("firmware") => Self::Firmware,
            Some("surface") => Self::Surface,
            Some("order") => Self::Order,
            Some("msrv") => Self::Msrv,
            Some("foreign") => Self::Foreign,
            Some("minimal-versions") => Self::MinimalVersions,
            Some("package") => Self::Package,
            Some("downstream") => Self::Downstream,
            Some("fuzz") => Self::Fuzz(fuzz::Options::parse(&mut args)?),
            Some("bench") => Self::Bench {
                name: args.next().ok_or("bench needs a name, such as codec")?,
                arguments: args.by_ref().collect(),
            },
            Some("peers") => Self::Peers,
            Some("faults") => Self::Faults { arguments: args.by_ref().collect() },
            Some("ci") => Self::Ci(ci::Options::parse(&mut args)?),
            Some(other) => return Err(format!("there is no task `{other}`")),
        };
        match args.next() {
            None => Ok(task),
            Some(argument) => Err(unknown_argument(&argument)),
        }
    }

    fn run(&self) -> Outcome {
        // Every command below is one for the workspace's root.
        env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .map_err(budget::Error::unavailable)?;
        let budget = Budget::UNLIMITED;
        match self {
            Self::Help => {
                print!("{HELP}");
                Ok(())
            }
            Self::Test => test::run(budget),
            Self::Loom => loom::run(budget),
            Self::NoStd => no_std::run(budget),
            Self::Firmware => firmware::run(budget),
            Self::Surface => surface::run(budget),
            Self::Order => order::run(budget),
            Self::Msrv => msrv::run(budget),
            Self::Foreign => foreign::run(budget),
            Self::MinimalVersions => minimal_versions::run(budget),
            Self::Package => package::run(budget),
            Self::Downstream => downstream::run(budget),
            Self::Fuzz(options) => fuzz::run(budget, options),
            Self::Bench { name, arguments } => bench::run(budget, name, arguments),
            Self::Peers => peers::run(budget),
            Self::Faults { arguments } => faults::run_with(budget, arguments),
            Self::Ci(options) => ci::run(options),
        }
    }
}

/// `--name=value` as `--name` and `value`, so that both forms are one to everything else.
fn split_assignments(args: impl Iterator<Item = String>) -> Vec<String> {
    let mut split = Vec::new();
    for arg in args {
        match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => {
                split.extend([name.to_owned(), value.to_owned()]);
            }
            _ => split.push(arg),
        }
    }
    split
}

fn unknown_argument(argument: &str) -> String {
    format!("unknown argument `{argument}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Task, String> {
        Task::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn every_task_has_a_name() {
        for (line, task) in [
            ("", Task::Help),
            ("help", Task::Help),
            ("--help", Task::Help),
            ("test", Task::Test),
            ("no-std", Task::NoStd),
            ("order", Task::Order),
            ("msrv", Task::Msrv),
            ("foreign", Task::Foreign),
            ("minimal-versions", Task::MinimalVersions),
            ("package", Task::Package),
            ("downstream", Task::Downstream),
            ("bench codec", Task::Bench { name: "codec".to_owned(), arguments: Vec::new() }),
            ("peers", Task::Peers),
            ("faults", Task::Faults { arguments: Vec::new() }),
        ] {
            assert_eq!(parse(line), Ok(task), "{line}");
        }
    }

    #[test]
    fn a_benchmark_has_arguments_of_its_own() {
        let arguments = ["--quick", "one", "line"].map(String::from).into();
        let task = Task::Bench { name: "fanout".to_owned(), arguments };
        assert_eq!(parse("bench fanout --quick one line"), Ok(task));
    }

    #[test]
    fn options_have_two_forms() {
        assert_eq!(parse("fuzz --time=5"), parse("fuzz --time 5"));
        assert_eq!(parse("ci --allow-skip=peers"), parse("ci --allow-skip peers"));
    }

    #[test]
    fn whatever_else_is_an_error() {
        for (line, part) in [
            ("tests", "no task `tests`"),
            ("test quickly", "`quickly`"),
            ("bench", "needs a name"),
            ("fuzz encode stream", "`stream`"),
            ("fuzz --forever", "`--forever`"),
            ("ci --quick", "`--quick`"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
