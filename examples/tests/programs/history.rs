//! `history`: whatever becomes of the server, its events stay.

use crate::http::{Events, answer, request};
use crate::server::{Server, free_port};
use eventsource_core::test_util::Dispatched;
use std::path::Path;
use std::process::{Command, Stdio};

const HISTORY: &str = env!("CARGO_BIN_EXE_history");
const CLIENT: &str = env!("CARGO_BIN_EXE_client");

fn start(folder: &Path, port: u16) -> Server {
    Server::run(Command::new(HISTORY).current_dir(folder), port)
}

fn publish(server: &Server, note: &str) -> String {
    let head = format!("POST /publish HTTP/1.0\r\nContent-Length: {}", note.len());
    answer(request(server, &head, note.as_bytes())).trim_end().lines().last().unwrap().to_owned()
}

fn data(events: Vec<Dispatched>) -> Vec<String> {
    events.into_iter().map(|event| event.data).collect()
}

#[test]
fn a_client_is_none_the_wiser_when_the_server_is_restarted_or_killed() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = Some(start(folder.path(), port));
    let url = format!("http://127.0.0.1:{port}/events");
    let client = Command::new(CLIENT).args(["--url", &url, "--count", "4"]).stdout(Stdio::piped()).spawn();
    let client = client.unwrap();
    for (n, signal) in ["INT", "KILL", "KILL", "KILL"].into_iter().enumerate() {
        publish(server.as_ref().unwrap(), &format!("note {n}"));
        let stopped = server.take().unwrap();
        let kill = Command::new("kill").args([&format!("-{signal}"), &stopped.id().to_string()]).status();
        assert!(kill.unwrap().success());
        stopped.wait();
        server = Some(start(folder.path(), port));
    }
    let said = String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap();
    let notes: Vec<_> = said.lines().map(|line| line.rsplit_once("  ").unwrap().1).collect();
    assert_eq!(notes, ["note 0", "note 1", "note 2", "note 3"]);
}

#[test]
fn who_comes_later_gets_all_notes_and_who_comes_back_what_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), 0);
    let ids = ["one", "two\nlines", "three"].map(|note| publish(&server, note));
    drop(server);
    let server = start(folder.path(), 0);
    let all = Events::of(&server).read_until(|seen| seen.events.len() >= 3);
    assert_eq!(data(all.events), ["one", "two\nlines", "three"]);
    let missed = Events::after(&server, &ids[1]).read_until(|seen| !seen.events.is_empty());
    assert_eq!(data(missed.events), ["three"]);
}

#[test]
fn two_servers_on_one_file_are_one_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let _server = start(folder.path(), 0);
    let second = Command::new(HISTORY).current_dir(folder.path()).args(["--port", "0"]).output().unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!(said, "history: history.redb: the log is in use by this process or another one\n");
}
