//! `llm_client`, against `llm` and against servers that fail it.

use crate::http::{Events, request};
use crate::scripted::stream;
use crate::server::{Server, free_port};
use crate::upstream::Upstream;
use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const CLIENT: &str = env!("CARGO_BIN_EXE_llm_client");
const LLM: &str = env!("CARGO_BIN_EXE_llm");

fn client(url: &str, prompt: &str, options: &[&str]) -> Command {
    // It doesn't go on for ever, whatever it meets.
    let mut command = Command::new("timeout");
    command
        .args(["120", CLIENT, "--url", url])
        .args(options)
        .arg(prompt)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Asks a server that answers each request with the next of `answers`, and holds each connection open. No further request may come.
fn ask(answers: &[&str], options: &[&str]) -> Output {
    let upstream = Upstream::start();
    let client = client(&upstream.url, "Why?", options).spawn().unwrap();
    let mut open = Vec::new();
    for answer in answers {
        let (mut connection, request) = upstream.accept();
        assert!(request.ends_with("\r\n\r\n{\"prompt\":\"Why?\",\"words\":50}"), "{request}");
        connection.send(answer);
        open.push(connection);
    }
    let output = client.wait_with_output().unwrap();
    assert!(upstream.is_quiet(), "it has asked too often");
    output
}

const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

#[test]
fn it_prints_the_words_of_the_answer() {
    let server = Server::start(LLM, 0);
    let url = format!("http://{}/answer", server.address);
    let output = client(&url, "Why?", &["--words", "12"]).output().unwrap();
    let question = br#"{"prompt": "Why?", "words": 12}"#;
    let head = "POST /answer HTTP/1.0\r\ncontent-type: application/json";
    let expected: String = Events::from(request(&server, head, question))
        .read_to_end()
        .events
        .into_iter()
        .map(|e| e.data)
        .collect();
    assert_eq!(expected.split(' ').count(), 12);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), &*(expected + "\n")), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn an_answer_whose_server_dies_is_an_error() {
    let server = Server::start(LLM, 0);
    let url = format!("http://{}/answer", server.address);
    let mut client = client(&url, "Tell me all.", &["--words", "500"]).spawn().unwrap();
    // Its words come as they are said.
    let mut beginning = [0; 20];
    client.stdout.as_mut().unwrap().read_exact(&mut beginning).unwrap();
    drop(server);
    let output = client.wait_with_output().unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.starts_with("llm_client: the connection failed") && !error.contains("asking again"),
        "{error}"
    );
    assert!(output.stdout.len() < 1_000, "{}", output.stdout.len());
}

#[test]
fn an_answer_that_was_cut_off_is_asked_for_once() {
    // In mid-event, of which no word is printed, and between two.
    let cut = format!("{CHUNKED}d\r\ndata: Becau\n\n\r\n9\r\ndata: se");
    for answer in [cut, stream("data: Becau\n\n"), format!("{CHUNKED}d\r\ndata: Becau\n\n\r\n0\r\n\r\n")] {
        let upstream = Upstream::start();
        let client = client(&upstream.url, "Why?", &[]).spawn().unwrap();
        let (mut connection, _) = upstream.accept();
        connection.send(&answer);
        drop(connection);
        let output = client.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), "Becau"), "{output:?}");
        let error = text(&output.stderr);
        assert!(error.starts_with("llm_client: ") && error.lines().count() == 1, "{error}");
        assert!(upstream.is_quiet(), "it has asked twice");
    }
}

#[test]
fn an_answer_that_has_not_begun_is_asked_for_again_when_the_server_says() {
    for refusal in ["503 Service Unavailable", "429 Too Many Requests"] {
        let refusal = format!("HTTP/1.1 {refusal}\r\nretry-after: 2\r\nconnection: close\r\n\r\n");
        let begun = Instant::now();
        let output = ask(&[&refusal, &stream("data: Because.\n\nevent: done\ndata:\n\n")], &[]);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "Because.\n"), "{output:?}");
        assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
        assert!(text(&output.stderr).starts_with("-- the server answered with status "), "{output:?}");
    }
    for refusal in ["500 Internal Server Error", "401 Unauthorized"] {
        let output = ask(&[&format!("HTTP/1.1 {refusal}\r\nconnection: close\r\n\r\n")], &[]);
        assert!(text(&output.stderr).contains(&refusal[..3]), "{output:?}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
    }
}

#[test]
fn silence_in_an_answer_is_an_error() {
    let begun = Instant::now();
    let output = ask(&[&stream("data: Because\n\n")], &["--idle-timeout", "0.5"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), "Because"), "{output:?}");
    assert_eq!(text(&output.stderr), "llm_client: the event stream was idle for too long\n");
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[test]
fn it_explains_itself() {
    let output = Command::new(CLIENT).arg("--help").output().unwrap();
    assert!(text(&output.stdout).contains("PROMPT"), "{output:?}");
    for arguments in [&[][..], &["--what"], &["Why?", "Why not?"], &["Why?", "--url", "ftp://x/"]] {
        let output = Command::new(CLIENT).args(arguments).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("llm_client: "), "{output:?}");
    }
}

#[test]
fn a_key_in_the_url_is_told_to_nobody() {
    let url = format!("http://me:secret@127.0.0.1:{}/answer?key=secret", free_port());
    let output = client(&url, "Why?", &[]).output().unwrap();
    assert!(text(&output.stderr).contains("Connection refused"), "{output:?}");
    assert!(output.status.code() == Some(1) && !format!("{output:?}").contains("secret"), "{output:?}");
}
