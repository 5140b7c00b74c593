//! The crates that are published.

use crate::budget::{Budget, Error};
use crate::metadata::{self, list, text};
use serde_json::Value;

/// A crate that's published.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Published {
    pub(crate) name: String,
    /// Where it is in the workspace's root.
    pub(crate) folder: String,
    pub(crate) rust_version: String,
    /// The file with which its library begins, if it has one.
    pub(crate) library: Option<String>,
}

impl Published {
    /// Finds all of them.
    pub(crate) fn all(budget: Budget) -> Result<Vec<Self>, Error> {
        let crates = Self::of(&metadata::read(budget, "--no-deps")?);
        if crates.is_empty() { Err(Error::Failed("no crate is published".to_owned())) } else { Ok(crates) }
    }

    fn of(metadata: &Value) -> Vec<Self> {
        // `publish = false` is an empty list of registries.
        let is_published =
            |package: &&Value| package["publish"].as_array().is_none_or(|list| !list.is_empty());
        list(&metadata["packages"])
            .filter(is_published)
            .map(|package| Self {
                name: text(&package["name"]).to_owned(),
                folder: text(&package["manifest_path"]).rsplit('/').nth(1).unwrap_or_default().to_owned(),
                rust_version: text(&package["rust_version"]).to_owned(),
                library: list(&package["targets"])
                    .find(|target| list(&target["kind"]).any(|kind| kind == "lib"))
                    .map(|target| text(&target["src_path"]).to_owned()),
            })
            .collect()
    }
}

/// Returns the options by which cargo takes these crates alone.
pub(crate) fn packages(crates: &[Published]) -> String {
    let options: Vec<_> = crates.iter().map(|published| format!("--package {}", published.name)).collect();
    options.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_to_be_published_is_left_out() {
        let package = |name: &str, publish: Value| {
            json!({
                "name": name,
                "manifest_path": format!("/{name}/Cargo.toml"),
                "rust_version": "1.85",
                "publish": publish,
                "targets": [
                    { "kind": ["lib"], "src_path": format!("/{name}/src/lib.rs") },
                    { "kind": ["test"], "src_path": format!("/{name}/tests/all.rs") },
                ],
            })
        };
        let packages =
            [package("one", Value::Null), package("two", json!([])), package("three", json!(["ours"]))];
        let crates = Published::of(&json!({ "packages": packages }));
        assert_eq!(super::packages(&crates), "--package one --package three");
        let folder = "one".to_owned();
        let library = Some("/one/src/lib.rs".to_owned());
        assert_eq!(
            crates[0],
            Published { name: folder.clone(), folder, rust_version: "1.85".to_owned(), library }
        );
    }
}
