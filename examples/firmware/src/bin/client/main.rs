//! A client that stays connected to an event stream over its serial line: no operating system, no allocator, no unsafe code.
//!
//! At the other end of the line is a modem, or what plays one, that takes each request to the server:
//!
//! - The client sends a request in HTTP/1.0, so that the response's body ends with the connection.
//! - The modem sends a break when it has connected for that request, and then the response. What comes before the break is
//!   of an earlier connection, which the client may have given up.
//! - It sends another break when the connection has ended, be it in good order or not.
//!
//! The second serial line tells what the client does, and when.
//!
//! `examples/tests/firmware/client.rs` is the modem and the server of it, under QEMU.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

#[path = "../../clock.rs"]
mod clock;
#[path = "../../alarm.rs"]
mod alarm;
mod line;
mod response;

use alarm::Alarm;
use clock::{Clock, HZ};
use core::fmt::{self, Write};
use core::pin::pin;
use core::task::{Context, Waker};
use core::time::Duration;
use cortex_m::Peripherals;
use cortex_m_rt::entry;
use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use eventsource_core::client::{Policy, Reason, Reconnection, Step};
use eventsource_core::codec::{Chunk, Fixed, Item, LimitError};
use eventsource_core::http::REQUEST_HEADERS;
use eventsource_core::{Decoder, Timer};
use line::{Line, Signal};
use panic_semihosting as _;
use pl011_qemu::{PL011, UART1, UART2};
use response::Response;

/// A server has to send something within this time, be it a comment.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Each device of a fleet needs its own, such as its serial number, so that they don't come back all at once.
const SEED: u64 = 7;

#[entry]
fn main() -> ! {
    let devices = Peripherals::take().zip(UART1::take()).zip(UART2::take());
    let outcome = devices.map(|((peripherals, line), log)| {
        let log = Log { clock: Clock::start(peripherals.SYST), line: PL011::new(log) };
        run(Line::new(line), log)
    });
    let status = if matches!(outcome, Some(Ok(_))) { EXIT_SUCCESS } else { EXIT_FAILURE };
    loop {
        debug::exit(status);
    }
}

/// Lines that say when they were written.
struct Log<W> {
    clock: Clock,
    line: W,
}

impl<W: Write> Log<W> {
    fn tell(&mut self, what: fmt::Arguments) -> fmt::Result {
        writeln!(self.line, "{} ms: {what}", self.clock.ticks() * (1000 / HZ))
    }
}

struct Client<'b, W> {
    line: Line,
    log: Log<W>,
    machine: Reconnection,
    decoder: Decoder<Fixed<'b>>,
    response: Response,
}

/// Returns why there's nothing more to do.
fn run<W: Write>(line: Line, log: Log<W>) -> Result<Reason, fmt::Error> {
    let clock = log.clock;
    let mut buffer = [0; 256];
    let mut client = Client {
        line,
        log,
        machine: Reconnection::new(Policy::default().idle_timeout(IDLE_TIMEOUT), SEED),
        decoder: Decoder::with_buffer(&mut buffer),
        response: Response::Unconnected,
    };
    // This loop polls whenever something may have come: there's nothing to wake.
    let mut cx = Context::from_waker(Waker::noop());
    let mut alarm = pin!(Alarm::new(clock));
    let (mut asked, mut told, mut heard) = (0, Step::Connect, 0);
    loop {
        if let Some(after) = client.machine.take_alarm() {
            alarm.as_mut().reset(after);
        }
        let step = client.machine.step();
        if step != told {
            client.tell(step)?;
            told = step;
        }
        if step == Step::Connect && asked < client.machine.attempts() {
            asked = client.machine.attempts();
            client.ask()?;
        }
        if let Step::Closed(reason) = step {
            return Ok(reason);
        }

        let now = clock.ticks();
        match client.line.receive() {
            Some(signal) => {
                heard = now;
                client.handle(signal)?;
            }
            // More may be on its way: a byte takes less than a tick.
            None if now.wrapping_sub(heard) > 1 => clock.sleep(now),
            None => {}
        }
        if alarm.as_mut().poll_expired(&mut cx).is_ready() {
            client.machine.handle_alarm();
        }
    }
}

impl<W: Write> Client<'_, W> {
    fn ask(&mut self) -> fmt::Result {
        self.decoder.reset();
        self.response = Response::Unconnected;
        self.log.tell(format_args!("asking"))?;
        self.line.write_str("GET /events HTTP/1.0\r\n")?;
        for (name, value) in REQUEST_HEADERS {
            write!(self.line, "{name}: {value}\r\n")?;
        }
        // One that no header can hold is left out.
        let id = self.decoder.last_event_id();
        if !id.as_str().is_empty() && id.is_resumable() {
            write!(self.line, "last-event-id: {}\r\n", id.as_str())?;
        }
        self.line.write_str("\r\n")
    }

    fn tell(&mut self, step: Step) -> fmt::Result {
        match step {
            Step::Connect => Ok(()),
            Step::Read => self.log.tell(format_args!("open")),
            Step::Wait { delay, reason } => {
                self.log.tell(format_args!("{reason}; again in {} ms", delay.as_millis()))
            }
            Step::Closed(reason) => self.log.tell(format_args!("{reason}; for good")),
        }
    }

    fn handle(&mut self, signal: Signal) -> fmt::Result {
        match (signal, self.machine.step()) {
            (Signal::Break, Step::Connect) if matches!(self.response, Response::Unconnected) => {
                self.response = Response::new();
            }
            (Signal::Break, Step::Read) if !self.decoder.is_mid_event() => self.machine.handle_end(),
            (Signal::Break, _) => self.machine.handle_transport_error(),
            (Signal::Byte(byte), Step::Connect) => match self.response.handle_byte(byte) {
                Ok(Some(head)) => self.machine.handle_head(head),
                Ok(None) => {}
                Err(_) => self.machine.handle_transport_error(),
            },
            (Signal::Byte(byte), Step::Read) => {
                self.machine.handle_chunk(1);
                if self.decode(byte)?.is_err() {
                    self.machine.handle_limit_error();
                }
            }
            // The rest of a response that isn't wanted.
            (Signal::Byte(_), Step::Wait { .. } | Step::Closed(_)) => {}
        }
        Ok(())
    }

    fn decode(&mut self, byte: u8) -> Result<Result<(), LimitError>, fmt::Error> {
        let Self { log, machine, decoder, .. } = self;
        match decoder.decode(&mut Chunk::new(&[byte])) {
            Ok(Some(Item::Event(event))) => {
                let id = event.last_event_id();
                log.tell(format_args!("{} {}: {}", event.name.as_str(), id.as_str(), event.data))?;
                machine.handle_event();
                machine.handle_last_event_id(id);
            }
            Ok(Some(Item::LastEventId(id))) => machine.handle_last_event_id(id),
            Ok(Some(Item::Retry(retry))) => machine.handle_retry(retry),
            Ok(_) => {}
            Err(error) => return Ok(Err(error)),
        }
        Ok(Ok(()))
    }
}
