//! The benchmarks.

use crate::budget::{Budget, Outcome};

/// Keeps glibc from copying with `rep movsb`, whose time depends on where the buffers happen to lie; see
/// `docs/performance.md`.
const TUNABLES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=100000000");

/// Runs the benchmark of that name, with arguments of its own.
pub(crate) fn run(budget: Budget, name: &str, arguments: &[String]) -> Outcome {
    if name == "crowd" {
        return crowd(budget);
    }
    if name == "fanout" {
        // It starts this beside itself.
        budget.run("cargo build --locked --release --package eventsource-hub")?;
    }
    let arguments = arguments.join(" ");
    budget.run_with(
        &[TUNABLES],
        &format!("cargo run --locked --release --package benches --bin {name} -- {arguments}"),
    )
}

/// Thousands of clients of the hub with topics and filters, some of which never read; it fails where one that reads is late. And hundreds
/// that stay connected, through cuts and restarts.
pub(crate) fn crowd(budget: Budget) -> Outcome {
    budget.run("cargo test --locked --release --package eventsource-hub --test hub -- --ignored --nocapture")
}
