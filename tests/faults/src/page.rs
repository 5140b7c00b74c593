//! The table, and the page that it's on.

use crate::client::{CLIENTS, Failure, ROOT};
use crate::fault::FAULTS;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

const PAGE: &str = "../../docs/conformance.md";
const SECTION: &str = "\n## A client beside others\n";

pub(crate) const RIGHT: &str = "✓";
pub(crate) const WRONG: &str = "✗";
pub(crate) const NOT_APPLICABLE: &str = "–";

/// Makes the table of the marks, a row for each fault with a mark for each client.
pub(crate) fn table(marks: &[Vec<&str>]) -> Result<String, Failure> {
    let mut table = String::from("| the server's fault | what's right |");
    for client in CLIENTS {
        write!(table, " {} {} |", client.name, client.version()?)?;
    }
    write!(table, "\n|---|---|{}\n", "---|".repeat(CLIENTS.len()))?;
    for (fault, marks) in FAULTS.iter().zip(marks) {
        writeln!(table, "| {} | {} | {} |", fault.name, fault.right, marks.join(" | "))?;
    }
    write!(table, "| **in all** | of the faults that it can meet |")?;
    for client in 0..CLIENTS.len() {
        let right = marks.iter().filter(|marks| marks[client] == RIGHT).count();
        let met = marks.iter().filter(|marks| marks[client] != NOT_APPLICABLE).count();
        write!(table, " {right} of {met} |")?;
    }
    table.push('\n');
    Ok(table)
}

/// Checks that the page has this table's rows and clients, and that all of ours is right there. What the peers do isn't asserted.
pub(crate) fn check(table: &str) -> Result<(), String> {
    let page = fs::read_to_string(PathBuf::from(ROOT).join(PAGE)).map_err(|error| error.to_string())?;
    let section = page.split_once(SECTION).and_then(|(_, section)| section.split("\n## ").next());
    let section = section.ok_or_else(|| format!("{PAGE} has no section \"A client beside others\""))?;
    let stated: Vec<_> = section.lines().filter(|line| line.starts_with('|')).collect();
    let expected: Vec<_> = table.lines().collect();
    if stated.first() != expected.first() {
        return Err(format!(
            "in {PAGE}, the table's head is {:?}, not {:?}",
            stated.first(),
            expected.first()
        ));
    }
    // Up to our own mark.
    let ours = |row: &str| row.splitn(5, " | ").take(3).map(String::from).collect::<Vec<_>>();
    let (stated, expected): (Vec<_>, Vec<_>) =
        (stated.iter().map(|row| ours(row)).collect(), expected.iter().map(|row| ours(row)).collect());
    match expected
        .iter()
        .find(|row| !stated.contains(row))
        .or(stated.iter().find(|row| !expected.contains(row)))
    {
        None => Ok(()),
        Some(row) => Err(format!("in {PAGE}, a row isn't as it's seen: {row:?}")),
    }
}
