//! Programs that depend on the published crates as anybody would.

use crate::budget::{Budget, Error, Outcome};
use crate::metadata::{self, list, text};
use std::path::Path;

/// A workspace of its own, for the versions in its lock file are those that these programs choose.
const MANIFEST: &str = "tests/downstream/Cargo.toml";

pub(crate) fn run(budget: Budget) -> Outcome {
    run_members(budget, MANIFEST)
}

/// Runs each by itself, so that none is built with features that only another has asked for.
fn run_members(budget: Budget, manifest: &str) -> Outcome {
    if !Path::new(manifest).exists() {
        return Err(Error::Failed(format!(
            "there's no {manifest}: add a workspace, with a program for each way to use the published crates"
        )));
    }
    let metadata = metadata::read(budget, &format!("--no-deps --manifest-path {manifest}"))?;
    for package in list(&metadata["packages"]) {
        let name = text(&package["name"]);
        let target = "target/downstream";
        budget.run(&format!(
            "cargo build --locked --manifest-path {manifest} --target-dir {target} --package {name}"
        ))?;
        // A server runs until it's interrupted, and then has to end well.
        budget.run(&format!("timeout --preserve-status --signal INT 3 {target}/debug/{name}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_workspace_is_a_failure() {
        let outcome = run_members(Budget::UNLIMITED, "no/such/Cargo.toml");
        assert!(
            matches!(outcome, Err(Error::Failed(error)) if error.starts_with("there's no no/such/Cargo.toml"))
        );
    }
}
