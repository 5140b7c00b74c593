//! What's uploaded when the crates are published.

use crate::budget::{Budget, Error, Outcome};
use crate::published::{Published, packages};
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

const FOLDER: &str = "target/package-check";

/// What each has to have in it.
const REQUIRED: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// What none may have in it: half a thousand files that nobody needs who depends on it.
const EXCLUDED: &str = "tests/vectors";

pub(crate) fn run(budget: Budget) -> Outcome {
    let crates = Published::all(budget)?;
    let mut faults = Vec::new();
    for Published { name, .. } in &crates {
        // What isn't committed yet is for whoever works on it to try.
        let files = budget.read(&format!("cargo package --locked --allow-dirty --list --package {name}"))?;
        faults.extend(check(&files).map(|fault| format!("{name}: {fault}")));
    }
    if !faults.is_empty() {
        return Err(Error::Failed(format!("the packages aren't complete:\n{}", faults.join("\n"))));
    }
    // Here a registry is made of the packages, for those that depend on others. Cargo takes what's of a registry never to
    // change, and tells one from another by the path: hence a new one each time.
    let now = UNIX_EPOCH.elapsed().map_err(Error::unavailable)?.as_millis();
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER).map_err(|error| Error::Failed(format!("{FOLDER}: {error}")))?;
    }
    let packages = packages(&crates);
    budget.run(&format!("cargo package --locked --allow-dirty {packages} --target-dir {FOLDER}/{now}"))
}

/// Says what's wrong with a package of these files.
fn check(files: &str) -> impl Iterator<Item = String> {
    let missing = REQUIRED.iter().filter(|required| files.lines().all(|file| file != **required));
    let missing = missing.map(|file| {
        format!("{file} is missing: put it, or a link to that of the root, into the crate's folder")
    });
    let is_excluded = files.lines().any(|file| file.starts_with(EXCLUDED));
    missing
        .chain(is_excluded.then(|| format!("{EXCLUDED} is in it: list it under `exclude` in its Cargo.toml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_what_it_needs_and_no_vectors() {
        let faults = |files: &str| check(files).collect::<Vec<_>>();
        let complete = "Cargo.toml\nLICENSE-APACHE\nLICENSE-MIT\nREADME.md\nsrc/lib.rs\n";
        assert_eq!(faults(complete), [""; 0]);
        let without = complete.replace("LICENSE-MIT\nREADME.md", "docs/README.md");
        let without = faults(&without);
        assert_eq!(without.len(), 2);
        assert!(without[0].starts_with("LICENSE-MIT is missing"), "{}", without[0]);
        assert!(without[1].starts_with("README.md is missing"), "{}", without[1]);
        for file in ["tests/vectors/cases.json", "tests/vectors.rs"] {
            let faults = faults(&format!("{complete}{file}\n"));
            assert!(faults[0].starts_with("tests/vectors is in it") && faults.len() == 1, "{}", faults[0]);
        }
    }
}
