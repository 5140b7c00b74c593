//! What the README promises, beside what its doctests do.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const README: &str = include_str!("../../README.md");

/// The blocks that are whole programs. The doctests run them.
fn synopses() -> Vec<Vec<&'static str>> {
    let blocks = README.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.filter(|block| block.contains("fn main()")).map(|block| block.lines().collect()).collect()
}

#[test]
fn the_synopsis_differs_in_two_lines_between_the_runtimes() {
    let synopses = synopses();
    let [tokio, smol] = synopses.as_slice() else { panic!("{} programs", synopses.len()) };
    assert_eq!(tokio.len(), smol.len());
    let differing: Vec<_> =
        tokio.iter().zip(smol).filter(|(on_tokio, on_smol)| on_tokio != on_smol).collect();
    assert!((1..=2).contains(&differing.len()), "{differing:#?}");
    for (on_tokio, on_smol) in differing {
        assert!(on_tokio.contains("tokio") && !on_tokio.contains("smol"), "{on_tokio}");
        assert!(on_smol.contains("smol") && !on_smol.contains("tokio"), "{on_smol}");
    }
}

#[test]
fn every_program_is_in_the_table_with_its_command() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let programs: BTreeSet<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let rows = README.lines().filter_map(|line| line.strip_prefix("| `cargo run -p examples --bin "));
    let listed: BTreeSet<_> = rows.map(|row| row.split([' ', '`']).next().unwrap().to_owned()).collect();
    assert_eq!(listed, programs);
}
