//! What the READMEs promise, beside what their doctests do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_synopses_are_the_programs_of_users() {
    for name in ["axum", "core", "hyper", "smol", "tokio"] {
        let readme = read(&format!("eventsource-{name}/README.md"));
        let program = read(&format!("tests/downstream/{name}/src/main.rs"));
        assert!(readme.contains(&program), "eventsource-{name}/README.md has another program");

        let manifest = read(&format!("tests/downstream/{name}/Cargo.toml"));
        let (_, dependencies) = manifest.split_once("[dependencies]\n").unwrap();
        let ours: Vec<_> = dependencies.lines().filter(|line| line.starts_with("eventsource-")).collect();
        assert_eq!(ours.len(), 1, "{name}: one dependency is enough");
        for theirs in
            dependencies.lines().filter(|line| !line.is_empty() && !line.starts_with("eventsource-"))
        {
            assert!(readme.contains(theirs), "eventsource-{name}/README.md doesn't say {theirs}");
        }
    }
    let readme = read("README.md");
    for name in ["axum", "tokio"] {
        assert!(readme.contains(&read(&format!("tests/downstream/{name}/src/main.rs"))), "{name}");
    }
}

#[test]
fn the_synopsis_differs_in_four_lines_between_the_runtimes() {
    let [tokio, smol] = ["tokio", "smol"].map(|name| read(&format!("tests/downstream/{name}/src/main.rs")));
    assert_eq!(tokio.lines().count(), smol.lines().count());
    let lines = tokio.lines().zip(smol.lines());
    let differing: Vec<_> = lines.filter(|(on_tokio, on_smol)| on_tokio != on_smol).collect();
    assert!((1..=4).contains(&differing.len()), "{differing:#?}");
    for (on_tokio, on_smol) in differing {
        assert!(on_tokio.contains("tokio") && !on_tokio.contains("smol"), "{on_tokio}");
        assert!(on_smol.contains("smol") && !on_smol.contains("tokio"), "{on_smol}");
    }
}

/// The width of an example on a page of the docs, in a window of 1,280 pixels.
const WIDTH: usize = 94;

#[test]
fn no_line_of_an_example_is_cut_off() {
    let mut texts = vec![root().join("README.md")];
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("eventsource-") {
            texts.push(path.join("README.md"));
            collect_sources(&path.join("src"), &mut texts);
        }
    }
    assert!(texts.len() > 100, "{} files", texts.len());
    for path in texts {
        let text = fs::read_to_string(&path).unwrap();
        let mut is_example = false;
        for line in text.lines() {
            let line = match path.extension().unwrap().to_str().unwrap() {
                "rs" => {
                    let line = line.trim_start();
                    line.strip_prefix("///")
                        .or_else(|| line.strip_prefix("//!"))
                        .map(|line| line.strip_prefix(' ').unwrap_or(line))
                }
                _ => Some(line),
            };
            let Some(line) = line else {
                is_example = false;
                continue;
            };
            if line.starts_with("```") {
                is_example = !is_example;
            } else if is_example && !line.starts_with("# ") {
                assert!(line.chars().count() <= WIDTH, "{}: {line}", path.display());
            }
        }
    }
}

fn collect_sources(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

#[test]
fn every_program_is_in_the_table_with_its_command() {
    let readme = read("README.md");
    let programs: BTreeSet<_> = fs::read_dir(root().join("examples/src/bin"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `cargo run -p examples --bin "));
    let listed: BTreeSet<_> = rows.map(|row| row.split([' ', '`']).next().unwrap().to_owned()).collect();
    assert_eq!(listed, programs);
}
