//! `llm`: answers that stop when nobody reads them, and go on where they stopped.

use crate::http::{Events, SOON, answer, request, status};
use crate::server::Server;
use eventsource_core::test_util::Interpretation;
use serde_json::{Value, json};
use std::time::Instant;

const LLM: &str = env!("CARGO_BIN_EXE_llm");

/// Asks for so many words.
fn ask(server: &Server, prompt: &str, words: usize) -> Events {
    let question = json!({ "prompt": prompt, "words": words }).to_string();
    let head = "POST /answer HTTP/1.0\r\ncontent-type: application/json; charset=utf-8";
    Events::from(request(server, head, question.as_bytes()))
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
fn only_so_many_answers_are_kept() {
    let server = Server::start(LLM, 0);
    let ids: Vec<_> = (0..300)
        .map(|number| ask(&server, &number.to_string(), 0).read_to_end().events[0].last_event_id.clone())
        .collect();
    assert_eq!(stats(&server), [0, 0, 256]);
    let resumed =
        |id: &str| status(request(&server, &format!("POST /answer HTTP/1.1\r\nlast-event-id: {id}"), b""));
    assert_eq!([&ids[0], &ids[43], &ids[44], &ids[299]].map(|id| resumed(id)), ["410", "410", "200", "200"]);
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
