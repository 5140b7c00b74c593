//! `tick`, run as a program, read from a plain socket.

use crate::server::Server;
use eventsource_core::test_util::{Interpretation, interpret};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

const TICK: &str = env!("CARGO_BIN_EXE_tick");
const SOON: Duration = Duration::from_secs(20);

fn request(server: &Server, head: &str, body: &[u8]) -> TcpStream {
    let mut client = TcpStream::connect(server.address).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let head = format!("{head}\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    client.write_all(&[head.as_bytes(), body].concat()).unwrap();
    client
}

/// A stream, asked for in HTTP/1.0 so that it comes as it is.
struct Events {
    client: TcpStream,
    response: Vec<u8>,
}

impl Events {
    fn of(server: &Server) -> Self {
        Self { client: request(server, "GET /events HTTP/1.0", b""), response: Vec::new() }
    }

    /// Reads until a client has seen enough.
    fn read_until(&mut self, enough: impl Fn(&Interpretation) -> bool) -> Interpretation {
        let deadline = Instant::now() + SOON;
        loop {
            let mut chunk = [0; 4096];
            match self.client.read(&mut chunk) {
                Ok(0) => panic!("the stream ended: {}", self.response.escape_ascii()),
                Ok(read) => self.response.extend_from_slice(&chunk[..read]),
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
                }
            }
            if let Some(head) = self.response.windows(4).position(|end| end == b"\r\n\r\n") {
                let seen = interpret(&self.response[head + 4..]);
                if enough(&seen) {
                    return seen;
                }
            }
            assert!(Instant::now() < deadline, "{}", self.response.escape_ascii());
        }
    }
}

fn status(mut client: TcpStream) -> String {
    client.set_read_timeout(Some(SOON)).unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[9..]).into_owned()
}

#[test]
fn it_ticks_and_emits_what_is_posted_into_one_stream_alone() {
    let server = Server::start(TICK, 0);
    let [mut mine, mut other] = [(); 2].map(|()| Events::of(&server));
    let seen = mine.read_until(|seen| seen.events.iter().filter(|event| event.name == "tick").count() == 2);
    assert_eq!(seen.retry, Some(Duration::from_secs(1)));
    let [first, second] = [1, 2].map(|n| seen.events[n].last_event_id.parse::<u64>().unwrap());
    assert!(second > first, "ids are seconds");
    assert_eq!(seen.events[0].name, "stream");

    let emit = |query: &str, body: &[u8]| {
        status(request(&server, &format!("POST /emit?stream={}&{query} HTTP/1.1", seen.events[0].data), body))
    };
    assert_eq!(emit("event=note&id=n1", "two\r\nlines".as_bytes()), "204");
    let note = mine.read_until(|seen| seen.events.iter().any(|event| event.name == "note"));
    let note = note.events.iter().find(|event| event.name == "note").unwrap();
    assert_eq!((note.data.as_str(), note.last_event_id.as_str()), ("two\nlines", "n1"));
    let seen = other.read_until(|seen| seen.events.len() > 2);
    assert!(seen.events.iter().all(|event| event.name != "note"));

    assert_eq!(emit("event=a%0Ab", b""), "400");
    assert_eq!(emit("id=%00", b""), "400");
    assert_eq!(emit("id=%01", b""), "400");
    assert_eq!(emit("", b"\xff"), "400");
    assert_eq!(emit("", &vec![b'x'; 2 * 1024 * 1024 + 1]), "413");
    assert_eq!(status(request(&server, "POST /emit?stream=unknown HTTP/1.1", b"")), "404");
    assert_eq!(status(request(&server, "GET / HTTP/1.1", b"")), "200");
}

#[test]
fn ctrl_c_ends_it_at_once_though_streams_are_open() {
    let server = Server::start(TICK, 0);
    let mut clients: Vec<_> = (0..10).map(|_| Events::of(&server)).collect();
    for client in &mut clients {
        client.read_until(|seen| !seen.events.is_empty());
    }
    let start = Instant::now();
    assert!(Command::new("kill").args(["-INT", &server.id().to_string()]).status().unwrap().success());
    assert!(server.wait().success());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn it_takes_its_port_from_the_option_or_the_environment() {
    let output = Command::new(TICK).arg("--help").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("--port PORT"));
    for (arguments, port) in [(&["--port", "no"][..], ""), (&["--what"], ""), (&[], "70000")] {
        let output = Command::new(TICK).args(arguments).env("PORT", port).output().unwrap();
        assert!(!output.status.success() && !output.stderr.is_empty());
    }
}
