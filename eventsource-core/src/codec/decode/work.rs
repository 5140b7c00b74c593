//! How much decoders do: the bytes that they check to be UTF-8 or copy. It's counted in tests and under a fuzzer, and nowhere else.

#![cfg_attr(not(fuzzing), allow(unreachable_pub, reason = "under a fuzzer it's exported"))]

#[cfg(all(any(test, fuzzing), feature = "std"))]
mod counter {
    use core::cell::Cell;
    use std::thread_local;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    pub(in super::super) fn add(bytes: usize) {
        BYTES.set(BYTES.get().saturating_add(bytes));
    }

    /// Returns what the decoders of this thread have done since it was last asked.
    pub fn take_work() -> usize {
        BYTES.take()
    }
}

#[cfg(not(all(any(test, fuzzing), feature = "std")))]
mod counter {
    #[inline]
    pub(in super::super) fn add(_bytes: usize) {}
}

pub(super) use counter::add;
#[cfg(all(any(test, fuzzing), feature = "std"))]
pub use counter::take_work;
