//! `llm`: answers that stop when nobody reads them, and go on where they stopped.

use crate::http::{Events, SOON, answer, request, request_from, status};
use crate::server::Server;
use eventsource_core::test_util::Interpretation;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::Instant;

const LLM: &str = env!("CARGO_BIN_EXE_llm");

/// So many answers of one client there can be at once, and so many of its answers are kept.
const AT_ONCE: usize = 8;
const KEPT: usize = 32;

/// Asks for so many words.
fn ask(server: &Server, prompt: &str, words: usize) -> Events {
    ask_from(client(1), server, prompt, words)
}

/// One of the clients, each at an address of its own.
fn client(number: u8) -> IpAddr {
    [127, 0, 0, number].into()
}

fn ask_from(address: IpAddr, server: &Server, prompt: &str, words: usize) -> Events {
    let question = json!({ "prompt": prompt, "words": words }).to_string();
    let head = "POST /answer HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json; charset=utf-8";
    Events::from(request_from(address, server, head, question.as_bytes()))
}

/// The status of a question with other header fields, which have no `host` of their own.
fn asked_with(server: &Server, fields: &str) -> String {
    status(request_from(client(1), server, &format!("POST /answer HTTP/1.1\r\n{fields}"), b"Why?"))
}

/// Comes back for what's after an event.
fn resume(server: &Server, last_event_id: &str) -> Events {
    let head = format!("POST /answer HTTP/1.0\r\nlast-event-id: {last_event_id}");
    Events::from(request(server, &head, b"the same question, which doesn't count"))
}

fn stats(server: &Server) -> [u64; 3] {
    let answer = answer(request(server, "GET /stats HTTP/1.0", b""));
    let stats: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    ["words", "working", "answers"].map(|name| stats[name].as_u64().unwrap())
}

/// Waits until nobody works, and says how many words there were by then.
fn words_once_idle(server: &Server) -> u64 {
    let deadline = Instant::now() + SOON;
    loop {
        let [words, working, _] = stats(server);
        if working == 0 {
            return words;
        }
        assert!(Instant::now() < deadline, "the work goes on: {words} words");
    }
}

/// The words of a complete answer, or of its rest.
fn complete(seen: &Interpretation) -> Vec<String> {
    let (done, words) = seen.events.split_last().unwrap();
    assert_eq!((done.name.as_str(), done.data.as_str()), ("done", ""));
    words.iter().map(|word| word.data.clone()).collect()
}

#[test]
fn an_answer_comes_word_by_word() {
    let server = Server::start(LLM, 0);
    let seen = ask(&server, "Why?", 12).read_to_end();
    let words = complete(&seen);
    assert_eq!((words.len(), words.concat().split(' ').count()), (12, 12), "{words:?}");
    let (epoch, _) = seen.events[0].last_event_id.split_once('-').unwrap();
    for (event, number) in seen.events.iter().zip(1..) {
        assert_eq!(event.last_event_id, format!("{epoch}-{number}"));
    }
    // The same question, the same answer; also as text. Another question, another answer.
    assert_eq!(complete(&ask(&server, "Why?", 12).read_to_end()), words);
    let text = complete(&Events::from(request(&server, "POST /answer HTTP/1.0", b"Why?")).read_to_end());
    assert_eq!((&text[..12], text.len()), (&words[..], 50));
    assert_ne!(complete(&ask(&server, "Why not?", 12).read_to_end()), words);
    assert_eq!(stats(&server), [12 + 12 + 50 + 12, 0, 4]);
}

#[test]
fn the_work_stops_when_the_client_goes() {
    let server = Server::start(LLM, 0);
    let mut client = ask(&server, "Tell me all.", 500);
    client.read_until(|seen| seen.events.len() >= 3);
    assert_eq!(stats(&server)[1], 1);
    drop(client);
    let words = words_once_idle(&server);
    assert!((3..500).contains(&words), "{words}");
    // While another answer is made, no word of the first one is.
    ask(&server, "Something short.", 20).read_to_end();
    assert_eq!(stats(&server), [words + 20, 0, 2]);
}

#[test]
fn who_comes_back_gets_the_rest_and_no_word_twice() {
    let server = Server::start(LLM, 0);
    let whole = complete(&ask(&server, "Again?", 30).read_to_end());

    let mut client = ask(&server, "Again?", 30);
    let mut seen = client.read_until(|seen| seen.events.len() >= 5);
    drop(client);
    words_once_idle(&server);
    let mut words: Vec<_> = seen.events.drain(..).collect();
    // Twice, from in between too: what was said but not received isn't lost.
    words.truncate(4);
    let mut client = resume(&server, &words[3].last_event_id);
    words.extend(client.read_until(|seen| seen.events.len() >= 4).events);
    drop(client);
    let rest = resume(&server, &words.last().unwrap().last_event_id).read_to_end();
    let words: Vec<_> = words.into_iter().map(|word| word.data).chain(complete(&rest)).collect();
    assert_eq!(words, whole);
    assert_eq!(stats(&server), [60, 0, 2]);

    // After the end too: from its beginning on, and from its end on.
    let done = rest.events.last().unwrap().last_event_id.clone();
    let epoch = done.split('-').next().unwrap();
    assert_eq!(complete(&resume(&server, &format!("{epoch}-0")).read_to_end()), whole);
    assert!(resume(&server, &done).read_to_end().events.is_empty());
    assert_eq!(stats(&server)[0], 60);
}

#[test]
fn two_clients_of_one_answer_both_get_it_and_it_is_made_once() {
    let server = Server::start(LLM, 0);
    let mut first = ask(&server, "For two?", 100);
    let id = first.read_until(|seen| seen.events.len() >= 3).events[0].last_event_id.clone();
    let mut second = resume(&server, &id);
    second.read_until(|seen| seen.events.len() >= 3);
    // The one that had it made goes; the other has it finished.
    drop(first);
    let rest = complete(&second.read_to_end());
    assert_eq!(rest.len(), 99);
    assert_eq!(stats(&server), [100, 0, 1]);
}

#[test]
fn only_so_many_answers_of_a_client_are_kept() {
    let server = Server::start(LLM, 0);
    let ids: Vec<_> = (0..300)
        .map(|number| ask(&server, &number.to_string(), 0).read_to_end().events[0].last_event_id.clone())
        .collect();
    assert_eq!(stats(&server), [0, 0, KEPT as u64]);
    let resumed =
        |id: &str| status(request(&server, &format!("POST /answer HTTP/1.1\r\nlast-event-id: {id}"), b""));
    let first = 300 - KEPT;
    let tried = [&ids[0], &ids[first - 1], &ids[first], &ids[299]].map(|id| resumed(id));
    assert_eq!(tried, ["410", "410", "200", "200"]);
}

/// Neither another client's nor a client's own, for one that's complete goes first.
#[test]
fn an_answer_that_broke_off_makes_no_room_for_later_questions() {
    let server = Server::start(LLM, 0);
    for victim in [client(2), client(1)] {
        let mut interrupted = ask_from(victim, &server, "Mine?", 30);
        let mut words = interrupted.read_until(|seen| seen.events.len() >= 3).events;
        drop(interrupted);
        for number in 0..300 {
            ask(&server, &number.to_string(), 0).read_to_end();
        }
        words.truncate(3);
        let rest = complete(&resume(&server, &words[2].last_event_id).read_to_end());
        assert_eq!(rest.len(), 27);
    }
}

#[test]
fn who_leaves_all_answers_unfinished_gets_no_more_but_others_do() {
    let server = Server::start(LLM, 0);
    for _ in 0..KEPT {
        ask(&server, "Never mind.", 500).read_until(|seen| !seen.events.is_empty());
        words_once_idle(&server);
    }
    assert_eq!(asked_with(&server, "host: localhost"), "429");
    assert_eq!(stats(&server)[2], KEPT as u64);
    assert_eq!(complete(&ask_from(client(2), &server, "And mine?", 3).read_to_end()).len(), 3);
}

#[test]
fn a_client_has_only_so_many_answers_at_once() {
    let server = Server::start(LLM, 0);
    let mut open: Vec<_> = (0..AT_ONCE).map(|_| ask(&server, "All of it!", 500)).collect();
    let ids: Vec<_> = open
        .iter_mut()
        .map(|one| one.read_until(|seen| !seen.events.is_empty()).events[0].last_event_id.clone())
        .collect();
    let refused = answer(request(&server, "POST /answer HTTP/1.0", b"Why?")).to_lowercase();
    assert!(refused.starts_with("http/1.0 429") && refused.contains("\r\nretry-after: "), "{refused}");
    // To come back counts, too.
    assert_eq!(asked_with(&server, &format!("host: localhost\r\nlast-event-id: {}", ids[0])), "429");
    assert_eq!(stats(&server)[1..], [AT_ONCE as u64; 2]);
    assert_eq!(complete(&ask_from(client(2), &server, "And mine?", 3).read_to_end()).len(), 3);
    // Who goes makes room.
    open.pop();
    let deadline = Instant::now() + SOON;
    while asked_with(&server, "host: localhost") != "200" {
        assert!(Instant::now() < deadline, "there's never room again");
    }
}

#[test]
fn pages_of_other_sites_ask_nothing() {
    let server = Server::start(LLM, 0);
    let port = server.address.port();
    // A name of theirs that they have resolve to this machine.
    for host in
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example"]
    {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            assert_eq!(asked_with(&server, &format!("host: {host}")), "403", "{host}");
        }
    }
    // A request that a page sends without asking first.
    let own = format!("localhost:{port}");
    for origin in [
        "http://evil.example".to_owned(),
        "null".into(),
        "http://localhost:1".into(),
        "http://localhost".into(),
        format!("http://localhost:{port}.evil.example"),
        format!("http://127.0.0.1:{port}"),
        format!("http://{own}\r\norigin: http://evil.example"),
    ] {
        assert_eq!(asked_with(&server, &format!("host: {own}\r\norigin: {origin}")), "403", "{origin}");
    }
    // Which host would count?
    assert_eq!(asked_with(&server, &format!("host: {own}\r\nhost: evil.example")), "400");
    assert_eq!(asked_with(&server, "accept: */*"), "400");
    assert_eq!(stats(&server), [0, 0, 0]);

    for host in ["LOCALHOST", "localhost", "127.0.0.1", "[::1]"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let origin = format!("host: {host}\r\norigin: http://{host}");
            for fields in [format!("host: {host}"), origin] {
                assert_eq!(asked_with(&server, &fields), "200", "{fields}");
                words_once_idle(&server);
            }
        }
    }
    // A health check in HTTP/1.0 names no host, and no page can send one.
    assert!(answer(request_from(client(1), &server, "GET / HTTP/1.0", b"")).starts_with("HTTP/1.0 200"));
}

#[test]
fn there_are_only_so_many_connections() {
    let server = Server::start(LLM, 0);
    // One that says nothing is closed at some time, which isn't waited for here.
    let mut silent: Vec<_> = (0..512).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    let one_more = || {
        let mut client = TcpStream::connect(server.address).unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        let _ = client.write_all(b"GET / HTTP/1.0\r\n\r\n");
        client.read(&mut [0])
    };
    assert!(matches!(one_more(), Ok(0) | Err(_)));
    silent.truncate(256);
    let deadline = Instant::now() + SOON;
    while !matches!(one_more(), Ok(1)) {
        assert!(Instant::now() < deadline, "there's never room again");
    }
}

#[test]
fn what_it_does_not_take() {
    let server = Server::start(LLM, 0);
    let status = |head: &str, body: &[u8]| status(request(&server, head, body));
    assert_eq!(status("GET /answer HTTP/1.1", b""), "405");
    assert_eq!(status("POST /answer HTTP/1.1", b" "), "400");
    assert_eq!(status("POST /answer HTTP/1.1", b"\xff"), "400");
    assert_eq!(status("POST /answer HTTP/1.1", &[b'x'; 8 * 1024 + 1]), "413");
    let json = "POST /answer HTTP/1.1\r\ncontent-type: application/json";
    for body in [r#"{"words":3}"#, r#"{"prompt":"?","words":-1}"#, r#"{"prompt":"?","what":1}"#, "?"] {
        assert_eq!(status(json, body.as_bytes()), "400", "{body}");
    }
    let after = |id: &str| status(&format!("POST /answer HTTP/1.1\r\nlast-event-id: {id}"), b"?");
    assert_eq!(["abc-1", "n1", &"x".repeat(300)].map(after), ["410", "410", "400"]);
    assert_eq!(status("POST /answer HTTP/1.1\r\naccept: text/html", b"?"), "406");
    assert_eq!(status("GET /nothing HTTP/1.1", b""), "404");
    assert_eq!(stats(&server)[0], 0);
    // However much is asked for.
    assert_eq!(complete(&ask(&server, "All of it!", usize::MAX).read_to_end()).len(), 500);
}
