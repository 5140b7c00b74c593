//! The measuring: rounds, in which the contenders take turns with the floor.

mod contender;
mod cores;
mod crowd;
mod process;
mod report;
mod trigger;

use crate::rows::{FLOOR, Outcome, ROWS, Row};
use contender::Contender;
use cores::Cores;
use report::Samples;

/// How many subscribe at once; everything is measured with each.
const CROWDS: [usize; 3] = [100, 1000, 5000];

/// How many events are published together before everyone is waited for.
struct Burst {
    name: &'static str,
    events: u8,
}

const BURSTS: [Burst; 2] =
    [Burst { name: "one at a time", events: 1 }, Burst { name: "16 in flight", events: 16 }];

/// Each contender is started anew in each round, and takes so many turns with the floor then, after one that doesn't count.
const TURNS: usize = 5;

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    quick: bool,
    /// A part of a contender's name, to measure that alone.
    wanted: String,
}

impl Options {
    pub(crate) fn parse(words: &[String]) -> Self {
        let (quick, name): (Vec<_>, Vec<_>) =
            words.iter().map(String::as_str).partition(|&word| word == "--quick");
        Self { quick: !quick.is_empty(), wanted: name.join(" ") }
    }
}

pub(crate) fn run(options: &Options) -> Outcome {
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.name.contains(&options.wanted)).collect();
    if rows.is_empty() {
        return Err(format!("no contender's name has {:?} in it", options.wanted).into());
    }
    let (rounds, crowds) = if options.quick { (1, &CROWDS[..2]) } else { (4, &CROWDS[..]) };
    let cores = Cores::find()?;
    println!("CPU time of the server per delivery, in µs and as a ratio to the floor's in the same turn:");
    println!("medians, and quartiles of the ratios, of {} turns\n", rounds * TURNS);
    // All clients of two servers at a time are here.
    let files = usize::try_from(rlimit::increase_nofile_limit(u64::MAX)?).unwrap_or(usize::MAX);
    let room = files.saturating_sub(64) / 2;
    for &wished in crowds {
        let subscribers = wished.min(room);
        if subscribers < wished {
            println!(
                "{subscribers} subscribers instead of {wished}: this process can have {files} files open"
            );
        }
        let mut floor = Samples::default();
        let mut others = vec![Samples::default(); rows.len()];
        for _ in 0..rounds {
            round(&rows, subscribers, &cores, &mut floor, &mut others)
                .map_err(|error| format!("with {subscribers} subscribers: {error}"))?;
        }
        let names = rows.iter().map(|row| row.name);
        report::print(subscribers, [(FLOOR.name, floor)].into_iter().chain(names.zip(others)));
    }
    Ok(())
}

fn round(
    rows: &[&Row],
    subscribers: usize,
    cores: &Cores,
    of_floor: &mut Samples,
    of_rows: &mut [Samples],
) -> Outcome {
    let mut floor = Contender::start(&FLOOR, subscribers, cores)?;
    of_floor.resident.push(floor.resident());
    for (row, of_row) in rows.iter().zip(of_rows) {
        let mut row = Contender::start(row, subscribers, cores)?;
        of_row.resident.push(row.resident());
        for turn in 0..=TURNS {
            for (burst, Burst { events, .. }) in BURSTS.into_iter().enumerate() {
                let (least, cost) = (floor.turn(events)?, row.turn(events)?);
                if turn > 0 {
                    of_floor.add(burst, least, least);
                    of_row.add(burst, cost, least);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_option_is_a_name() {
        let parse = |line: &str| Options::parse(&line.split(' ').map(String::from).collect::<Vec<_>>());
        let wanted = |quick, wanted: &str| Options { quick, wanted: wanted.to_owned() };
        assert_eq!(parse("channel -> hyper"), wanted(false, "channel -> hyper"));
        assert_eq!(parse("--quick hub"), wanted(true, "hub"));
        assert_eq!(Options::parse(&[]), wanted(false, ""));
    }
}
