//! Building for a Cortex-M3.

use crate::budget::{Budget, Outcome};
use crate::install;

/// Where cargo's target folder is, whatever is built.
pub(crate) const TARGET_FOLDER: &str = "target/thumbv7m";

/// Builds the package of `manifest`, and with it these `libraries` of the standard library.
pub(crate) fn build(budget: Budget, libraries: &str, manifest: &str, options: &str) -> Outcome {
    // The one toolchain that comes with the sources of the standard library, to be built for any target.
    install::debian(
        budget,
        &[
            ("/usr/bin/rustc", "rustc-web"),
            ("/usr/bin/cargo", "cargo-web"),
            ("/usr/lib/rustlib/src/rust/library/Cargo.toml", "rust-web-src"),
        ],
    )?;
    // What it lacks is the linker for that target; the toolchain that built this has it.
    let host_libraries = budget.read("rustc --print target-libdir")?;
    let linker = format!("{}/../bin/rust-lld", host_libraries.trim_end());
    budget.run_with(
        &[
            ("PATH", "/usr/bin:/bin"),
            ("RUSTC", "/usr/bin/rustc"),
            ("RUSTC_BOOTSTRAP", "1"),
            ("CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER", &linker),
        ],
        &format!(
            "/usr/bin/cargo build --locked --manifest-path {manifest} {options} \
             --target thumbv7m-none-eabi --target-dir {TARGET_FOLDER} \
             -Z build-std={libraries} -Z build-std-features=compiler-builtins-mem"
        ),
    )
}
