//! The tests that need no other program.

use crate::budget::{Budget, Outcome};

pub(crate) fn run(budget: Budget) -> Outcome {
    // All features, but for the one that asks for other programs.
    let others = "--workspace --exclude eventsource-hub --exclude examples --exclude interop --all-features";
    budget.run(&format!("cargo test --locked {others} --all-targets"))?;
    budget.run(&format!("cargo test --locked {others} --doc"))?;
    budget.run("cargo test --locked --package eventsource-hub --package examples")
}
