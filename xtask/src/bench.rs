//! The benchmarks.

use crate::budget::{Budget, Outcome};

pub(crate) fn run(budget: Budget, name: &str) -> Outcome {
    budget.run(&format!("cargo run --locked --release --package benches --bin {name}"))
}
