//! What only the nightly toolchain can do.

use crate::budget::{Budget, Error, Outcome};

/// Where cargo's target folder is, for whatever isn't a workspace of its own.
pub(crate) const TARGET_FOLDER: &str = "target/nightly";

/// Sees to it that the toolchain is there.
pub(crate) fn require(budget: Budget) -> Outcome {
    budget
        .read("cargo +nightly --version")
        .map_err(|_| Error::unavailable("there is no nightly toolchain"))?;
    Ok(())
}
