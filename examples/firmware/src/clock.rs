//! The time since the start, counted by an interrupt.

use core::sync::atomic::{AtomicU32, Ordering};
use cortex_m::asm::wfi;
use cortex_m::interrupt;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;

/// How often the clock ticks in a second.
pub(crate) const HZ: u32 = 100;

/// How often the processor's own clock does, as QEMU sets it up.
const PROCESSOR_HZ: u32 = 12_500_000;

/// It wraps, after 497 days: compare two of its readings by their wrapping difference.
static TICKS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    TICKS.fetch_add(1, Ordering::Relaxed);
}

/// A running clock.
#[derive(Clone, Copy)]
pub(crate) struct Clock(&'static AtomicU32);

impl Clock {
    pub(crate) fn start(mut timer: SYST) -> Self {
        timer.set_reload(PROCESSOR_HZ / HZ - 1);
        timer.set_clock_source(SystClkSource::Core);
        timer.clear_current();
        timer.enable_interrupt();
        timer.enable_counter();
        Self(&TICKS)
    }

    /// The ticks until now.
    pub(crate) fn ticks(self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Stops the processor until the next interrupt, unless the clock is past `ticks` already.
    pub(crate) fn sleep(self, ticks: u32) {
        // No interrupt is handled between the look at the clock and the stop, for it would be slept through. One that
        // comes meanwhile ends the stop all the same, and is handled right after it.
        interrupt::free(|_| {
            if self.ticks() == ticks {
                wfi();
            }
        });
    }
}
