//! `node/client.mjs`: npm's `eventsource` against real servers.

use crate::scripted::{serve, stream};
use crate::server::{Server, free_port};
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node/client.mjs");
const TICK: &str = env!("CARGO_BIN_EXE_tick");

/// So many seconds are enough for any of these, on a busy machine.
const PATIENCE: &str = "120";

fn client(arguments: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", PATIENCE, "node", CLIENT]).args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    client(arguments).output().unwrap()
}

/// A client that goes on until it's dropped.
struct Running {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut process = client(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// The next line that begins so.
    fn next(&mut self, start: &str) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        lines.find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("never {start:?}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // `timeout` hands it on; killed, it could not.
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

#[test]
fn it_prints_ticks_and_comes_back_to_a_server_that_was_restarted() {
    let port = free_port();
    let server = Server::start(TICK, port);
    let url = format!("http://127.0.0.1:{port}/events");
    let mut client = Running::start(&[&url, "--events", "stream,tick"]);
    assert_eq!(client.next("--"), format!("-- connected to {url}"));
    assert!(client.next("stream").starts_with("stream  "));
    let mut ids = [(); 2].map(|()| {
        let tick = client.next("tick #");
        let (id, time) = tick.trim_start_matches("tick #").split_once("  ").unwrap();
        assert!(time.contains(" 20"), "{tick}");
        id.parse::<u64>().unwrap()
    });
    assert!(ids[0] < ids[1], "{ids:?}");

    drop(server);
    client.next("-- the connection is gone");
    let _server = Server::start(TICK, port);
    client.next("-- connected");
    // The new connection's first event has no id of its own: the last one counts.
    let first = client.next("stream #");
    ids[0] = first.trim_start_matches("stream #").split_once(' ').unwrap().0.parse().unwrap();
    assert!(ids[0] >= ids[1], "{first}");
    client.next("tick #");
}

#[test]
fn it_resumes_after_the_last_event_id_and_stops_when_it_is_told_to() {
    let (url, server) = serve(vec![
        stream("retry: 1\nid: caf\u{e9} 7\ndata: a\n\ndata: cut"),
        stream("event: note\ndata: b\ndata: c\n\nevent: error\ndata: d\n\nevent: unheard\ndata: e\n\n"),
        "HTTP/1.1 204 No Content\r\n\r\n".into(),
    ]);
    let output = output(&[&url, "--events", "note,error"]);
    assert!(output.status.success(), "{output:?}");
    let ids: Vec<_> = server
        .join()
        .unwrap()
        .iter()
        .map(|request| {
            let mut headers = request.lines().filter_map(|line| line.split_once(": "));
            let id = headers.find(|(name, _)| name.eq_ignore_ascii_case("last-event-id"));
            id.map(|(_, id)| id.to_owned())
        })
        .collect();
    let id = Some("caf\u{e9} 7".to_owned());
    assert_eq!(ids, [None, id.clone(), id]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let events: Vec<_> = printed.lines().filter(|line| !line.starts_with("--")).collect();
    let expected =
        ["message #caf\u{e9} 7  a", "note #caf\u{e9} 7", "    b", "    c", "error #caf\u{e9} 7  d"];
    assert_eq!(events, expected, "{printed}");
    assert!(printed.ends_with("(204)\n"), "{printed}");
}

#[test]
fn what_is_no_event_stream_ends_it_with_an_error() {
    let server = Server::start(TICK, 0);
    for (path, expected) in [("nothing", "404"), ("", "content type")] {
        let url = format!("http://{}/{path}", server.address);
        let output = output(&[&url]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
        assert!(error.starts_with(&format!("client.mjs: {url} ")) && error.contains(expected), "{error}");
    }
}

#[test]
fn nobody_can_send_control_sequences_to_the_terminal() {
    let (url, _server) = serve(vec![
        stream("event: \x1b[2J\ndata: \x1b[31mred\u{9b}\u{202e}\u{2066}\u{200f}\u{61c}\n\n"),
        "HTTP/1.1 204 No Content\r\n\r\n".into(),
    ]);
    let output = output(&[&url, "--events", "\x1b[2J"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.contains(r"red\u{9b}\u{202e}\u{2066}\u{200f}\u{61c}")
            && printed.chars().all(|c| c == '\n' || !c.is_control()),
        "{printed:?}"
    );
}

#[test]
fn it_explains_itself() {
    assert!(String::from_utf8(output(&["--help"]).stdout).unwrap().contains("--events"));
    for arguments in [&[][..], &["no"], &["ftp://x/"], &["http://x/", "http://y/"], &["--what", "http://x/"]]
    {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("client.mjs: "), "{output:?}");
    }
}
