//! What it costs a server to send an event to all its subscribers, beside the least that it could cost, in one run.
//!
//! Each contender is a process of its own on one core; one thread on another core holds all its subscribers, publishes, and
//! waits until everyone has everything. A contender takes turns with the floor, a bare loop that sends one buffer to each
//! socket: what counts is the ratio of the two. An event that's lost, doubled or out of order ends the run.

#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod rows;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.split_first() {
        Some((first, row)) if first == rows::SERVE => rows::serve(&row.join(" ")),
        _ => measure::run(&measure::Options::parse(&words)),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fanout: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("fanout: on Linux alone, which tells the CPU time of other processes");
}
