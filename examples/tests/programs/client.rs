//! `client`, against `tick` and against servers that misbehave.

use crate::http::SOON;
use crate::scripted::{CERTIFICATE, field, request, say, serve, serve_tls, stream};
use crate::server::{Server, free_port};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Lines, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const CLIENT: &str = env!("CARGO_BIN_EXE_client");
const TICK: &str = env!("CARGO_BIN_EXE_tick");

fn client(url: &str, options: &[&str]) -> Output {
    command(url).args(options).output().unwrap()
}

/// A client that doesn't go on for ever, whatever it meets.
fn command(url: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["120", CLIENT, "--url", url]);
    command
}

/// What it said to a person.
fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A client that goes on until it's dropped.
struct Running {
    process: Child,
    events: Lines<BufReader<ChildStdout>>,
    notes: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(url: &str, options: &[&str]) -> Self {
        let mut command = Command::new(CLIENT);
        command.arg(url).args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let events = BufReader::new(process.stdout.take().unwrap()).lines();
        let notes = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, events, notes }
    }

    fn event(&mut self) -> String {
        self.events.next().unwrap().unwrap()
    }

    fn note(&mut self) -> String {
        self.notes.next().unwrap().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn it_prints_ticks_and_comes_back_to_a_server_that_was_restarted() {
    let port = free_port();
    let server = Server::start(TICK, port);
    let url = format!("http://127.0.0.1:{port}/events");
    let mut client = Running::start(&url, &["--count", "8"]);
    assert_eq!(client.note(), format!("-- connected to {url}"));
    assert!(client.event().starts_with("stream  "));
    let tick = client.event();
    assert!(tick.starts_with("tick #17") && tick.contains(" 20"), "{tick}");
    drop(server);
    let note = client.note();
    assert!(note.starts_with("-- ") && note.contains("; reconnecting in "), "{note}");
    let _server = Server::start(TICK, port);
    let mut notes = client.notes.by_ref().map(Result::unwrap);
    assert!(notes.any(|note| note == format!("-- connected to {url}")));
    let mut events = client.events.by_ref().map(Result::unwrap);
    assert!(
        events.any(|event| event.starts_with("stream #")) && events.any(|event| event.starts_with("tick #"))
    );
    assert!(events.count() <= 5 && client.process.wait().unwrap().success());
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
    let ids = requests.iter().map(|request| field(request, "last-event-id").unwrap());
    assert_eq!(ids.collect::<Vec<_>>(), ["6", "7", "7"]);
    assert_eq!(field(&requests[0], "accept").unwrap(), "text/event-stream");
    assert_eq!(field(&requests[0], "cache-control").unwrap(), "no-cache");
    assert_eq!(printed(&output), "message #7  a\nmessage #7  b\nnone #7\n    c\n    d\n");
    assert!(told(&output).contains("-- the connection failed; reconnecting in 1"), "{output:?}");
    assert!(told(&output).contains("-- the server ended the event stream; reconnecting in 1"), "{output:?}");
}

#[test]
fn peer_fault_31_it_knows_when_to_stop() {
    let (url, _server) = serve(vec!["HTTP/1.1 204 No Content\r\n\r\n".into()]);
    let output = client(&url, &[]);
    assert!(output.status.success() && told(&output).contains("204"), "{output:?}");
    for (answer, why) in [
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "404"),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n", "text/html"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "not of the type text/event-stream"),
        ("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n", "redirects"),
    ] {
        let (url, _server) = serve(vec![answer.into()]);
        let output = client(&url, &[]);
        let told = told(&output);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
        assert!(told.contains(why) && told.lines().last().unwrap().starts_with("client: "), "{told}");
    }
}

#[test]
fn peer_fault_31_redirects_are_followed() {
    let (target, there) = serve(vec![stream("data: there\n\n")]);
    let moved = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    let (url, here) = serve(vec![moved]);
    let output = client(&url, &["--count", "1"]);
    assert_eq!(printed(&output), "message  there\n", "{output:?}");
    assert_eq!((here.join().unwrap().len(), there.join().unwrap().len()), (1, 1));
}

#[test]
fn redirects_to_another_scheme_and_in_a_circle_end() {
    let found = |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\nconnection: close\r\n\r\n");
    for (location, requests) in [("ftp://me:secret@127.0.0.1/", 1), ("file:///etc/passwd", 1), ("/again", 21)]
    {
        let (url, server) = serve(vec![found(location); requests]);
        let output = client(&url, &[]);
        let told = told(&output);
        assert!(output.status.code() == Some(1) && told.contains("redirects"), "{output:?}");
        assert!(!told.contains("reconnecting") && !told.contains("secret"), "{told}");
        assert_eq!(server.join().unwrap().len(), requests);
    }
}

#[test]
fn a_login_goes_to_nobody_but_the_server_that_it_is_for() {
    let (target, there) = serve(vec![stream("data: there\n\n")]);
    let moved = format!("HTTP/1.1 307 Moved\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    let (url, here) = serve(vec![moved]);
    let url = url.replace("http://", "http://me:secret@");
    assert!(client(&url, &["--count", "1"]).status.success());
    let here = here.join().unwrap().remove(0);
    assert_eq!(field(&here, "authorization").unwrap(), "Basic bWU6c2VjcmV0");
    let there = there.join().unwrap().remove(0);
    assert!(field(&there, "authorization").is_none() && !there.contains("secret"), "{there}");
}

#[test]
fn header_fields_go_to_no_other_server() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("http://{}/", elsewhere.local_addr().unwrap());
    let moved = format!("HTTP/1.1 307 Moved\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    let (url, here) = serve(vec![moved]);
    let output = client(&url, &["--header", "x-api-key: secret"]);
    assert!(output.status.code() == Some(1) && told(&output).contains("redirects"), "{output:?}");
    assert_eq!(field(&here.join().unwrap()[0], "x-api-key").unwrap(), "secret");
    elsewhere.set_nonblocking(true).unwrap();
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody has come");
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
        say(listener.accept().unwrap().0, &stream("data: there\n\n"));
    });
    let output = client(&url, &["--count", "1"]);
    assert!(output.status.success() && told(&output).contains("did not answer in time"), "{output:?}");
    server.join().unwrap();

    // A few are as good as none.
    let answers = ["HTTP/1.1 103 Early Hints\r\n\r\n".repeat(3), stream("data: there\n\n")].concat();
    let (url, _server) = serve(vec![answers]);
    assert_eq!(printed(&client(&url, &["--count", "1"])), "message  there\n");
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        // The first connection stays open, without an answer.
        let silent = listener.accept().unwrap();
        say(listener.accept().unwrap().0, &stream("data: there\n\n"));
        drop(silent);
    });
    let begun = Instant::now();
    let output = client(&url, &["--count", "1"]);
    assert!(told(&output).contains("-- the server did not answer in time; reconnecting in "), "{output:?}");
    assert!(
        begun.elapsed() >= Duration::from_secs(20) && printed(&output) == "message  there\n",
        "{output:?}"
    );
    server.join().unwrap();
}

#[test]
fn peer_fault_51_the_reconnection_time_has_a_floor_and_a_ceiling() {
    let begun = Instant::now();
    let (url, server) = serve(vec![stream("retry: 0\ndata: a\n\n"); 4]);
    let output = client(&url, &["--count", "4"]);
    assert_eq!(server.join().unwrap().len(), 4);
    assert_eq!(told(&output).matches("reconnecting in 1").count(), 3, "{output:?}");
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());

    for retry in ["18446744073709551615", "18446744073709551616", "99999999999999999999999999"] {
        let (url, _server) = serve(vec![stream(&format!("retry: {retry}\ndata: a\n\n"))]);
        let mut client = Running::start(&url, &[]);
        assert!(client.note().starts_with("-- connected to "));
        let note = client.note();
        let seconds =
            note.strip_prefix("-- the server ended the event stream; reconnecting in ").expect(&note);
        let seconds: f64 = seconds.strip_suffix('s').expect(&note).parse().expect(&note);
        assert!((3600.0..=4500.0).contains(&seconds), "{note}");
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
    assert_eq!(printed(&output), "message #7  a\nmessage #8  b\nmessage #8  c\n");
    assert!(told(&output).contains("-- skipped an event: "), "{}", told(&output));
}

#[test]
fn peer_fault_52_a_compressed_answer_that_nobody_asked_for_is_an_error() {
    for coding in ["gzip", "br", "identity, gzip"] {
        let answer =
            stream("data: a\n\n").replacen("\r\n", &format!("\r\ncontent-encoding: {coding}\r\n"), 1);
        let (url, server) = serve(vec![answer]);
        let output = client(&url, &["--count", "1"]);
        assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{output:?}");
        assert!(told(&output).contains(coding), "{output:?}");
        let request = server.join().unwrap().remove(0).to_lowercase();
        assert!(request.contains("accept-encoding: identity\r\n"), "{request}");
    }
    let answer = stream("data: a\n\n").replacen("\r\n", "\r\ncontent-encoding: Identity\r\n", 1);
    assert!(client(&serve(vec![answer]).0, &["--count", "1"]).status.success());
}

#[test]
fn the_password_of_a_url_is_sent_and_told_to_nobody() {
    let (url, server) = serve(vec![stream("retry: 1\ndata: a\n\n"), stream("data: b\n\n")]);
    let url = url.replace("http://", "http://me:secret@");
    let output = client(&url, &["--count", "2"]);
    assert!(output.status.success() && !format!("{output:?}").contains("secret"), "{output:?}");
    for request in server.join().unwrap() {
        assert_eq!(field(&request, "authorization").unwrap(), "Basic bWU6c2VjcmV0");
        assert!(!request.contains("secret") && !request.contains("me@"), "{request}");
    }
    let closed = format!("https://me:secret@127.0.0.1:{}/", free_port());
    let unreachable = client(&closed, &["--policy", "answer"]);
    assert!(told(&unreachable).contains("Connection refused"), "{unreachable:?}");
    for output in [unreachable, client("http://me:secret@", &[]), client("http://me:secret@x:99999/", &[])] {
        assert!(output.status.code() == Some(1) && !format!("{output:?}").contains("secret"), "{output:?}");
    }
}

#[test]
fn nobody_can_send_control_sequences_to_the_terminal() {
    let shown = |body: &str| {
        let (url, _server) = serve(vec![stream(body)]);
        printed(&client(&url, &["--count", "1"]))
    };
    let seen = shown("event: \x1b[2J\nid: \x1b]0;x\x07\ndata: \x1b[31mred\u{9b}\n\n");
    assert!(seen.chars().all(|character| character == '\n' || !character.is_control()), "{seen:?}");
    assert!(seen.contains(r"\u{1b}[2J #\u{1b}]0;x\u{7}  \u{1b}[31mred\u{9b}"), "{seen:?}");
    // What reorders the text, hides in it or breaks its lines.
    let bidirectional =
        "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    for character in bidirectional.chars().chain("\u{7f}\u{85}\u{2028}\u{2029}\u{feff}".chars()) {
        let seen = shown(&format!("event: a{character}\nid: b{character}\ndata: c{character}d\n\n"));
        let escaped = character.escape_unicode();
        assert!(!seen.contains(character), "{escaped}: {seen:?}");
        assert!(seen.contains(&format!("a{escaped} #b{escaped}  c{escaped}d\n")), "{seen:?}");
    }
    // What people write is left alone.
    let text = "caf\u{e9} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f469}\u{200d}\u{1f680}\ttab";
    assert!(shown(&format!("data: {text}\n\n")).contains(text));
}

#[test]
fn events_are_json_for_programs() {
    let body = "event: \u{1b}[2J\nid: \u{9b}\ndata: \"a\"\ndata: \u{202e}\u{fe0f}\t\n\ndata: b\n\n";
    let (url, _server) = serve(vec![stream(body)]);
    let output = client(&url, &["--count", "2", "--json"]);
    let lines = printed(&output);
    assert!(lines.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{202e}')), "{lines:?}");
    let events = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let first = json!({ "event": "\u{1b}[2J", "id": "\u{9b}", "data": "\"a\"\n\u{202e}\u{fe0f}\t" });
    assert_eq!(events, [first, json!({ "event": "message", "id": "\u{9b}", "data": "b" })]);
}

#[test]
fn a_server_is_trusted_if_its_certificate_is() {
    let (url, server) = serve_tls(stream("data: safe\n\n"));
    let output = client(&url, &["--count", "1", "--cacert", CERTIFICATE]);
    assert_eq!((output.status.code(), &*printed(&output)), (Some(0), "message  safe\n"), "{output:?}");
    server.join().unwrap();

    let (url, server) = serve_tls(stream("data: not safe\n\n"));
    let output = client(&url, &["--count", "1", "--policy", "answer"]);
    assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{output:?}");
    assert!(told(&output).contains("invalid peer certificate"), "{output:?}");
    server.join().unwrap();
}

#[test]
fn header_fields_are_sent_in_place_of_its_own_and_again_with_each_request() {
    let (url, server) = serve(vec![stream("retry: 1\ndata: a\n\n"), stream("data: b\n\n")]);
    let fields = [
        "accept: application/json, text/event-stream",
        "x-one:1",
        "X-One: 2",
        "authorization: Bearer secret",
    ];
    let options: Vec<_> =
        fields.iter().flat_map(|field| ["--header", field]).chain(["--count", "2"]).collect();
    let output = client(&url, &options);
    assert!(output.status.success() && !format!("{output:?}").contains("secret"), "{output:?}");
    for request in server.join().unwrap() {
        assert_eq!(field(&request, "accept").unwrap(), "application/json, text/event-stream");
        assert_eq!(field(&request, "authorization").unwrap(), "Bearer secret");
        assert!(request.contains("x-one: 1\r\nx-one: 2\r\n"), "{request}");
        assert_eq!(request.matches("accept: ").count(), 1, "{request}");
    }
}

#[test]
fn data_is_posted_from_the_line_a_file_and_the_standard_input() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from a\nfile").unwrap();
    let at_file = format!("@{}", file.path().display());
    for (data, sent) in [("{}", "{}"), (&*at_file, "from a\nfile"), ("-", "from a\npipe")] {
        // The second is the same as the first, but for the last event ID.
        let (url, server) = serve(vec![stream("retry: 1\nid: 1\ndata: a\n\n"), stream("data: b\n\n")]);
        let mut command = command(&url);
        command.args(["--count", "2", "--data", data]).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        // One that doesn't read it may be over.
        let _ = process.stdin.take().unwrap().write_all(b"from a\npipe");
        assert!(process.wait().unwrap().success());
        for request in server.join().unwrap() {
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("POST / ") && body == sent, "{request}");
            assert_eq!(field(&request, "content-type").unwrap(), "application/json");
        }
    }
    let (url, server) = serve(vec![stream("data: a\n\n")]);
    let text = ["--data", "a", "--header", "content-type: text/plain", "--policy", "answer"];
    assert!(client(&url, &text).status.success());
    assert_eq!(field(&server.join().unwrap()[0], "content-type").unwrap(), "text/plain");
}

#[test]
fn silence_is_a_lost_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut silent, _) = listener.accept().unwrap();
        request(&mut silent);
        silent.write_all(stream("retry: 1\nid: 1\ndata: a\n\n").as_bytes()).unwrap();
        let again = say(listener.accept().unwrap().0, &stream("data: b\n\n"));
        // The client has hung up on the silent one.
        silent.set_read_timeout(Some(SOON)).unwrap();
        silent.read_to_end(&mut Vec::new()).unwrap();
        again
    });
    let begun = Instant::now();
    let output = client(&url, &["--count", "2", "--idle-timeout", "0.5"]);
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    assert_eq!(printed(&output), "message #1  a\nmessage #1  b\n");
    assert!(
        told(&output).contains("-- the event stream was idle for too long; reconnecting in 1"),
        "{output:?}"
    );
    assert_eq!(field(&server.join().unwrap(), "last-event-id").unwrap(), "1");
}

#[test]
fn the_policy_says_when_it_comes_back() {
    let unavailable = "HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n".to_owned();
    let (url, server) = serve(vec![unavailable.clone(), stream("data: a\n\n")]);
    let begun = Instant::now();
    let output = client(&url, &["--count", "1"]);
    assert!(output.status.success() && begun.elapsed() >= Duration::from_secs(1), "{output:?}");
    assert!(told(&output).contains("-- answered 503 "), "{output:?}");
    assert_eq!(server.join().unwrap().len(), 2);

    // For a browser, any status but 200 is the end.
    let (url, _server) = serve(vec![unavailable.clone()]);
    let output = client(&url, &["--policy", "browser"]);
    assert!(output.status.code() == Some(1) && told(&output).contains("client: "), "{output:?}");
    // It waits exactly as long as the server says.
    let (url, _server) = serve(vec![stream("retry: 200\ndata: a\n\n"), stream("data: b\n\n")]);
    let output = client(&url, &["--policy", "browser", "--count", "2"]);
    assert!(told(&output).contains("reconnecting in 200.0ms\n"), "{output:?}");

    // An answer is asked for again only where it hasn't begun; its end is the end.
    let (url, server) = serve(vec![unavailable, stream("data: a\n\n")]);
    let output = client(&url, &["--policy", "answer"]);
    assert_eq!((output.status.code(), &*printed(&output)), (Some(0), "message  a\n"), "{output:?}");
    assert_eq!(server.join().unwrap().len(), 2);
    let (url, _server) = serve(vec![stream("data: a\n\ndata: cut")]);
    let output = client(&url, &["--policy", "answer"]);
    assert_eq!((output.status.code(), &*printed(&output)), (Some(1), "message  a\n"), "{output:?}");
}

#[test]
fn it_explains_itself() {
    let help = printed(&client("http://x", &["--help"]));
    assert!(help.contains("--url URL") && help.lines().all(|line| line.len() <= 100), "{help}");
    for options in [
        &["--url", "ftp://x/"][..],
        &["no"],
        &["http://x/", "http://y/"],
        &["--count", "x"],
        &["--what"],
        &["http://x/", "--policy", "none"],
        &["http://x/", "--idle-timeout", "-1"],
        &["http://x/", "--header", "secret"],
        &["http://x/", "--header", "a: secret\u{7f}"],
        &["http://x/", "--data", "@/nowhere"],
        &["http://x/", "--cacert", "/nowhere"],
        &["http://x/", "--cacert", "/dev/null"],
        &[],
    ] {
        let output = Command::new(CLIENT).args(options).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{options:?}");
        let told = told(&output);
        assert!(told.starts_with("client: ") && !told.contains("secret"), "{options:?}: {told}");
    }
}
