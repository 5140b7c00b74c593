//! The proof that nothing needs `std`.

use crate::budget::{Budget, Outcome};
use crate::thumbv7m;

/// Without an allocator and with one: the crates of the standard library that there are, and the options for cargo.
const BUILDS: [(&str, &str); 2] = [("core", "--no-default-features"), ("core,alloc", "--features alloc")];

/// Builds and runs the checks in `tests/no-std/` on this machine, then builds them for a Cortex-M3.
pub(crate) fn run(budget: Budget) -> Outcome {
    for (_, options) in BUILDS {
        budget.run(&format!(
            "cargo run --locked --manifest-path tests/no-std/Cargo.toml --target-dir target/no-std {options}"
        ))?;
    }
    for (libraries, options) in BUILDS {
        thumbv7m::build(budget, libraries, "tests/no-std/Cargo.toml", &format!("--lib {options}"))?;
    }
    Ok(())
}
