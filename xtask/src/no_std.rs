//! The proof that nothing needs `std`.

use crate::budget::{Budget, Outcome};
use crate::install;

/// Without an allocator and with one: the crates of the standard library that there are, and the options for cargo.
const BUILDS: [(&str, &str); 2] = [("core", "--no-default-features"), ("core,alloc", "--features alloc")];

/// Builds and runs the checks in `no-std/` on this machine, then builds them for a Cortex-M3.
pub(crate) fn run(budget: Budget) -> Outcome {
    for (_, options) in BUILDS {
        budget.run(&format!(
            "cargo run --locked --manifest-path no-std/Cargo.toml --target-dir target/no-std {options}"
        ))?;
    }
    // The one toolchain that comes with the sources of the standard library, to be built for any target.
    install::debian(
        budget,
        &[
            ("/usr/bin/rustc", "rustc-web"),
            ("/usr/bin/cargo", "cargo-web"),
            ("/usr/lib/rustlib/src/rust/library/Cargo.toml", "rust-web-src"),
        ],
    )?;
    for (libraries, options) in BUILDS {
        budget.run_with(
            &[("PATH", "/usr/bin:/bin"), ("RUSTC", "/usr/bin/rustc"), ("RUSTC_BOOTSTRAP", "1")],
            &format!(
                "/usr/bin/cargo build --locked --lib --manifest-path no-std/Cargo.toml {options} \
                 --target thumbv7m-none-eabi --target-dir target/thumbv7m \
                 -Z build-std={libraries} -Z build-std-features=compiler-builtins-mem"
            ),
        )?;
    }
    Ok(())
}
