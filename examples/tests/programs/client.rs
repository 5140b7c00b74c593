//! `client`, against `tick` and against servers that misbehave.

use crate::scripted::{serve, stream};
use crate::server::{Server, free_port};
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

const CLIENT: &str = env!("CARGO_BIN_EXE_client");
const TICK: &str = env!("CARGO_BIN_EXE_tick");

fn client(url: &str, options: &[&str]) -> Output {
    Command::new(CLIENT).args(["--url", url]).args(options).output().unwrap()
}

#[test]
fn it_prints_ticks_and_comes_back_to_a_server_that_was_restarted() {
    let port = free_port();
    let server = Server::start(TICK, port);
    let url = format!("http://127.0.0.1:{port}/events");
    let mut client =
        Command::new(CLIENT).args(["--url", &url, "--count", "6"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), format!("-- connected to {url}"));
    assert!(lines.next().unwrap().starts_with("stream  "));
    let tick = lines.next().unwrap();
    assert!(tick.starts_with("tick #17") && tick.contains(" 20"), "{tick}");
    drop(server);
    let note = lines.find(|line| !line.starts_with("tick")).unwrap();
    assert!(note.starts_with("-- "), "{note}");
    let _server = Server::start(TICK, port);
    assert!(lines.any(|line| line.starts_with("-- connected")));
    assert!(lines.any(|line| line.starts_with("tick #")));
    assert!(client.wait().unwrap().success());
}

#[test]
fn peer_fault_31_the_last_event_id_survives_connections_without_one() {
    let (url, server) = serve(vec![
        stream("retry: 1\nid: 7\ndata: a\n\ndata: cut"),
        stream("data: b\n\n"),
        stream("event: none\ndata: c\ndata: d\n\n"),
    ]);
    let output = client(&url, &["--count", "3", "--last-event-id", "6"]);
    let requests = server.join().unwrap();
    let ids: Vec<_> = requests
        .iter()
        .map(|r| r.to_lowercase().lines().find_map(|l| l.strip_prefix("last-event-id: ").map(str::to_owned)))
        .collect();
    assert_eq!(ids, [Some("6".to_owned()), Some("7".to_owned()), Some("7".to_owned())]);
    assert!(requests[0].to_lowercase().contains("accept: text/event-stream"));
    let printed = String::from_utf8(output.stdout).unwrap();
    let events: Vec<_> = printed.lines().filter(|line| !line.starts_with("--")).collect();
    assert_eq!(events, ["message #7  a", "message #7  b", "none #7", "    c", "    d"]);
    assert!(printed.contains("-- reconnecting in 1ms"), "{printed}");
}

#[test]
fn peer_fault_31_it_knows_when_to_stop() {
    let (url, _server) = serve(vec!["HTTP/1.1 204 No Content\r\n\r\n".into()]);
    let output = client(&url, &[]);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("204"));
    for (answer, why) in [
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", "503"),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n", "text/html"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "doesn't say"),
        ("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n", "redirects"),
    ] {
        let (url, _server) = serve(vec![answer.into()]);
        let output = client(&url, &[]);
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(why), "{output:?}");
    }
}

#[test]
fn peer_fault_31_redirects_are_followed() {
    let (target, there) = serve(vec![stream("data: there\n\n")]);
    let moved = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    let (url, here) = serve(vec![moved]);
    let output = client(&url, &["--count", "1"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("message  there"), "{output:?}");
    assert_eq!((here.join().unwrap().len(), there.join().unwrap().len()), (1, 1));
}

#[test]
fn nobody_can_send_control_sequences_to_the_terminal() {
    let (url, _server) = serve(vec![stream("event: \x1b[2J\nid: \x1b]0;x\x07\ndata: \x1b[31mred\u{9b}\n\n")]);
    let output = client(&url, &["--count", "1"]);
    assert!(output.stdout.iter().all(|&byte| byte == b'\n' || byte >= b' '), "{output:?}");
    assert!(!String::from_utf8(output.stdout).unwrap().contains('\u{9b}'));
}

#[test]
fn it_explains_itself() {
    assert!(String::from_utf8(client("http://x", &["--help"]).stdout).unwrap().contains("--url URL"));
    for options in [&["--url", "https://x/"][..], &["--url", "no"], &["--count", "x"], &["--what"], &[]] {
        let output = Command::new(CLIENT).args(options).output().unwrap();
        assert!(!output.status.success() && !output.stderr.is_empty(), "{options:?}");
    }
}
