//! The oldest versions that the published crates say they can do with.

use crate::budget::{Budget, Error, Outcome};
use crate::nightly;
use crate::published::Published;
use std::fs;
use std::path::Path;

/// A workspace of the published crates alone, for the others would raise what's chosen; so the lock file is another, too.
const FOLDER: &str = "target/minimal-versions";

pub(crate) fn run(budget: Budget) -> Outcome {
    nightly::require(budget)?;
    let crates = Published::all(budget)?;
    make_workspace(budget, &crates)?;
    budget
        .run(&format!(
            "cargo +nightly check -Z direct-minimal-versions --manifest-path {FOLDER}/Cargo.toml --workspace \
             --all-features --target-dir {}",
            nightly::TARGET_FOLDER
        ))
        .map_err(|error| match error {
            Error::Failed(error) => Error::Failed(format!(
                "{error}\nraise the version of what failed above, in [workspace.dependencies] of Cargo.toml"
            )),
            error @ Error::Unavailable(_) => error,
        })
}

/// Makes it anew, of links, so that no old lock file is held to.
fn make_workspace(budget: Budget, crates: &[Published]) -> Outcome {
    let failed = |error: &dyn ToString| Error::Failed(format!("{FOLDER}: {}", error.to_string()));
    let manifest = fs::read_to_string("Cargo.toml").map_err(|error| failed(&error))?;
    let manifest = reduce(&manifest).ok_or_else(|| failed(&"Cargo.toml has no [workspace.package]"))?;
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER).map_err(|error| failed(&error))?;
    }
    fs::create_dir_all(FOLDER).map_err(|error| failed(&error))?;
    fs::write(format!("{FOLDER}/Cargo.toml"), manifest).map_err(|error| failed(&error))?;
    for published in crates {
        budget.run(&format!("ln -s ../../{} {FOLDER}/", published.folder))?;
    }
    Ok(())
}

/// Returns the root's manifest with whatever is linked beside it as the members.
fn reduce(manifest: &str) -> Option<String> {
    let shared = manifest.find("[workspace.package]")?;
    Some(format!("[workspace]\nmembers = [\"*/\"]\nresolver = \"3\"\n\n{}", manifest.get(shared..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_members_change() {
        let manifest = "[workspace]\nmembers = [\"a\", \"b\"]\nexclude = [\"c\"]\n\n[workspace.package]\nedition = \"2024\"\n";
        let reduced =
            "[workspace]\nmembers = [\"*/\"]\nresolver = \"3\"\n\n[workspace.package]\nedition = \"2024\"\n";
        assert_eq!(reduce(manifest).as_deref(), Some(reduced));
        assert_eq!(reduce("[package]\n"), None);
    }
}
