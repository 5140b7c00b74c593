//! How much a decoder does, counted for tests: the bytes that are checked to be UTF-8 or copied.

use core::cell::Cell;
use std::thread_local;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

pub(super) fn add(bytes: usize) {
    BYTES.set(BYTES.get().saturating_add(bytes));
}

/// What this thread has done since it was last asked.
pub(super) fn take() -> usize {
    BYTES.take()
}
