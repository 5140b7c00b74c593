//! Fuzzing.

use crate::budget::{Budget, Error, Outcome};
use crate::{install, nightly, unknown_argument};
use std::fs;
use std::path::Path;

/// What to fuzz, and for how long.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// One target; all without it.
    pub(crate) target: Option<String>,
    /// Seconds for each target.
    pub(crate) time: Option<u64>,
    /// Executions of each target.
    pub(crate) runs: Option<u64>,
}

impl Options {
    pub(crate) fn parse(args: &mut impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--time" => options.time = Some(number(&arg, args.next().as_deref())?),
                "--runs" => options.runs = Some(number(&arg, args.next().as_deref())?),
                _ if options.target.is_none() && !arg.starts_with('-') => options.target = Some(arg),
                _ => return Err(unknown_argument(&arg)),
            }
        }
        Ok(options)
    }

    /// As libFuzzer's flags.
    fn limits(&self) -> String {
        match (self.time, self.runs) {
            (Some(time), Some(runs)) => format!("-max_total_time={time} -runs={runs}"),
            (None, Some(runs)) => format!("-runs={runs}"),
            (time, None) => format!("-max_total_time={}", time.unwrap_or(60)),
        }
    }
}

fn number(option: &str, value: Option<&str>) -> Result<u64, String> {
    value.and_then(|value| value.parse().ok()).ok_or_else(|| format!("{option} needs a number"))
}

pub(crate) fn run(budget: Budget, options: &Options) -> Outcome {
    install::cargo_tool(budget, "cargo-fuzz", "0.13.2")?;
    nightly::require(budget)?;
    let targets = match &options.target {
        Some(target) => target.clone(),
        None => budget.read("cargo +nightly fuzz list")?,
    };
    for target in targets.lines() {
        let (found, seeds) = (format!("fuzz/corpus/{target}"), format!("fuzz/seeds/{target}"));
        // What's found goes to the first folder, which git ignores; the second is only read.
        fs::create_dir_all(&found).map_err(|error| Error::Failed(format!("{found}: {error}")))?;
        let seeds = if Path::new(&seeds).exists() { seeds.as_str() } else { "" };
        budget.run(&format!("cargo +nightly fuzz run {target} {found} {seeds} -- {}", options.limits()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&mut line.split_whitespace().map(String::from))
    }

    #[test]
    fn the_options_become_flags() {
        for (line, target, limits) in [
            ("", None, "-max_total_time=60"),
            ("encode", Some("encode"), "-max_total_time=60"),
            ("--time 5 encode", Some("encode"), "-max_total_time=5"),
            ("encode --runs 9", Some("encode"), "-runs=9"),
            ("--runs 9 --time 5", None, "-max_total_time=5 -runs=9"),
        ] {
            let options = parse(line).unwrap();
            assert_eq!((options.target.as_deref(), options.limits().as_str()), (target, limits), "{line}");
        }
    }

    #[test]
    fn numbers_are_numbers() {
        for line in ["--time", "--time soon", "--runs -1", "--runs 1.5"] {
            assert!(parse(line).unwrap_err().ends_with("needs a number"), "{line}");
        }
    }
}
