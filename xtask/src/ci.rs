//! Everything that has to pass.

use crate::budget::{Budget, Error, Outcome};
use crate::published::{Published, packages};
use crate::step::{Step, Verdict};
use crate::{
    bench, downstream, faults, firmware, foreign, fuzz, install, loom, minimal_versions, msrv, nightly,
    no_std, order, package, peers, surface, test, unknown_argument,
};
use std::time::Duration;

/// Each limit is five times what the step takes on two quiet cores from nothing, and a minute at least.
const STEPS: [Step; 19] = [
    Step { name: "fmt", limit: Duration::from_mins(1), task: fmt },
    Step { name: "surface", limit: Duration::from_mins(1), task: surface::run },
    Step { name: "order", limit: Duration::from_mins(1), task: order::run },
    Step { name: "msrv", limit: Duration::from_mins(2), task: msrv::run },
    Step { name: "clippy", limit: Duration::from_mins(10), task: clippy },
    Step { name: "docs", limit: Duration::from_mins(8), task: docs },
    Step { name: "foreign", limit: Duration::from_mins(2), task: foreign::run },
    Step { name: "test", limit: Duration::from_mins(37), task: test::run },
    Step { name: "crowd", limit: Duration::from_mins(16), task: bench::crowd },
    Step { name: "loom", limit: Duration::from_mins(5), task: loom::run },
    Step { name: "features", limit: Duration::from_mins(8), task: features },
    Step { name: "minimal-versions", limit: Duration::from_mins(2), task: minimal_versions::run },
    Step { name: "package", limit: Duration::from_mins(3), task: package::run },
    Step { name: "downstream", limit: Duration::from_mins(10), task: downstream::run },
    Step { name: "no-std", limit: Duration::from_mins(5), task: no_std::run },
    Step { name: "firmware", limit: Duration::from_mins(9), task: firmware::run },
    Step { name: "fuzz", limit: Duration::from_mins(15), task: fuzz_briefly },
    Step { name: "peers", limit: Duration::from_mins(18), task: peers::run },
    Step { name: "faults", limit: Duration::from_mins(15), task: faults::run },
];

/// What may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Options {
    allow_skip: Vec<String>,
}

impl Options {
    pub(crate) fn parse(args: &mut impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            let name = match arg.strip_prefix("--allow-skip") {
                Some("") => args.next(),
                Some(name) => name.strip_prefix('=').map(String::from),
                None => return Err(unknown_argument(&arg)),
            };
            let names = STEPS.map(|step| step.name);
            match name {
                Some(name) if names.contains(&name.as_str()) => options.allow_skip.push(name),
                _ => return Err(format!("--allow-skip needs one of {}", names.join(", "))),
            }
        }
        Ok(options)
    }
}

/// Runs all steps, whatever becomes of each, and reports at the end.
pub(crate) fn run(options: &Options) -> Outcome {
    let reports = STEPS.map(|step| step.run(options.allow_skip.iter().any(|name| name == step.name)));
    for report in &reports {
        println!("{report}");
    }
    println!();
    summary(reports.iter().map(|report| &report.verdict)).map(|summary| println!("{summary}"))
}

fn summary<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Result<String, Error> {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for verdict in verdicts {
        *match verdict {
            Verdict::Passed => &mut passed,
            Verdict::Failed(_) => &mut failed,
            Verdict::Skipped(_) => &mut skipped,
        } += 1;
    }
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let summary = format!("{passed} passed, {failed} failed{skipped}");
    if failed == 0 { Ok(summary) } else { Err(Error::Failed(summary)) }
}

fn fmt(budget: Budget) -> Outcome {
    budget.run("cargo fmt --check --all")?;
    budget.run("cargo fmt --check --all --manifest-path tests/downstream/Cargo.toml")?;
    budget.run("cargo fmt --check --manifest-path tests/faults/Cargo.toml")?;
    budget.run("cargo fmt --check --manifest-path tests/no-std/Cargo.toml")?;
    budget.run("cargo fmt --check --manifest-path examples/firmware/Cargo.toml")?;
    budget.run("cargo fmt --check --manifest-path fuzz/Cargo.toml")
}

fn clippy(budget: Budget) -> Outcome {
    budget.run("cargo clippy --locked --workspace --all-targets --all-features -- -D warnings")?;
    budget.run(
        "cargo clippy --locked --manifest-path tests/faults/Cargo.toml --target-dir target/faults --all-targets -- -D warnings",
    )?;
    budget.run(
        "cargo clippy --locked --manifest-path tests/no-std/Cargo.toml --target-dir target/no-std -- -D warnings",
    )
}

/// Of core with few features too, which can't link to what the others add; of everything last, for that's what stays to be
/// read. Then, elsewhere, as docs.rs builds them, with badges of the features.
fn docs(budget: Budget) -> Outcome {
    for packages in [
        "--package eventsource-core --no-default-features",
        "--package eventsource-core --no-default-features --features alloc",
        "--workspace --all-features",
    ] {
        budget.run_with(
            &[("RUSTDOCFLAGS", "-D warnings")],
            &format!("cargo doc --locked --no-deps {packages}"),
        )?;
    }
    nightly::require(budget)?;
    let published = packages(&Published::all(budget)?);
    budget.run_with(
        &[("RUSTDOCFLAGS", "--cfg docsrs -D warnings")],
        &format!(
            "cargo +nightly doc --locked --no-deps {published} --all-features --target-dir {}",
            nightly::TARGET_FOLDER
        ),
    )
}

/// Every set of features of the published crates.
fn features(budget: Budget) -> Outcome {
    install::cargo_tool(budget, "cargo-hack", "0.6.46")?;
    budget.run("cargo hack --workspace --ignore-private --feature-powerset clippy --locked -- -D warnings")
}

/// So many executions of each target, however long they take within reason.
fn fuzz_briefly(budget: Budget) -> Outcome {
    fuzz::run(budget, &fuzz::Options { target: None, time: Some(30), runs: Some(50_000) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_steps_may_be_skipped() {
        let parse = |line: &str| Options::parse(&mut line.split_whitespace().map(String::from));
        assert_eq!(parse(""), Ok(Options::default()));
        let allow_skip = vec!["fuzz".to_owned(), "peers".to_owned()];
        assert_eq!(parse("--allow-skip=fuzz --allow-skip peers"), Ok(Options { allow_skip }));
        for line in ["--allow-skip", "--allow-skip tests", "--allow-skip=", "--allow-skipfuzz"] {
            assert!(parse(line).unwrap_err().starts_with("--allow-skip needs one of fmt, "), "{line}");
        }
    }

    #[test]
    fn one_failure_is_enough() {
        let passed = Verdict::Passed;
        let failed = Verdict::Failed("status 1".to_owned());
        let skipped = Verdict::Skipped("a tool".to_owned());
        assert_eq!(summary([&passed, &passed].into_iter()), Ok("2 passed, 0 failed".to_owned()));
        assert_eq!(summary([&passed, &skipped].into_iter()), Ok("1 passed, 0 failed, 1 skipped".to_owned()));
        let failure = Error::Failed("1 passed, 1 failed, 1 skipped".to_owned());
        assert_eq!(summary([&skipped, &failed, &passed].into_iter()), Err(failure));
    }
}
