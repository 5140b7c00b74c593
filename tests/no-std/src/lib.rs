//! Uses `eventsource-core` as firmware would: without `std`, and without an allocator where the feature `alloc` is off.
//!
//! The binary `host` runs [`check`], where nothing may bring `std` along. The library alone is also built for
//! `thumbv7m-none-eabi`, so that every generic function it uses is compiled for a processor without an operating system.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod alarm;
mod codec;
#[cfg(feature = "alloc")]
mod stream;

/// Panics unless every byte is right.
pub fn check() {
    codec::check();
    #[cfg(feature = "alloc")]
    stream::check();
}
