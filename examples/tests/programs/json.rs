//! `json`: its server and its client, each a process.

use crate::http::{Events, answer, request};
use crate::scripted::{serve, stream};
use crate::server::Server;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const JSON: &str = env!("CARGO_BIN_EXE_json");

/// The client and the lines that it prints; killed at the end.
struct Client(Child);

impl Client {
    fn start(url: &str) -> (Self, impl Iterator<Item = String> + use<>) {
        let mut client = Command::new(JSON).args(["--url", url]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(client.stdout.take().unwrap()).lines().map(Result::unwrap);
        (Self(client), lines)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_the_client_reads_is_what_the_server_sent_in_several_lines() {
    let server = Server::start(JSON, 0);
    let (_client, mut lines) = Client::start(&format!("http://{}/events", server.address));
    // Now it's there.
    lines.next().unwrap();
    let mut events = Events::of(&server);
    let seen = events.read_until(|seen| seen.events.len() >= 3);
    for event in &seen.events {
        assert_eq!(event.name, "report");
        let lines: Vec<_> = event.data.lines().collect();
        assert!(lines.len() > 5 && lines[0] == "{" && lines[1].starts_with("  \""), "{}", event.data);
    }
    let data_lines = events.body().split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"data: "));
    assert!(data_lines.count() >= seen.events.iter().map(|event| event.data.lines().count()).sum());

    for event in &seen.events {
        let line =
            lines.find_map(|line| line.strip_prefix(&format!("{} ", event.last_event_id)).map(str::to_owned));
        let [read, sent]: [Value; 2] =
            [&line.unwrap(), &event.data].map(|json| serde_json::from_str(json).unwrap());
        assert_eq!(read, sent);
        assert!(read["held"]["events"].as_u64().unwrap() >= 1, "{read}");
    }
}

#[test]
fn what_is_no_report_is_told_and_the_client_goes_on() {
    let report =
        r#"{"uptime_ms":1500,"published":1,"delivered":0,"subscribers":0,"held":{"events":0,"bytes":0}}"#;
    let (url, _server) = serve(vec![stream(&format!("data: [DONE]\n\nid: 7\ndata: {report}\n\n"))]);
    let output = Command::new(JSON).args(["--url", &url]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("7 {report}\n"));
    assert!(String::from_utf8(output.stderr).unwrap().contains("[DONE]"));
}

#[test]
fn an_id_does_not_control_the_terminal() {
    let report =
        r#"{"uptime_ms":1500,"published":1,"delivered":0,"subscribers":0,"held":{"events":0,"bytes":0}}"#;
    let (url, _server) = serve(vec![stream(&format!("id: \x1b[2J\u{202e}\ndata: {report}\n\n"))]);
    let output = Command::new(JSON).args(["--url", &url]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{} {report}\n", r"\u{1b}[2J\u{202e}"));
}

/// Nor does a password of its URL get into its words.
#[test]
fn a_wrong_url_is_told_without_it() {
    for url in ["https://me:secret@x/", "http://me:secret@x:99999/"] {
        let output = Command::new(JSON).args(["--url", url]).output().unwrap();
        assert!(!output.status.success() && !output.stderr.is_empty(), "{output:?}");
        assert!(!format!("{output:?}").contains("secret"), "{output:?}");
    }
}

#[test]
fn the_client_says_what_it_cannot_read() {
    let server = Server::start(JSON, 0);
    let root = format!("http://{}/", server.address);
    let output = Command::new(JSON).args(["--url", &root]).output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("text/plain"));
    for url in ["https://127.0.0.1/", "nowhere"] {
        assert!(!Command::new(JSON).args(["--url", url]).output().unwrap().status.success());
    }
    assert!(answer(request(&server, "GET / HTTP/1.0", b"")).contains("/events"));
}
