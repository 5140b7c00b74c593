//! The faults that a client meets, for ours and its peers.

use crate::budget::{Budget, Outcome};
use crate::install;

const MANIFEST: &str = "tests/faults/Cargo.toml";
const TARGET_FOLDER: &str = "target/faults";

pub(crate) fn run(budget: Budget) -> Outcome {
    run_with(budget, &[])
}

/// Runs the gate with arguments of its own.
pub(crate) fn run_with(budget: Budget, arguments: &[String]) -> Outcome {
    install::debian(budget, &[("node", "nodejs"), ("npm", "npm")])?;
    let path = install::node(budget)?;
    budget.run("npm ci --prefix tests/faults/node")?;
    budget.run(&format!(
        "cargo build --locked --manifest-path {MANIFEST} --target-dir {TARGET_FOLDER} --bins"
    ))?;
    let gate = format!("{TARGET_FOLDER}/debug/faults {}", arguments.join(" "));
    budget.run_with(&[("PATH", &path)], &gate)
}
