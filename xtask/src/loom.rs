//! Every interleaving.

use crate::budget::{Budget, Outcome};

/// A target folder of its own, for every crate is built with other flags.
const ENVIRONMENT: [(&str, &str); 2] =
    [("RUSTFLAGS", "--cfg eventsource_loom"), ("CARGO_TARGET_DIR", "target/loom")];

pub(crate) fn run(budget: Budget) -> Outcome {
    budget.run_with(&ENVIRONMENT, "cargo test --locked --release --package eventsource-core --test loom")
}
