//! The tests that need no other program.

use crate::budget::{Budget, Outcome};

pub(crate) fn run(budget: Budget) -> Outcome {
    // All features, but for the one that asks for other programs.
    budget.run("cargo test --locked --workspace --exclude eventsource-hub --exclude examples --all-features --all-targets")?;
    budget.run(
        "cargo test --locked --workspace --exclude eventsource-hub --exclude examples --all-features --doc",
    )?;
    budget.run("cargo test --locked --package eventsource-hub --package examples")
}
