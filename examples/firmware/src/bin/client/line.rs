//! The serial line to the server.

use core::fmt::{self, Write};
use pl011_qemu::{PL011, UART1};

/// What comes over the line.
#[derive(Clone, Copy)]
pub(crate) enum Signal {
    Byte(u8),
    /// The line was held low for longer than a byte takes: the modem at its other end has connected, or has hung up.
    Break,
}

/// A line to a modem: what's written is sent.
pub(crate) struct Line(PL011<UART1>);

/// Of the flag register: nothing has come.
const EMPTY: u32 = 1 << 4;

/// Of the data register: not a byte but a break.
const BREAK: u32 = 1 << 10;

impl Line {
    pub(crate) fn new(uart: UART1) -> Self {
        Self(PL011::new(uart))
    }

    pub(crate) fn receive(&self) -> Option<Signal> {
        if self.0.regs.uartfr.read() & EMPTY != 0 {
            return None;
        }
        let data = self.0.regs.uartdr.read();
        Some(if data & BREAK == 0 { Signal::Byte(data.to_le_bytes()[0]) } else { Signal::Break })
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(text)
    }
}
