//! The client for a microcontroller under QEMU. This test is the modem at the other end of its serial line, and the server.
//!
//! QEMU speaks telnet over that line, in which there is a break. The time goes by outside as inside, for a test answers.

use crate::{flash_and_variables, program};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The code and the constants that it may have, in bytes.
const FLASH: u64 = 32 * 1024;

/// The variables and the stack.
const RAM: u64 = 4 * 1024;

/// The board's, and where it begins.
const ALL_RAM: u64 = 64 * 1024;
const RAM_START: u64 = 0x2000_0000;

/// Telnet's escape, and the break after it.
const IAC: u8 = 255;
const BREAK: u8 = 243;

/// What a busy machine may add to a wait: each byte has to pass QEMU.
const SLACK: Duration = Duration::from_secs(20);

const SOON: Duration = Duration::from_mins(1);

/// What QEMU says first in telnet: four options, of three bytes each.
const GREETING: usize = 12;

/// Waits until something is so.
fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(met) = condition() {
            return met;
        }
        assert!(begun.elapsed() < SOON, "{what}");
        sleep(Duration::from_millis(10));
    }
}

/// The machine, with its line and QEMU's monitor; ended when it's dropped.
struct Machine {
    process: Child,
    line: UnixStream,
    monitor: UnixStream,
    folder: TempDir,
}

impl Machine {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [line, monitor] = ["line", "monitor"].map(|name| folder.path().join(name));
        let socket =
            |id: &str, path: &Path| format!("socket,id={id},path={},server=on,wait=off", path.display());
        let process = Command::new("qemu-system-arm")
            .args(["-machine", "lm3s6965evb", "-display", "none"])
            .args(["-chardev", &format!("{},telnet=on", socket("line", &line)), "-serial", "chardev:line"])
            .args(["-serial", "stdio"])
            .args(["-chardev", &socket("monitor", &monitor), "-mon", "chardev=monitor"])
            .args(["-semihosting-config", "enable=on,target=native"])
            // It begins when it's told to.
            .arg("-S")
            .arg("-kernel")
            .arg(program("FIRMWARE_CLIENT"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let connect = |path| {
            let connection = until("QEMU listens", || UnixStream::connect(path).ok());
            connection.set_read_timeout(Some(SOON)).unwrap();
            connection
        };
        let mut machine = Self { process, line: connect(&line), monitor: connect(&monitor), folder };
        // What's written to a line before it's ready is lost.
        machine.line.read_exact(&mut [0; GREETING]).unwrap();
        machine.monitor.write_all(b"cont\n").unwrap();
        machine
    }

    /// Reads a request. Returns it, and when it was whole.
    fn request(&mut self) -> (Instant, String) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.line.read_exact(&mut byte).expect("a request comes soon");
            request.extend(byte);
        }
        (Instant::now(), String::from_utf8(request).unwrap())
    }

    /// Connects it, and sends what the server answers.
    fn answer(&mut self, response: &str) {
        self.line.write_all(&[IAC, BREAK]).unwrap();
        self.line.write_all(response.as_bytes()).unwrap();
    }

    /// Ends the connection, or cuts it. Returns when.
    fn hang_up(&mut self) -> Instant {
        self.line.write_all(&[IAC, BREAK]).unwrap();
        Instant::now()
    }

    /// Returns what's in the RAM.
    fn ram(&mut self) -> Vec<u8> {
        let path = self.folder.path().join("ram");
        let command = format!("pmemsave {RAM_START:#x} {ALL_RAM} \"{}\"\n", path.display());
        self.monitor.write_all(command.as_bytes()).unwrap();
        until("QEMU saves the memory", || fs::read(&path).ok().filter(|ram| ram.len() as u64 == ALL_RAM))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const OPEN: &str = "HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\nserver: test\r\n\r\n";

/// The request, with this last event ID.
fn asked(id: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!("last-event-id: {id}\r\n") };
    format!("GET /events HTTP/1.0\r\naccept: text/event-stream\r\ncache-control: no-cache\r\n{id}\r\n")
}

#[track_caller]
fn assert_waited(from: Instant, to: Instant, least: Duration, longest: Duration) {
    let waited = to - from;
    assert!(least <= waited && waited <= longest + SLACK, "{waited:?} of {least:?} to {longest:?}");
}

#[test]
fn it_reconnects_after_a_cut_a_failure_and_silence_with_the_last_whole_event_s_id() {
    let [ms, seconds] = [Duration::from_millis, Duration::from_secs];
    let mut machine = Machine::start();
    let (_, request) = machine.request();
    assert_eq!(request, asked(""));
    // Cut in mid-event: of the second, not even the id counts.
    machine.answer(&format!("{OPEN}retry: 200\nid: 1\ndata: one\n\nid: 2\nevent: tick\ndata: tw"));
    let cut = machine.hang_up();

    let (at, request) = machine.request();
    assert_eq!(request, asked("1"));
    assert_waited(cut, at, ms(200), ms(250));
    machine.answer("HTTP/1.0 503 Later\r\nretry-after: 3\r\n\r\ndata: no event\n\n");
    let refused = machine.hang_up();

    let (at, request) = machine.request();
    assert_eq!(request, asked("1"));
    assert_waited(refused, at, seconds(3), ms(3750));
    // An interim head, an event whole at last, an id alone; and nothing more.
    machine.answer(&format!(
        "HTTP/1.0 103 Hints\r\n\r\n{OPEN}id: 2\r\nevent: tick\r\ndata: two\r\ndata: é\r\n\r\nid: 3\n\n: there\n"
    ));
    let silent = Instant::now();

    let (at, request) = machine.request();
    assert_eq!(request, asked("3"));
    // Idle for 2 s to 2.5 s; then it's the third failure in a row, after which it waits for 0.4 s to 0.8 s.
    assert_waited(silent, at, ms(2400), ms(3300));
    let ram = machine.ram();
    // The rest of the connection that it has given up.
    machine.line.write_all(b"data: late\n\n").unwrap();
    machine.answer("HTTP/1.0 204 No Content\r\n\r\n");
    let status = until("it ends", || machine.process.try_wait().unwrap());
    let mut log = String::new();
    machine.process.stdout.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(status.success(), "{status}: {log}");
    let told = log.lines().map(|line| line.split_once(" ms: ").map_or(line, |(_, told)| told));
    let (told, waits): (Vec<_>, Vec<_>) =
        told.map(|told| told.split_once("; again in ").unwrap_or((told, ""))).unzip();
    let waits: Vec<u64> =
        waits.iter().filter_map(|wait| wait.strip_suffix(" ms")).map(|wait| wait.parse().unwrap()).collect();
    let [cut, refused, silent] = waits[..] else { panic!("{waits:?}") };
    assert!((200..=250).contains(&cut), "{cut}");
    assert!((3000..=3750).contains(&refused), "{refused}");
    assert!((400..=800).contains(&silent), "{silent}");
    assert_eq!(
        told,
        [
            "asking",
            "open",
            "message 1: one",
            "the connection failed",
            "asking",
            "the server answered with status 503",
            "asking",
            "open",
            "tick 2: two",
            "é",
            "the event stream was idle for too long",
            "asking",
            "the server answered with status 204; for good",
        ]
    );

    let (flash, variables) = flash_and_variables("FIRMWARE_CLIENT");
    let after_variables = usize::try_from(variables).unwrap();
    // The stack grows down from the end, through memory that was zero.
    let unused = ram[after_variables..].iter().take_while(|&&byte| byte == 0).count() as u64;
    let stack = ALL_RAM - variables - unused;
    println!(
        "client: flash: {flash} bytes of {FLASH}; RAM: {variables} for variables and {stack} for the stack of {RAM}"
    );
    assert!(flash <= FLASH);
    assert!(stack > 0 && variables + stack <= RAM);
}
