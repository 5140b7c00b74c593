//! The examples for a microcontroller under QEMU: of the server, each item that comes over its serial line, and the memory it takes.
//!
//! `cargo xtask firmware` builds them, and says where they are by the variables `FIRMWARE` and `FIRMWARE_CLIENT`.

mod client;

use eventsource_core::Decoder;
use eventsource_core::codec::{Chunk, Item};
use object::elf::{SHF_ALLOC, SHF_WRITE, SHT_NOBITS};
use object::{File, Object, ObjectSection, SectionFlags};
use std::ffi::OsString;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

/// The code and the constants that it may have, in bytes.
const FLASH: u64 = 16 * 1024;

/// The variables and the stack.
const RAM: u64 = 1024;

/// What QEMU may log of its run: twice of what it does.
const LOG: u64 = 64 * 1024 * 1024;

fn program(variable: &str) -> OsString {
    env::var_os(variable).expect("`cargo xtask firmware` builds it and runs this")
}

/// Returns how many bytes of flash and of variables a program has.
fn flash_and_variables(variable: &str) -> (u64, u64) {
    let bytes = fs::read(program(variable)).unwrap();
    let program = File::parse(&*bytes).unwrap();
    let (mut flash, mut variables) = (0, 0);
    for section in program.sections() {
        let SectionFlags::Elf { sh_type, sh_flags } = section.flags() else { panic!("it's an ELF file") };
        if sh_flags.contains(SHF_ALLOC) && sh_type != SHT_NOBITS {
            flash += section.size();
        }
        if sh_flags.contains(SHF_WRITE) {
            variables += section.size();
        }
    }
    (flash, variables)
}

/// Starts it under QEMU with these further options; it's ended after a minute.
///
/// Its time goes by the instructions that it executes, and leaps to the next interrupt while the processor is stopped:
/// a minute of its own takes an instant, and is the same in each run.
fn start(options: &[&str]) -> Child {
    Command::new("timeout")
        .args(["--kill-after=5", "60", "qemu-system-arm", "-machine", "lm3s6965evb"])
        .args(["-nographic", "-monitor", "none", "-serial", "stdio"])
        .args(["-semihosting-config", "enable=on,target=native"])
        // 2^6 ns for an instruction, about a cycle of the processor.
        .args(["-icount", "shift=6,sleep=off"])
        .args(options)
        .arg("-kernel")
        .arg(program("FIRMWARE"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn it_ticks_keeps_the_line_alive_and_reports() {
    let output = start(&[]).wait_with_output().unwrap();
    assert!(output.status.success(), "{}: {}", output.status, output.stdout.escape_ascii());
    let mut decoder = Decoder::new().comments(true);
    let mut chunk = Chunk::new(&output.stdout);
    let mut items = Vec::new();
    while let Some(item) = decoder.decode(&mut chunk).unwrap() {
        items.push(match item {
            Item::Event(event) => {
                format!("{} {}: {}", event.name.as_str(), event.last_event_id().as_str(), event.data)
            }
            other => format!("{other:?}"),
        });
    }

    let ticks = |seconds: std::ops::RangeInclusive<u32>| {
        seconds.map(|second| format!("tick {second}: up {second} s"))
    };
    // Never early, so each time of 15 seconds has one tick of the clock more. The first comes up to a quarter of it later.
    let expected: Vec<_> = ["Retry(3s)".to_owned()]
        .into_iter()
        .chain(ticks(1..=5))
        .chain(["23540", "38550", "53560"].map(|uptime| format!("Comment({uptime:?})")))
        .chain(ticks(56..=60))
        .chain(["report 60: 10 ticks\n3 keep-alives".to_owned()])
        .collect();
    assert_eq!(items, expected);
    assert!(output.stdout.ends_with(b"\n\n"), "nothing is left unfinished");
}

#[test]
fn it_is_small() {
    let (flash, variables) = flash_and_variables("FIRMWARE");

    // The registers, wherever the code has branched. R13 is the stack's pointer; it starts at its highest.
    let mut firmware = start(&["-d", "cpu,nochain"]);
    let mut log = String::new();
    firmware.stderr.take().unwrap().take(LOG).read_to_string(&mut log).unwrap();
    let status = firmware.wait().unwrap();
    assert!((log.len() as u64) < LOG, "it waits without stopping the processor");
    assert!(status.success(), "{status}");
    let pointers = || log.split("R13=").skip(1).map(|rest| u64::from_str_radix(&rest[..8], 16).unwrap());
    let stack = pointers().max().unwrap() - pointers().min().unwrap();

    println!(
        "flash: {flash} bytes of {FLASH}; RAM: {variables} for variables and {stack} for the stack of {RAM}"
    );
    assert!(flash <= FLASH);
    assert!(stack > 0 && variables + stack <= RAM);
}
