//! The oldest Rust that the published crates build with.

use crate::budget::{Budget, Error, Outcome};
use crate::dependencies;
use crate::metadata::{self, text};
use crate::published::{Published, packages};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) fn run(budget: Budget) -> Outcome {
    let metadata = metadata::read(budget, "--all-features")?;
    let installed = budget.read("rustup toolchain list").unwrap_or_default();
    // Those that say the same together.
    let mut by_version: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for published in Published::all(budget)? {
        by_version.entry(published.rust_version.clone()).or_default().push(published);
    }
    for (oldest, crates) in by_version {
        let newer = newer(&dependencies::of(&crates, &metadata), &oldest);
        if !newer.is_empty() {
            return Err(Error::Failed(format!(
                "these need more than Rust {oldest}; choose older ones with `cargo update --precise`, or raise \
                 `rust-version`:\n{}",
                newer.join("\n")
            )));
        }
        let Some(toolchain) = toolchain(&installed, &oldest) else {
            println!("there's no toolchain {oldest}: that leaves it to clippy's `incompatible_msrv`");
            continue;
        };
        budget.run(&format!("cargo +{toolchain} check --locked --all-features {}", packages(&crates)))?;
    }
    Ok(())
}

/// Lists the packages that need a newer Rust than `oldest`.
fn newer(packages: &[&Value], oldest: &str) -> Vec<String> {
    let is_newer = |package: &&&Value| number(text(&package["rust_version"])) > number(oldest);
    let line = |package: &&Value| {
        format!(
            "{} {}: Rust {}",
            text(&package["name"]),
            text(&package["version"]),
            text(&package["rust_version"])
        )
    };
    packages.iter().filter(is_newer).map(line).collect()
}

/// Returns the name of an installed toolchain of that version, whatever its last number.
fn toolchain<'a>(installed: &'a str, version: &str) -> Option<&'a str> {
    let is_it = |name: &&str| {
        name.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    installed.lines().filter_map(|line| line.split_whitespace().next()).find(is_it)
}

/// Returns a version's numbers, to be compared; `1.85` is `1.85.0`.
fn number(version: &str) -> [u32; 3] {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or_default());
    [(); 3].map(|()| parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_newer_rust_is_told() {
        let package = |version: Value| json!({ "name": "a", "version": "2.0.1", "rust_version": version });
        let newer = |version| newer(&[&package(version)], "1.85");
        for version in [json!("1.86"), json!("1.85.1"), json!("1.100.0"), json!("2.0")] {
            assert_eq!(newer(version.clone()), [format!("a 2.0.1: Rust {}", text(&version))]);
        }
        for version in [Value::Null, json!("1.85"), json!("1.85.0"), json!("1.9")] {
            assert_eq!(newer(version), [""; 0]);
        }
    }

    #[test]
    fn a_toolchain_is_found_by_its_version() {
        let installed = "stable-x86_64 (active, default)\n1.85.1-x86_64\n1.8-x86_64\n";
        assert_eq!(toolchain(installed, "1.85"), Some("1.85.1-x86_64"));
        assert_eq!(toolchain(installed, "1.8"), Some("1.8-x86_64"));
        assert_eq!(toolchain(installed, "1.86"), None);
        assert_eq!(toolchain("", "1.85"), None);
    }
}
