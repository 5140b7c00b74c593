//! Runs the checks on an ordinary machine, where a stray `std` would be at hand: its panic handler would be a second
//! one (E0152), and without the feature `alloc` there isn't even an allocator. The exit status is 0 if every byte is
//! right.
//!
//! The only place that needs unsafe code, to take the place of `std`.

#![no_std]
#![no_main]

use core::ffi::{c_int, c_void};
use core::fmt::{self, Write};
use core::panic::PanicInfo;

#[link(name = "c")]
unsafe extern "C" {
    fn write(fd: c_int, bytes: *const c_void, count: usize) -> isize;
    safe fn exit(status: c_int) -> !;
}

// SAFETY: the one function of this name, with the signature that C's startup code calls; there's no `std` to define it.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    no_std::check();
    0
}

// SAFETY: only named in the unwinding tables that `core` comes with. Never called: panics abort.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let _ = writeln!(Stderr, "{info}");
    exit(1)
}

struct Stderr;

impl fmt::Write for Stderr {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: pointer and length are those of a live slice.
        let written = unsafe { write(2, text.as_ptr().cast(), text.len()) };
        if usize::try_from(written) == Ok(text.len()) { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(feature = "alloc")]
mod allocator {
    use core::alloc::{GlobalAlloc, Layout};
    use core::ffi::c_void;

    unsafe extern "C" {
        fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
        fn free(pointer: *mut c_void);
    }

    #[global_allocator]
    static LIBC: Libc = Libc;

    struct Libc;

    // SAFETY: memory of `aligned_alloc` has the size and alignment asked for, null says that there's none, and it stays
    // valid until `free`. Neither unwinds.
    unsafe impl GlobalAlloc for Libc {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // C wants the size to be a multiple of the alignment.
            let layout = layout.pad_to_align();
            // SAFETY: the alignment is a power of two.
            unsafe { aligned_alloc(layout.align(), layout.size()) }.cast()
        }

        unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
            // SAFETY: the caller passes what `alloc` gave, once.
            unsafe { free(pointer.cast()) }
        }
    }
}
