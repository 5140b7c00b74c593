//! `client`, against `tick` and against servers that misbehave.

use crate::scripted::{serve, stream};
use crate::server::{Server, free_port};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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
    assert!(printed.contains("-- reconnecting in 100ms"), "{printed}");
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
fn redirects_to_another_scheme_and_in_a_circle_end() {
    let found = |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\nconnection: close\r\n\r\n");
    for (location, why) in
        [("https://me:secret@127.0.0.1/x", "https"), ("ftp://127.0.0.1/", "ftp"), ("/again", "redirects")]
    {
        let (url, server) = serve(vec![found(location); 21]);
        let output = client(&url, &[]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(why) && !error.contains("secret"), "{output:?}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("reconnecting"), "{output:?}");
        if location == "/again" {
            assert_eq!(server.join().unwrap().len(), 21);
        }
    }
}

#[test]
fn informational_answers_without_end_are_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        // What comes before there was a request is no answer to it.
        assert!(connection.read(&mut [0; 4096]).unwrap() > 0);
        // Until the client hangs up.
        while connection.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n").is_ok() {}
    });
    let output = client(&url, &[]);
    assert!(!output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("informational"), "{output:?}");
    server.join().unwrap();

    // A few are as good as none.
    let answers = ["HTTP/1.1 103 Early Hints\r\n\r\n".repeat(3), stream("data: there\n\n")].concat();
    let (url, _server) = serve(vec![answers]);
    assert!(String::from_utf8_lossy(&client(&url, &["--count", "1"]).stdout).contains("message  there"));
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        // The first connection stays open, without an answer.
        let (silent, _) = listener.accept().unwrap();
        let (mut connection, _) = listener.accept().unwrap();
        // What's left unread when it's closed would have the system take the answer back.
        assert!(connection.read(&mut [0; 4096]).unwrap() > 0);
        connection.write_all(stream("data: there\n\n").as_bytes()).unwrap();
        drop(silent);
    });
    let output = client(&url, &["--count", "1"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("-- no answer within 20s") && printed.contains("message  there"), "{output:?}");
    server.join().unwrap();
}

#[test]
fn peer_fault_51_the_reconnection_time_has_a_floor_and_a_ceiling() {
    let begun = Instant::now();
    let (url, server) = serve(vec![stream("retry: 0\ndata: a\n\n"); 4]);
    let output = client(&url, &["--count", "4"]);
    assert_eq!(server.join().unwrap().len(), 4);
    assert!(String::from_utf8_lossy(&output.stdout).contains("-- reconnecting in 100ms"), "{output:?}");
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());

    for retry in ["18446744073709551615", "18446744073709551616", "99999999999999999999999999"] {
        let (url, _server) = serve(vec![stream(&format!("retry: {retry}\ndata: a\n\n"))]);
        let mut client = Command::new(CLIENT).args(["--url", &url]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(client.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.starts_with("-- reconnecting"));
        client.kill().unwrap();
        client.wait().unwrap();
        assert_eq!(line.as_deref(), Some("-- reconnecting in 3600s"));
    }
}

#[test]
fn peer_fault_50_an_event_over_the_limit_is_skipped_and_not_fetched_again() {
    let long = format!("id: 8\ndata: {}\n\n", "x".repeat(32 * 1024 * 1024 + 1));
    let (url, server) =
        serve(vec![stream(&format!("retry: 1\nid: 7\ndata: a\n\n{long}data: b\n\n")), stream("data: c\n\n")]);
    let output = client(&url, &["--count", "3"]);
    let requests = server.join().unwrap();
    assert!(requests[1].to_lowercase().contains("last-event-id: 8\r\n"), "{}", requests[1]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let events: Vec<_> = printed.lines().filter(|line| !line.starts_with("--")).collect();
    assert_eq!(events, ["message #7  a", "message #8  b", "message #8  c"]);
    assert!(printed.contains("-- skipped an event: "), "{printed}");
}

#[test]
fn peer_fault_52_a_compressed_answer_that_nobody_asked_for_is_an_error() {
    for coding in ["gzip", "br", "identity, gzip"] {
        let answer =
            stream("data: a\n\n").replacen("\r\n", &format!("\r\ncontent-encoding: {coding}\r\n"), 1);
        let (url, server) = serve(vec![answer]);
        let output = client(&url, &["--count", "1"]);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(coding), "{output:?}");
        let request = server.join().unwrap().remove(0).to_lowercase();
        assert!(request.contains("accept-encoding: identity\r\n"), "{request}");
    }
    let answer = stream("data: a\n\n").replacen("\r\n", "\r\ncontent-encoding: Identity\r\n", 1);
    assert!(client(&serve(vec![answer]).0, &["--count", "1"]).status.success());
}

#[test]
fn the_password_of_a_url_is_told_to_nobody() {
    let (url, server) = serve(vec![stream("retry: 1\ndata: a\n\n"), stream("data: b\n\n")]);
    let url = url.replace("http://", "http://me:secret@");
    let output = client(&url, &["--count", "2"]);
    assert!(output.status.success() && !format!("{output:?}").contains("secret"), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("aren't sent"), "{output:?}");
    for request in server.join().unwrap() {
        assert!(!request.contains("secret") && !request.contains("me@"), "{request}");
    }
    for wrong in ["https://me:secret@x/", "http://me:secret@", "http://me:secret@x:99999/"] {
        let output = client(wrong, &[]);
        assert!(!output.status.success() && !format!("{output:?}").contains("secret"), "{output:?}");
    }
}

#[test]
fn nobody_can_send_control_sequences_to_the_terminal() {
    let printed = |body: &str| {
        let (url, _server) = serve(vec![stream(body)]);
        String::from_utf8(client(&url, &["--count", "1"]).stdout).unwrap()
    };
    let seen = printed("event: \x1b[2J\nid: \x1b]0;x\x07\ndata: \x1b[31mred\u{9b}\n\n");
    assert!(seen.chars().all(|character| character == '\n' || !character.is_control()), "{seen:?}");
    assert!(seen.contains(r"\u{1b}[2J #\u{1b}]0;x\u{7}  \u{1b}[31mred\u{9b}"), "{seen:?}");
    // What reorders the text, hides in it or breaks its lines.
    let bidirectional =
        "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    for character in bidirectional.chars().chain("\u{7f}\u{85}\u{2028}\u{2029}\u{feff}".chars()) {
        let seen = printed(&format!("event: a{character}\nid: b{character}\ndata: c{character}d\n\n"));
        let escaped = character.escape_unicode();
        assert!(!seen.contains(character), "{escaped}: {seen:?}");
        assert!(seen.contains(&format!("a{escaped} #b{escaped}  c{escaped}d\n")), "{seen:?}");
    }
    // What people write is left alone.
    let text = "caf\u{e9} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f469}\u{200d}\u{1f680}\ttab";
    assert!(printed(&format!("data: {text}\n\n")).contains(text));
}

#[test]
fn it_explains_itself() {
    assert!(String::from_utf8(client("http://x", &["--help"]).stdout).unwrap().contains("--url URL"));
    for options in [&["--url", "https://x/"][..], &["--url", "no"], &["--count", "x"], &["--what"], &[]] {
        let output = Command::new(CLIENT).args(options).output().unwrap();
        assert!(!output.status.success() && !output.stderr.is_empty(), "{options:?}");
    }
}
