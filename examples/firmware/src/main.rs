//! An event stream from a Cortex-M3 over its serial line: no operating system, no allocator, no unsafe code.
//!
//! It runs for a minute. An event `tick` comes in each of the first five seconds and of the last five; between them it's
//! quiet, and only keep-alives come. A report ends it.
//!
//! With QEMU, in this package's folder:
//!
//! ```sh
//! rustup target add thumbv7m-none-eabi
//! cargo run --release
//! ```

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod alarm;
mod clock;

use alarm::Alarm;
use clock::{Clock, HZ};
use core::fmt::{self, Write};
use core::pin::pin;
use core::task::{Context, Waker};
use core::time::Duration;
use cortex_m::Peripherals;
use cortex_m_rt::entry;
use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use eventsource_core::codec::DataWriter;
use eventsource_core::stream::KeepAliveMachine;
use eventsource_core::{Event, EventId, EventName, KeepAlive, event_name};
use panic_semihosting as _;
use pl011_qemu::{PL011, UART1};

const TICK: EventName<'static> = event_name!("tick");
const REPORT: EventName<'static> = event_name!("report");

#[entry]
fn main() -> ! {
    // The crate counts from one: it's UART0 of the board.
    let outcome = Peripherals::take()
        .zip(UART1::take())
        .map(|(peripherals, uart)| run(Clock::start(peripherals.SYST), &mut PL011::new(uart)));
    // A debugger gets it, which QEMU is as well: it ends with this status.
    let status = if outcome == Some(Ok(())) { EXIT_SUCCESS } else { EXIT_FAILURE };
    loop {
        debug::exit(status);
    }
}

/// Writes the stream to `line`.
fn run(clock: Clock, line: &mut impl Write) -> fmt::Result {
    // This loop polls after each tick of the clock: there's nothing to wake.
    let mut cx = Context::from_waker(Waker::noop());
    let mut alarm = pin!(Alarm::new(clock));
    let mut keep_alive = KeepAliveMachine::new(KeepAlive::new(Duration::from_secs(15)));
    let (mut second, mut ticks, mut keep_alives) = (0, 0, 0);

    Event::empty().retry(Duration::from_secs(3)).encode_to_fmt(line)?;
    while second < 60 {
        let now = clock.ticks();
        if now / HZ > second {
            second += 1;
            if second <= 5 || second > 55 {
                tick(second, line)?;
                keep_alive.handle_sent();
                ticks += 1;
            }
        }
        while keep_alive.poll_due(alarm.as_mut(), &mut cx).is_ready() {
            // Clients ignore a comment; whoever watches the line sees how many milliseconds the clock has run.
            let mut digits = itoa::Buffer::new();
            Event::empty().comment(digits.format(now * (1000 / HZ))).encode_to_fmt(line)?;
            keep_alives += 1;
        }
        clock.sleep(now);
    }

    let mut data = DataWriter::new(Event::empty().name(REPORT), line)?;
    write!(data, "{ticks} ticks\n{keep_alives} keep-alives")?;
    data.finish().map(drop)
}

/// An event whose data is written piece by piece, so that it needs no buffer.
fn tick(second: u32, line: &mut impl Write) -> fmt::Result {
    let mut digits = itoa::Buffer::new();
    // Digits are an id: this doesn't fail.
    let id = EventId::new(digits.format(second)).map_err(|_| fmt::Error)?;
    let mut data = DataWriter::new(Event::empty().name(TICK).id(id), line)?;
    write!(data, "up {second} s")?;
    data.finish().map(drop)
}
