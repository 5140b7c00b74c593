//! What a channel holds, how long its lock makes others wait, and what publishing and taking cost, in one run.
//!
//! Prints one table of Markdown. Each row is measured by itself, from a fresh channel on, and through public functions
//! alone; so the same rows can be printed by any version.

mod aging;
mod cores;
mod held;
mod prober;
mod speed;
mod subscribers;
mod waits;

use std::time::Duration;

#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

/// A line of the table.
struct Row {
    name: &'static str,
    measure: fn(Effort) -> String,
}

/// How often each thing is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// An operation that others may wait for: at least so many times, and for so long.
    waits: (usize, Duration),
    /// A round of short ones.
    rounds: usize,
}

fn main() {
    cores::stay_on(<[usize]>::first);
    let (options, words): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word == "--quick");
    let is_quick = !options.is_empty();
    let effort = if is_quick {
        Effort { waits: (5, Duration::from_millis(300)), rounds: 201 }
    } else {
        Effort { waits: (15, Duration::from_secs(1)), rounds: 1001 }
    };
    // A part of a row's name, or of its group's, to run that alone.
    let wanted = words.join(" ");

    println!("| what | |\n|---|---|");
    for (group, rows) in [
        ("Memory", held::ROWS),
        ("The longest time without another publication / the operation itself", waits::ROWS),
        ("An event of 100 B", speed::ROWS),
    ] {
        let is_wanted = |row: &&Row| group.contains(&wanted) || row.name.contains(&wanted);
        let rows: Vec<_> = rows.iter().filter(is_wanted).collect();
        if !rows.is_empty() {
            println!("| **{group}** | |");
        }
        for Row { name, measure } in rows {
            println!("| {name} | {} |", measure(effort));
        }
    }
}

/// With commas between the thousands; and one decimal where there are few digits.
fn grouped(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn micros(duration: Duration) -> String {
    grouped(duration.as_secs_f64() * 1e6)
}

fn nanos(seconds: f64) -> String {
    grouped(seconds * 1e9)
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_grouped() {
        let texts = [0.04, 7.25, 99.9, 100.0, 1234.5, 1_000_000.0].map(grouped);
        assert_eq!(texts, ["0.0", "7.2", "99.9", "100", "1,234", "1,000,000"]);
    }
}
