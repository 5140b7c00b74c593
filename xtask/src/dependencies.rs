//! What the published crates depend on.

use crate::metadata::{list, text};
use crate::published::Published;
use serde_json::Value;
use std::collections::BTreeSet;

/// Returns the packages that whoever depends on the published crates has to build, those crates included.
///
/// The features are those of the whole workspace, so it may be a few more.
pub(crate) fn of<'m>(crates: &[Published], metadata: &'m Value) -> Vec<&'m Value> {
    let is_root = |package: &&Value| {
        package["source"].is_null() && crates.iter().any(|published| package["name"] == *published.name)
    };
    let mut left: Vec<_> =
        list(&metadata["packages"]).filter(is_root).map(|package| text(&package["id"])).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = left.pop() {
        if seen.insert(id) {
            let nodes = list(&metadata["resolve"]["nodes"]).filter(|node| node["id"] == id);
            let needed =
                |dependency: &&Value| list(&dependency["dep_kinds"]).any(|kind| kind["kind"] != "dev");
            left.extend(
                nodes
                    .flat_map(|node| list(&node["deps"]))
                    .filter(needed)
                    .map(|dependency| text(&dependency["pkg"])),
            );
        }
    }
    list(&metadata["packages"]).filter(|package| seen.contains(text(&package["id"]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_only_tests_need_is_left_out() {
        let package = |name: &str| json!({ "id": name, "name": name, "source": null });
        let needs = |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let packages = ["ours", "normal", "build", "dev", "deep", "other"].map(package);
        let metadata = json!({
            "packages": packages,
            "resolve": { "nodes": [
                { "id": "ours", "deps": [needs("normal", Value::Null), needs("build", json!("build")), needs("dev", json!("dev"))] },
                { "id": "normal", "deps": [needs("deep", Value::Null), needs("ours", Value::Null)] },
                { "id": "other", "deps": [] },
            ] },
        });
        let ours = Published { name: "ours".to_owned(), ..Published::default() };
        let names: Vec<_> = of(&[ours], &metadata).iter().map(|package| text(&package["name"])).collect();
        assert_eq!(names, ["ours", "normal", "build", "deep"]);
    }
}
