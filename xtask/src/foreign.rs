//! The types and traits of other crates in the public signatures of ours: a new major version of theirs is one of ours.

use crate::budget::{Budget, Error, Outcome};
use crate::metadata::{self, list, text};
use crate::published::Published;
use crate::{dependencies, nightly};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

const DOCUMENT: &str = "docs/architecture.md";
const HEADING: &str = "## Foreign types in public signatures\n";
const TABLE_HEAD: &str = "| in | from | types and traits |\n|---|---|---|\n";

/// Everyone has them.
const STANDARD: [&str; 3] = ["alloc", "core", "std"];
/// What implements these, most often by a macro, says only something about itself.
const AUTO_TRAITS: [&str; 5] = ["RefUnwindSafe", "Send", "Sync", "Unpin", "UnwindSafe"];

/// By the crates that they're of.
type Types = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn run(budget: Budget) -> Outcome {
    nightly::require(budget)?;
    let mut crates = Published::all(budget)?;
    crates.retain(|published| published.library.is_some());
    let metadata = metadata::read(budget, "--all-features")?;
    let versions = versions(&dependencies::of(&crates, &metadata));
    let own: Vec<_> = crates.iter().map(|published| published.name.replace('-', "_")).collect();
    let (mut rows, mut early) = (BTreeSet::new(), BTreeSet::new());
    for (Published { name, .. }, library) in crates.iter().zip(&own) {
        budget.run(&format!(
            "cargo +nightly rustdoc --locked --package {name} --all-features --lib --target-dir {} -- \
             -Z unstable-options --output-format json",
            nightly::TARGET_FOLDER
        ))?;
        let path = format!("{}/doc/{library}.json", nightly::TARGET_FOLDER);
        let docs = read(&path)?;
        let docs: Value =
            serde_json::from_str(&docs).map_err(|error| Error::Failed(format!("{path}: {error}")))?;
        for (library, types) in foreign_types(&docs, &own) {
            let unknown = || Error::Failed(format!("{path}: nothing depends on the crate {library}"));
            let (package, version) = versions.get(&library).ok_or_else(unknown)?;
            let types: Vec<_> = types.iter().map(|path| format!("`{path}`")).collect();
            rows.insert(format!("| `{name}` | `{package}` {version} | {} |", types.join(", ")));
            if version.starts_with("0.") {
                early.insert(package.clone());
            }
        }
    }
    let document = read(DOCUMENT)?;
    let differences = compare(section(&document), &rows, &early);
    if differences.is_empty() {
        println!("{DOCUMENT} lists the foreign types of {} crates", crates.len());
        return Ok(());
    }
    let rows: Vec<_> = rows.into_iter().collect();
    Err(Error::Failed(format!(
        "the public signatures aren't what {DOCUMENT} says; change them or that list:\n{}\n\nThe whole list is\n\n\
         {HEADING}\n{TABLE_HEAD}{}",
        differences.join("\n"),
        rows.join("\n")
    )))
}

fn read(path: &str) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| Error::Failed(format!("{path}: {error}")))
}

/// Returns each library's package, and the part of its version that changes when it breaks; where there are several,
/// the newest.
fn versions(packages: &[&Value]) -> BTreeMap<String, (String, String)> {
    let version = |version: &str| {
        let mut parts = version.splitn(3, '.');
        match (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) {
            ("0", minor) => format!("0.{minor}"),
            (major, _) => major.to_owned(),
        }
    };
    let entry = |package: &&Value| {
        let name = text(&package["name"]);
        (name.replace('-', "_"), (name.to_owned(), version(text(&package["version"]))))
    };
    packages.iter().map(entry).collect()
}

/// Finds them in what rustdoc says of a crate.
fn foreign_types(docs: &Value, own: &[String]) -> Types {
    let mut ids = BTreeSet::new();
    for item in docs["index"].as_object().into_iter().flat_map(|index| index.values()) {
        if item["crate_id"] == 0 && !says_nothing(&item["inner"]["impl"]) {
            find_ids(&item["inner"], &mut ids);
        }
    }
    let mut types = Types::new();
    for id in ids {
        let item = &docs["paths"][&id];
        let library = text(&docs["external_crates"][item["crate_id"].to_string()]["name"]);
        let path: Vec<_> = list(&item["path"]).map(text).collect();
        let is_foreign = !library.is_empty() && !STANDARD.contains(&library);
        if is_foreign && own.iter().all(|own| own != library) {
            types.entry(library.to_owned()).or_default().insert(path.join("::"));
        }
    }
    types
}

/// Tells whether that's an implementation of which nobody has written the signature.
fn says_nothing(implementation: &Value) -> bool {
    implementation["is_synthetic"] == true
        || !implementation["blanket_impl"].is_null()
        || AUTO_TRAITS.contains(&text(&implementation["trait"]["path"]))
}

/// Finds whatever is named, however deep.
fn find_ids(value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            ids.extend(fields.get("id").filter(|id| id.is_u64()).map(Value::to_string));
            fields.values().for_each(|value| find_ids(value, ids));
        }
        Value::Array(values) => values.iter().for_each(|value| find_ids(value, ids)),
        _ => {}
    }
}

/// Returns what's under the heading.
fn section(document: &str) -> &str {
    let (_, section) = document.split_once(HEADING).unwrap_or_default();
    section.split("\n## ").next().unwrap_or_default()
}

/// Says which lines to add and which to remove, so that there's one for each of `rows` and a reason for each `early` crate.
fn compare(section: &str, rows: &BTreeSet<String>, early: &BTreeSet<String>) -> Vec<String> {
    let lines = |beginning: &'static str| section.lines().filter(move |line| line.starts_with(beginning));
    let listed: BTreeSet<_> = lines("| `").map(String::from).collect();
    let excused: BTreeSet<_> =
        lines("- `").filter_map(|line| line.split('`').nth(1)).map(String::from).collect();
    let mut differences = Vec::new();
    differences.extend(listed.difference(rows).map(|row| format!("remove: {row}")));
    differences.extend(rows.difference(&listed).map(|row| format!("add:    {row}")));
    differences.extend(excused.difference(early).map(|name| format!("remove: - `{name}`: …")));
    let excuse = |name: &String| format!("add:    - `{name}`: why it's accepted before its 1.0");
    differences.extend(early.difference(&excused).map(excuse));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_named_anywhere_is_found() {
        let implementation = |path: &str, id: u8, more: Value| {
            let mut implementation = json!({ "trait": { "path": path, "id": id }, "blanket_impl": null });
            implementation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "crate_id": 0, "inner": { "impl": implementation } })
        };
        let path = |crate_id: u8, path: &str| json!({ "crate_id": crate_id, "path": path.split("::").collect::<Vec<_>>() });
        let docs = json!({
            "index": {
                "0": { "crate_id": 0, "inner": { "function": { "sig": { "inputs": [["a", { "resolved_path": {
                    "path": "Vec", "id": 1,
                    "args": { "angle_bracketed": { "args": [{ "type": { "resolved_path": { "id": 2 } } }] } },
                } }]] } } } },
                "10": implementation("Foreign", 3, json!({})),
                "11": implementation("Blanket", 4, json!({ "blanket_impl": { "generic": "T" } })),
                "12": implementation("Synthetic", 5, json!({ "is_synthetic": true })),
                "13": implementation("Unpin", 1, json!({ "where": { "id": 6 } })),
                "14": { "crate_id": 3, "inner": { "id": 7 } },
                "15": { "crate_id": 0, "inner": { "struct": { "fields": [8], "of": { "id": 9 }, "own": { "id": 10 } } } },
            },
            "paths": {
                "1": path(1, "alloc::vec::Vec"), "2": path(2, "bytes::bytes::Bytes"), "3": path(2, "bytes::Buf"),
                "4": path(3, "other::Four"), "5": path(3, "other::Five"), "6": path(3, "other::Six"),
                "7": path(3, "other::Seven"), "8": path(3, "other::Eight"), "9": path(4, "our_core::Nine"),
                "10": path(0, "our_this::Ten"),
            },
            "external_crates": {
                "1": { "name": "alloc" }, "2": { "name": "bytes" }, "3": { "name": "other" }, "4": { "name": "our_core" },
            },
        });
        let types = ["bytes::Buf", "bytes::bytes::Bytes"].map(String::from).into();
        assert_eq!(
            foreign_types(&docs, &["our_core".to_owned()]),
            Types::from([("bytes".to_owned(), types)])
        );
    }

    #[test]
    fn a_version_is_what_breaks() {
        let package = |name: &str, version: &str| json!({ "name": name, "version": version });
        let packages =
            [package("a-b", "0.3.34"), package("c", "1.12.0"), package("d", "1.0.0"), package("d", "2.1.0")];
        let expected = [("a_b", "a-b", "0.3"), ("c", "c", "1"), ("d", "d", "2")]
            .map(|(library, name, version)| (library.to_owned(), (name.to_owned(), version.to_owned())));
        assert_eq!(versions(&packages.iter().collect::<Vec<_>>()), expected.into());
    }

    #[test]
    fn the_list_holds_in_both_directions() {
        let set = |lines: &[&str]| lines.iter().copied().map(String::from).collect::<BTreeSet<_>>();
        let (one, two) = ("| `ours` | `one` 1 | `one::A` |", "| `ours` | `two` 0.2 | `two::B` |");
        let document = format!(
            "# D\n\n{HEADING}\nText.\n\n{TABLE_HEAD}{one}\n{two}\n\n- `two`: why.\n\n## Next\n\n- `x`\n"
        );
        let section = section(&document);
        assert_eq!(compare(section, &set(&[one, two]), &set(&["two"])), [""; 0]);
        assert_eq!(compare(section, &set(&[two]), &set(&["two"])), [format!("remove: {one}")]);
        assert_eq!(
            compare(section, &set(&[one]), &set(&[])),
            [format!("remove: {two}"), "remove: - `two`: …".to_owned()]
        );
        let missing = compare("", &set(&[two]), &set(&["two"]));
        assert_eq!(
            missing,
            [format!("add:    {two}"), "add:    - `two`: why it's accepted before its 1.0".to_owned()]
        );
    }
}
