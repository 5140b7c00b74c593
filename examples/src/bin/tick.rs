//! The date and time, every second, as an event stream at `/events`, and a page at `/` that shows it: on tokio.
//!
//! The page can also emit events of its own into its own stream: each stream begins with an event `stream` that
//! holds a key, and `POST /emit?stream=KEY&event=NAME&id=ID` emits the request's body through that stream's
//! [`Emitter`](eventsource_core::Emitter). A client that comes back gets the seconds that it has missed.

use eventsource_tokio::Alarm;
use examples::{Program, Tick, serve};
use std::error::Error;
use std::process::ExitCode;

const PROGRAM: Program = Program {
    name: "tick",
    about: "Serves the date and time, every second, as an event stream.",
    port: 7798,
};

fn main() -> ExitCode {
    PROGRAM.run(run)
}

#[tokio::main(flavor = "current_thread")]
async fn run(port: u16) -> Result<(), Box<dyn Error>> {
    let tick = Tick::default();
    let stop = tick.stop().clone();
    serve(port, &stop, move |request, _| tick.clone().answer::<Alarm>(request)).await
}
