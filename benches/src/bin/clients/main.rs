//! What clients that stay connected cost while nothing happens: memory, timer settings and CPU time.
//!
//! Prints one table of Markdown. The server that some of them have over loopback sockets is a process of its own.

mod memory;
mod counting;
mod pending;
mod crowd;
mod wire;

use std::error::Error;

#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// So many clients at once.
const CROWD: usize = 10_000;

/// What this program is told to be the server.
const SERVE: &str = "serve";

fn main() -> Outcome<()> {
    if std::env::args().nth(1).as_deref() == Some(SERVE) {
        return wire::serve();
    }
    println!("| {CROWD} idle clients | each |\n|---|---|");
    println!("| size of an `EventSource` itself | {} B |", pending::size());
    crowd::by_hand()?.print("beside a transport without a size, polled by hand");
    crowd::as_tasks()?.print("the same, each a task of tokio");
    let rounds = crowd::idle_rounds()?;
    println!("| settings of the timer in an idle timeout | {:.2} |", rounds.settings);
    println!("| CPU time in an idle timeout | {:.1} µs |", rounds.cpu.as_secs_f64() * 1e6);
    wire::over_sockets()?.print("over hyper and a loopback socket, each two tasks of tokio");
    Ok(())
}
